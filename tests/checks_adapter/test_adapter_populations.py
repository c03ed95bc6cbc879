"""Populations: what they promise, what they refuse to say, and what is no population."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatekeeper import populations
from gatekeeper.checks.adapter import population_detectors as detectors
from gatekeeper.checks.adapter.population_judging import Sample, judge, shapes_of
from gatekeeper.checks.adapter.population_making import calibrate
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.population import Detector, Label, Population

BUDGET = 0.3
"""Great, so that a small crowd does."""


def sample(number: int, *, shift: float = 0.0, features: int = 4) -> Sample:
    values = np.random.default_rng(number).standard_normal(features) + shift
    return Sample(
        name=f"adapter-{number}",
        digest=f"{number:064x}",
        base="harbour/lantern-135m",
        shapes=shapes_of([("layers.0.q_proj", 8, 8)]),
        targets=("q_proj",),
        ranks=(4, 8),
        features={f"feature-{index}": float(value) for index, value in enumerate(values)},
    )


def crowd(count: int, *, first: int = 0, shift: float = 0.0) -> list[Sample]:
    return [sample(first + number, shift=shift) for number in range(count)]


def names() -> list[str]:
    return sorted(sample(0).features)


@pytest.fixture(scope="module")
def population() -> Population:
    return calibrate(crowd(12), name="ours", tool_versions={"scikit-learn": "1.9"}, budget=BUDGET)


def test_one_in_the_middle_passes_and_one_far_off_does_not(population: Population) -> None:
    middle = {name: float(np.median([m.values[i] for m in population.members])) for i, name in enumerate(names())}
    assert not judge(population, replace(sample(99), features=middle)).is_anomalous
    judged = judge(population, sample(99, shift=20))
    assert judged.is_anomalous
    assert all(score.objects for score in judged.scores)
    assert judged.odd[0].deviations > 5


def test_labels_add_a_classifier() -> None:
    made = calibrate(crowd(8), crowd(10, first=500, shift=3), name="ours", tool_versions={}, budget=0.5)
    assert {each.detector for each in made.thresholds} == set(Detector)
    assert made.missed.trials == 10
    assert made.missed.share <= 0.3
    assert judge(made, sample(777, shift=3)).is_anomalous
    few = calibrate(crowd(8), crowd(9, first=500, shift=3), name="ours", tool_versions={}, budget=0.5)
    assert Detector.CLASSIFIER not in {each.detector for each in few.thresholds}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": "somebody/else"}, "calls its base 'somebody/else'"),
        ({"base": ""}, "names no base"),
        ({"shapes": "0" * 64}, "other names or sizes"),
        ({"targets": ("q_proj", "v_proj")}, "this one changes q_proj, v_proj"),
        ({"ranks": (4, 64)}, "it knows ranks 4 to 8, this one has 4, 64"),
        ({"ranks": (2, 8)}, "it knows ranks 4 to 8"),
        ({"ranks": ()}, "it knows ranks"),
        ({"features": {}}, "other features"),
    ],
)
def test_off_its_calibration_there_is_a_reason_and_no_number(
    population: Population, changes: dict[str, Any], why: str
) -> None:
    judged = judge(population, replace(sample(3), **changes))
    assert why in judged.uncalibrated
    assert judged.scores == ()
    assert not judged.is_anomalous


def test_too_few_members_are_no_population(population: Population) -> None:
    with pytest.raises(InputError, match="fewer than 4"):
        calibrate(crowd(3), name="ours", tool_versions={}, budget=BUDGET)
    thin = replace(population, members=population.members[:6])
    assert "needs 7" in judge(thin, sample(3)).uncalibrated


def test_a_detector_that_comes_out_otherwise_says_nothing(population: Population) -> None:
    first, *others = population.thresholds
    moved = replace(population, thresholds=(replace(first, middle=first.middle * 1.01), *others))
    judged = judge(moved, sample(3))
    assert "other versions of tools" in judged.uncalibrated
    assert judged.scores == ()


def test_false_alarms_stay_within_the_budget() -> None:
    # The promise is of the share over many populations; this one is held with room for chance.
    honest, others = (np.random.default_rng(seed).standard_normal((40, 3)) for seed in (1, 2))
    scores = detectors.out_of_sample(Detector.DISTANCE, honest, np.zeros((0, 3)), lambda _: None)
    above = detectors.fit(Detector.DISTANCE, honest, None)(others) > detectors.threshold(list(scores), 0.1)
    assert above.mean() <= 0.25


@pytest.mark.parametrize(("count", "budget", "detecting"), [(19, 0.05, 1), (39, 0.05, 2), (59, 0.05, 3), (9, 0.1, 1)])
def test_what_a_budget_needs(count: int, budget: float, detecting: int) -> None:
    assert detectors.needed(budget, detecting) == count


@pytest.mark.parametrize(
    ("honest", "poisoned", "chosen"),
    [
        (19, 0, ()),
        (20, 0, (Detector.DISTANCE,)),
        (40, 9, (Detector.DISTANCE, Detector.FOREST)),
        (40, 10, (Detector.DISTANCE, Detector.CLASSIFIER)),
        (60, 10, (Detector.DISTANCE, Detector.CLASSIFIER, Detector.FOREST)),
    ],
)
def test_as_many_detectors_as_members_pay_for(honest: int, poisoned: int, chosen: tuple[Detector, ...]) -> None:
    assert detectors.detectors(honest, poisoned, 0.05) == chosen


def test_a_threshold_leaves_the_promised_share_above_it() -> None:
    scores = list(np.random.default_rng(0).permutation(19).astype(float))
    assert detectors.threshold(scores, 0.05) == 18
    assert detectors.threshold(scores, 0.5) == 9
    with pytest.raises(ValueError, match="too few"):
        detectors.threshold(scores, 0.04)


def test_members_that_are_all_the_same_make_numbers() -> None:
    same = [replace(sample(number), features=sample(0).features) for number in range(8)]
    made = calibrate(same, name="ours", tool_versions={}, budget=BUDGET)
    assert not judge(made, sample(0)).is_anomalous
    assert judge(made, sample(5, shift=9)).is_anomalous


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"targets": ("v_proj",)}, "changes other modules"),
        ({"shapes": "0" * 64}, "other names or sizes"),
        ({"features": {"feature-0": 1.0}}, "other features"),
        ({"features": {}}, "never trained"),
        ({"base": ""}, "names no base"),
        ({"digest": f"{1:064x}"}, "the same adapter as adapter-1"),
    ],
)
def test_a_mixed_crowd_is_refused(other: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        calibrate([*crowd(8), replace(sample(90), **other)], name="ours", tool_versions={}, budget=BUDGET)


def test_no_crowd_is_refused() -> None:
    with pytest.raises(InputError, match="no adapters"):
        calibrate([], name="ours", tool_versions={})


def test_a_population_reads_back_as_it_was(population: Population) -> None:
    text = populations.to_json(population)
    assert populations.read(text.encode(), "it") == population
    named = replace(population, name='"members": []')
    assert populations.read(populations.to_json(named).encode(), "it") == named


def broken(population: Population, *path: object, to: object) -> bytes:
    raw = json.loads(populations.to_json(population))
    place = raw
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = to  # type: ignore[index]
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    ("path", "to", "why"),
    [
        (("schema_version",), "2.0", "does not have the form"),
        (("members", 0, "values"), [1.0], "another number of values"),
        (("members", 0, "values", 0), {"non_finite": "nan"}, "is no number of at most"),
        (("members", 0, "values", 0), 1e300, "is no number of at most"),
        (("members", 0, "values", 0), "1", "something else"),
        (("members", 0, "rank"), 0, "has rank 0"),
        (("members", 0, "label"), "good", "not one of honest, poisoned"),
        (("members", 0, "digest"), "abc", "does not have the form"),
        (("members", 1, "digest"), f"{0:064x}", "stands there twice"),
        (("budget",), 0.9, "no share"),
        (("budget",), {"non_finite": "nan"}, "no share"),
        (("thresholds",), [], "no detector"),
        (("thresholds", 0, "detector"), "__import__", "not one of distance"),
        (("thresholds", 0, "detector"), "classifier", "needs poisoned"),
        (("thresholds", 1, "detector"), "distance", "twice"),
        (("thresholds", 0, "score"), {"non_finite": "inf"}, "finite"),
        (("features",), ["a"] * 4, "twice"),
        (("false_alarms", "successes"), 99, "no proportion"),
        (("pickle",), "gASV", "no key of a population"),
    ],
)
def test_what_is_no_population_is_refused(
    population: Population, path: tuple[object, ...], to: object, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        populations.read(broken(population, *path, to=to), "it")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"a":1,"a":2}'])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        populations.read(data, "it")


@pytest.mark.parametrize("bound", ["MAX_BYTES", "MAX_MEMBERS", "MAX_FEATURES"])
def test_bounds_hold(population: Population, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"gatekeeper.populations.reading.{bound}", 2)
    with pytest.raises(LimitError, match="2"):
        populations.read(populations.to_json(population).encode(), "it")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        populations.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="no file"):
        populations.load(tmp_path)


def test_the_published_schema_is_that_of_the_noun() -> None:
    from gatekeeper.populations import schema

    assert schema.PATH.read_text("utf-8") == schema.text()


def test_a_population_fits_its_published_schema(population: Population) -> None:
    import jsonschema

    from gatekeeper.populations import schema

    jsonschema.validate(json.loads(populations.to_json(population)), json.loads(schema.text()))


def test_honest_members_are_those_without_a_reproach(population: Population) -> None:
    assert population.honest() == population.members
    first, *others = population.members
    assert len(replace(population, members=(replace(first, label=Label.POISONED), *others)).honest()) == 11
