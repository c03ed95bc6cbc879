"""What the lock pins, where models are loaded: the standard library alone, and little of it.

    from gatekeeper import pinned

    model = pinned("org/name")
    AutoModelForCausalLM.from_pretrained(model.id, **model.kwargs)

A lock is read once, and what was looked up in it is remembered, until the file is another one.
"""

from __future__ import annotations

import os

from gatekeeper.lockfile.places import NAME, find_lock
from gatekeeper.lockfile.plain import look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from gatekeeper.lockfile.plain import Fields

VARIABLE = "GATEKEEPER_LOCK"
"""Environment variable that names the lock, as for every command."""


class Pinned:
    """One pinned model, with the arguments that loaders take."""

    __slots__ = ("_base", "digest", "id", "kind", "lock", "policy", "revision", "signer", "verdict")

    id: str
    """`org/name`."""

    revision: str
    """The commit: forty hexadecimal digits. For a base whose commit nobody could tell: empty."""

    kind: str
    """`model`, `adapter` or `graph`; empty for a base."""

    verdict: str
    """What the gate said when it was pinned: `allow`, `audit`, `patch` or `escalate`; empty for a base."""

    policy: str
    """Digest of the policy by which it was said."""

    digest: str
    """`sha256:<hex>` over all of its files."""

    signer: str
    """Who signed it; empty when nobody did."""

    lock: str
    """Path of the lock that says so."""

    def __init__(self, id: str, fields: Fields, lock: str) -> None:
        """Take what stands in the lock."""
        said = {key: value.decode("utf-8") for key, value in fields.items()}
        self.id = id
        self.lock = lock
        self.revision = said[b"commit"]
        self.kind = said.get(b"kind", "")
        self.verdict = said.get(b"verdict", "")
        self.policy = said.get(b"policy", "")
        self.digest = said.get(b"digest", "")
        self.signer = said.get(b"signer", "")
        self._base = said.get(b"base", "")

    @property
    def base(self) -> Pinned | None:
        """The base model that it declares, with its pin; None when it declares none."""
        id, _, commit = self._base.partition("@")
        return Pinned(id, {b"commit": commit.encode()}, self.lock) if id else None

    @property
    def kwargs(self) -> dict[str, str]:
        """Keyword arguments for `from_pretrained`, `pipeline`, `snapshot_download`, `hf_hub_download`, `PeftModel`.

        Raises:
            InputError: When no commit is known, as of a base that could not be resolved.
        """
        return {"revision": self._commit()}

    @property
    def vllm(self) -> dict[str, str]:
        """Keyword arguments for vLLM's `LLM` and engine arguments: model, tokenizer and code at the one commit.

        Raises:
            InputError: As `kwargs`.
        """
        commit = self._commit()
        return {"model": self.id, "revision": commit, "tokenizer_revision": commit, "code_revision": commit}

    def _commit(self) -> str:
        if not self.revision:
            _fail(f"{self.lock} does not know the commit of {self.id}: `gatekeeper lock {self.id}` pins it")
        return self.revision

    def __repr__(self) -> str:
        return f"Pinned({self.id}@{self.revision or '?'})"


class _Read:
    """One version of a lock, and what has been looked up in it."""

    __slots__ = ("data", "entries", "version", "whole")

    def __init__(self, version: tuple[int, ...], data: bytes) -> None:
        """Take the bytes of a file, and what tells this version of it from others."""
        self.version = version
        self.data = data
        self.entries: dict[bytes, Fields] = {}
        self.whole = False
        """Whether the entries are all that there are."""


_KNOWN: dict[str, _Read] = {}
"""Path of a lock → the version of it that was read last."""


def pinned(name: str, *, lock: str | os.PathLike[str] | None = None) -> Pinned:
    """Give what the lock pins for a model.

    Args:
        name: `org/name`, as it stands in the lock.
        lock: Path of the lock; None for `GATEKEEPER_LOCK`, else `gatekeeper.lock` in the current folder
            or, within a repository, above it.

    Raises:
        NotFoundError: When there is no lock, or it does not name the model.
        InputError: When the lock is not in the form of one.
    """
    path = os.fspath(lock) if lock is not None else os.environ.get(VARIABLE) or find_lock()
    if not path:
        _fail(f"there is no {NAME} here or above: `gatekeeper lock {name}` writes one, {VARIABLE} names another place")
    path = os.path.abspath(path)  # noqa: PTH100 - pathlib takes milliseconds to load
    known = _read(path)
    fields = _look_up(path, known, name.encode("utf-8", "replace"))
    if fields is None:
        from difflib import get_close_matches

        near = get_close_matches(name, [id.decode() for id in known.entries], n=3, cutoff=0.5)
        like = f"; it has {', '.join(near)}" if near else ""
        _fail(f"{name!r} is not in {path}{like}: `gatekeeper lock {name}` pins it")
    return Pinned(name, fields, path)


def _read(path: str) -> _Read:
    """Read a lock, or give what is known of it when it is the same file of the same time and size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            state = os.fstat(descriptor)
            version = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)
            known = _KNOWN.get(path)
            if known is None or known.version != version:
                known = _KNOWN[path] = _Read(version, stream.read())
    except OSError as error:
        _fail(f"{path} can't be read: {error.strerror}")
    return known


def _look_up(path: str, known: _Read, id: bytes) -> Fields | None:
    fields = known.entries.get(id)
    if fields is None and not known.whole:
        fields = look_up(known.data, id)
        if fields is not None:
            known.entries[id] = fields
            return fields
        from pathlib import Path

        from gatekeeper.lockfile.reading import plain_entries, read

        known.entries, known.whole, known.data = plain_entries(read(Path(path))), True, b""
        fields = known.entries.get(id)
    return fields


def _fail(message: str) -> NoReturn:
    from gatekeeper.errors import NotFoundError

    raise NotFoundError(message)
