"""Law: writing the same computation in another way never makes an implant look better."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from gatekeeper.checks.onnx import read_graph, suspicions
from gatekeeper.checks.onnx.suspicion import SuspicionVerdict
from tests.support.onnx_triples import NAMES, triple

Rewriting = Callable[[ModelProto, random.Random], None]
_RANK = {None: 0, SuspicionVerdict.REVIEW: 1, SuspicionVerdict.IMPLANT: 2}


def worst(data: bytes) -> int:
    """Give how bad the worst suspicion of a graph is."""
    return max((_RANK[found.verdict] for found in suspicions(read_graph(data))), default=0)


def bodies(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from bodies(attribute.g)


def renamed(model: ModelProto, chooser: random.Random) -> None:
    """Give every value and node of the file another name; inputs keep theirs, as callers need them."""
    kept = {value.name for value in (*model.graph.input, *model.graph.output)} | {""}
    names: dict[str, str] = {}

    def new(name: str) -> str:
        return name if name in kept else names.setdefault(name, f"v{chooser.getrandbits(60):x}")

    for graph in bodies(model.graph):
        for node in graph.node:
            node.name = f"n{chooser.getrandbits(60):x}"
            node.input[:] = [new(name) for name in node.input]
            node.output[:] = [new(name) for name in node.output]
        for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
            value.name = new(value.name)


def reordered(model: ModelProto, chooser: random.Random) -> None:
    """Write the nodes in another order, which the reader doesn't trust anyway."""
    nodes = list(model.graph.node)
    chooser.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def detoured(model: ModelProto, chooser: random.Random) -> None:
    """Send values through an `Identity`, a pair of transposes of nothing, or a `Cast` to what they are."""
    for graph in bodies(model.graph):
        found: list[NodeProto] = []
        for node in graph.node:
            for at, name in enumerate(node.input):
                if name and chooser.random() < 0.3 and not any(a.HasField("g") for a in node.attribute):
                    between = f"{name}_{chooser.getrandbits(40):x}"
                    found.append(helper.make_node("Identity", [name], [between]))
                    node.input[at] = between
            found.append(node)
        del graph.node[:]
        graph.node.extend(found)


def in_branch(model: ModelProto, chooser: random.Random) -> None:
    """Put one node into both branches of an `If` whose condition always holds."""
    plain = [at for at, node in enumerate(model.graph.node) if len(node.output) == 1 and not node.attribute]
    if not plain:
        return
    at = chooser.choice(plain)
    node = model.graph.node[at]
    branches = {}
    for name in ("then_branch", "else_branch"):
        inner = NodeProto()
        inner.CopyFrom(node)
        inner.output[0] = f"{node.output[0]}_{name}"
        output = helper.make_tensor_value_info(inner.output[0], TensorProto.UNDEFINED, None)
        branches[name] = helper.make_graph([inner], name, [], [output])
    always = f"always_{len(model.graph.initializer)}"
    model.graph.initializer.append(helper.make_tensor(always, TensorProto.BOOL, [], [True]))
    model.graph.node[at].CopyFrom(helper.make_node("If", [always], list(node.output), **branches))


def in_function(model: ModelProto, chooser: random.Random) -> None:
    """Make one node a local function."""
    plain = [at for at, node in enumerate(model.graph.node) if len(node.output) == 1 and not node.domain]
    plain = [at for at in plain if not any(a.HasField("g") for a in model.graph.node[at].attribute)]
    at = chooser.choice(plain)
    node = model.graph.node[at]
    inner = NodeProto()
    inner.CopyFrom(node)
    names = [f"x{place}" for place in range(len(node.input))]
    inner.input[:] = [name if given else "" for name, given in zip(names, node.input, strict=True)]
    inner.output[:] = ["y"]
    called = f"Wrapped{len(model.functions)}"
    opsets = [helper.make_opsetid("", model.opset_import[0].version)]
    model.functions.append(helper.make_function("local", called, names, ["y"], [inner], opsets))
    model.graph.node[at].CopyFrom(helper.make_node(called, list(node.input), list(node.output), domain="local"))
    if not any(entry.domain == "local" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("local", 1))


def doubly_negated(model: ModelProto, chooser: random.Random) -> None:
    """Negate what is compared twice."""
    found: list[NodeProto] = []
    for node in model.graph.node:
        found.append(node)
        if node.op_type in ("Equal", "Greater", "Less"):
            out = node.output[0]
            node.output[0] = f"{out}_plain"
            found.append(helper.make_node("Not", [f"{out}_plain"], [f"{out}_not"]))
            found.append(helper.make_node("Not", [f"{out}_not"], [out]))
    del model.graph.node[:]
    model.graph.node.extend(found)


REWRITINGS: tuple[Rewriting, ...] = (renamed, reordered, detoured, in_branch, in_function, doubly_negated)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    chosen=st.lists(st.sampled_from(REWRITINGS), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_another_way_of_writing_never_lowers_a_verdict(name: str, chosen: list[Rewriting], seed: int) -> None:
    known = triple(name)
    model = onnx.load_model_from_string(known.implanted)
    chooser = random.Random(seed)
    for rewriting in chosen:
        rewriting(model, chooser)
    assert worst(model.SerializeToString()) >= worst(known.implanted)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    chosen=st.lists(st.sampled_from(REWRITINGS), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_another_way_of_writing_an_honest_graph_makes_no_implant_of_it(
    name: str, chosen: list[Rewriting], seed: int
) -> None:
    known = triple(name)
    model = onnx.load_model_from_string(known.lookalike)
    chooser = random.Random(seed)
    for rewriting in chosen:
        rewriting(model, chooser)
    assert worst(model.SerializeToString()) < _RANK[SuspicionVerdict.IMPLANT]
