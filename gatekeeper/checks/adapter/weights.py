"""The check that holds an adapter's weights against those of adapters that the team knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.adapter.layout import Layout
from gatekeeper.checks.adapter.population_judging import Judgement, judge
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.spectra_base import alignments
from gatekeeper.checks.adapter.weights_measures import measures
from gatekeeper.checks.adapter.weights_measuring import Measured, measure
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Confidence, FactValue, Finding, Gap, Hazard, Measure, Severity
from gatekeeper.limits import Limits
from gatekeeper.population import Population
from gatekeeper.progress import Advance
from gatekeeper.text import plural, printable

_ORDER = ("pass", "uncalibrated", "anomalous")
"""Words of the audit, mildest first."""

_ODD = 3
_REASONS = 3


class Weights(Check):
    """Weights of an adapter, as statistics see them.

    What it looks at:
        The change that each module of an adapter makes, read from its factors without forming it: norm, singular
        values, effective rank, kurtosis, longest rows and columns, and how these lie over targets and depth. They are
        held against a population: adapters of the same base, targets and ranks that the team knows and that
        `adapters.populations` of the policy names. At most the share of honest adapters that the population was
        calibrated for is called anomalous.

    Why it matters:
        An adapter is trained by anybody, is small, and decides what a model says. A backdoor that was trained into it
        leaves no mark in a file's format, and often one in the spectrum of its weights: one more thing was learned.

    What it cannot see:
        A backdoor itself. Honest adapters that learned several things look like poisoned ones, and one that was
        trained gently, with few poisoned samples, or by somebody who knows the population, looks like an honest one.
        Without a population for its very base, targets and ranks it says `uncalibrated` and no number. What replaces
        tensors of the base, and methods that are no product of two factors, are not measured.

    How to mend:
        `gatekeeper calibrate` makes a population of your own adapters; name it in the policy. Of an anomalous
        adapter, ask what it was trained on, compare its answers with the base's, or train your own.
    """

    id = "adapter/weights"
    title = "An adapter's weights against those of known ones"
    facts = ("adapter.audit",)
    not_applicable_facts: ClassVar[Mapping[str, FactValue]] = MappingProxyType({"adapter.audit": "none"})
    rules = (
        Rule(
            slug="anomalous",
            title="The adapter's weights are unlike those of honest adapters",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNPROVEN,
            confidence=Confidence.LOW,
            mend="Ask what it was trained on and compare its answers with the base's, or train your own.",
        ),
        Rule(
            slug="uncalibrated",
            title="Nobody can say whether the adapter's weights are usual",
            severity=Severity.LOW,
            hazard=Hazard.UNPROVEN,
            mend="Make a population of adapters of the same base and targets with `gatekeeper calibrate`, and name it "
            "in the policy.",
        ),
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Only adapters have an adapter's weights."""
        return "" if has_adapter(artifact) else "it holds no adapter"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Measure every adapter and hold it against the populations."""
        layout = read_layout(artifact, context.limits)
        troubles = [*layout.troubles, *(each for adapter in layout.adapters for each in adapter.troubles)]
        gaps = tuple(Gap(reason=each.reason, path=each.path) for each in troubles)
        total = sum(len(adapter.modules) for adapter in layout.adapters)
        with context.progress.task("measuring", total, "modules") as advance:
            measured = list(_each(layout, context.limits, advance))
        findings: list[Finding] = []
        words = ["uncalibrated"] if gaps or not measured else []
        for one in measured:
            word, found = self._judged(one, artifact, context.populations)
            words.append(word)
            findings += found
        return Outcome(
            findings=tuple(findings),
            facts={"adapter.audit": max(words, key=_ORDER.index)},
            gaps=gaps,
            measures=tuple(each for one in measured for each in _measures(one, context)),
        )

    def _judged(
        self, measured: Measured, artifact: Artifact, populations: Sequence[Population]
    ) -> tuple[str, Iterator[Finding]]:
        sample = measured.sample(name=str(artifact.reference), digest=artifact.digest)
        judgements = [] if measured.unmeasured else [judge(population, sample) for population in populations]
        usable = [judgement for judgement in judgements if not judgement.uncalibrated]
        objections = [judgement for judgement in usable if judgement.is_anomalous]
        if objections:
            return "anomalous", self._anomalous(measured, objections)
        if measured.left_out or not usable:
            return "uncalibrated", self._uncalibrated(measured, judgements, named=bool(populations))
        return "pass", iter(())

    def _anomalous(self, measured: Measured, objections: Sequence[Judgement]) -> Iterator[Finding]:
        for judgement in objections:
            said = ", ".join(
                f"{score.detector} {score.score:.3g} (at most {score.threshold:.3g})"
                for score in judgement.scores
                if score.objects
            )
            odd = "; ".join(
                f"{printable(each.feature, 80)} {each.value:.3g} where the median is {each.median:.3g}"
                for each in judgement.odd[:_ODD]
            )
            message = f"Population {printable(judgement.population, 80)}: {said}. Strangest: {odd}."
            yield self.finding("anomalous", message, path=_path(measured))

    def _uncalibrated(self, measured: Measured, judgements: Sequence[Judgement], *, named: bool) -> Iterator[Finding]:
        reasons = [f"not measured: {each}" for each in measured.left_out]
        if not named:
            reasons.append("the policy names no population")
        reasons += [
            f"population {printable(each.population, 80)}: {each.uncalibrated}"
            for each in judgements
            if each.uncalibrated
        ]
        more = [f"{len(reasons) - _REASONS} more reasons"] if len(reasons) > _REASONS else []
        message = f"{_outline(measured)}; {'; '.join([*reasons[:_REASONS], *more])}."
        yield self.finding("uncalibrated", message, path=_path(measured))


def _each(layout: Layout, limits: Limits, advance: Advance) -> Iterator[Measured]:
    """Measure adapters one after the other; all of them share what may be spent."""
    for adapter in layout.adapters:
        one = measure(adapter, limits, advance)
        limits = replace(limits, adapter_work=limits.adapter_work - one.work)
        yield one


def _measures(measured: Measured, context: Context) -> Iterator[Measure]:
    known = alignments(measured.adapter.modules, context.base, context.limits) if context.base else {}
    return measures(measured.profile, known)


def _path(measured: Measured) -> str:
    adapter = measured.adapter
    files = adapter.files or adapter.pickled
    return str(files[0].path) if files else (adapter.config.path if adapter.config else str(adapter.folder))


def _outline(measured: Measured) -> str:
    """Say what was measured, in numbers that mean something without others beside them."""
    modules = measured.profile.modules
    if not modules:
        return "No module could be measured"
    if measured.profile.is_zero:
        return f"{plural(len(modules), 'module')} that change nothing"
    ranks = sorted(module.spectrum.effective_rank for module in modules)
    allowed = measured.profile.ranks
    told = str(allowed[0]) if len(allowed) == 1 else f"{allowed[0]} to {allowed[-1]}"
    return f"{plural(len(modules), 'module')} of rank {told}, effectively {ranks[0]:.1f} to {ranks[-1]:.1f}"
