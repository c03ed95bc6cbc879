"""ONNX models that are built from the bytes, so that each is one: graphs in graphs, functions, names that collide."""

from __future__ import annotations

from collections import Counter
from random import Random

from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    checker,
    helper,
    inliner,
)

from gatekeeper.checks.onnx import GraphError
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.reader import read_graph
from tests.fuzz import laws
from tests.support.graph_laws import broken_law

_NAMES = ("x", "a", "b", "c", "d", "e", "y", "")
_PLAIN = ("Neg", "Abs", "Add", "Identity", "Where", "Concat", "Constant", "Odd")
_HOLDING = ("If", "Loop", "Scan", "SequenceMap", "Search")
_BODIES = {"If": ("then_branch", "else_branch"), "Search": ("encoder", "decoder")}
_OPERANDS = {
    "Neg": 1, "Abs": 1, "Add": 2, "Identity": 1, "Where": 3, "Constant": 0, "If": 1, "Loop": 3, "Scan": 2,
    "SequenceMap": 1,
}  # fmt: skip
_ARITY = {"If": (0, 2), "Loop": (3, 3), "Scan": (2, 2), "SequenceMap": (1, 2)}
"""Operator → inputs and outputs of its bodies."""

_FUNCTIONS = ("f", "g", "h")
_DEEPEST = 3
PATIENCE = 2


def SEEDS() -> list[bytes]:
    """Give bytes by chance, the same in every run."""
    random = Random(6)
    return [random.randbytes(length) for length in (8, 20, 40, 80, 160, 320) for _ in range(20)]


TOKENS = tuple(bytes([number]) * 2 for number in range(16))


class _Bytes:
    """Choices, one byte each; zeros when there are no more. Names are mostly such as make a graph."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)
        self._made = 0

    def number(self, below: int) -> int:
        return next(self._data, 0) % below

    def new(self) -> str:
        choice = self.number(16)
        self._made += 1
        return _NAMES[choice] if choice < len(_NAMES) // 2 else f"v{self._made}"

    def known(self, names: list[str]) -> str:
        choice = self.number(32)
        return names[choice % len(names)] if names and choice else _NAMES[choice % len(_NAMES)]


def _built(data: bytes) -> ModelProto:
    given = _Bytes(data)
    functions = [_function(given, name) for name in _FUNCTIONS[: given.number(4)]]
    graph = _graph(given, 0, [], 1 + given.number(3), 1 + given.number(2))
    opsets = [helper.make_opsetid("", 18 if given.number(4) else 8), helper.make_opsetid("mine", 1)]
    return ModelProto(ir_version=8, graph=graph, functions=functions, opset_import=opsets)


def _graph(given: _Bytes, depth: int, around: list[str], inputs: int, outputs: int) -> GraphProto:
    names = [given.new() for _ in range(inputs)]
    stored = [given.new() for _ in range(given.number(2))]
    known = [*around, *names, *stored]
    nodes = [_node(given, depth, known) for _ in range(given.number(7))]
    return GraphProto(
        name="g",
        node=nodes,
        input=[helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in names],
        output=[
            helper.make_tensor_value_info(given.known(known[::-1]), TensorProto.FLOAT, [2]) for _ in range(outputs)
        ],
        initializer=[helper.make_tensor(name, TensorProto.FLOAT, [2], [1.0, 2.0]) for name in stored],
    )


def _function(given: _Bytes, name: str) -> FunctionProto:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    inputs = [f"p{n}" for n in range(given.number(3))]
    known = list(inputs)
    nodes = [_node(given, _DEEPEST - 1, known) for _ in range(given.number(5))]
    outputs = [given.known(known[::-1]) for _ in range(1 + given.number(2))]
    return helper.make_function("mine", name, inputs, outputs, nodes, opsets, attributes=["k"])


def _node(given: _Bytes, depth: int, known: list[str]) -> NodeProto:
    choice = given.number(20)
    if choice < 3:
        domain, op = "mine", _FUNCTIONS[choice]
    elif choice < 8 and depth < _DEEPEST:
        domain, op = "", _HOLDING[choice - 3]
    else:
        domain, op = "", _PLAIN[choice % len(_PLAIN)]
    if op in ("Odd", "Search"):
        domain = "mine"
    wanted = _OPERANDS.get(op, given.number(4))
    inputs = [given.known(known) for _ in range(wanted)]
    outputs = [given.new() for _ in range(1 + (given.number(8) == 0))]
    node = NodeProto(op_type=op, domain=domain, name="n", input=inputs, output=outputs)
    takes, gives = _ARITY.get(op, (wanted, len(outputs)))
    for attribute in _BODIES.get(op, ("body",)) if op in _HOLDING else ():
        body = _graph(given, depth + 1, list(known), takes, gives)
        node.attribute.append(AttributeProto(name=attribute, type=AttributeProto.GRAPH, g=body))
    if op == "Scan":
        node.attribute.append(helper.make_attribute("num_scan_inputs", 1))
    if op == "Constant" or domain == "mine":
        node.attribute.append(_value(given))
    known += [name for name in outputs if name]
    return node


def _value(given: _Bytes) -> AttributeProto:
    if given.number(2):
        return AttributeProto(name="value_int", type=AttributeProto.INT, ref_attr_name="k")
    return helper.make_attribute("value_float", 0.5)


_STRICTER = ("does not fit", "nothing makes")
"""What the format's checker lets pass: calls with operands that a function doesn't have, outputs that nothing makes."""


def _read(model: ModelProto) -> tuple[Graph | None, str]:
    try:
        graph = read_graph(model.SerializeToString())
    except GraphError as error:
        laws.showable(str(error))
        return None, str(error)
    broken = broken_law(graph)
    if broken:
        raise laws.LawError(broken)
    return graph, ""


def answer(data: bytes) -> str:
    graph, why = _read(_built(data))
    return repr((graph.nodes, graph.turns, graph.scopes)) if graph else why


def _computing(graph: Graph | None) -> Counter[str] | None:
    return Counter(node.op for node in graph.nodes if node.op != "Identity") if graph else None


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    model = _built(data)
    graph, why = _read(model)
    if _accepted(model):
        if graph is None and not any(words in why for words in _STRICTER):
            raise laws.LawError("what the format's own checker accepts is refused", why)
        # The inliner loses what a function hands through unchanged; nothing makes it then.
        inlined = graph and _read(inliner.inline_local_functions(model))[0]
        if graph and inlined and _computing(inlined) != _computing(graph):
            raise laws.LawError("functions are written out otherwise than by the format's own inliner")
    if graph is not None:
        nodes = list(model.graph.node)[::-1]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        if _computing(_read(model)[0]) != _computing(graph):
            raise laws.LawError("the order of nodes in the file makes another graph")


def _accepted(model: ModelProto) -> bool:
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError):
        return False
    return True
