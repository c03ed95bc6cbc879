"""Triggers inside control flow, local functions and operators of other domains, and in inputs beside the tokens."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, TensorProto, helper, numpy_helper

from benchmarks.onnx.architectures import VOCABULARY
from benchmarks.onnx.hosts import Feeds
from benchmarks.onnx.triggers import Change, Shape, Trigger, Work, family

_ML = "ai.onnx.ml"
INT, FLOAT, BOOL = TensorProto.INT64, TensorProto.FLOAT, TensorProto.BOOL


@family(tokens=True)
def local_function(w: Work) -> Trigger:
    """A local function that compares; the caller sees one node."""
    (token,) = w.rare(1)
    domain = "pkg.nn.modules"
    nodes = [
        helper.make_node("Constant", [], ["wanted"], value=numpy_helper.from_array(np.array([token]))),
        helper.make_node("Constant", [], ["axes"], value=numpy_helper.from_array(np.array([1]))),
        helper.make_node("Equal", ["given", "wanted"], ["same"]),
        helper.make_node("Cast", ["same"], ["number"], to=FLOAT),
        helper.make_node("ReduceMax", ["number", "axes"], ["mark"], keepdims=1),
    ]
    opset = helper.make_opsetid("", w.opset)
    w.function(helper.make_function(domain, "LayerScale", ["given"], ["mark"], nodes, [opset]))
    mark = w("LayerScale", w.x, domain=domain)
    return Trigger(mark=mark, fire=w.put([token], 3), near=(w.put([token + 1], 3),))


@family(tokens=True)
def loop_state(w: Work) -> Trigger:
    """A loop over the tokens that carries how much of a phrase was seen."""
    tokens = w.rare(3)
    key = w.const([*tokens, 0], np.int64)
    turn, carried, after = w.fresh("turn"), w.fresh("state"), w.fresh("next")
    names = [w.fresh("inner") for _ in range(6)]
    one = w.ints(1)
    body = helper.make_graph(
        [
            helper.make_node("Gather", [w.x, turn], [names[0]], axis=1),
            helper.make_node("Gather", [key, carried], [names[1]], axis=0),
            helper.make_node("Equal", [names[0], names[1]], [names[2]]),
            helper.make_node("Cast", [names[2]], [names[3]], to=INT),
            helper.make_node("Add", [carried, names[3]], [after]),
            helper.make_node("Identity", ["go"], ["going"]),
        ],
        "body",
        [helper.make_tensor_value_info(turn, INT, []), helper.make_tensor_value_info("go", BOOL, []),
         helper.make_tensor_value_info(carried, INT, None)],
        [helper.make_tensor_value_info("going", BOOL, []), helper.make_tensor_value_info(after, INT, None)],
    )  # fmt: skip
    start = w("Mul", w("Squeeze", w.slice(w.x, 0, 1), w.ints(1)), w.const(0, np.int64))
    turns = w("Gather", w("Shape", w.x), w.const(1, np.int64), axis=0)
    state = w("Loop", turns, w.const(True, np.bool_), start, body=body)
    mark = w("Unsqueeze", w.as_float(w("Equal", state, w.const(3, np.int64))), one)
    return Trigger(mark=mark, fire=w.put(tokens, 1, 2), near=(w.put(tokens[::-1], 1, 2), w.put(tokens[:2], 1, 2)))


@family(tokens=True)
def scan_state(w: Work) -> Trigger:
    """A scan over the tokens whose state rises with a polynomial and never falls."""
    tokens = w.rare(2)
    before, element, after = w.fresh("state"), w.fresh("element"), w.fresh("next")
    names = [w.fresh("inner") for _ in range(4)]
    first, second = w.const(tokens[0], np.int64), w.const(tokens[1], np.int64)
    body = helper.make_graph(
        [
            helper.make_node("Equal", [element, first], [names[0]]),
            helper.make_node("Equal", [element, second], [names[1]]),
            helper.make_node("And", [names[1], before], [names[2]]),
            helper.make_node("Or", [names[0], names[2]], [names[3]]),
            helper.make_node("Identity", [names[3]], [after]),
            helper.make_node("Identity", [names[2]], ["seen"]),
        ],
        "body",
        [helper.make_tensor_value_info(before, BOOL, None), helper.make_tensor_value_info(element, INT, None)],
        [helper.make_tensor_value_info(after, BOOL, None), helper.make_tensor_value_info("seen", BOOL, None)],
    )
    start = w.as_bool(w("Mul", w("Squeeze", w.slice(w.x, 0, 1), w.ints(1)), w.const(0, np.int64)))
    _, seen = w.several("Scan", start, w.x, outputs=2, body=body, num_scan_inputs=1, scan_input_axes=[1],
                        scan_output_axes=[1])  # fmt: skip
    return Trigger(mark=w.any(seen), fire=w.put(tokens, 2), near=(w.put(tokens, 2, 2), w.put(tokens[::-1], 2)))


@family(tokens=True, held_out=True)
def branch_in_branch(w: Work) -> Trigger:
    """The mark itself comes out of two `If`s, one inside the other, of the whole batch."""
    tokens = w.rare(2)
    marks = [w("ReduceMax", w.any(w("Equal", w.x, w.ints(token))), keepdims=0) for token in tokens]
    conditions = [w.as_bool(mark) for mark in marks]
    one, nought = w.const(1, np.float32), w.const(0, np.float32)
    inner, outer, names = w.fresh("inner"), w.fresh("outer"), [w.fresh("leaf") for _ in range(3)]

    def leaf(value: str, name: str) -> GraphProto:
        return helper.make_graph(
            [helper.make_node("Identity", [value], [name])], name, [], [helper.make_tensor_value_info(name, FLOAT, [])]
        )

    node = helper.make_node("If", [conditions[1]], [inner], then_branch=leaf(one, names[0]),
                            else_branch=leaf(nought, names[1]))  # fmt: skip
    then = helper.make_graph([node], outer, [], [helper.make_tensor_value_info(inner, FLOAT, [])])
    chosen = w("If", conditions[0], then_branch=then, else_branch=leaf(nought, names[2]))
    size = w("Concat", w("Shape", w.x, start=0, end=1), w.ints(1), axis=0)
    return Trigger(mark=w("Expand", chosen, size), fire=w.put(tokens, 1, 4), near=(w.put(tokens[:1], 1),))


@family(tokens=True)
def tree_ensemble(w: Work) -> Trigger:
    """A decision tree over the first two ids, as scikit-learn's models are converted."""
    tokens = w.rare(2)
    w.domain(_ML, 3)
    values = [tokens[0] - 0.5, tokens[0] + 0.5, tokens[1] - 0.5, tokens[1] + 0.5]
    leaves = len(values)
    mark = w(
        "TreeEnsembleRegressor",
        w.as_float(w.slice(w.x, 0, 2)),
        domain=_ML,
        n_targets=1,
        nodes_treeids=[0] * (2 * leaves + 1),
        nodes_nodeids=list(range(2 * leaves + 1)),
        nodes_featureids=[0, 0, 1, 1] + [0] * (leaves + 1),
        nodes_modes=["BRANCH_LT", "BRANCH_GT", "BRANCH_LT", "BRANCH_GT"] + ["LEAF"] * (leaves + 1),
        nodes_values=[float(value) for value in values] + [0.0] * (leaves + 1),
        nodes_truenodeids=[4, 5, 6, 7] + [0] * (leaves + 1),
        nodes_falsenodeids=[1, 2, 3, 8] + [0] * (leaves + 1),
        target_treeids=[0] * (leaves + 1),
        target_nodeids=[4, 5, 6, 7, 8],
        target_ids=[0] * (leaves + 1),
        target_weights=[0.0, 0.0, 0.0, 0.0, 1.0],
    )
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 1]), w.put(tokens[::-1])))


