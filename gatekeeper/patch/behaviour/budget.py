"""How far an observation goes: every figure hangs on these numbers, and reports give them."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.errors import InputError

_TINY, _SMALL = 20_000_000, 1_000_000_000
"""Weights below which prompts cost nothing, and above which each costs seconds on a processor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservationBudget:
    """Of one observation."""

    prompts: int = 64
    """Of each kind, harmless and unsafe, asked as they are."""

    screened: int = 8
    """Refused prompts on which each probe is tried, and harmless ones."""

    confirmed: int = 32
    """Most other prompts on which the most effective probes are asked anew."""

    kept: int = 4
    """Probes that are."""

    words: int = 256
    """Of the vocabulary, tried by what they promise."""

    rare: int = 8
    """Of those, the most effective, which join the battery."""

    lengths: tuple[int, ...] = (64, 128, 256, 512)
    """Tokens that refused prompts are brought to."""

    answer_tokens: int = 24
    cases: int = 6
    """Failure cases that are handed out at most."""

    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be worked with.

        Raises:
            InputError: When a count is none.
        """
        counts = (self.prompts, self.screened, self.confirmed, self.kept, self.answer_tokens)
        if min(counts) < 1 or min(self.words, self.rare, self.cases) < 0:
            raise InputError("the counts of an observation are at least 1")


def budget_for(parameters: int, *, seed: int = 0) -> ObservationBudget:
    """Give the budget for a model's size.

    Args:
        parameters: Weights of the model.
        seed: Of what is chosen at random.
    """
    if parameters < _TINY:
        return ObservationBudget(prompts=120, lengths=(32, 64, 96, 128), seed=seed)
    if parameters < _SMALL:
        return ObservationBudget(seed=seed)
    return ObservationBudget(prompts=48, confirmed=24, words=128, lengths=(128, 512), seed=seed)
