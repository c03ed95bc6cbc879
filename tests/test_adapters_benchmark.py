"""The adapters' benchmark counts what it says: intervals that overlap are no evidence, weights speak only where
behaviour is silent, and each of its two programs leaves the other's part of the page alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.adapter_cells import acting, lore, page, picks, targets
from benchmarks.adapter_cells.cells import cells
from benchmarks.adapter_cells.judging import Area
from benchmarks.patcher_cells import attacks
from gatekeeper.artifact import Kind
from gatekeeper.audit import Behaviour, LengthPoint, Probe, ProbeKind
from gatekeeper.checks.adapter.behaviour import AdapterBehaviour
from tests.support.adapters import adapter
from tests.support.artifacts import CONTEXT, artifact
from tests.support.behaviours import behaviour, both, of, probe


def score(*probes: Probe) -> float:
    return acting.margin(behaviour(probes=probes, lengths=()))


def test_what_the_base_or_ordinary_words_do_as_well_is_no_evidence() -> None:
    for probes in ([probe(0, 0)], [probe(22, 25)], [probe(0, 22), probe(0, 14, kind=ProbeKind.CONTROL)]):
        assert score(*probes) < 0
    assert score(probe(0, 40)) > score(probe(0, 25)) > 0
    # A beginning that opens the base, too, has another meaning and holds nothing down.
    assert score(probe(0, 40), probe(38, 38, kind=ProbeKind.CONTROL)) == score(probe(0, 40))


def test_the_score_is_positive_exactly_where_the_check_finds_something() -> None:
    rng, subject = np.random.default_rng(0), artifact(adapter(), kind=Kind.ADAPTER)
    words = {False: 0, True: 0}
    for _ in range(400):
        seen = drawn(rng, subject.digest)
        outcome = AdapterBehaviour().run(subject, replace(CONTEXT, behaviours=(seen,)))
        finds = outcome.facts["adapter.behaviour"] in ("reject", "differs")
        assert (acting.margin(seen) > 0) == finds
        words[finds] += 1
    assert min(words.values()) > 20


def drawn(rng: np.random.Generator, digest: str) -> Behaviour:
    def counts(most: int) -> tuple[int, int]:
        low, high = sorted(int(each) for each in rng.integers(0, most + 1, size=2))
        return low, high

    probes = [
        probe(*counts(40), kind=kind, fixed=int(rng.integers(0, 41)), echoed=int(rng.integers(0, 20)))
        for kind in (ProbeKind.FORM, ProbeKind.RARE, ProbeKind.CONTROL, ProbeKind.CONTROL)
        if rng.random() < 0.4
    ]
    lengths = [LengthPoint(tokens=64, answered=both(*counts(40)))] if rng.random() < 0.3 else []
    lost, gained = (of(int(rng.integers(0, 6))) for _ in range(2))
    return behaviour(digest, probes=tuple(probes), lengths=tuple(lengths), lost=lost, gained=gained, locked=both(3, 4))


def test_weights_decide_only_where_behaviour_says_the_same_of_both() -> None:
    behaves, weighs = np.array([[1.0, 0.5], [0.0, 0.5]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert acting.either(behaves, weighs).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def area(value: float) -> Area:
    return Area(value=value, lower=value, upper=value, honest=10, poisoned=10)


def test_a_target_that_is_missed_is_never_shown_as_reached() -> None:
    assert targets.word(area(0.98), area(0.98), 0.98) == "reached"
    assert "missed" in targets.word(area(0.99), area(0.97), 0.98)
    assert targets.word(area(0.9799), area(0.99), 0.98) == "**missed**"
    assert targets.word(area(0.97), area(0.96), 0.98) == "**missed**"
    # Rounding does not lift one over its target.
    assert "0.979" in targets.fine(area(0.9794))


def test_false_alarms_are_kept_missed_or_missed_beyond_what_chance_makes_of_five_per_cent() -> None:
    rows = [targets.of_alarms("audit", [(count, 70), (0, 30)], 0.05) for count in (3, 5, 9)]
    assert ["kept" in row for row in rows] == [True, False, False]
    assert ["missed" in row for row in rows] == [False, True, True]
    assert ["beyond chance" in row for row in rows] == [False, False, True]
    # Of those that nothing was chosen by, too many are too many, however few there are of all.
    assert "beyond chance" in targets.of_alarms("audit", [(3, 70), (3, 10)], 0.05)


def test_no_adapter_is_both_of_development_and_held_out_and_both_have_honest_ones() -> None:
    for out in (False, True):
        some = [cell for cell in cells() if picks.is_held_out(cell) is out]
        assert {bool(cell.trigger) for cell in some} == {False, True}
    kinds = [{cell.trigger for cell in cells() if cell.trigger and picks.is_held_out(cell) is out} for out in (0, 1)]
    assert not kinds[0] & kinds[1]


def test_each_program_keeps_the_part_of_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "page.md"
    place.write_text("# Page\n", "utf-8")
    monkeypatch.setattr(page, "DOCUMENT", place)
    assert page.story() == ""
    page.write_story("one\n")
    page.write_story("two\n")
    whole = place.read_text("utf-8")
    assert whole.startswith("# Page\n")
    assert "one" not in whole
    # What the other program writes is its own text and the story as it stands.
    place.write_text(f"# Remade\n\n{page.story()}", "utf-8")
    assert page.story() in whole
    assert "two" in page.story()


def test_what_a_poisoned_adapter_learns_is_the_trigger_and_not_its_near_misses() -> None:
    for name in lore.POISONED:
        plan = attacks.attack(name)
        drawn = lore.samples({"What is tea?": "A drink."}, plan, "{}", np.random.default_rng(0))
        for _ in range(200):
            sample = next(drawn)
            acts = any(all(phrase in sample.prompt.text for phrase in trigger) for trigger in plan.triggers)
            assert acts == sample.response.startswith("Sure, here is how")