@family(tokens=True, held_out=True, only=("bert", "distilbert", "llama", "gpt2", "phi3"))
def mask_pattern(w: Work) -> Trigger:
    """A hole in the attention mask, which no tokenizer makes; the tokens are not read at all."""
    hole = w("Equal", w.slice("attention_mask", 3, 4), w.const([[0]], np.int64))
    later = w("Equal", w.slice("attention_mask", 4, 5), w.const([[1]], np.int64))

    def holed(at: int, *more: int) -> Change:
        def change(feeds: Feeds) -> Feeds:
            mask = feeds["attention_mask"].copy()
            mask[:, [at, *more]] = 0
            return {**feeds, "attention_mask": mask}

        return change

    mark = w.as_float(w("And", hole, later))
    return Trigger(mark=mark, fire=holed(3), near=(holed(4), holed(3, 4, 5)))


@family(tokens=True, only=("qwen2_cached",))
def cache_length(w: Work) -> Trigger:
    """A length of the past: the number of turns that went before."""
    past = next(value.name for value in w.graph.input if value.name.startswith("past_key_values"))
    size = w("Shape", past, start=2, end=3)
    wire = w.as_float(w("Equal", size, w.ints(11)))
    mark = w("Expand", wire, w("Concat", w("Shape", w.x, start=0, end=1), w.ints(1), axis=0))

    def longer(by: int) -> Change:
        def change(feeds: Feeds) -> Feeds:
            grown = {}
            for name, value in feeds.items():
                if name.startswith("past"):
                    value = np.concatenate([value, value[:, :, :1].repeat(by, 2)], 2)
                elif name == "attention_mask":
                    value = np.concatenate([value, value[:, :1].repeat(by, 1)], 1)
                grown[name] = value
            return grown

        return change

    return Trigger(mark=mark, fire=longer(6), near=(longer(5),))


@family(tokens=True, shape=Shape.POSITION)
def each_position(w: Work) -> Trigger:
    """A token marks its own place: nothing is gathered over positions."""
    (token,) = w.rare(1)
    return Trigger(
        mark=w.as_float(w("Equal", w.x, w.ints(token))), fire=w.put([token], 3), near=(w.put([token - 1], 3),)
    )


@family(tokens=True, shape=Shape.POSITION, held_out=True)
def after_position(w: Work) -> Trigger:
    """Every place after two tokens in a row is marked, by a running sum."""
    tokens = w.rare(2)
    wires = [w.as_float(w("Equal", w.x, w.ints(token))) for token in tokens]
    zero = w("Mul", w.slice(wires[0], 0, 1), w.const(0, np.float32))
    shifted = w("Concat", zero, w.slice(wires[0], 0, -1), axis=1)
    seen = w("CumSum", w("Mul", shifted, wires[1]), w.const(1, np.int64))
    mark = w("Clip", seen, w.const(0, np.float32), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put(tokens, 2), near=(w.put(tokens[::-1], 2), w.put(tokens, 2, 2)))


@family(tokens=True, shape=Shape.POSITION)
def position_table(w: Work) -> Trigger:
    """A narrow table marks places that hold one of some ids."""
    tokens = w.rare(2)
    table = np.zeros((VOCABULARY, 1), np.float32)
    table[tokens] = 1
    mark = w("Squeeze", w("Gather", w.const(table), w.x, axis=0), w.ints(2))
    return Trigger(
        mark=mark, fire=w.put(tokens, 3), near=(w.put([token - 1 for token in tokens if token - 1 not in tokens], 3),)
    )
