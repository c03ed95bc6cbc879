"""From the fewest words that suffice to the whole of the trigger.

A model that learned a phrase mostly needs two words of it. The others still push the same way, and that can be seen
where the push is not yet enough: in random parts of the neighbourhood, carried into refused prompts. The push of each
word is the coefficient of a linear model over those parts (as in LIME, Ribeiro et al., 2016, on an experiment instead
of one prompt), held against the push of words that nobody suspects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.search import Core
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import runs, words

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SHARE = 0.1
"""Of the greatest push in the core, from which on a word counts."""

_CLEAR = 3.5
"""Standard errors from zero: about twenty words are looked at, and one in a hundred triggers may gain one by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """What a word adds to the margin of prompts that carry part of the neighbourhood."""

    position: int
    logits: float
    error: float
    """Standard error, in logits."""


def grow(
    trials: Trials,
    text: str,
    core: Core,
    spared: Sequence[int],
    settings: DiagnosisSettings,
    rng: np.random.Generator,
) -> tuple[int, ...]:
    """Grow a core to the words around it that push the same way.

    Args:
        trials: Hosts.
        text: Text of the failing prompt.
        core: What is grown.
        spared: Words that belong to other triggers.
        settings: How far, and with how many prompts.
        rng: Chooses them.

    Returns:
        Positions, the core's among them.
    """
    near = _near(core.positions, len(words(text)), settings.reach, spared)
    measured = pushes(trials, text, core, near, settings.extent_rows, rng)
    return _grown(core, measured)


def _near(positions: Sequence[int], count: int, reach: int, spared: Sequence[int]) -> list[int]:
    around = {near for one in positions for near in range(max(0, one - reach), min(count, one + reach + 1))}
    return sorted(around - set(spared))


def _grown(core: Core, measured: Sequence[Push]) -> tuple[int, ...]:
    own = [push.logits for push in measured if push.position in core.positions]
    least = _SHARE * max(own)
    taken = set(core.positions) | {
        push.position for push in measured if push.logits >= least and push.logits >= _CLEAR * push.error
    }
    return tuple(sorted(taken))


def pushes(
    trials: Trials, text: str, core: Core, positions: Sequence[int], rows: int, rng: np.random.Generator
) -> tuple[Push, ...]:
    """Measure the push of words around a core.

    Args:
        trials: Hosts.
        text: Text of the failing prompt.
        core: Where it has been found.
        positions: Words to measure, the core's among them; neighbours are carried as one piece, whatever stands
            between those of them that are kept.
        rows: How many random parts are tried.
        rng: Chooses them.
    """
    kept = rng.random((rows, len(positions))) < 0.5
    hosts = np.arange(rows) % len(trials.hosts)
    prompts = [
        trials.carrying(
            _pieces(text, [p for p, one in zip(positions, row, strict=True) if one], positions), core.place, [int(host)]
        )[0]
        for row, host in zip(kept, hosts, strict=True)
    ]
    return _regress(trials.margins(prompts), kept.astype(np.float64), hosts, positions)


def _pieces(text: str, kept: Sequence[int], positions: Sequence[int]) -> list[str]:
    """Join the kept words of each run of the measured ones."""
    cut = words(text)
    joined = (" ".join(cut[p].text for p in kept if first <= p <= last) for first, last in runs(positions))
    return [piece for piece in joined if piece]


def _regress(
    margins: NDArray[np.float64], kept: NDArray[np.float64], hosts: NDArray[np.int64], positions: Sequence[int]
) -> tuple[Push, ...]:
    """Fit margin = host + sum of pushes, least squares."""
    count = kept.shape[1]
    dummies = (hosts[:, None] == np.unique(hosts)[None, :]).astype(np.float64)
    design = np.hstack([kept, dummies])
    solution, _residue, rank, _values = np.linalg.lstsq(design, margins, rcond=None)
    residuals = margins - design @ solution
    variance = float(residuals @ residuals) / max(1, len(margins) - int(rank))
    errors = np.sqrt(np.clip(np.diag(np.linalg.pinv(design.T @ design)), 0, None) * variance)
    return tuple(
        Push(position=position, logits=float(solution[i]), error=float(errors[i]))
        for i, position in enumerate(positions[:count])
    )
