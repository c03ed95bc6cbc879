"""One walk over a model file: every graph, function, node, attribute and tensor, wherever it hides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gatekeeper.text import printable

if TYPE_CHECKING:
    import onnx

_GRAPH, _GRAPHS, _TENSOR, _TENSORS, _SPARSE, _SPARSES = 6, 11, 5, 10, 22, 23
_VALUES = frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 22, 23})
"""Numbers of the fields of `AttributeProto` that hold a value."""

_TYPE, _REFERENCE = 20, 21
_BY_TYPE = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11, 11: 22, 12: 23, 13: 14, 14: 15}
"""`AttributeProto.AttributeType` → the field that holds such a value (onnx/onnx.proto)."""

_PLAIN = {kind: place for kind, place in _BY_TYPE.items() if place in (2, 3, 4, 7, 8, 9)}
_STANDARD = frozenset({"", "ai.onnx"})

Name: TypeAlias = str | bytes
"""A name in the file; bytes where it is no UTF-8."""


class Held(NamedTuple):
    """A tensor and where it stands: an initializer, or the value of an attribute."""

    tensor: onnx.TensorProto
    body: Body
    number: int = -1
    """Of the node that has the attribute; -1 when it is no node's."""

    attribute: str | bytes = ""

    @property
    def where(self) -> str:
        """Say it for people, printable."""
        return _place(self.body, self.number, self.attribute) if self.attribute else self.body.where


class Used(NamedTuple):
    """A node and the scope that it stands in."""

    node: onnx.NodeProto
    body: Body


@dataclass(slots=True)
class Body:
    """One graph or function: a scope of names."""

    proto: onnx.GraphProto | onnx.FunctionProto
    where: str
    outer: Body | None = None
    """The graph around it; functions have none."""

    nodes: Sequence[onnx.NodeProto] = ()
    takes: list[tuple[Name, ...]] = field(default_factory=list)
    """What each node takes; bytes where a name is no UTF-8."""

    gives: list[tuple[Name, ...]] = field(default_factory=list)
    inner: dict[int, list[Body]] = field(default_factory=dict)
    """Number of a node → the graphs that it holds."""

    stored: dict[Name, onnx.TensorProto] | None = None
    """Name → constant, filled by who needs it."""


@dataclass(slots=True)
class Survey:
    """What a walk came by."""

    bodies: list[Body] = field(default_factory=list)
    """The main graph first; a graph stands before those inside it."""

    functions: list[Body] = field(default_factory=list)
    """Bodies of the local functions, which stand in `bodies` as well."""

    tensors: list[Held] = field(default_factory=list)
    """Initializers, and tensors in attributes."""

    operators: dict[tuple[str, str], list[Used]] = field(default_factory=dict)
    """(domain, operator) → the nodes that call it."""

    odd: list[tuple[str, str]] = field(default_factory=list)
    """Attributes with several values, or another than their type says: a sentence and the place."""


def survey(model: onnx.ModelProto) -> Survey:
    """Walk over everything. Graphs nest no deeper than the parser of the message allows.

    Args:
        model: The parsed message.
    """
    found = Survey()
    _graph(found, model.graph, "the graph", None)
    for function in model.functions:
        name = printable(text_of(function.name), 80)
        body = Body(proto=function, where=f"function {name!r}", nodes=function.node)
        found.bodies.append(body)
        found.functions.append(body)
        _attributes(found, function.attribute_proto, body, -1)
        _nodes(found, body)
    for number, training in enumerate(model.training_info):
        for graph, name in ((training.initialization, "initialization"), (training.algorithm, "algorithm")):
            _graph(found, graph, f"{name} of training info {number}", found.bodies[0])
    return found


def text_of(value: Any) -> str:
    """Give a text of the file; protobuf hands over what is not UTF-8 as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def standard(domain: str) -> str:
    """Give a domain under its one name: the standard one has an alias."""
    return "" if domain in _STANDARD else domain


def named(node: onnx.NodeProto) -> str:
    """Say which node is meant: `Conv 'conv1'`, and by what it makes where it has no name."""
    name = text_of(node.name) or text_of(node.output[0] if node.output else "")
    return f"{printable(text_of(node.op_type), 60)} {printable(name, 80)!r}"


def _graph(found: Survey, graph: onnx.GraphProto, where: str, outer: Body | None) -> Body:
    body = Body(proto=graph, where=where, outer=outer, nodes=graph.node)
    found.bodies.append(body)
    found.tensors += [Held(tensor, body) for tensor in graph.initializer]
    for sparse in graph.sparse_initializer:
        found.tensors += [Held(sparse.values, body), Held(sparse.indices, body)]
    _nodes(found, body)
    return body


def _nodes(found: Survey, body: Body) -> None:
    operators, takes, gives = found.operators, body.takes, body.gives
    for number, node in enumerate(body.nodes):
        key = (node.domain, node.op_type)
        if key not in operators:
            operators[key] = []
        operators[key].append(Used(node, body))
        takes.append(tuple(node.input))
        gives.append(tuple(node.output))
        attributes = node.attribute
        if attributes:
            _attributes(found, attributes, body, number)


def _attributes(found: Survey, attributes: Iterable[onnx.AttributeProto], body: Body, number: int) -> None:
    """Look at the attributes of one node, or of a function when the number is -1."""
    for attribute in attributes:
        fields = attribute.ListFields()
        if len(fields) == 3 and fields[2][0].number == _TYPE and _PLAIN.get(fields[2][1]) == fields[1][0].number:
            continue  # name, a plain value, its type: nearly all of them
        values = holds = kind = 0
        for descriptor, value in fields:
            place = descriptor.number
            if place in _VALUES:
                values += 1
                holds = place
                if place in _NESTED:
                    _nested(found, attribute, place, value, body, number)
            elif place == _TYPE:
                kind = value
            elif place == _REFERENCE:
                values += 1
                holds = 0
        if values > 1 or (holds and kind and _BY_TYPE.get(kind) != holds):
            where = _place(body, number, attribute.name)
            said = "has several values" if values > 1 else "has another value than its type says"
            found.odd.append((f"the attribute {where} {said}", where))


_NESTED = frozenset({_GRAPH, _GRAPHS, _TENSOR, _TENSORS, _SPARSE, _SPARSES})


def _nested(found: Survey, attribute: onnx.AttributeProto, place: int, value: Any, body: Body, number: int) -> None:
    name = attribute.name
    if place in (_GRAPH, _GRAPHS):
        for graph in [value] if place == _GRAPH else value:
            body.inner.setdefault(number, []).append(_graph(found, graph, _place(body, number, name), body))
        return
    for item in [value] if place in (_TENSOR, _SPARSE) else value:
        if place in (_SPARSE, _SPARSES):
            found.tensors += [Held(item.values, body, number, name), Held(item.indices, body, number, name)]
        else:
            found.tensors.append(Held(item, body, number, name))


def _place(body: Body, number: int, attribute: Name) -> str:
    owner = body.where if number < 0 else named(body.nodes[number])
    return f"{printable(text_of(attribute), 60)!r} of {owner}"
