"""A population of adapters that were really trained: `python -m benchmarks.adapters --population` made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper import populations
from gatekeeper.checks.adapter.population_judging import Sample, judge
from gatekeeper.population import Member, Population


@pytest.fixture(scope="module")
def tiny() -> Population:
    return populations.load(Path(__file__).with_name("tiny-llm-population.json"))


def sample(population: Population, member: Member) -> Sample:
    return Sample(
        name=member.name,
        digest=member.digest,
        base=population.bases[0],
        shapes=population.shapes,
        targets=population.targets,
        ranks=(member.rank,),
        features=dict(zip(population.features, member.values, strict=True)),
    )


def test_it_promises_few_false_alarms(tiny: Population) -> None:
    assert tiny.budget == 0.05
    assert tiny.false_alarms.trials == len(tiny.members) >= 20
    assert tiny.false_alarms.lower <= tiny.budget


def test_most_members_pass_and_none_is_uncalibrated(tiny: Population) -> None:
    judged = [judge(tiny, sample(tiny, member)) for member in tiny.members[:6]]
    assert [each.uncalibrated for each in judged] == [""] * 6
    assert sum(each.is_anomalous for each in judged) <= 1


def test_another_base_gets_no_number(tiny: Population) -> None:
    other = replace(sample(tiny, tiny.members[0]), base="tiny-llm/base-1")
    assert "this one calls its base 'tiny-llm/base-1'" in judge(tiny, other).uncalibrated


def test_an_adapter_that_is_a_hundred_times_as_strong_is_anomalous(tiny: Population) -> None:
    usual = sample(tiny, tiny.members[0])
    strong = replace(usual, features={**usual.features, "level": usual.features["level"] + 4.6})
    assert judge(tiny, strong).is_anomalous
