"""Graphs of TensorFlow."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.tensorflow_graph import judge_frozen_graph, judge_saved_model
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer, Judge, chosen, judged
from tests.support.corpus.protobuf import graph, saved_model

_JUDGES: tuple[Judge, ...] = (judge_saved_model, judge_frozen_graph)
_OPERATORS = ("MatMul", "ReadFile", "WriteFile", "PyFunc")

SEEDS = seeds.chosen_by_first_byte(
    seeds.both(
        seeds.of(Format.SAVED_MODEL, Format.FROZEN_GRAPH),
        lambda: [make(_OPERATORS, in_function=inside) for make in (graph, saved_model) for inside in (False, True)],
    ),
    len(_JUDGES),
)
TOKENS = (
    *(bytes([tag]) for tag in range(8, 64)),
    b"\x0a\x00",
    b"\xff" * 9 + b"\x01",
    b"\x80" * 10,
    b"WriteFile",
    b"grpc://a",
)


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_JUDGES))
    return judged(_JUDGES[number], "saved_model.pb", data, MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    found = {problem.slug for problem in answer(b"\1" + graph(["WriteFile"]) + data[1:])}
    if "tensorflow-writes" not in found:
        raise laws.LawError("an operator is not seen for what follows it")
