"""What the hygiene of a model file comes to: plain values, small however large and hostile the file was."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.text import printable

MOST_OF_A_KIND = 5
"""Problems of one rule in one file that are told one by one; the others are counted."""

MOST_LOOSE = 20_000
"""Files beside one graph that its tensors may name: as many as an artifact has (`Limits.max_files`)."""

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

    exporter: str = ""
    """Name and version of what wrote it, as it says itself; printable."""

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
