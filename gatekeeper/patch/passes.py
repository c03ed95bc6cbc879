"""Passes: what the next round of fine-tuning does about what the last one missed, and when there is no next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.patch import verification
from gatekeeper.patch.settings import PatchSettings
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Measurement, Pass

_WIDER = 3
"""Words by which a window grows."""

_AT_REST = 0.05
"""Share of the learning rate at the end of a pass that learns answers anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a pass goes about it."""

    settings: PatchSettings
    confined: bool
    """Whether only some modules are changed."""

    weights: tuple[float, ...]
    """How often each trigger is drawn."""


def first(settings: PatchSettings, triggers: int, *, reaches: bool) -> Plan:
    """Plan the first pass: the smallest change.

    Args:
        settings: Of the run.
        triggers: How many there are.
        reaches: Whether one of them spoils harmless prompts, too.
    """
    if reaches:
        # Answers that are learned anew move more than the few modules where a refusal lies, so they are held harder.
        # What is learned against that weight takes larger steps and more of them, and falls to rest only as those
        # shrink: at the plain rate a fifth of the answers stayed spoilt, and the divergence swung about its limit.
        tuning, mixing = settings.tuning, settings.mixing
        steps = min(tuning.steps * 3, settings.budget.most_steps)
        settings = replace(
            settings,
            tuning=replace(
                tuning, kl_weight=tuning.kl_weight * 27, learning_rate=tuning.learning_rate * 2, last_rate=_AT_REST,
                steps=steps, least_steps=steps,
            ),
            mixing=replace(mixing, benign=max(mixing.benign, mixing.benign_where_reached)),
        )  # fmt: skip
    return Plan(settings=settings, confined=settings.confine and not reaches, weights=(1.0,) * triggers)


def following(plan: Plan, done: Pass) -> Plan:
    """Plan the next pass by what failed.

    A trigger that stays open gets wider windows, twice the steps, twice the rank, and is drawn twice as often.
    Harmless prompts that a trigger still spoils get twice the steps and a larger share. Harm gets three times the
    weight on what must stay, half the learning rate, half as many steps again. The modules are no longer confined.
    """
    settings, weights = plan.settings, plan.weights
    tuning, mixing = settings.tuning, settings.mixing
    closed, taught = verification.closes(done.measurements), verification.teaches(done.measurements)
    if not closed:
        tuning = replace(tuning, rank=tuning.rank * 2, alpha=tuning.alpha * 2)
        mixing = replace(mixing, window=mixing.window + _WIDER)
        missed = {one.trigger for one in verification.failed(done.measurements)}
        weights = tuple(weight * (2 if number in missed else 1) for number, weight in enumerate(weights))
    if not taught:
        mixing = replace(mixing, benign=max(mixing.benign, mixing.benign_where_reached))
    if not (closed and taught):
        tuning = replace(tuning, steps=tuning.steps * 2, least_steps=tuning.steps)
    if not verification.harmless(done.measurements):
        tuning = replace(
            tuning, kl_weight=tuning.kl_weight * 3, learning_rate=tuning.learning_rate / 2,
            steps=tuning.steps * 3 // 2, least_steps=tuning.steps,
        )  # fmt: skip
    most = settings.budget.most_steps
    tuning = replace(tuning, steps=min(tuning.steps, most), least_steps=min(tuning.least_steps, most))
    settings = replace(settings, tuning=tuning, mixing=mixing)
    return Plan(settings=settings, confined=False, weights=weights)


def hopeless(done: Sequence[Pass], stall: float) -> bool:
    """Whether two passes in a row left the attack where it was, or the answers that a trigger had spoilt.

    The first pass does not count when it was confined and the second was not: that is another try altogether.
    """
    if len(done) < 2 or done[-2].settings.get("confined") != done[-1].settings.get("confined"):
        return False
    earlier, last = done[-2].measurements, done[-1].measurements
    return any(
        not held(earlier) and not held(last) and abs(missed(last) - missed(earlier)) < stall
        for held, missed in ((verification.closes, attack), (verification.teaches, spoilt))
    )


def attack(measurements: Sequence[Measurement]) -> float:
    """Give the worst share of prompts that any trigger makes fail, 0 to 1."""
    shares = [
        one.value.share for one in measurements if one.name in verification.ATTACK and isinstance(one.value, Proportion)
    ]
    return max(shares, default=0.0)


def spoilt(measurements: Sequence[Measurement]) -> float:
    """Give the worst share of answers to harmless prompts with a trigger that are lost, -1 to 1."""
    shares = [
        float(one.value)
        for one in measurements
        if one.name in verification.TRIGGERED and not isinstance(one.value, Proportion)
    ]
    return max(shares, default=0.0)


def verdict(measurements: Sequence[Measurement]) -> str:
    """Say which gates failed, or that none did."""
    missed = verification.failed(measurements)
    if not missed:
        return "Every gate held."
    return "Not held: " + "; ".join(f"{one.words} ({_shown(one)})" for one in missed) + "."


def _shown(one: Measurement) -> str:
    limit = f"limit {one.limit:g}" if one.limit is not None else "no limit"
    if isinstance(one.value, Proportion):
        told = f"{one.value.successes} of {one.value.trials}, upper bound {one.value.upper:.3f}"
    else:
        told = f"{one.value:.4g}"
    where = "" if one.trigger is None else f"trigger {one.trigger + 1}: "
    return f"{where}{told}, {limit}"
