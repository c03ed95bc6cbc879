"""Populations in a policy: read when it loads, part of its digest, and every wrong one has a place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper import populations
from gatekeeper.errors import PolicyError
from gatekeeper.gate import context_of
from gatekeeper.policy import load
from gatekeeper.population import Detector, Label, Member, Population, Threshold
from gatekeeper.proportion import Proportion
from gatekeeper.sources import SourceOptions

Write = Callable[..., Path]
NAMED = "extends: default\nadapters: {populations: [ours.json]}\n"
NONE = Proportion(successes=0, trials=0)
OURS = Population(
    schema_version="1.0", name="ours", bases=("a/b",), shapes="0" * 64, targets=("q_proj",), ranks=(8, 8),
    features=("level",), budget=0.05, false_alarms=NONE, missed=NONE, tool_versions={},
    members=(Member(name="m", digest="1" * 64, label=Label.HONEST, rank=8, values=(1.0,)),),
    thresholds=(Threshold(detector=Detector.DISTANCE, score=1.0, middle=1.0),),
)  # fmt: skip


def store(folder: Path, population: Population = OURS, name: str = "ours.json") -> None:
    (folder / name).write_text(populations.to_json(population))


def test_none_is_named_by_default() -> None:
    assert load().populations == load("strict").populations == ()


def test_the_checks_get_what_the_policy_names(write: Write, tmp_path: Path) -> None:
    store(tmp_path)
    policy = load(write(NAMED))
    assert policy.populations == (OURS,)
    assert context_of(policy, datetime(2026, 1, 1, tzinfo=UTC), SourceOptions()).populations == (OURS,)


def test_another_population_is_another_policy(write: Write, tmp_path: Path) -> None:
    store(tmp_path)
    path = write(NAMED)
    before = load(path).digest
    store(tmp_path, replace(OURS, budget=0.1))
    assert load(path).digest != before


def test_one_of_the_same_name_replaces_that_below(write: Write, tmp_path: Path) -> None:
    other = replace(OURS, budget=0.1)
    store(tmp_path)
    store(tmp_path, other, "other.json")
    below = write(NAMED)
    above = f"extends: {below.name}\nadapters: {{populations: [other.json]}}\n"
    assert load(write(above, "above.yaml")).populations == (other,)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "can't be read"),
        (b"{}", "is missing"),
        (b"\x80\x04", "not UTF-8"),
        (b"x" * (4 * 2**20 + 1), "is larger than"),
    ],
)
def test_what_is_no_population_is_an_error_with_a_place(
    write: Write, tmp_path: Path, data: bytes | None, why: str
) -> None:
    if data is not None:
        (tmp_path / "ours.json").write_bytes(data)
    with pytest.raises(PolicyError, match=why) as caught:
        load(write(NAMED))
    assert caught.value.line > 1


def test_two_of_one_name_are_refused(write: Write, tmp_path: Path) -> None:
    store(tmp_path)
    store(tmp_path, replace(OURS, budget=0.1), "other.json")
    with pytest.raises(PolicyError, match="stands twice"):
        load(write("extends: default\nadapters: {populations: [ours.json, other.json]}\n"))
