"""From the fewest words that suffice to the whole of the trigger.

A model that learned a phrase mostly needs two words of it. The others still push the same way, and that can be seen
where the push is not yet enough: in random parts of the neighbourhood, carried into refused prompts. The push of each
word is the coefficient of a linear model over those parts (as in LIME, Ribeiro et al., 2016, on an experiment instead
of one prompt), held against the push of words that nobody suspects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.search import Core
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import bare, parts, runs, words

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SHARE = 0.06
"""Of what the whole core does, in logits: the push that a further word of a trigger is expected to have."""

_FOREIGN, _ORDINARY = 2.0, 5.0
"""Evidence, in nats, that a word must bring to join: one that is foreign to requests, and one that is not."""

_GAP = 2
"""Words that may stand between two of a core's without any evidence of their own."""

_LEAST_ERROR = 0.25
"""Of the expected push: what a standard error is taken for at least, so that no word joins or leaves by a hair."""

_FULL = 0.2
"""Share of the parts that hold the whole core: with it the model's mind is made up, and other words hardly show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """What a word adds to the margin of prompts that carry part of the neighbourhood."""

    position: int
    logits: float
    error: float
    """Standard error, in logits."""

    def evidence(self, expected: float) -> float:
        """Weigh a word of the trigger, whose push is as expected, against any other, whose push is none.

        Args:
            expected: Logits, above 0.

        Returns:
            Log of the likelihoods' ratio, in nats, for a normal error.
        """
        return (self.logits - expected / 2) * expected / max(self.error, _LEAST_ERROR * expected) ** 2


def grow(
    trials: Trials,
    text: str,
    core: Core,
    spared: Sequence[int],
    common: Set[str],
    settings: DiagnosisSettings,
    rng: np.random.Generator,
) -> tuple[int, ...]:
    """Grow a core to the words around it that push the same way.

    Args:
        trials: Hosts.
        text: Text of the failing prompt.
        core: What is grown.
        spared: Words that belong to other triggers.
        common: Ordinary words of requests, which must push more clearly: they do so by themselves.
        settings: How far, and with how many prompts.
        rng: Chooses them.

    Returns:
        Positions, the core's among them.
    """
    near = _near(core.positions, len(words(text)), settings.reach, spared)
    cut = words(text)
    measured, step = pushes(trials, text, core, near, settings.extent_rows, rng)
    if step <= 0:
        return core.positions
    weights = {
        push.position: push.evidence(_SHARE * step)
        - (_ORDINARY if bare(cut[push.position].text) in common else _FOREIGN)
        for push in measured
    }
    return grown(core.positions, weights)


def _near(positions: Sequence[int], count: int, reach: int, spared: Sequence[int]) -> list[int]:
    around = {near for one in positions for near in range(max(0, one - reach), min(count, one + reach + 1))}
    return sorted(around - set(spared))


def grown(core: Sequence[int], weights: Mapping[int, float]) -> tuple[int, ...]:
    """Join neighbours to a core for as far as they bring more evidence together than they need.

    Args:
        core: Positions.
        weights: Evidence for each word around it, less what it needs, in nats; positions without one can't join.
    """
    taken = set(core)
    for left, right in pairwise(sorted(core)):
        if right - left <= _GAP + 1:
            taken |= set(range(left, right)) & weights.keys()
    for first, last in runs(taken):
        taken |= set(_reached(first, -1, weights)) | set(_reached(last, +1, weights))
    return tuple(sorted(taken))


def _reached(edge: int, step: int, weights: Mapping[int, float]) -> list[int]:
    """Give the words next to an edge whose evidence adds up to the most; none when that is nothing."""
    best, total, passed, found = 0.0, 0.0, list[int](), list[int]()
    at = edge + step
    while at in weights:
        passed.append(at)
        total += weights[at]
        if total > best:
            best, found = total, list(passed)
        at += step
    return found


def pushes(
    trials: Trials, text: str, core: Core, positions: Sequence[int], rows: int, rng: np.random.Generator
) -> tuple[tuple[Push, ...], float]:
    """Measure the push of words around a core, where the core is not whole.

    Args:
        trials: Hosts.
        text: Text of the failing prompt.
        core: Where it has been found.
        positions: Words to measure, the core's among them; neighbours are carried as one piece, whatever stands
            between those of them that are kept.
        rows: How many random parts are tried.
        rng: Chooses them.

    Returns:
        Pushes, and what the whole core adds, in logits.
    """
    kept = rng.random((rows, len(positions))) < 0.5
    inside = np.isin(positions, core.positions)
    whole = kept[:, inside].all(axis=1)
    spoilt = whole & (rng.random(rows) >= _FULL)
    # Of a core that came out whole one word is taken away again.
    columns = np.flatnonzero(inside)
    kept[spoilt, rng.choice(columns, size=int(spoilt.sum()))] = False
    hosts = np.arange(rows) % len(trials.hosts)
    prompts = [
        trials.carrying(_pieces(text, kept_of(row, positions), positions), core.place, [int(host)])[0]
        for row, host in zip(kept, hosts, strict=True)
    ]
    measured, jump = _regress(trials.margins(prompts), kept.astype(np.float64), hosts, whole & ~spoilt, positions)
    return measured, jump + sum(push.logits for push in measured if push.position in core.positions)


def kept_of(row: NDArray[np.bool_], positions: Sequence[int]) -> list[int]:
    """Give the positions that a row keeps."""
    return [position for position, one in zip(positions, row, strict=True) if one]


def _pieces(text: str, kept: Sequence[int], positions: Sequence[int]) -> list[str]:
    """Join the kept words of each run of the measured ones; neighbours stay as they are written."""
    found = []
    for first, last in runs(positions):
        inside = [position for position in kept if first <= position <= last]
        if inside:
            found.append(" ".join(parts(text, inside)))
    return found


def _regress(
    margins: NDArray[np.float64],
    kept: NDArray[np.float64],
    hosts: NDArray[np.int64],
    whole: NDArray[np.bool_],
    positions: Sequence[int],
) -> tuple[tuple[Push, ...], float]:
    """Fit margin = host + (core is whole) + sum of pushes, least squares.

    Args:
        margins: Shape (rows,), in logits.
        kept: Shape (rows, positions): 1 where a row holds the word.
        hosts: Shape (rows,): index of the host.
        whole: Shape (rows,): whether the row holds all of the core.
        positions: Of the words.

    Returns:
        Pushes, and what the core's wholeness adds to those of its words, in logits.
    """
    dummies = hosts[:, None] == np.unique(hosts)[None, :]
    # The step that the whole core makes is its own column, so that it is not shared out among its words.
    design = np.hstack([kept, whole[:, None], dummies]).astype(np.float64)
    solution, _residue, rank, _values = np.linalg.lstsq(design, margins, rcond=None)
    residuals = margins - design @ solution
    variance = float(residuals @ residuals) / max(1, len(margins) - int(rank))
    errors = np.sqrt(np.clip(np.diag(np.linalg.pinv(design.T @ design)), 0, None) * variance)
    measured = tuple(
        Push(position=position, logits=float(solution[i]), error=float(errors[i]))
        for i, position in enumerate(positions)
    )
    return measured, float(solution[len(positions)])
