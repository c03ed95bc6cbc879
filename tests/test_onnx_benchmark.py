"""The benchmark of ONNX structure: its set covers what it says, its figures count what they say."""

from itertools import combinations

import onnx
import pytest

from benchmarks.onnx import figures
from benchmarks.onnx.figures import Result
from benchmarks.onnx.graft import Graft
from benchmarks.onnx.judging import IMPLANT, NONE, OURS, REVIEW, naive
from tests.support.onnx_triples import triple


def result(word: str, *, implanted: bool, part: str = "raw", held_out: bool = False) -> Result:
    return Result(name="x", implanted=implanted, held_out=held_out, part=part, words={OURS: word})


def test_no_target_is_missed_when_all_is_found_and_nothing_honest_is_called() -> None:
    found = [result(IMPLANT, implanted=True), result(REVIEW, implanted=True, part="learned")]
    assert figures.missed_targets([*found, result(NONE, implanted=False, part="exported")]) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (result(NONE, implanted=True), "99 %"),
        (result(NONE, implanted=True, part="learned"), "50 %"),
        (result(IMPLANT, implanted=False), "called implant"),
        (result(REVIEW, implanted=False), "called review"),
        (result(NONE, implanted=True, held_out=True), "held out"),
        (result("crash", implanted=False), "crash"),
    ],
)
def test_each_target_can_be_missed(bad: Result, words: str) -> None:
    good = [
        result(IMPLANT, implanted=True),
        result(REVIEW, implanted=True, part="learned"),
        result(NONE, implanted=False),
    ]
    assert any(words in line for line in figures.missed_targets([*good, bad, bad]))
    assert list(figures.wrong([*good, bad]))


def test_what_ours_did_not_look_at_is_neither_found_nor_missed() -> None:
    unseen = Result(name="x", implanted=True, held_out=False, part="raw", words={})
    assert figures.missed_targets([unseen]) == []
    assert list(figures.wrong([unseen])) == []


def test_the_naive_rule_sees_operators_inside_bodies_and_functions() -> None:
    assert naive(triple("local function").implanted) == IMPLANT
    assert naive(triple("loop").lookalike) == IMPLANT
    assert naive(triple("smooth corner").implanted) == NONE


def test_a_graft_keeps_the_name_of_an_output_and_an_order_in_which_nodes_can_run() -> None:
    graft = Graft(triple("prefix, branch").clean)
    graft.replace("logits", graft("Neg", "logits"))
    model = onnx.load_model_from_string(graft.done())
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.output] == ["logits"]
    assert next(node.op_type for node in model.graph.node if "logits" in node.output) == "Neg"


def test_the_set_holds_every_pair_that_can_be() -> None:
    pytest.importorskip("torch")
    from benchmarks.onnx import cases
    from benchmarks.onnx.architectures import ARCHITECTURES

    chosen = cases.everything()
    assert len(set(chosen)) == len(chosen) >= 400
    assert len({case.family for case in chosen}) >= 20
    assert len({case.payload for case in chosen}) >= 8
    assert len({case.host for case in chosen}) >= 6
    assert sum(family.held_out for family in cases.FAMILIES.values()) >= 6
    assert sum(ARCHITECTURES[host].held_out for host in cases.HOSTS) >= 2

    def pairs(case: cases.Case) -> set[object]:
        return set(combinations(enumerate((case.family, case.payload, case.host, case.exporter, case.form)), 2))

    covered = set().union(*map(pairs, chosen))
    some_family, some_payload = "phrase", "steer"
    every = (
        cases.Case(family=some_family, payload=some_payload, host=host, exporter=exporter, form=form)
        for host in cases.HOSTS for exporter in cases.EXPORTERS for form in cases.FORMS
    )  # fmt: skip
    assert all(pairs(case) <= covered for case in every if cases.possible(case))
