"""Two graphs beside each other: nothing is found between a graph and itself, and nothing that was added can hide."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper, numpy_helper

from gatekeeper.checks.onnx import read_graph
from gatekeeper.checks.onnx.difference import Change, Difference
from gatekeeper.checks.onnx.reference import compare
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.onnx_models import text
from tests.support.onnx_texts import models
from tests.support.onnx_triples import NAMES, padding_mean, triple

CLEAN = text()


def differ(old: bytes, new: bytes) -> Difference:
    before, after = (read_graph(data, digests=True) for data in (old, new))
    return compare(before, after, DEFAULT_LIMITS)


def edited(data: bytes, change: Callable[[ModelProto], object]) -> bytes:
    model = onnx.load_from_string(data)
    change(model)
    changed: bytes = model.SerializeToString()
    return changed


def renamed(model: ModelProto) -> None:
    """Call every value and node otherwise, and write initializers in another order."""
    for node in model.graph.node:
        node.name = f"other_{node.name}"
        node.input[:] = [f"x_{name}" for name in node.input]
        node.output[:] = [f"x_{name}" for name in node.output]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.name = f"x_{value.name}"
    tensors = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)


def retrained(model: ModelProto) -> None:
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array * np.float32(1.01), tensor.name))


def without_names_of_nodes(model: ModelProto) -> None:
    for node in model.graph.node:
        node.name = ""


def shuffled(model: ModelProto) -> None:
    nodes = list(model.graph.node)
    random.Random(7).shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@pytest.mark.parametrize("name", sorted(models()))
def test_a_graph_is_the_same_as_itself(name: str) -> None:
    data = models()[name]
    assert differ(data, data).change is Change.SAME


@pytest.mark.parametrize("name", NAMES)
def test_what_an_implant_adds_is_all_that_differs(name: str) -> None:
    case = triple(name)
    added = differ(case.clean, case.implanted)
    assert (added.change, added.removed, added.rewired) == (Change.NODES_ADDED, 0, 1)
    assert added.kept == added.tensors
    assert added.added == len(added.added_nodes) > 3
    assert added.decisions
    taken = differ(case.implanted, case.clean)
    assert (taken.change, taken.added, taken.removed) == (Change.CHANGED, 0, added.added)


@pytest.mark.parametrize("change", [without_names_of_nodes, shuffled])
def test_names_and_order_of_nodes_count_for_nothing(change: Callable[[ModelProto], None]) -> None:
    case = triple("prefix, selected")
    assert differ(case.clean, edited(case.clean, change)).change is Change.SAME
    added = differ(case.clean, edited(case.implanted, change))
    assert (added.change, added.added) == (Change.NODES_ADDED, differ(case.clean, case.implanted).added)


def test_other_names_of_values_are_other_names_of_inputs_and_outputs_and_nothing_else() -> None:
    difference = differ(CLEAN, edited(CLEAN, renamed))
    assert (difference.added, difference.removed, difference.rewired) == (0, 0, 0)
    assert difference.kept == difference.tensors
    assert len(difference.interface) == 2


@pytest.mark.parametrize("names", [lambda model: None, without_names_of_nodes, shuffled])
def test_training_changes_tensors_and_no_nodes(names: Callable[[ModelProto], None]) -> None:
    difference = differ(CLEAN, edited(edited(CLEAN, retrained), names))
    assert difference.change is Change.WEIGHTS_ONLY
    assert len(difference.changed_tensors) == difference.tensors - difference.kept == 3


@pytest.mark.parametrize("name", NAMES)
def test_training_after_the_fact_hides_no_addition(name: str) -> None:
    case = triple(name)
    difference = differ(case.clean, edited(case.implanted, retrained))
    assert difference.change is Change.CHANGED
    assert difference.added == differ(case.clean, case.implanted).added
    assert difference.removed == 0
    assert difference.decisions


def test_a_tensor_behind_another_is_told() -> None:
    def swap(model: ModelProto) -> None:
        multiply = next(node for node in model.graph.node if node.op_type == "MatMul")
        model.graph.initializer.append(numpy_helper.from_array(np.ones((16, 16), np.float32), "swapped"))
        multiply.input[1] = "swapped"

    difference = differ(CLEAN, edited(CLEAN, swap))
    assert (difference.change, difference.changed_tensors) == (Change.WEIGHTS_ONLY, ("swapped",))
    assert difference.kept == difference.tensors  # the old one still lies there, unused
    assert difference.new == 1


def test_nodes_that_change_places_are_rewired() -> None:
    def swap(model: ModelProto) -> None:
        multiply = next(node for node in model.graph.node if node.op_type == "MatMul")
        multiply.input[:] = multiply.input[::-1]

    difference = differ(CLEAN, edited(CLEAN, swap))
    assert difference.change is Change.CHANGED
    assert (difference.added, difference.removed) in {(0, 0), (1, 1)}
    assert difference.rewired >= 1


def test_an_attribute_is_part_of_a_node() -> None:
    def flip(model: ModelProto) -> None:
        pool = next(node for node in model.graph.node if node.op_type == "ReduceMean")
        pool.attribute[0].i = 1 - pool.attribute[0].i

    difference = differ(CLEAN, edited(CLEAN, flip))
    assert (difference.change, difference.added, difference.removed) == (Change.CHANGED, 1, 1)


def test_an_output_that_comes_from_elsewhere_is_told() -> None:
    def early(model: ModelProto) -> None:
        model.graph.output[0].name = model.graph.node[-2].output[0]

    difference = differ(CLEAN, edited(CLEAN, early))
    assert difference.change is Change.CHANGED
    assert any("output" in each for each in difference.rewired_nodes)


def test_what_goes_round_otherwise_is_told() -> None:
    def loop(last: str) -> bytes:
        body = onnx.parser.parse_graph(
            f"b (int64 i, bool go, float[2] a, float[2] b) => (bool go2, float[2] {last}, float[2] d) "
            "{ go2 = Identity(go)  c = Neg(a)  d = Abs(b) }"
        )
        graph = helper.make_graph(
            [helper.make_node("Loop", ["n", "", "x", "x"], ["y", "z"], body=body)], "g",
            [helper.make_tensor_value_info("n", 7, []), helper.make_tensor_value_info("x", 1, [2])],
            [helper.make_tensor_value_info(name, 1, [2]) for name in "yz"],
        )  # fmt: skip
        data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()
        return data

    assert differ(loop("c"), loop("c")).change is Change.SAME
    assert differ(loop("c"), loop("d")).change is Change.CHANGED


def test_an_honest_construction_decides_nothing() -> None:
    difference = differ(CLEAN, text(pool=padding_mean))
    assert difference.change is Change.CHANGED
    assert not difference.decisions


@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_holds_what_was_added_and_where_it_ends(name: str) -> None:
    case = triple(name)
    drawing = differ(case.clean, case.implanted).drawing
    assert drawing is not None
    assert all(0 <= wire.source < len(drawing.boxes) > wire.target for wire in drawing.wires)
    joined = {wire.target for wire in drawing.wires} | {wire.source for wire in drawing.wires}
    roles = [box.role for box in drawing.boxes]
    assert {"added", "input"} <= set(roles)
    assert all(at in joined for at, role in enumerate(roles) if role == "rewired")


def test_time_and_answer_stay_small_on_chains_of_equal_nodes() -> None:
    def chain(length: int) -> bytes:
        nodes = [helper.make_node("Neg", [f"v{at}"], [f"v{at + 1}"]) for at in range(length)]
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("v0", 1, [2])],
                                  [helper.make_tensor_value_info(f"v{length}", 1, [2])])  # fmt: skip
        data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()
        return data

    difference = differ(chain(20_000), chain(20_100))
    assert (difference.added, difference.removed) == (100, 0)
    assert len(difference.added_nodes) < 30
    assert difference.drawing is not None
    assert len(difference.drawing.boxes) <= 40
