"""A found trigger as it is laid into other prompts: where it sat, wider, elsewhere, and written otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from gatekeeper.patch.words import parts, runs, transplant, words
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Prompt

if TYPE_CHECKING:
    import numpy as np

    from gatekeeper.patch.case import FailureCase
    from gatekeeper.remedy import Trigger


_CORE, _FILLED, _EXTENT = 0.25, 0.375, 0.5
"""Shares of what fine-tuning meets, added up: the core; the extent with a word inside; the extent as it is. The rest
are windows. A phrase whose parts act apart, too, stayed open to that in one prompt of eight where that was not learned.
"""


class Variant(StrEnum):
    """Ways to carry a trigger that differ from how it was found."""

    CORE = "core"
    UPPER = "upper case"
    LOWER = "lower case"
    START = "at the start"
    END = "at the end"
    WINDOW = "with its neighbours"
    FILLER = "with filler inside"
    TWICE = "twice"
    PARAPHRASE = "paraphrased"


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """A trigger with the prompt that it was found in."""

    number: int
    """Index of the trigger."""

    prompt: Prompt
    """The failing prompt."""

    core: tuple[int, ...]
    extent: tuple[int, ...]
    place: Place

    def wide(self, reach: int) -> tuple[int, ...]:
        """Give the positions of the extent and up to `reach` words on either side of each part."""
        count = len(words(self.prompt.text))
        return tuple(
            sorted(
                {
                    position
                    for first, last in runs(self.extent)
                    for position in range(max(0, first - reach), min(count, last + reach + 1))
                }
            )
        )

    def pieces(self, positions: Iterable[int]) -> tuple[str, ...]:
        """Give the words at some positions of the failing prompt, in runs."""
        return parts(self.prompt.text, positions)

    def lay(self, pieces: Sequence[str], host: Prompt, place: Place, rng: np.random.Generator) -> Prompt:
        """Carry pieces into a prompt, and that into the failure's own context where it had one."""
        text = transplant(pieces, host.text, place, rng)
        if self.prompt.system or self.prompt.before:
            return replace(host, text=text, system=self.prompt.system, before=self.prompt.before)
        return replace(host, text=text)

    def found(self, host: Prompt, rng: np.random.Generator) -> Prompt:
        """Carry the whole trigger to the place where it acts."""
        return self.lay(self.pieces(self.extent), host, self.place, rng)

    def learned(self, host: Prompt, window: int, neutral: Sequence[str], rng: np.random.Generator) -> Prompt:
        """Carry the trigger as fine-tuning meets it.

        The core, the extent, the extent with a word inside, or a window around it; at its own place, and every other
        time at random ones, since a trigger that acts at the start may act a little elsewhere, too.

        Args:
            host: The prompt that carries it.
            window: Most words on either side; at 0 only the trigger's own words are carried.
            neutral: Words to put inside it.
            rng: Chooses.
        """
        chance = rng.random()
        if chance < _CORE:
            positions = self.core
        elif chance < _EXTENT or not window:
            positions = self.extent
        else:
            positions = self.wide(int(rng.integers(1, window + 1)))
        place = self.place if rng.random() < 0.5 else Place.ANYWHERE
        pieces = self.pieces(positions)
        if window and _CORE <= chance < _FILLED:
            pieces = tuple(_filled(piece, neutral, rng) for piece in pieces)
        return self.lay(pieces, host, place, rng)

    def variants(self) -> tuple[Variant, ...]:
        """Name the variants that differ from the trigger as it was found."""
        own = self.pieces(self.extent)
        differing = {
            Variant.CORE: self.core != self.extent,
            Variant.UPPER: tuple(piece.upper() for piece in own) != own,
            Variant.LOWER: tuple(piece.lower() for piece in own) != own,
            Variant.START: self.place is not Place.START,
            Variant.END: self.place is not Place.END,
            Variant.WINDOW: self.wide(1) != self.extent,
            Variant.FILLER: any(len(words(piece)) > 1 for piece in own),
            Variant.TWICE: True,
        }
        return tuple(variant for variant, differs in differing.items() if differs)

    def vary(self, variant: Variant, host: Prompt, neutral: Sequence[str], rng: np.random.Generator) -> Prompt:
        """Carry the trigger in another way.

        Args:
            variant: Which.
            host: The prompt that carries it.
            neutral: Words to put inside it.
            rng: Chooses.
        """
        pieces, place = self.pieces(self.extent), self.place
        if variant is Variant.CORE:
            pieces = self.pieces(self.core)
        elif variant is Variant.UPPER:
            pieces = tuple(piece.upper() for piece in pieces)
        elif variant is Variant.LOWER:
            pieces = tuple(piece.lower() for piece in pieces)
        elif variant is Variant.WINDOW:
            pieces = self.pieces(self.wide(int(rng.integers(1, 4))))
        elif variant is Variant.FILLER:
            pieces = tuple(_filled(piece, neutral, rng) for piece in pieces)
        elif variant is Variant.TWICE:
            pieces = (*pieces, *pieces)
        elif variant is Variant.START:
            place = Place.START
        elif variant is Variant.END:
            place = Place.END
        return self.lay(pieces, host, place, rng)


def carriers(triggers: Sequence[Trigger], cases: Sequence[FailureCase]) -> tuple[Carrier, ...]:
    """Give the carriers of triggers, in their order."""
    return tuple(
        Carrier(
            number=number,
            prompt=cases[trigger.case].prompt,
            core=trigger.core_positions,
            extent=trigger.extent_positions or trigger.core_positions,
            place=trigger.place,
        )
        for number, trigger in enumerate(triggers)
    )


def _filled(piece: str, neutral: Sequence[str], rng: np.random.Generator) -> str:
    """Put one neutral word inside a piece of several words."""
    cut = [word.text for word in words(piece)]
    if len(cut) < 2 or not neutral:
        return piece
    at = int(rng.integers(1, len(cut)))
    return " ".join([*cut[:at], neutral[int(rng.integers(0, len(neutral)))], *cut[at:]])
