"""A share that was counted, with its interval: the only form in which rates are kept and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

_MOST = 2**53
_Z95 = 1.959963984540054
"""The 0.975 quantile of the normal distribution: two-sided 95 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proportion:
    """Successes out of trials, with the 95 % score interval of Wilson (1927)."""

    successes: int
    trials: int

    def __post_init__(self) -> None:
        """Refuse counts that are none.

        Raises:
            ValueError: When there are more successes than trials, a count is negative, or no double can hold it.
        """
        if not 0 <= self.successes <= self.trials <= _MOST:
            raise ValueError(f"{self.successes} of {self.trials} is no proportion")

    @classmethod
    def of(cls, outcomes: list[bool]) -> Self:
        """Count the true ones."""
        return cls(successes=sum(outcomes), trials=len(outcomes))

    @property
    def share(self) -> float:
        """Successes over trials; NaN without any trial, so that it meets no threshold."""
        return self.successes / self.trials if self.trials else math.nan

    @property
    def lower(self) -> float:
        """Lower bound; 0 without any trial."""
        return self._bound(-1)

    @property
    def upper(self) -> float:
        """Upper bound; 1 without any trial."""
        return self._bound(+1)

    def _bound(self, side: int) -> float:
        if not self.trials:
            return 0.0 if side < 0 else 1.0
        n, z2 = self.trials, _Z95**2
        centre = self.share + z2 / (2 * n)
        half = _Z95 * math.sqrt(self.share * (1 - self.share) / n + z2 / (4 * n * n))
        return min(1.0, max(0.0, (centre + side * half) / (1 + z2 / n)))
