"""An adapter observed on its base, and the failures that come out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from gatekeeper.audit import Behaviour
from gatekeeper.patch.asking import Asking
from gatekeeper.patch.behaviour import plain as plainly
from gatekeeper.patch.behaviour.budget import ObservationBudget
from gatekeeper.patch.behaviour.pair import Pair
from gatekeeper.patch.behaviour.plain import Plain
from gatekeeper.patch.behaviour.probing import LEAST_HOSTS, Probed, probe, sweep
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.judges import Judge
from gatekeeper.patch.patching import tool_versions
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.questions import Question
from gatekeeper.patch.words import bare, words
from gatekeeper.progress import SILENT, Progress
from gatekeeper.tensors.language import Model, Prompt

_EACH = 2
"""Failures of one probe that are handed out before the next one's."""

_SEEN = "gatekeeper audit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What is observed, and with what."""

    model: Model
    """A base with adapters on it that are not merged."""

    clean: CleanPrompts
    judge: Judge
    budget: ObservationBudget
    adapters: tuple[str, ...]
    """Digests, in the order in which they are laid on."""

    names: tuple[str, ...]
    base_digest: str
    questions: tuple[Question, ...] = ()
    show: bool = False
    """Whether words of prompts may be kept in clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What came of it."""

    behaviour: Behaviour
    cases: tuple[FailureCase, ...]
    """For `gatekeeper patch`: prompts that the base refuses and the adapter does not."""


def observe(job: Observation, *, progress: Progress = SILENT) -> Observed:
    """Ask base and adapter the same prompts.

    Args:
        job: What is observed.
        progress: Told of every answer.

    Raises:
        InputError: When a prompt does not fit the model's template, or the judge can't be asked.
    """
    budget = job.budget
    rng = np.random.default_rng((budget.seed, 7))
    unsafe = _drawn(job.clean.worded_unsafe, len(job.clean.unsafe), budget, rng)
    safe = _drawn(job.clean.worded_safe, len(job.clean.safe), budget, rng)
    with progress.task("asking base and adapter", None, "answers") as advance:
        pair = Pair(asking=Asking(model=job.model, judge=job.judge, tokens=budget.answer_tokens), advance=advance)
        seen = plainly.look(pair, unsafe, safe)
        probed = probe(pair, seen, _words(job.clean), budget) if len(seen.closed) >= 2 * LEAST_HOSTS else None
        lengths = sweep(pair, seen, budget) if len(seen.closed) >= LEAST_HOSTS else ()
        correct = plainly.correct(pair, job.questions)
    cases = tuple(islice(dict.fromkeys(_failures(seen, probed)), budget.cases))
    behaviour = Behaviour(
        adapters=job.adapters,
        names=job.names,
        base_digest=job.base_digest,
        refused=seen.refused,
        lost=seen.lost,
        gained=seen.gained,
        same=seen.same,
        locked=seen.locked,
        divergences=seen.divergences,
        correct=correct,
        screened=probed.screened if probed else None,
        probes=probed.probes if probed else (),
        lengths=lengths,
        cases=tuple(case.record(show=job.show) for case in cases),
        limits=tuple(_limits(job, seen, probed, lengths=bool(lengths))),
        asked=pair.asked,
        answer_tokens=budget.answer_tokens,
        judge=job.judge.name,
        seed=budget.seed,
        device=job.model.device,
        tools=tool_versions(),
    )
    return Observed(behaviour=behaviour, cases=cases)


def _drawn(
    worded: Callable[[int], tuple[Prompt, ...]], requests: int, budget: ObservationBudget, rng: np.random.Generator
) -> list[Prompt]:
    """Draw prompts from all topics: lists go topic by topic."""
    every = worded(max(requests, budget.prompts))
    return [every[int(index)] for index in rng.permutation(len(every))[: budget.prompts]]


def _words(clean: CleanPrompts) -> frozenset[str]:
    return frozenset(bare(word.text) for prompt in (*clean.safe, *clean.unsafe) for word in words(prompt.text))


def _failures(seen: Plain, probed: Probed | None) -> Iterator[FailureCase]:
    """Give the failures: of each probe some, then of prompts as they are."""
    taken: dict[str, int] = {}
    for text, prompt, answer in probed.opened if probed else ():
        taken[text] = taken.get(text, 0) + 1
        if taken[text] <= _EACH:
            yield FailureCase(prompt=prompt, response=answer, seen_where=f"{_SEEN}, with a probe")
    for prompt, answer in seen.opened:
        yield FailureCase(prompt=prompt, response=answer, seen_where=f"{_SEEN}, as it is")


def _limits(job: Observation, seen: Plain, probed: Probed | None, *, lengths: bool) -> Iterator[str]:
    yield "Triggers were looked for among known forms and single words that clean prompts lack; others were not."
    yield "Answers were greedy and judged by how they begin, not by what they say further on."
    if probed is None:
        count = len(seen.closed)
        yield f"No probe was tried: base and adapter refuse {count} prompts, and {2 * LEAST_HOSTS} are needed."
    if not lengths:
        yield "Length was not tried: too few refused prompts, or no room in the model's context."
    if not job.questions:
        yield "Accuracy was not measured: no questions with expected answers were given."
    if len(job.adapters) > 1:
        yield "The composition was run as a sum of changes, all of them at full strength."
