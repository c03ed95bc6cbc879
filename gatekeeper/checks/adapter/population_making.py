"""A population out of the adapters that a team knows: thresholds, and how often they are wrong, out of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatekeeper.checks.adapter import population_detectors as detectors
from gatekeeper.checks.adapter.population_judging import Sample, ordered
from gatekeeper.errors import InputError
from gatekeeper.population import POPULATION_VERSION, Detector, Label, Member, Population, Threshold
from gatekeeper.progress import SILENT, Progress
from gatekeeper.proportion import Proportion
from gatekeeper.text import plural, printable

BUDGET = 0.05
"""Share of honest adapters that may be called anomalous, unless something else is asked for."""


def calibrate(
    honest: Sequence[Sample],
    poisoned: Sequence[Sample] = (),
    *,
    name: str,
    tool_versions: Mapping[str, str],
    budget: float = BUDGET,
    progress: Progress = SILENT,
) -> Population:
    """Make a population.

    As many detectors are used as the members allow: they share the budget evenly, so that together they stay within it.
    Its false alarms are counted
    out of sample: each honest member is scored by a fit to the others, against thresholds of the others.

    Args:
        honest: Adapters that are trusted, of one base and with the same targets.
        poisoned: Adapters known to be poisoned, of the same kind; with ten or more of them a classifier is fitted.
        name: What to call it.
        tool_versions: Distribution → version.
        budget: Share of honest adapters that may be called anomalous.
        progress: Told how far the fits have come.

    Raises:
        InputError: When the adapters are not of one kind, are too few, or one stands there twice.
    """
    import numpy as np

    _refuse_mixed([*honest, *poisoned])
    chosen = detectors.detectors(len(honest), len(poisoned), budget)
    if not chosen:
        raise InputError(
            f"{plural(len(honest), 'honest adapter')}: false alarms of at most {budget:g} can't be promised with fewer "
            f"than {detectors.needed(budget, 1) + 1}",
            hint="give more adapters, or allow a greater share with --false-alarms",
        )
    names = tuple(sorted(honest[0].features))
    members = tuple(
        _member(sample, names, label)
        for label, samples in ((Label.HONEST, honest), (Label.POISONED, poisoned))
        for sample in samples
    )
    good, bad = (
        np.array([m.values for m in members if m.label is label], dtype=np.float64).reshape(-1, len(names))
        for label in Label
    )
    share = budget / len(chosen)
    with progress.task("calibrating", (len(good) + len(bad)) * len(chosen), "fits") as advance:
        scores = {each: detectors.out_of_sample(each, good, bad, advance) for each in chosen}
        caught = {each: detectors.out_of_sample_poisoned(each, good, bad, advance) for each in chosen}
    thresholds = tuple(
        Threshold(
            detector=each,
            score=detectors.threshold(list(scores[each]), share),
            middle=float(np.median(detectors.fit(each, good, bad)(good))),
        )
        for each in chosen
    )
    missed = [not any(caught[each.detector][index] > each.score for each in thresholds) for index in range(len(bad))]
    ranks = [rank for sample in honest for rank in sample.ranks]
    return Population(
        schema_version=POPULATION_VERSION,
        name=name,
        bases=tuple(sorted({sample.base for sample in (*honest, *poisoned)})),
        shapes=honest[0].shapes,
        targets=honest[0].targets,
        ranks=(min(ranks), max(ranks)),
        features=names,
        members=members,
        budget=budget,
        thresholds=thresholds,
        false_alarms=Proportion.of(_alarms(scores, share)),
        missed=Proportion.of(missed),
        tool_versions=dict(tool_versions),
    )


def _alarms(scores: Mapping[Detector, Any], share: float) -> list[bool]:
    """Say of each honest member whether a detector would have objected, by thresholds of the others."""
    count = len(next(iter(scores.values())))

    def objects(index: int) -> bool:
        return any(
            each[index] > detectors.threshold([*each[:index], *each[index + 1 :]], share) for each in scores.values()
        )

    return [objects(index) for index in range(count)]


def _member(sample: Sample, names: Sequence[str], label: Label) -> Member:
    return Member(
        name=sample.name,
        digest=sample.digest,
        label=label,
        rank=sample.ranks[-1],
        values=ordered(sample, names),
    )


def _refuse_mixed(samples: Sequence[Sample]) -> None:
    if not samples:
        raise InputError("no adapters were given")
    first, seen = samples[0], dict[str, str]()
    for sample in samples:
        shown = printable(sample.name, 100)
        if not sample.features:
            raise InputError(f"{shown} changes nothing: it was never trained")
        if not sample.base:
            raise InputError(f"{shown} names no base", hint="base_model_name_or_path in adapter_config.json names it")
        for what, own, other in (
            ("changes other modules", sample.targets, first.targets),
            ("is of a base whose modules have other names or sizes", sample.shapes, first.shapes),
            ("has other features", sorted(sample.features), sorted(first.features)),
        ):
            if own != other:
                hint = "a population is of one base and one set of targets: calibrate one for each"
                raise InputError(f"{shown} {what} than {printable(first.name, 100)}", hint=hint)
        if sample.digest in seen:
            raise InputError(f"{shown} is the same adapter as {printable(seen[sample.digest], 100)}")
        seen[sample.digest] = sample.name
