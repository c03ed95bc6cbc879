"""What a case of the corpus is, and how groups of them are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

Files = Mapping[str, bytes]
"""A small repo: path → bytes."""

Make = Callable[[], Files]
Write = Callable[[Path], None]


class Label(StrEnum):
    """What a case is in truth."""

    MALICIOUS = "malicious"
    """Some loader would run code, read or write what is not its own, or be turned against its user."""

    BENIGN = "benign"
    """As honest libraries and people write it."""

    BROKEN = "broken"
    """Cut off, lying about itself, or made to cost time and memory; runs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One small repo with its label."""

    label: Label
    family: str
    """Class of case, unique over all labels."""

    name: str
    loader: str
    """Who would read it."""

    source: str
    """Where the idea was published: CVE, GHSA, paper, specification; `own` for our own."""

    write: Write
    """Lays the files out in an empty folder."""

    needs: tuple[str, ...] = ()
    """Modules without which it can't be written."""

    held_out: bool = False
    """Its whole family is kept from those who write the checks: measured, not tuned on."""

    apart: str = ""
    """Honest, but rightly looked at by a person: the reason. Counted apart."""

    @property
    def id(self) -> str:
        """Unique name, usable as a path."""
        return f"{self.label}/{self.family}/{self.name}"

    def missing(self) -> str:
        """Name the first module that is needed and not installed; empty when all are."""
        return next((name for name in self.needs if find_spec(name) is None), "")


def cases(
    label: Label,
    family: str,
    made: Mapping[str, Make],
    *,
    loader: str,
    source: str = "own",
    held_out: bool = False,
    apart: str = "",
    needs: tuple[str, ...] = (),
) -> tuple[Case, ...]:
    """Declare the cases of a family that are made in memory: name → function that gives the files."""
    return tuple(
        Case(label=label, family=family, name=name, loader=loader, source=source, write=_writer(make),
             held_out=held_out, apart=apart, needs=needs)
        for name, make in made.items()
    )  # fmt: skip


def saved(
    family: str,
    written: Mapping[str, Write],
    *,
    loader: str,
    needs: tuple[str, ...],
    held_out: bool = False,
    apart: str = "",
    label: Label = Label.BENIGN,
) -> tuple[Case, ...]:
    """Declare honest cases that a library itself writes into a folder."""
    return tuple(
        Case(label=label, family=family, name=name, loader=loader, source=needs[0], write=write, needs=needs,
             held_out=held_out, apart=apart)
        for name, write in written.items()
    )  # fmt: skip


def lay_out(files: Files, folder: Path) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def unique(groups: Iterable[tuple[Case, ...]]) -> tuple[Case, ...]:
    """Join groups.

    Raises:
        ValueError: When two cases have one id, or a family is split over labels or over held out and not.
    """
    joined = tuple(case for group in groups for case in group)
    kinds = {case.family: (case.label, case.held_out) for case in joined}
    if len({case.id for case in joined}) < len(joined):
        raise ValueError("two cases have one id")
    if any(kinds[case.family] != (case.label, case.held_out) for case in joined):
        raise ValueError("a family is split")
    return joined


def _writer(make: Make) -> Write:
    return lambda folder: lay_out(make(), folder)
