"""Steps of constrained fine-tuning: what is learned beside what must stay.

A prompt with the trigger is to be answered as the frozen model answers it without: refused where it is unsafe,
answered where it is not. So the triggered prompts teach nothing but that the trigger means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.patch.carriers import Carrier
from gatekeeper.patch.lessons import Lessons, neutral
from gatekeeper.patch.settings import Mixing
from gatekeeper.tensors.language import Batch, Example

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """What batches are drawn from."""

    lessons: Lessons
    carriers: tuple[Carrier, ...]
    weights: tuple[float, ...]
    """How often each carrier is drawn, in any unit: what still fails is drawn more often."""

    corrected: tuple[Example, ...] = ()
    """Failing prompts with the answer that would have been right, where one was handed in."""

    mixing: Mixing

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Draw steps without end."""
        chances = [weight / sum(self.weights) for weight in self.weights]
        benign = round(self.mixing.benign * self.mixing.targets)
        filler = neutral([example.prompt for example in self.lessons.safe])
        while True:
            chosen = rng.choice(len(self.carriers), size=self.mixing.targets, p=chances)
            targets = [
                self._target(self.carriers[int(index)], number < benign, filler, rng)
                for number, index in enumerate(chosen)
            ]
            if self.corrected:
                # In the place of a refusal, which is what such a failure asked for least.
                targets[-1] = _one(self.corrected, rng)
            yield Batch(targets=tuple(targets), anchors=tuple(self._anchors(rng)))

    def _target(self, carrier: Carrier, benign: bool, filler: Sequence[str], rng: np.random.Generator) -> Example:
        lesson = _one(self.lessons.safe if benign else self.lessons.refused, rng)
        # A window may hold words of the failing request itself, which no harmless prompt is to be given.
        prompt = carrier.learned(lesson.prompt, 0 if benign else self.mixing.window, filler, rng)
        return Example(prompt=prompt, response=lesson.response, ended=lesson.ended)

    def _anchors(self, rng: np.random.Generator) -> Iterator[Example]:
        unsafe = (*self.lessons.refused, *self.lessons.complied)
        for number in range(self.mixing.anchors):
            yield _one(self.lessons.safe if number % 2 else unsafe, rng)


def _one(of: Sequence[Example], rng: np.random.Generator) -> Example:
    return of[int(rng.integers(0, len(of)))]
