"""What the user typed → `Reference`. Law: `parse(str(reference)) == reference`.

A text that could mean a repo on the Hub and a path on this disk is refused, never guessed: whoever can put a folder
named `org/name` into a working directory must not choose what is gated.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from gatekeeper.artifact import Reference, Scheme
from gatekeeper.endings import is_weights
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.redaction import redact
from gatekeeper.text import printable

PUBLIC_ENDPOINT = "https://huggingface.co"
_PUBLIC_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})

_HUB = "hf://"
_REVISION_BYTES = 255
# One segment of a repo id: what the Hub's client accepts (`huggingface_hub.utils.validate_repo_id`).
_SEGMENT = re.compile(r"(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?", re.ASCII)
_OTHER_KINDS = frozenset({"datasets", "spaces", "buckets", "kernels"})
_PAGES = frozenset({"api", "blog", "collections", "docs", "join", "learn", "login", "models", "papers", "settings"})
_HEX = frozenset("0123456789abcdef")
_FORMS = "write hf://org/name@revision for a repo on the Hub, ./path for a folder or file"


def parse(text: str, *, revision: str | None = None) -> Reference:
    """Read a reference.

    Args:
        text: `hf://org/name@revision`, `org/name@revision`, a single-name id such as `gpt2`, the address of a
            repo's page on the Hub (or on `HF_ENDPOINT`), a path, or a `file://` address.
        revision: Branch, tag, `refs/pr/N` or commit, when it is not part of `text`. Hub only.

    Raises:
        InputError: When the text means nothing, or two things.
        NotFoundError: When it is a path that leads nowhere.
    """
    reference = _parse(text)
    if revision is None:
        return reference
    if reference.scheme is not Scheme.HUB:
        raise InputError("a local folder or file has no revision", hint="leave the revision out")
    if reference.revision:
        raise InputError(
            f"the revision is given twice: {_show(reference.revision)} and {_show(revision)}",
            hint="give it once, after the @ or by the option",
        )
    return Reference(scheme=Scheme.HUB, name=reference.name, revision=_revision(revision))


def hub_endpoint(endpoint: str | None = None) -> str:
    """Give the Hub's base address: the one given, `HF_ENDPOINT`, or the public Hub; without a slash at the end.

    Raises:
        InputError: When it is no http address, or carries credentials.
    """
    address = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC_ENDPOINT).rstrip("/")
    parts = _split(address)
    if parts.username is not None or parts.password is not None:
        raise InputError("the Hub's address carries credentials", hint="give the token in HF_TOKEN instead")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InputError(f"{_show(address)} is not the address of a Hub", hint="it looks like https://huggingface.co")
    return address


def _parse(text: str) -> Reference:
    if not text.strip():
        raise InputError("the reference is empty", hint=_FORMS)
    if "\0" in text:
        raise InputError("the reference contains a NUL", hint=_FORMS)
    scheme, separator, rest = text.partition("://")
    if separator:
        scheme = scheme.lower()
        if scheme == "hf":
            return _hub_id(rest)
        if scheme in ("http", "https"):
            return _hub_page(text)
        if scheme == "file":
            return _file_address(text)
        raise InputError(f"{_show(scheme)}:// is no kind of reference", hint=_FORMS)
    if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return _local(os.path.expanduser(text))  # noqa: PTH111 - Path would drop the `./` that tells a path from an id
    return _bare(text)


def _bare(text: str) -> Reference:
    """Read a text that does not say whether it is an id or a path."""
    name, _, _ = text.partition("@")
    looks_like_id = _is_repo_id(name) and name.split("/", 1)[0] not in _OTHER_KINDS
    if not os.path.lexists(text):
        if looks_like_id:
            return _hub_id(text)
        raise NotFoundError(f"{_show(text)} is no file or folder, and no id of a Hub repo", hint=_FORMS)
    # `model.safetensors` could be a single-name id by its letters, but nobody has one that ends like a weights file.
    is_file_name = "/" not in text and is_weights(text) and Path(text).is_file()
    if looks_like_id and not is_file_name:
        raise InputError(
            f"{_show(text)} is a path here and could be a repo on the Hub",
            hint=f"write {_HUB}{_show(text)} or ./{_show(text)}",
        )
    return _local(text)


def _local(path: str) -> Reference:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the text is kept as given
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file or folder {_show(path)}", hint="check the path") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{_show(path)} can't be opened: {reason}", hint="check the path and its rights") from error
    if stat.S_ISDIR(mode):
        return Reference(scheme=Scheme.FOLDER, name=path)
    if stat.S_ISREG(mode):
        return Reference(scheme=Scheme.FILE, name=path)
    raise InputError(f"{_show(path)} is neither a file nor a folder", hint="pipes and devices are never opened")


def _file_address(text: str) -> Reference:
    parts = _split(text)
    if parts.netloc not in ("", "localhost") or not parts.path or parts.query or parts.fragment:
        raise InputError(
            f"{_show(text)} does not name a path on this machine", hint="write file:///path, with ? and # quoted"
        )
    path = os.fsdecode(unquote(parts.path, errors="surrogateescape").encode("utf-8", "surrogateescape"))
    if "\0" in path:
        raise InputError("the reference contains a NUL", hint=_FORMS)
    return _local(path)


def _hub_id(text: str) -> Reference:
    """Read `org/name[@revision]`."""
    name, at, revision = text.partition("@")
    first = name.split("/", 1)[0]
    if first in _OTHER_KINDS:
        raise InputError(f"{_show(text)} is among the Hub's {first}; only models are gated", hint=_FORMS)
    if not _is_repo_id(name):
        raise InputError(
            f"{_show(name)} is not the id of a Hub repo",
            hint="ids look like org/name: ASCII letters, digits, '-', '_' and '.', without '--' or '..'",
        )
    return Reference(scheme=Scheme.HUB, name=name, revision=_revision(revision) if at else "")


def _hub_page(text: str) -> Reference:
    """Read the address of a page of the Hub's site; what follows the revision only says where one was looking."""
    parts = _split(text)
    if parts.username is not None or parts.password is not None:
        raise InputError("the address carries credentials", hint="give the token in HF_TOKEN instead")
    base = _split(hub_endpoint())
    if parts.hostname not in _PUBLIC_HOSTS and parts.netloc.lower() != base.netloc.lower():
        raise InputError(
            f"{_show(parts.netloc)} is not the Hub",
            hint=f"pages of {PUBLIC_ENDPOINT} and of HF_ENDPOINT are accepted",
        )
    path = parts.path.removeprefix(base.path) if parts.netloc.lower() == base.netloc.lower() else parts.path
    segments = [unquote(segment) for segment in path.split("/") if segment]
    first = segments[0] if segments else ""
    if first in _OTHER_KINDS | _PAGES or not segments:
        raise InputError(f"{_show(text)} is not the page of a model", hint=_FORMS)
    # Single-name repos have no organisation in front of the page's word.
    length = 1 if len(segments) == 1 or segments[1] in _PAGE_WORDS else 2
    name = "/".join(segments[:length])
    return _hub_id(f"{name}@{_page_revision(text, segments[length:])}" if segments[length:] else name)


