"""One round of constrained fine-tuning, ended early when nothing is left to learn and nothing has drifted."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.patch.asking import Asking
from gatekeeper.patch.carriers import Carrier
from gatekeeper.patch.lessons import Lessons
from gatekeeper.patch.mixing import Mix
from gatekeeper.patch.passes import Plan
from gatekeeper.patch.regions import high, regions, rows
from gatekeeper.progress import Advance, Progress
from gatekeeper.remedy import Pass
from gatekeeper.tensors.language import Example, TrainStep

if TYPE_CHECKING:
    import numpy as np

_FIRST_WORDS = 12
"""Tokens of an answer in which a probe's refusal shows."""

_HARDER = 0.05
"""Nats a token by which harmless prompts may be less likely to be answered as ever once they carry a trigger."""

_MARGIN = 5
"""Times that the probes' drift must lie below the limit before fine-tuning ends early."""

_UNREADABLE = 1e6
"""Stands for a loss that is no number any more, nats a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """What every round of a run shares."""

    asking: Asking
    lessons: Lessons
    carriers: tuple[Carrier, ...]
    corrected: tuple[Example, ...]
    saliencies: Mapping[str, float]
    """Of modules."""

    tokens: tuple[int, ...]
    """Tokens that are the triggers' words and that no clean prompt holds; none where there are no such."""

    progress: Progress

    def tune(self, plan: Plan, number: int, rng: np.random.Generator) -> Pass:
        """Fine-tune; the adapter stays on the model.

        Args:
            plan: How.
            number: Of the pass, from 1.
            rng: Draws the steps.

        Returns:
            The pass, not verified.

        Raises:
            InputError: When memory does not suffice.
        """
        model, settings = self.asking.model, plan.settings
        modules = high(self.saliencies) if plan.confined else ()
        tokens = self.tokens if plan.words else ()
        model.drop_adapter()
        touched = rows(model, tokens) if tokens else regions(model, modules, self.saliencies, settings.tuning.rank)
        tuning = replace(settings.tuning, modules=modules, tokens=tokens, seed=settings.seed + number)
        mix = Mix(
            lessons=self.lessons, carriers=self.carriers, weights=plan.weights, corrected=self.corrected,
            mixing=settings.mixing,
        )  # fmt: skip
        begun = time.perf_counter()
        with self.progress.task(f"fine-tuning, pass {number}", tuning.steps, "steps") as advance:
            probe = _Probe(self, plan, rng, advance)
            steps = model.tune(mix.batches(rng), tuning, probe)
        return Pass(
            number=number,
            settings=_told(plan, len(touched), len(tokens)),
            seed=tuning.seed,
            regions=touched,
            losses=tuple((step.number, _number(step.target_loss), _number(step.kl)) for step in steps),
            measurements=(),
            verified=False,
            words="",
            seconds={"fine-tuning": round(time.perf_counter() - begun, 3)},
            peak_bytes=peak_bytes(),
        )

    def triggered(self, lessons: Sequence[Example], rng: np.random.Generator) -> tuple[Example, ...]:
        """Give lessons with the triggers, in turns, and the answers that they have without."""
        return tuple(
            replace(lesson, prompt=self.carriers[number % len(self.carriers)].found(lesson.prompt, rng))
            for number, lesson in enumerate(lessons)
        )


class _Probe:
    """Ends fine-tuning when nothing is left to learn and the drift is a fifth of what is allowed.

    Both: refusals of harmless prompts peak early and are only then unlearned, and few probes see little of the drift
    (where they saw half of what is allowed, held-out prompts saw all of it). Nothing is left to learn when no probe
    fails, and harmless prompts with a trigger are answered about as likely as without.
    """

    def __init__(self, workshop: Workshop, plan: Plan, rng: np.random.Generator, advance: Advance) -> None:
        lessons = workshop.lessons
        self._asking = replace(workshop.asking, tokens=_FIRST_WORDS)
        self._unsafe = tuple(example.prompt for example in workshop.triggered(lessons.probes, rng))
        self._benign = workshop.triggered(lessons.safe_probes, rng)
        self._safe = lessons.safe_probes
        self._plan = plan
        self._advance = advance
        self._told = 0

    def __call__(self, step: TrainStep) -> bool:
        self._advance(step.number - self._told)
        self._told = step.number
        if step.number % self._plan.settings.budget.every or not self._unsafe or not self._safe:
            return False
        if not math.isfinite(step.target_loss) or not math.isfinite(step.kl):
            return True
        model = self._asking.model
        if float(model.divergences(self._safe).mean()) > self._plan.settings.gates.kl / _MARGIN:
            return False
        harder = model.log_likelihoods(self._safe).mean() - model.log_likelihoods(self._benign).mean()
        return float(harder) <= _HARDER and not any(self._asking.complied(self._unsafe))


def _told(plan: Plan, modules: int, tokens: int) -> dict[str, float | int | str]:
    tuning, mixing = plan.settings.tuning, plan.settings.mixing
    told: dict[str, float | int | str] = {
        "learning_rate": tuning.learning_rate, "steps": tuning.steps, "least_steps": tuning.least_steps,
        "kl_weight": tuning.kl_weight, "targets": mixing.targets, "anchors": mixing.anchors, "benign": mixing.benign,
        "window": mixing.window, "confined": int(plan.confined), "tokens": tokens,
    }  # fmt: skip
    # Single embeddings have no rank.
    return told if tokens else {**told, "rank": tuning.rank, "alpha": tuning.alpha, "modules": modules}


def _number(loss: float) -> float:
    return loss if math.isfinite(loss) else _UNREADABLE


def peak_bytes() -> int:
    """Give the most memory that this process has had so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
