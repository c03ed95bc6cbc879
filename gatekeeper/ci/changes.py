"""Two commits → the files that differ between them, and the bytes of those that are worth reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import IO

from gatekeeper.ci.git import FETCH_ALL, Git
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.text import printable

_RAW = ("-r", "-z", "--raw", "--no-abbrev", "-M", "-l1000", "--no-ext-diff", "--no-textconv", "--no-relative",
        "--no-color", "--ignore-submodules=none")  # fmt: skip
_LINE = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([A-Z])[0-9]*")
_SYMLINK, _GITLINK, _NOTHING = 0o120000, 0o160000, 0
_TWO_PATHS = frozenset("RC")
_PIECE = 1 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Lack(Enum):
    """Why a blob's bytes are not given."""

    MISSING = "was not fetched (a partial clone), so it was not read"
    LARGE = "is larger than limit source_bytes allows, so it was not read"
    SPENT = "was not read: the change is larger than limit diff_content_bytes allows"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A changed file as one of the two commits has it."""

    path: str
    """From the repository's root; bytes that are no UTF-8 stand as `\\xff`."""

    mode: int
    blob: str
    """Hexadecimal id of its bytes."""

    exact: bool = True
    """Whether `path` is the very name, without bytes that had to be told otherwise."""

    @property
    def symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _SYMLINK

    @property
    def submodule(self) -> bool:
        """Whether it is the commit of another repository."""
        return self.mode == _GITLINK


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A file that differs; a renamed one has both sides."""

    old: Side | None
    new: Side | None

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that there are, the old one first."""
        if self.old and self.new:
            return self.old, self.new
        return tuple(side for side in (self.old, self.new) if side)


def resolve(git: Git, revision: str) -> str:
    """Give the commit that a revision names, hexadecimal.

    Raises:
        InputError: When it names none here; with what to fetch.
    """
    shown = printable(revision, 100)
    if not revision or revision.startswith("-") or _CONTROL.search(revision):
        raise InputError(f"{shown!r} is no revision", hint="name a commit, a branch or a tag")
    out = git.run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", accepted=(0, 1, 128)
    )
    commit = out.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        shallow = f"the history is cut off (a shallow clone): {FETCH_ALL}" if git.shallow else ""
        hint = shallow or f"fetch it: git fetch origin {shown}"
        raise InputError(f"there is no commit {shown} in this repository", hint=hint)
    return commit


def resolve_first(git: Git, names: Sequence[str], absent: str = "") -> str:
    """Give the commit that the first name means which names one.

    Args:
        git: The repository.
        names: At least one.
        absent: Why none may be there, in words.

    Raises:
        InputError: When none names one.
    """
    failure = InputError("no revision is named")
    for name in names:
        try:
            return resolve(git, name)
        except InputError as error:
            failure = error
    if not absent:
        raise failure
    fetch = failure.hint if git.shallow else "fetch it"
    raise InputError(f"{absent}: {failure.message}", hint=f"{fetch}, or name another base such as origin/main")


def common_base(git: Git, base: str, head: str) -> str:
    """Give the best commit that two commits have in common: what the base's branch did meanwhile is then no change.

    A merge commit of the two, as GitHub makes it for a pull request, gives the base itself.

    Raises:
        InputError: When there is none, or the history that would tell was not fetched.
    """
    found = git.run("merge-base", base, head, accepted=(0, 1)).decode("ascii", "replace").split()
    if found:
        return found[0]
    if git.shallow:
        raise InputError(
            f"the history is cut off before what {base[:12]} and {head[:12]} have in common (a shallow clone)",
            hint=f"{FETCH_ALL}, or `git fetch --deepen=200`",
        )
    raise InputError(
        f"{base[:12]} and {head[:12]} have no history in common", hint="name a base that the change was made from"
    )


def require_within(git: Git, part: str, head: str) -> None:
    """See to it that what is judged holds the change that the event is about.

    A job on `pull_request_target` has the target checked out: nothing would differ, and the change would pass unread.

    Args:
        git: The repository.
        part: Commit of the change, as the event has it.
        head: Commit that is judged.

    Raises:
        InputError: When `part` is not `head` or one of its ancestors.
    """
    shown = printable(part, 40)
    try:
        commit = resolve(git, part)
    except InputError:
        commit = ""
    if commit and not git.run("rev-list", "--max-count=1", commit, f"^{head}", "--"):
        return
    raise InputError(
        f"what is checked out is not the change: {head[:12]} does not hold {shown}",
        hint="run on `pull_request`, with the commit that actions/checkout takes by itself, or give --head-ref",
    )


