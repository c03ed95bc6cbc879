"""What the files of two commits name → what is new, what took whose place, and what is gone.

Law: a reference that some changed file of the newer commit names, and none of the older one does, is always listed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from gatekeeper.bump import Bump, BumpKind
from gatekeeper.mention import Mention, Role

_Reference = tuple[str, str, str, Role, bool, bool]
"""All by which two mentions differ that can change what is loaded."""

_Model = tuple[str, str, Role, bool]
"""Name, revision, role and whether it is a file of the repository: what a bump is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What one changed file names; a renamed one is one file."""

    old: tuple[Mention, ...] = ()
    new: tuple[Mention, ...] = ()


@dataclass(slots=True)
class _Place:
    """Something new in the newer commit, and what stood for it in the older one."""

    new: Mention
    file: int
    old: Mention | None = None


@dataclass(slots=True)
class _Pairing:
    places: list[_Place] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    """Identities of the older mentions that something took the place of."""

    def pair(self, old: Iterable[Mention], key: str) -> None:
        """Give each new mention the first older one that is like it and was not taken."""
        waiting: defaultdict[Hashable, list[Mention]] = defaultdict(list)
        for mention in old:
            if id(mention) not in self.taken:
                waiting[_ALIKE[key](mention)].append(mention)
        for place in self.places:
            candidates = waiting.get(_ALIKE[key](place.new)) if place.old is None else None
            if candidates:
                place.old = candidates.pop(0)
                self.taken.add(id(place.old))


def _model(mention: Mention) -> Hashable:
    # Without a name nothing says that two mentions are of the same model.
    return (mention.name, mention.role, mention.local) if mention.name else id(mention)


def _spot(mention: Mention) -> Hashable:
    return mention.role, mention.call, mention.cell


_ALIKE = {"model": _model, "spot": _spot}


def pair(files: Iterable[Named]) -> tuple[Bump, ...]:
    """Find the bumps in what changed files name, sorted by path and line."""
    known = [Named(old=_in_order(file.old), new=_in_order(file.new)) for file in files]
    before = {_reference(mention) for file in known for mention in file.old if not mention.unresolved}
    after = {_reference(mention) for file in known for mention in file.new if not mention.unresolved}
    pairing = _Pairing()
    for index, file in enumerate(known):
        within = _Pairing(places=[_Place(each, index) for each in _new_in(file, before)])
        here = {_reference(mention) for mention in file.new if not mention.unresolved}
        left = [mention for mention in file.old if mention.unresolved or _reference(mention) not in here]
        within.pair(left, "model")
        within.pair(left, "spot")
        pairing.places += within.places
        pairing.taken |= within.taken
    everywhere = [mention for file in known for mention in file.old if not mention.unresolved]
    pairing.pair([mention for mention in everywhere if _reference(mention) not in after], "model")
    gone = [each for each in everywhere if _reference(each) not in after and id(each) not in pairing.taken]
    found = [*_resolved(pairing.places), *_unresolved(pairing.places), *_removed(gone)]
    return tuple(sorted(found, key=lambda bump: _position(bump.place)))


def _reference(mention: Mention) -> _Reference:
    return (
        mention.name, mention.revision, mention.code_revision, mention.role, mention.remote_code, mention.local,
    )  # fmt: skip


def _in_order(mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    return tuple(sorted(mentions, key=_position))


def _position(mention: Mention | None) -> tuple[str, int, int]:
    return (mention.path, mention.cell, mention.line) if mention else ("", 0, 0)


def _new_in(file: Named, before: set[_Reference]) -> Iterable[Mention]:
    """Give what the newer side has and the older did not; what can't be told is held against its own file alone."""
    untold = Counter(_untold(mention) for mention in file.old if mention.unresolved)
    for mention in file.new:
        if not mention.unresolved:
            if _reference(mention) not in before:
                yield mention
            continue
        # Of a file that can't be read as a whole nobody knows whether it is the same that can't be told.
        if not (mention.call or mention.name) or untold[_untold(mention)] == 0:
            yield mention
        else:
            untold[_untold(mention)] -= 1


def _untold(mention: Mention) -> Hashable:
    return (*_reference(mention), mention.call, mention.unresolved)


def _resolved(places: Sequence[_Place]) -> Iterable[Bump]:
    groups: defaultdict[_Model, list[_Place]] = defaultdict(list)
    for place in places:
        if not place.new.unresolved:
            groups[_bumped(place.new)].append(place)
    for (name, revision, role, local), group in groups.items():
        old = tuple(place.old for place in group if place.old)
        kind = BumpKind.CHANGED if old else BumpKind.ADDED
        new = tuple(place.new for place in group)
        yield Bump(kind=kind, name=name, revision=revision, role=role, old=old, new=new, local=local)


def _unresolved(places: Sequence[_Place]) -> Iterable[Bump]:
    for place in places:
        if place.new.unresolved:
            old = (place.old,) if place.old else ()
            role = place.new.role
            yield Bump(kind=BumpKind.UNRESOLVED, name=place.new.name, role=role, old=old, new=(place.new,))


def _removed(gone: Sequence[Mention]) -> Iterable[Bump]:
    groups: defaultdict[_Model, list[Mention]] = defaultdict(list)
    for mention in gone:
        groups[_bumped(mention)].append(mention)
    for (name, revision, role, local), old in groups.items():
        yield Bump(kind=BumpKind.REMOVED, name=name, revision=revision, role=role, old=tuple(old), local=local)


def _bumped(mention: Mention) -> _Model:
    return mention.name, mention.revision, mention.role, mention.local
