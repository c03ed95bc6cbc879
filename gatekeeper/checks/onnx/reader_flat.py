"""`Model` → `Graph`: bodies and local functions written out in place, names made numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from gatekeeper.checks.onnx.graph import MISSING, Attribute, Constant, Kind, Node, Scope, Value
from gatekeeper.checks.onnx.parts import Body, Call, Function, Model, Type
from gatekeeper.checks.onnx.reader_control import write_out
from gatekeeper.checks.onnx.reader_names import Names
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

Fold: TypeAlias = Callable[[Mapping[str, Attribute]], Constant | None]
"""Gives what a `Constant` with these attributes makes."""

_UNTYPED = Type()
_NONE: Mapping[str, Attribute] = {}
_NOTHING: Mapping[str, int] = {}
_LABEL = 200


class Flattening:
    """Writes one model out.

    Args:
        model: Its parts.
        limits: `onnx_nodes`, `onnx_edges` and `onnx_depth` bound the work.
        fold: For `Constant` nodes that depend on a function's caller.
    """

    def __init__(self, model: Model, limits: Limits, fold: Fold) -> None:
        self._model = model
        self._limits = limits
        self._fold = fold
        self._work = 0
        self._edges = 0
        self._open: set[tuple[str, str, str]] = set()
        self.values: list[Value] = []
        self.nodes: list[Node] = []
        self.scopes: list[Scope] = [Scope(parent=-1)]
        self.turns: list[tuple[int, int]] = []
        self.opset = model.opsets.get("", 0)

    def run(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Write the main graph out, with all that it runs; gives its inputs and outputs.

        Raises:
            GraphError: When the graph is broken, ambiguous or larger than a limit.
        """
        main = self._model.main
        names = Names(0, None, _NONE)
        inputs = [self.value(name, 0, main.types.get(name, _UNTYPED), Kind.INPUT) for name in main.inputs]
        self.bind(names, zip(main.inputs, inputs, strict=True))
        outputs = self.fill(names, main, depth=0)
        if MISSING in outputs:
            raise GraphError("an output of the graph has no name")
        return tuple(inputs), outputs

    def fill(
        self, names: Names, body: Body | Function, depth: int, promised: Mapping[str, int] = _NOTHING
    ) -> tuple[int, ...]:
        """Write out what a graph holds once its inputs are bound.

        Args:
            names: Where its inputs are bound.
            body: The graph.
            depth: How many graphs and functions it lies in.
            promised: Values that exist already for some of what its nodes make.

        Returns:
            The numbers of its outputs.
        """
        if depth > self._limits.onnx_depth:
            raise GraphError(f"graphs and functions lie in each other deeper than onnx_depth ({self._limits.onnx_depth})")
        types, own, scope = body.types, names.own, names.scope
        self._count(len(body.constants) + len(types))
        for name, constant in body.constants.items():
            self._declare(own, name, self.constant(name, scope, constant))
        for call in body.calls:
            for name in call.outputs:
                if name:
                    number = promised.get(name, MISSING)
                    if number < 0:
                        number = self.value(name, scope, types.get(name, _UNTYPED))
                    self._declare(own, name, number)
        for call in body.calls:
            self._call(names, call, depth)
        return tuple(map(names.number, body.outputs))

    def _call(self, names: Names, call: Call, depth: int) -> None:
        inputs = tuple(map(names.number, call.inputs))
        outputs = tuple([names.own[name] if name else MISSING for name in call.outputs])
        self._count(1, len(inputs) + len(outputs))
        key = (call.domain, call.op, call.overload)
        attributes = _given(call, names) if call.references else call.attributes
        if key in self._model.functions:
            self._inline(names, call, inputs, outputs, attributes, depth)
        elif call.bodies:
            write_out(self, names, call._replace(attributes=attributes), inputs, outputs, depth)
        elif call.op == "Constant" and call.references and not call.domain:
            self._late_constant(names, call, outputs, attributes)
        else:
            self.nodes.append(Node(op=call.op, domain=call.domain, inputs=inputs, outputs=outputs,
                                   attributes=attributes, name=call.name, scope=names.scope))  # fmt: skip

    def keep(self, call: Call, inputs: tuple[int, ...], outputs: tuple[int, ...], scope: int) -> None:
        """Add a node as the file has it."""
        self._count(0, len(inputs))
        self.nodes.append(Node(op=call.op, domain=call.domain, inputs=inputs, outputs=outputs,
                               attributes=call.attributes, name=call.name, scope=scope))  # fmt: skip

    def _inline(
        self,
        names: Names,
        call: Call,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        attributes: Mapping[str, Attribute],
        depth: int,
    ) -> None:
        key = (call.domain, call.op, call.overload)
        function = self._model.functions[key]
        if key in self._open:
            raise GraphError(f"the local function {printable(function.label, 80)!r} calls itself")
        if len(inputs) > len(function.inputs) or len(outputs) > len(function.outputs):
            raise GraphError(f"a call of {printable(function.label, 80)!r} does not fit the local function")
        self._open.add(key)
        scope = self.open_scope(names.scope, f"function {function.label} at {call.name}")
        inner = Names(scope, None, {**function.attributes, **attributes})
        missing = (MISSING,) * (len(function.inputs) - len(inputs))
        self.bind(inner, zip(function.inputs, (*inputs, *missing), strict=True))
        promised = {name: number for name, number in zip(function.outputs, outputs, strict=False) if number >= 0}
        found = self.fill(inner, function, depth + 1, promised)
        for number, given in zip(outputs, found, strict=False):
            if number >= 0 and number != given:  # an input or a constant handed through
                self.emit("Identity", "", (given,), (number,), call.name, scope)
        self._open.discard(key)

    def _late_constant(
        self, names: Names, call: Call, outputs: tuple[int, ...], attributes: Mapping[str, Attribute]
    ) -> None:
        """Make the constant that a function's caller chose."""
        constant = self._fold(attributes)
        if constant is None:
            self.emit(call.op, call.domain, (), outputs, call.name, names.scope)
        for number in outputs if constant is not None else ():
            if number >= 0:
                self.values[number] = replace(self.values[number], kind=Kind.CONSTANT, constant=constant,
                                              dtype=constant.dtype, shape=constant.shape)  # fmt: skip

    def bind(self, names: Names, given: Iterable[tuple[str, int]]) -> None:
        """Let names of inputs mean these values.

        Raises:
            GraphError: When a name stands twice.
        """
        for name, number in given:
            self._declare(names.own, name, number)

    def value(self, name: str, scope: int, said: Type = _UNTYPED, kind: Kind = Kind.COMPUTED) -> int:
        """Make a value and give its number."""
        self.values.append(Value(name=name, kind=kind, scope=scope, dtype=said.dtype, shape=said.shape))
        return len(self.values) - 1

    def typed(self, body: Body, name: str, scope: int) -> int:
        """Make a value for an input of a body and give its number."""
        return self.value(name, scope, body.types.get(name, _UNTYPED))

    def constant(self, name: str, scope: int, constant: Constant) -> int:
        """Make a value of a constant and give its number."""
        self.values.append(Value(name=name, kind=Kind.CONSTANT, scope=scope, dtype=constant.dtype,
                                 shape=constant.shape, constant=constant))  # fmt: skip
        return len(self.values) - 1

    def emit(
        self, op: str, domain: str, inputs: tuple[int, ...], outputs: tuple[int, ...], name: str, scope: int
    ) -> None:
        """Add a node that the file does not have in this form."""
        self._count(1, len(inputs) + len(outputs))
        self.nodes.append(Node(op=op, domain=domain, inputs=inputs, outputs=outputs, name=name, scope=scope))

    def open_scope(self, parent: int, label: str, *, condition: int = MISSING, loop: bool = False) -> int:
        """Begin a part of the flat graph and give its number."""
        self.scopes.append(Scope(parent=parent, label=label[:_LABEL], condition=condition, loop=loop))
        return len(self.scopes) - 1

    def _declare(self, own: dict[str, int], name: str, number: int) -> None:
        if name in own:
            raise GraphError(f"the value {printable(name, 80)!r} is made twice")
        own[name] = number

    def _count(self, nodes: int, edges: int = 0) -> None:
        """Count work, whether or not it adds to the graph: functions may call functions that do nothing."""
        self._work += nodes
        self._edges += edges
        if self._work > self._limits.onnx_nodes:
            raise GraphError(f"written out, it has more nodes than onnx_nodes ({self._limits.onnx_nodes})")
        if self._edges > self._limits.onnx_edges:
            raise GraphError(f"its nodes have more operands than onnx_edges ({self._limits.onnx_edges})")


def _given(call: Call, names: Names) -> Mapping[str, Attribute]:
    """Give a node's attributes with what the caller of the function around it says."""
    found = dict(call.attributes)
    for name, meant in call.references:
        if meant in names.given:
            found[name] = names.given[meant]
    return found