def between(git: Git, base: str, head: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Change, ...]:
    """List the files that differ between two commits, in the order of their paths."""
    return _parse(git.run("diff-tree", "--no-commit-id", *_RAW, "--end-of-options", base, head), limits)


def staged(git: Git, limits: Limits = DEFAULT_LIMITS) -> tuple[str, tuple[Change, ...]]:
    """List the files that the index has otherwise than the commit that is checked out, which is given too.

    Before the first commit the empty tree stands for it.
    """
    out = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accepted=(0, 1))
    base = out.decode("ascii", "replace").strip() or git.text("hash-object", "-t", "tree", "--stdin")
    return base, _parse(git.run("diff-index", "--cached", *_RAW, "--end-of-options", base), limits)


def _parse(raw: bytes, limits: Limits) -> tuple[Change, ...]:
    parts = iter(raw.split(b"\0"))
    changes: list[Change] = []
    for head in parts:
        if not head:
            continue
        found = _LINE.fullmatch(head)
        if found is None:
            raise InputError(f"git told of a change in an unknown form: {printable(head.decode('utf-8', 'replace'))}")
        old_mode, new_mode, old_blob, new_blob, status = (each.decode("ascii") for each in found.groups())
        path = next(parts)
        renamed = next(parts) if status in _TWO_PATHS else path
        changes.append(
            Change(old=_side(path, int(old_mode, 8), old_blob), new=_side(renamed, int(new_mode, 8), new_blob))
        )
        if len(changes) > limits.diff_files:
            raise LimitError(
                f"more than {limits.diff_files} files differ (limit diff_files)", hint="compare with a nearer base"
            )
    return tuple(changes)


def _side(path: bytes, mode: int, blob: str) -> Side | None:
    if mode == _NOTHING:
        return None
    if path.isascii():
        return Side(path=path.decode("ascii"), mode=mode, blob=blob)
    told = path.decode("utf-8", "backslashreplace")
    return Side(path=told, mode=mode, blob=blob, exact=told.encode("utf-8") == path)


def contents(git: Git, blobs: Iterable[str], most: int, total: int) -> Iterator[tuple[str, bytes | Lack]]:
    """Give blobs with their bytes, or why not, one after the other.

    Args:
        git: The repository.
        blobs: Their ids, each once.
        most: Bytes of one.
        total: Bytes of all that are given.
    """
    wanted = list(blobs)
    if not wanted:
        return
    with git.talk("cat-file", "--batch", "--buffer", given="".join(f"{blob}\n" for blob in wanted).encode()) as told:
        for blob in wanted:
            size = _announced(told, blob)
            if size is None:
                yield blob, Lack.MISSING
            elif size > most or size > total:
                _pass_over(told, size + 1)
                yield blob, Lack.LARGE if size > most else Lack.SPENT
            else:
                total -= size
                yield blob, _content(told, size)


def _announced(told: IO[bytes], blob: str) -> int | None:
    """Read how many bytes follow; None when the repository has no such blob."""
    words = told.readline(200).split()
    if words[:1] != [blob.encode()] or len(words) not in {2, 3}:
        raise EOFError
    return int(words[2]) if words[1] == b"blob" else None


def _content(told: IO[bytes], size: int) -> bytes:
    data = told.read(size + 1)
    if len(data) != size + 1:
        raise EOFError
    return data[:-1]


def _pass_over(told: IO[bytes], size: int) -> None:
    while size > 0:
        piece = told.read(min(size, _PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)


def blob_at(git: Git, commit: str, path: str, limit: int) -> bytes | None:
    """Give the bytes of one file of a commit; None when it has none there, or it is larger than `limit`."""
    if not commit or "\n" in path:
        return None
    listed = git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
    found = re.match(rb"(100[0-7]{3}) blob ([0-9a-f]{40,64})\t", listed)
    if found is None:
        return None
    data = dict(contents(git, [found[2].decode("ascii")], limit, limit)).popitem()[1]
    return data if isinstance(data, bytes) else None
