"""Two commits, or the index → the bumps: which files are read, and what of them could not be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from gatekeeper.bump import Bump, BumpKind, Bumps
from gatekeeper.ci.changes import (
    Change,
    Side,
    between,
    common_base,
    contents,
    require_within,
    resolve,
    resolve_first,
    staged,
)
from gatekeeper.ci.event import Since
from gatekeeper.ci.extracting import extract, takes
from gatekeeper.ci.extractor import ending, matches
from gatekeeper.ci.git import Git
from gatekeeper.ci.links import leading
from gatekeeper.ci.pairing import Named, pair
from gatekeeper.endings import is_weights
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Ignored, Mention, Pattern
from gatekeeper.text import plural, printable

_is_weights = lru_cache(maxsize=16_384)(is_weights)
_NO_TEXT = frozenset(
    {".markdown", ".md", ".mdx", ".rst"}
    | {".7z", ".avi", ".bmp", ".bz2", ".class", ".docx", ".eot", ".exe", ".gif", ".gz", ".ico", ".jar", ".jpeg", ".jpg"}
    | {".lz4", ".mov", ".mp3", ".mp4", ".odt", ".ogg", ".otf", ".pdf", ".png", ".pptx", ".so", ".tar", ".tgz", ".tif"}
    | {".tiff", ".ttf", ".wav", ".webm", ".webp", ".whl", ".woff", ".woff2", ".xlsx", ".xz", ".zip", ".zst"}
)
"""Endings of prose and of what is no text: nothing loads a model by them."""

_HELD = re.compile(rb"[0-9a-f]{40,64} (?:tree|blob) ")
"""What git says of a path that is there."""

_TOLD = 20
"""Files of one kind that could not be read and are told one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a team says of its files."""

    patterns: tuple[Pattern, ...] = ()
    ignored: tuple[Ignored, ...] = ()

    def reads(self, path: str) -> bool:
        """Whether a file of that name may name models."""
        return takes(path) or self.looks_into(path)

    def looks_into(self, path: str) -> bool:
        """Whether a pattern of the team is about files of that name."""
        return any(matches(path, each.path) for each in self.patterns)

    def ignores_path(self, path: str) -> bool:
        """Whether a file is not looked at."""
        return any(each.path and matches(path, each.path) for each in self.ignored)

    def ignores_name(self, name: str) -> bool:
        """Whether a name is no model."""
        return any(each.name and matches(name, each.name) for each in self.ignored)


def bumps(
    repository: Path,
    base: str | Since,
    head: str = "HEAD",
    *,
    patterns: Iterable[Pattern] = (),
    ignore: Iterable[Ignored] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Bumps:
    """Find the models that a change adds, changes or removes.

    Args:
        repository: Its root, or a folder in it.
        base: Commit, branch or tag that the change goes to; what it has in common with the head is compared.
        head: The change: a commit, or the merge of both.
        patterns: Places of a team's own where files name models.
        ignore: Files and names that are none of a model.
        limits: How much to read.

    Raises:
        InputError: When a revision is not there, or the history that is needed was not fetched; with what to run.
        LimitError: When the difference is larger than the limits allow.
    """
    git = Git(repository, limits)
    newer = resolve(git, head)
    wanted = base if isinstance(base, Since) else Since(names=(base,))
    older = common_base(git, resolve_first(git, wanted.names, wanted.absent), newer)
    if wanted.holds:
        require_within(git, wanted.holds, newer)
    rules = Rules(patterns=tuple(patterns), ignored=tuple(ignore))
    return _Reading(git, rules, limits).bumps(older, newer, between(git, older, newer, limits))


def staged_bumps(
    repository: Path,
    *,
    patterns: Iterable[Pattern] = (),
    ignore: Iterable[Ignored] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Bumps:
    """Find the models that what is staged for the next commit adds, changes or removes; `head` is then empty."""
    git = Git(repository, limits)
    base, changes = staged(git, limits)
    rules = Rules(patterns=tuple(patterns), ignored=tuple(ignore))
    return _Reading(git, rules, limits).bumps(base, "", changes)


@dataclass(slots=True)
class _Reading:
    git: Git
    rules: Rules
    limits: Limits
    unread: list[str] = field(default_factory=list)
    wanted: dict[str, bool] = field(default_factory=dict)
    """Path → whether it is read."""

    def bumps(self, base: str, head: str, changes: Sequence[Change]) -> Bumps:
        wanted = [kept for change in changes if (kept := self._without_ignored(change)).sides and _differs(kept)]
        read = [change for change in wanted if any(self._takes(side) for side in change.sides)]
        self._tell_links(wanted, head)
        named = self._named(read)
        found = self._unless_local(pair(named), head)
        files = [change for change in wanted if any(_local(side) for side in change.sides)]
        found += _local_files(files)
        found.sort(key=lambda bump: (bump.place.path, bump.place.cell, bump.place.line) if bump.place else ("", 0, 0))
        return Bumps(
            base=base, head=head, bumps=tuple(found), files=len({*map(id, read), *map(id, files)}),
            unread=tuple(self.unread),
        )  # fmt: skip

    def _without_ignored(self, change: Change) -> Change:
        if not self.rules.ignored:
            return change
        old, new = (
            side and (None if self.rules.ignores_path(side.path) else side) for side in (change.old, change.new)
        )
        return Change(old=old, new=new)

    def _takes(self, side: Side) -> bool:
        """Whether a side is read: any text may have a comment by which a team marks a model."""
        if side.symlink or side.submodule:
            return False
        if side.path not in self.wanted:
            plain = ending(side.path) not in _NO_TEXT or self.rules.reads(side.path)
            self.wanted[side.path] = plain and not _is_weights(side.path)
        return self.wanted[side.path]

    def _tell_links(self, changes: Iterable[Change], head: str) -> None:
        """Say what leads elsewhere: nobody looked there."""
        sides = [change.new for change in changes if change.new]
        modules = [side.path for side in sides if side.submodule]
        links = list(leading(self.git, head, (side for side in sides if side.symlink), self._looks_at))
        self._tell(modules, "is another repository (a submodule), and what changed in it was not looked at")
        self._tell(links, "is a symbolic link, and what it leads to was not looked at")
        odd = [side.path for side in sides if _local(side) and not side.exact]
        self._tell(odd, "has a name that is no UTF-8, so it can't be judged")

    def _looks_at(self, path: str) -> bool:
        return _is_weights(path) or self.rules.reads(path)

    def _tell(self, paths: Sequence[str], why: str) -> None:
        self.unread += [f"{printable(path)} {why}" for path in paths[:_TOLD]]
        if paths[_TOLD:]:
            self.unread.append(f"{plural(len(paths) - _TOLD, 'more file')}: each {why}")

    def _named(self, changes: Sequence[Change]) -> list[Named]:
        """Read both sides of each changed file, one blob after the other."""
        readers: defaultdict[str, list[tuple[int, Side, bool]]] = defaultdict(list)
        for index, change in enumerate(changes):
            for side in change.sides:
                if self._takes(side):
                    readers[side.blob].append((index, side, side is change.new))
        found: dict[tuple[int, bool], tuple[Mention, ...]] = {}
        refused: defaultdict[str, list[str]] = defaultdict(list)
        limits = self.limits
        for blob, data in contents(self.git, readers, limits.source_bytes, limits.diff_content_bytes):
            for index, side, newer in readers[blob]:
                if not isinstance(data, bytes):
                    if newer and self.rules.reads(side.path):
                        refused[data.value].append(side.path)
                elif mentions := extract(side.path, data, self.rules.patterns, limits):
                    found[(index, newer)] = tuple(each for each in mentions if not self.rules.ignores_name(each.name))
        for why, paths in refused.items():
            self._tell(paths, why)
        none: tuple[Mention, ...] = ()
        naming = sorted({index for index, _ in found})
        return [Named(old=found.get((index, False), none), new=found.get((index, True), none)) for index in naming]

    def _unless_local(self, found: Iterable[Bump], head: str) -> list[Bump]:
        """Refuse to guess where a name could be a model on the Hub or a path of this very repository."""
        bumps = list(found)
        paths = {id(bump): _paths(bump) for bump in bumps if bump.kind in {BumpKind.ADDED, BumpKind.CHANGED}}
        held = self._held({path for each in paths.values() for path in each}, head)
        return [bump if held.isdisjoint(paths.get(id(bump), ())) else _untold(bump) for bump in bumps]

    def _held(self, paths: set[str], head: str) -> set[str]:
        """Give those paths that the newer side has; git is asked once for all of them."""
        if not head:
            return {path for path in paths if (self.git.root / path).exists()}
        asked = sorted(path for path in paths if "\n" not in path)
        if not asked:
            return set()
        told = self.git.run("cat-file", "--batch-check", given="".join(f"{head}:{path}\n" for path in asked).encode())
        return {path for path, line in zip(asked, told.split(b"\n")[:-1], strict=True) if _HELD.match(line)}


def _paths(bump: Bump) -> set[str]:
    """Give the paths that the name of a bump would be, from the root and from the files that name it."""
    folders = {PurePosixPath(mention.path).parent for mention in bump.new} | {PurePosixPath()}
    return {str(folder / bump.name) for folder in folders}


def _untold(bump: Bump) -> Bump:
    why = f"{bump.name} is also a path of this repository, and which of the two is loaded can't be told"
    return replace(bump, kind=BumpKind.UNRESOLVED, new=tuple(replace(mention, unresolved=why) for mention in bump.new))


def _differs(change: Change) -> bool:
    old, new = change.old, change.new
    return not (old and new) or (old.path, old.mode & 0o170000, old.blob) != (new.path, new.mode & 0o170000, new.blob)


def _local(side: Side | None) -> bool:
    return side is not None and _is_weights(side.path) and not side.submodule and not side.symlink


def _local_files(changes: Sequence[Change]) -> Iterator[Bump]:
    """List weights and graphs of the repository itself; one that only moved is the same, unless another lay there."""
    before = {change.old.blob for change in changes if change.old and _local(change.old)}
    after = {change.new.blob for change in changes if change.new and _local(change.new)}
    for change in changes:
        old = change.old if _local(change.old) else None
        new = change.new if _local(change.new) else None
        moved = new and new.blob in before and (old is None or old.blob == new.blob)
        if moved or (old and not new and old.blob in after):
            continue
        kind = (BumpKind.CHANGED if old else BumpKind.ADDED) if new else BumpKind.REMOVED
        path = (new or old or change.sides[0]).path
        yield Bump(kind=kind, name=path, local=True, old=_whole(old), new=_whole(new))


def _whole(side: Side | None) -> tuple[Mention, ...]:
    return (Mention(path=side.path, line=0, name=side.path),) if side else ()
