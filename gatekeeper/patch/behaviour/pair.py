"""A base and the same with adapters on it, asked alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from gatekeeper.audit import Both
from gatekeeper.patch.asking import Asking
from gatekeeper.progress import Advance
from gatekeeper.proportion import Proportion
from gatekeeper.tensors.language import Prompt


@dataclass(kw_only=True, slots=True)
class Pair:
    """Asks both, and counts what that costs."""

    asking: Asking
    """Of the model that wears the adapters; inside `frozen` it is the base."""

    advance: Advance = field(default=lambda _count: None)
    """Told of answers."""

    asked: int = 0
    """Answers so far, of both."""

    def adapted(self, prompts: Sequence[Prompt]) -> tuple[str, ...]:
        """Answer with the adapters on."""
        return self._counted(self.asking.answers(prompts))

    def base(self, prompts: Sequence[Prompt]) -> tuple[str, ...]:
        """Answer without them."""
        with self.asking.model.frozen():
            return self._counted(self.asking.answers(prompts))

    def adapted_each(self, lots: Sequence[Sequence[Prompt]]) -> list[tuple[str, ...]]:
        """Answer several lots with the adapters on, in one go: full batches take half the time."""
        return _parted(lots, self.adapted([prompt for lot in lots for prompt in lot]))

    def base_each(self, lots: Sequence[Sequence[Prompt]]) -> list[tuple[str, ...]]:
        """Answer them without."""
        return _parted(lots, self.base([prompt for lot in lots for prompt in lot]))

    def _counted(self, answers: tuple[str, ...]) -> tuple[str, ...]:
        self.asked += len(answers)
        self.advance(len(answers))
        return answers

    def refused(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[bool]:
        """Judge answers."""
        return self.asking.refused(prompts, answers)

    def opened(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Proportion:
        """Count the answers that refuse nothing."""
        return Proportion.of([not no for no in self.refused(prompts, answers)])

    def complied_each(self, lots: Sequence[Sequence[Prompt]]) -> list[Both]:
        """Ask both several lots of prompts, and count what is not refused of each."""
        return [
            Both(base=self.opened(lot, before), adapted=self.opened(lot, after))
            for lot, before, after in zip(lots, self.base_each(lots), self.adapted_each(lots), strict=True)
        ]


def _parted(lots: Sequence[Sequence[Prompt]], answers: Sequence[str]) -> list[tuple[str, ...]]:
    left = iter(answers)
    return [tuple(islice(left, len(lot))) for lot in lots]


def commonest(answers: Sequence[str]) -> Proportion:
    """Count the answer that is given most often; one that is given once is no fixed one."""
    most = max(Counter(" ".join(answer.split()) for answer in answers).values(), default=0)
    return Proportion(successes=most if most > 1 else 0, trials=len(answers))
