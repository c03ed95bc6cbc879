"""Two commits → the files that differ between them, and the bytes of those that are worth reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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
    told = path.decode("utf-8", "backslashreplace")
    return Side(path=told, mode=mode, blob=blob, exact=told.encode("utf-8") == path)


def sizes(git: Git, blobs: Iterable[str]) -> dict[str, int]:
    """Give the bytes of each blob that the repository has."""
    wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode()
    found = {}
    for line in git.run("cat-file", "--batch-check", given=wanted).decode("ascii", "replace").splitlines():
        name, _, rest = line.partition(" ")
        kind, _, size = rest.partition(" ")
        if kind == "blob" and size.isdecimal():
            found[name] = int(size)
    return found


def contents(git: Git, blobs: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Give blobs with their bytes, one after the other.

    Args:
        git: The repository.
        blobs: Id → size, as `sizes` tells; all that fit into memory one by one.
    """
    if not blobs:
        return
    with git.talk("cat-file", "--batch", "--buffer", given="".join(f"{blob}\n" for blob in blobs).encode()) as told:
        for blob, size in blobs.items():
            yield blob, _answer(told, blob, size)


def _answer(told: IO[bytes], blob: str, size: int) -> bytes:
    header = told.readline(200)
    if header != f"{blob} blob {size}\n".encode():
        raise EOFError
    data = told.read(size + 1)
    if len(data) != size + 1:
        raise EOFError
    return data[:-1]


def blob_at(git: Git, commit: str, path: str, limit: int) -> bytes | None:
    """Give the bytes of one file of a commit; None when it has none there, or it is larger than `limit`."""
    if not commit or "\n" in path:
        return None
    listed = git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
    found = re.match(rb"(100[0-7]{3}) blob ([0-9a-f]{40,64})\t", listed)
    if found is None:
        return None
    known = sizes(git, [found[2].decode("ascii")])
    if not known or max(known.values()) > limit:
        return None
    return dict(contents(git, known)).get(found[2].decode("ascii"))
