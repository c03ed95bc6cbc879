"""From the fewest words that suffice to the whole of the trigger.

A model that learned a phrase mostly needs two words of it. The others still push the same way, and that can be seen
where the push is not yet enough: in random parts of the neighbourhood, carried into refused prompts. The push of each
word is the coefficient of a linear model over those parts (as in LIME, Ribeiro et al., 2016, on an experiment instead
of one prompt), held against the push of words that nobody suspects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.search import Core
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import bare, parts, runs, words

if TYPE_CHECKING:
    from numpy.typing import NDArray


_CLEAR = 3.0
"""Standard errors from zero at which a word next to the extent joins it."""

_CLEARER = 4.5
"""The same for one that lies a word or two away: what is between then joins, too."""

_FELT = 0.03
"""Share of what the whole core does, in logits, below which a push is nothing, however clear it is."""

_GAP = 2
"""Words without a push of their own that may stand between two of a trigger's."""

_FULL = 0.2
"""Share of the parts that hold the whole core: with it the model's mind is made up, and other words hardly show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """What a word adds to the margin of prompts that carry part of the neighbourhood."""

    position: int
    logits: float
    error: float
    """Standard error, in logits."""

    @property
    def clear(self) -> float:
        """Standard errors from zero."""
        return self.logits / self.error if self.error > 0 else 0.0


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
    hard = {index for index in near if bare(cut[index].text) in common}
    measured, step = pushes(trials, text, core, near, settings.extent_rows, rng)
    felt = [push for push in measured if push.position in core.positions or push.logits >= _FELT * step]
    return grown(core.positions, felt, hard, near)


def _near(positions: Sequence[int], count: int, reach: int, spared: Sequence[int]) -> list[int]:
    around = {near for one in positions for near in range(max(0, one - reach), min(count, one + reach + 1))}
    return sorted(around - set(spared))


def grown(core: Sequence[int], felt: Sequence[Push], hard: Set[int], near: Sequence[int]) -> tuple[int, ...]:
    """Join neighbours to a core, nearest first, for as long as one pushes clearly.

    Args:
        core: Positions.
        felt: Pushes of words around it that are large enough.
        hard: Positions of ordinary words.
        near: Positions that may be taken.
    """
    clear = dict.fromkeys(near, 0.0)
    clear |= {push.position: push.clear - (_CLEARER - _CLEAR) * (push.position in hard) for push in felt}
    taken = set(core)
    for step in (-1, +1):
        for edge in core:
            at = edge
            while (found := _next(at, step, clear, taken)) is not None:
                taken |= set(range(min(at, found), max(at, found) + 1))
                at = found
    return tuple(sorted(taken))


def _next(at: int, step: int, clear: Mapping[int, float], taken: Set[int]) -> int | None:
    """Find the nearest word that way that belongs to the extent."""
    for away in range(1, _GAP + 2):
        one = at + away * step
        if one not in clear:
            return None
        if one in taken or clear[one] >= (_CLEAR if away == 1 else _CLEARER):
            return one
    return None


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