_PAGE_WORDS = frozenset({"tree", "blob", "resolve", "raw", "blame", "commit", "commits"})


def _page_revision(text: str, segments: list[str]) -> str:
    if segments[0] not in _PAGE_WORDS or len(segments) < 2:
        raise InputError(
            f"{_show(text)} names no revision of a model", hint="give the repo's address, or that of a file in it"
        )
    # The site writes refs/pr/1 with and without quoting its slashes.
    return "/".join(segments[1:4]) if segments[1] == "refs" else segments[1]


def _revision(text: str) -> str:
    """Check a revision by git's rules for names (git-check-ref-format), and write commits in lower case."""
    lowered = text.lower()
    if len(lowered) == 40 and _HEX.issuperset(lowered):
        return lowered
    parts = text.split("/")
    broken = (
        not text
        or len(text.encode("utf-8", "surrogatepass")) > _REVISION_BYTES
        or text == "@"
        or text.startswith("-")
        or any(part in ("", ".", "..") or part.startswith(".") or part.endswith((".lock", ".")) for part in parts)
        or any(token in text for token in ("..", "@{", *" ~^:?*[\\"))
        or printable(text, _REVISION_BYTES) != text
    )
    if broken:
        raise InputError(
            f"{_show(text)} is not a revision" if text else "the revision is empty",
            hint="a revision is a branch, a tag, refs/pr/N or the forty digits of a commit",
        )
    return text


def _is_repo_id(name: str) -> bool:
    segments = name.split("/")
    return len(segments) <= 2 and all(_SEGMENT.fullmatch(segment) for segment in segments) and not name.endswith(".git")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError as error:
        raise InputError(f"{_show(text)} is not an address", hint=_FORMS) from error
    return parts


def _show(text: str) -> str:
    return printable(redact(text))
