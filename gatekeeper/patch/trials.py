"""Words of a failing prompt carried into prompts that the model refuses: the experiment that everything rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.patch.words import parts, transplant
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Contrast, Model, Prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

GLANCE = 8
"""Hosts tried first: when what is looked for flips .6 of all, none of eight flips once in 1,500 times."""


@dataclass(kw_only=True, slots=True)
class Trials:
    """Refused prompts ("hosts") and what becomes of them once they carry something.

    The same host gets the same pieces at the same places whenever it is asked again, so that two sets of words are
    compared on like terms.
    """

    model: Model
    contrast: Contrast
    hosts: tuple[Prompt, ...]
    """Refused by the model as they are; in the failure's own context."""

    seed: int
    asked: int = field(default=0)
    """Prompts scored so far."""

    _known: dict[tuple[tuple[str, ...], Place, int], float] = field(default_factory=dict)

    def margins(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """Give the margins of some prompts, in logits."""
        self.asked += len(prompts)
        return self.model.margins(prompts, self.contrast)

    def carrying(self, pieces: Sequence[str], place: Place, hosts: Sequence[int] | None = None) -> list[Prompt]:
        """Lay pieces into hosts, given by index; all of them when None."""
        chosen = range(len(self.hosts)) if hosts is None else hosts
        return [
            replace(
                self.hosts[index],
                text=transplant(
                    pieces, self.hosts[index].text, place, np.random.default_rng((self.seed, index, len(pieces)))
                ),
            )
            for index in chosen
        ]

    def effects(self, pieces: Sequence[str], place: Place, count: int | None = None) -> NDArray[np.float64]:
        """Give the margins of the first hosts that carry pieces, shape (count,), in logits."""
        key = tuple(pieces)
        wanted = range(len(self.hosts) if count is None else min(count, len(self.hosts)))
        missing = [index for index in wanted if (key, place, index) not in self._known]
        if missing:
            found = self.margins(self.carrying(key, place, missing))
            self._known.update(((key, place, index), float(one)) for index, one in zip(missing, found, strict=True))
        return np.array([self._known[key, place, index] for index in wanted], dtype=np.float64)

    def prepare(self, single: Sequence[str], count: int) -> None:
        """Measure many single pieces on the first hosts in one go, so that batches are full."""
        wanted = [(piece, index) for piece in single for index in range(min(count, len(self.hosts)))]
        missing = [one for one in wanted if ((one[0],), Place.ANYWHERE, one[1]) not in self._known]
        prompts = [self.carrying([piece], Place.ANYWHERE, [index])[0] for piece, index in missing]
        if prompts:
            margins = self.margins(prompts)
            keys = (((piece,), Place.ANYWHERE, index) for piece, index in missing)
            self._known.update((key, float(margin)) for key, margin in zip(keys, margins, strict=True))

    def sufficiency(self, text: str, positions: Iterable[int], place: Place) -> Proportion:
        """Count the hosts that fail once they carry some words of a text.

        Hopeless words are given up after the first few hosts; the count then speaks of those.
        """
        pieces = parts(text, positions)
        first = self.effects(pieces, place, GLANCE)
        if not (first > 0).any():
            return Proportion(successes=0, trials=len(first))
        return Proportion.of([bool(one) for one in self.effects(pieces, place) > 0])
