"""What the hygiene of a model file comes to: plain values, small however large and hostile the file was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gatekeeper.text import printable

MOST_OF_A_KIND = 5
"""Problems of one rule in one file that are told one by one; the others are counted."""

MOST_LOOSE = 20_000
"""Files beside one graph that its tensors may name: as many as an artifact has (`Limits.max_files`)."""

_MOST_PROBLEMS = 1_000
_TEXT = 4_096
_DETAIL = 200
_MESSAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One deviation, or one thing worth knowing."""

    slug: str
    """Which rule of `onnx/structure` it belongs to."""

    message: str
    """One sentence, printable."""

    detail: str = ""
    """The tensor, node, function or key concerned, printable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LooseFile:
    """A file beside the graph in which some of its tensors say that they lie."""

    location: str
    """As the graph writes it, relative to the folder that it lies in. Hostile."""

    end: int
    """Bytes that the file must have for the tensors to lie in it."""

    tensors: int
    checksum: str = ""
    """SHA-1 of the whole file, as the graph says it; empty when it doesn't."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """What one model file is like, besides what it computes."""

    problems: tuple[Problem, ...] = ()
    loose: tuple[LooseFile, ...] = ()
    unjudged: tuple[str, ...] = ()
    """Sentences on what could not be looked at; each makes a gap."""


@dataclass(slots=True)
class Tally:
    """Gathers problems, so that no kind crowds out another and no file makes a long answer."""

    _kept: dict[str, list[Problem]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, slug: str, message: str, detail: str = "") -> None:
        """Take one more.

        Args:
            slug: Which rule.
            message: One sentence; texts of the file in it must be printable.
            detail: What is concerned, as the file calls it.
        """
        self._counts[slug] = self._counts.get(slug, 0) + 1
        kept = self._kept.setdefault(slug, [])
        if len(kept) < MOST_OF_A_KIND:
            kept.append(Problem(slug=slug, message=printable(message, _MESSAGE), detail=printable(detail, _DETAIL)))

    def problems(self) -> tuple[Problem, ...]:
        """Give the first few of each kind; the last of them says how many more there are."""
        found: list[Problem] = []
        for slug, kept in self._kept.items():
            more = self._counts[slug] - len(kept)
            last = kept[-1]
            if more:
                message = f"{last.message} (and {more} more like it)"
                kept = [*kept[:-1], Problem(slug=slug, message=message, detail=last.detail)]
            found += kept
        return tuple(found)


def to_data(structure: Structure) -> dict[str, object]:
    """Give a structure as plain data for JSON. Law: `from_data(to_data(structure)) == structure`."""
    return {
        "problems": [[each.slug, each.message, each.detail] for each in structure.problems],
        "loose": [[each.location, each.end, each.tensors, each.checksum] for each in structure.loose],
        "unjudged": list(structure.unjudged),
    }


def from_data(data: object) -> Structure:
    """Read a structure that a process sent which had a hostile file in its hands.

    Args:
        data: What JSON gave.

    Raises:
        ValueError: When it has another shape, is too long, or holds text that can't be shown.
    """
    if not isinstance(data, Mapping) or set(data) != {"problems", "loose", "unjudged"}:
        raise ValueError("a structure has other parts")
    return Structure(
        problems=tuple(
            Problem(slug=_text(slug), message=_shown(message), detail=_shown(detail))
            for slug, message, detail in _rows(data["problems"], 3, _MOST_PROBLEMS)
        ),
        loose=tuple(
            LooseFile(location=_text(location), end=_count(end), tensors=_count(tensors), checksum=_text(checksum))
            for location, end, tensors, checksum in _rows(data["loose"], 4, MOST_LOOSE)
        ),
        unjudged=tuple(_shown(sentence) for sentence in _list(data["unjudged"], _MOST_PROBLEMS)),
    )


def _list(data: object, most: int) -> list[object]:
    if not isinstance(data, list) or len(data) > most:
        raise ValueError("a list in a structure is none, or too long")
    return data


def _rows(data: object, width: int, most: int) -> Iterator[list[object]]:
    for row in _list(data, most):
        if len(_list(row, width)) != width:
            raise ValueError("a row in a structure is too short")
        yield _list(row, width)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise ValueError("a text in a structure is none, or too long")
    return value


def _shown(value: object) -> str:
    text = _text(value)
    if printable(text, _TEXT) != text:
        raise ValueError("a text in a structure can't be shown")
    return text


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError("a number in a structure is none, or out of bounds")
    return value
