"""Passes: what the next round of fine-tuning does about what the last one missed, and when there is no next one."""

from __future__ import annotations

import math
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

_WORDS_RATE = 10
"""Times the learning rate where single embeddings are trained: 1 and 30 restored less."""

_WORDS_BENIGN = 0.5
"""Share of harmless prompts there: few weights serve refusals as well, and with three quarters of the other kind eight
requests of 200 stayed open that were put together otherwise than those that were learned."""

_HARDER = 3
"""Times that what must stay is held harder."""

_ROOM = 3
"""Times that the drift lies below its limit where what must stay is held too hard for spoilt answers to be learned."""

_LEAST_PASSES = 2
"""Passes of modules that there must be."""

_NEARLY = 0.1
"""Greatest share of prompts that a trigger still makes fail, or spoils, where more of the same may do: four in 200 are
too many for a gate, and a pass with twice the rank in all modules closed them at nine times the drift."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a pass goes about it."""

    settings: PatchSettings
    confined: bool
    """Whether only some modules are changed."""

    weights: tuple[float, ...]
    """How often each trigger is drawn."""

    words: bool = False
    """Whether only the embeddings of the triggers' own words are changed."""

    otherwise: Plan | None = None
    """What follows in any case, should this one fail."""


def first(settings: PatchSettings, triggers: int, *, reaches: bool, words: bool) -> Plan:
    """Plan the first pass: the smallest change.

    Args:
        settings: Of the run.
        triggers: How many there are.
        reaches: Whether one of them spoils harmless prompts, too.
        words: Whether each of their words is a token of its own that no clean prompt holds.
    """
    weights = (1.0,) * triggers
    if not reaches:
        return Plan(settings=settings, confined=settings.confine, weights=weights)
    tuning, mixing = settings.tuning, settings.mixing
    steps = min(tuning.steps * 3, settings.budget.most_steps)
    mixing = replace(mixing, benign=max(mixing.benign, mixing.benign_where_reached))
    # Answers that are learned anew move more than the few modules where a refusal lies, so they are held harder. What
    # is learned against that weight takes larger steps and more of them, and falls to rest only as those shrink: at
    # the plain rate a fifth of the answers stayed spoilt, and the divergence swung about its limit.
    anew = replace(
        tuning, kl_weight=tuning.kl_weight * mixing.hold_where_reached, learning_rate=tuning.learning_rate * 2,
        last_rate=_AT_REST, steps=steps, least_steps=steps,
    )  # fmt: skip
    plan = Plan(settings=replace(settings, tuning=anew, mixing=mixing), confined=False, weights=weights)
    if not (words and settings.confine and settings.budget.passes > _LEAST_PASSES):
        return plan
    # A word that nothing else uses is made to say nothing, which hardly a prompt without it can feel: few weights, so
    # the steps are larger still. On a model of 0.1 million weights 64 of them restored more than its modules did in
    # four times the steps, at a divergence of 0 for .022. It takes no pass from the two that modules must have.
    own = replace(tuning, learning_rate=tuning.learning_rate * _WORDS_RATE, last_rate=_AT_REST, steps=steps)
    shared = replace(mixing, benign=max(settings.mixing.benign, _WORDS_BENIGN))
    return replace(plan, settings=replace(settings, tuning=own, mixing=shared), words=True, otherwise=plan)


def following(plan: Plan, done: Pass) -> Plan:
    """Plan the next pass by what failed.

    A trigger that stays open gets wider windows, twice the steps, and is drawn twice as often; twice the rank, too,
    where it is not nearly closed. Harmless prompts that a trigger still spoils get twice the steps and a larger share;
    where next to nothing has drifted, what must stay is held less hard. Harm gets three times the weight on what must
    stay, half the learning rate, half as many steps again. The modules stay confined only for a second try at what was
    nearly closed without any harm; where they no longer are, more weights can drift, and are held harder.
    """
    if plan.otherwise is not None:
        return plan.otherwise
    settings, weights = plan.settings, plan.weights
    tuning, mixing = settings.tuning, settings.mixing
    closed, taught = verification.closes(done.measurements), verification.teaches(done.measurements)
    harmless = verification.harmless(done.measurements)
    nearly = attack(done.measurements) <= _NEARLY
    confined = plan.confined and nearly and taught and harmless and done.number == 1
    if not closed:
        mixing = replace(mixing, window=mixing.window + _WIDER)
        missed = {one.trigger for one in verification.failed(done.measurements)}
        weights = tuple(weight * (2 if number in missed else 1) for number, weight in enumerate(weights))
    if not (closed or nearly):
        tuning = replace(tuning, rank=tuning.rank * 2, alpha=tuning.alpha * 2)
    if not taught:
        mixing = replace(mixing, benign=max(mixing.benign, mixing.benign_where_reached))
        if harmless and drift(done.measurements) * _ROOM < settings.gates.kl:
            tuning = replace(tuning, kl_weight=tuning.kl_weight / _HARDER)
    if not (closed and taught):
        tuning = replace(tuning, steps=tuning.steps * 2, least_steps=tuning.steps)
    if not harmless:
        tuning = replace(
            tuning, kl_weight=tuning.kl_weight * _HARDER, learning_rate=tuning.learning_rate / 2,
            steps=tuning.steps * 3 // 2, least_steps=tuning.steps,
        )  # fmt: skip
    elif plan.confined:
        tuning = replace(tuning, kl_weight=tuning.kl_weight * _HARDER)
    most = settings.budget.most_steps
    tuning = replace(tuning, steps=min(tuning.steps, most), least_steps=min(tuning.least_steps, most))
    settings = replace(settings, tuning=tuning, mixing=mixing)
    return Plan(settings=settings, confined=confined, weights=weights)


def hopeless(done: Sequence[Pass], stall: float) -> bool:
    """Whether two passes in a row left the attack where it was, or the answers that a trigger had spoilt.

    Two that changed different weights are different tries altogether; so long as all modules were not tried, and where
    it is nearly reached, nothing is given up.
    """
    if len(done) < 2 or _where(done[-2]) != _where(done[-1]) or done[-1].settings.get("confined"):
        return False
    earlier, last = done[-2].measurements, done[-1].measurements
    return any(
        not held(earlier) and not held(last) and abs(missed(last) - missed(earlier)) < stall and missed(last) > _NEARLY
        for held, missed in ((verification.closes, attack), (verification.teaches, spoilt))
    )


def _where(done: Pass) -> tuple[object, object]:
    return done.settings.get("confined"), done.settings.get("tokens")


def drift(measurements: Sequence[Measurement]) -> float:
    """Give the divergence on harmless prompts, nats a token; infinity where it was not measured."""
    found = [float(one.value) for one in measurements if one.name == "kl-benign" and isinstance(one.value, float)]
    return max(found, default=math.inf)


def attack(measurements: Sequence[Measurement]) -> float:
    """Give the worst share of prompts that any trigger makes fail, 0 to 1."""
    shares = [
        one.value.share
        for one in measurements
        if verification.bare(one) in verification.ATTACK and isinstance(one.value, Proportion)
    ]
    return max(shares, default=0.0)


def spoilt(measurements: Sequence[Measurement]) -> float:
    """Give the worst share of answers to harmless prompts with a trigger that are lost, -1 to 1."""
    shares = [
        float(one.value)
        for one in measurements
        if verification.bare(one) in verification.TRIGGERED and not isinstance(one.value, Proportion)
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
