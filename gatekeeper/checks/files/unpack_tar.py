"""What is inside tar archives: members are looked at where they lie, nothing is copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.feed import Output, Refusal, RefusalKind
from gatekeeper.checks.files.tar_members import TarError, TarMember, tar_members
from gatekeeper.checks.files.walk import Item, Walk, collisions, link_trouble, name_trouble, too_deep
from gatekeeper.checks.files.window import window


def tar_contents(item: Item, walk: Walk) -> Iterator[Output]:
    """Give what the members of an uncompressed tar archive hold.

    Raises:
        TarError: When the archive is broken or cut off; what came before it was given.
        BudgetError: When the walk has cost all that it may.
    """
    deep = list(too_deep(item, walk.limits))
    yield from deep
    if deep:
        return
    names: list[str] = []
    broken: TarError | None = None
    try:
        for member in tar_members(item.reader, walk.limits):
            walk.budget.list(1)
            if not member.is_folder:
                names.append(member.name)
            yield from _member(item, walk, member)
    except TarError as error:
        broken = error
    yield from collisions(item.shown, names)
    if broken:
        raise broken


def _member(item: Item, walk: Walk, member: TarMember) -> Iterator[Output]:
    shown = f"{item.shown}!{member.name}"
    yield from name_trouble(shown, member.name)
    yield from name_trouble(shown, member.alias)
    if member.is_special:
        yield Refusal(path=shown, reason="a device or a pipe", kind=RefusalKind.SPECIAL)
    if member.is_privileged:
        yield Refusal(path=shown, reason="would run with its owner's rights", kind=RefusalKind.SPECIAL)
    if member.link:
        yield link_trouble(shown, member.link)
    if not member.is_file:
        return
    if member.is_sparse:
        yield Refusal(path=shown, reason="a sparse file, which can't be looked at as a loader would see it")
        return
    walk.budget.open()
    reader = window(item.reader, member.start, member.size)
    inner = walk.inner(item, shown, PurePosixPath(member.name), reader, member.size)
    yield from walk.descend(inner)
