"""`Model` → `Graph`: bodies and local functions written out in place, names made numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from gatekeeper.checks.onnx.graph import MISSING, Attribute, Constant, Kind, Node, Scope, Value
from gatekeeper.checks.onnx.parts import Body, Call, Function, Model, Type
from gatekeeper.checks.onnx.reader_control import write_out
from gatekeeper.checks.onnx.reader_make import make_node, make_value
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
_COMPUTED = Kind.COMPUTED


class Flattening:
    """Writes one model out.

    Args:
        model: Its parts.
        limits: `onnx_nodes`, `onnx_edges` and `onnx_depth` bound the work.
        fold: For `Constant` nodes that depend on a function's caller.
    """

    def __init__(self, model: Model, limits: Limits, fold: Fold) -> None:
        self._main = model.main
        self._functions = model.functions
        self._limits = limits
        self._longest = limits.onnx_name_characters
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
        main = self._main
        names = Names(0, None, _NONE)
        inputs = [self.value(name, 0, main.types.get(name, _UNTYPED), Kind.INPUT) for name in main.inputs]
        self.bind(names, zip(main.inputs, inputs, strict=True))
        outputs = self.fill(names, main, depth=0)
        if not outputs:
            raise GraphError("it has no outputs")
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
            raise GraphError(
                f"graphs and functions lie in each other deeper than onnx_depth ({self._limits.onnx_depth})"
            )
        self._count(len(body.constants) + len(body.types) + len(body.calls))
        for name, constant in body.constants.items():
            self._declare(names.own, name, self.constant(name, names.scope, constant))
        self._declare_results(names, body, promised)
        self._write_calls(names, body.calls, depth)
        outputs = tuple(map(names.number, body.outputs))
        if MISSING in outputs and isinstance(body, Body):
            raise GraphError("an output of a graph has no name, or is an operand that was left out")
        return outputs

    def _declare_results(self, names: Names, body: Body | Function, promised: Mapping[str, int]) -> None:
        types, own, scope, values, most = body.types, names.own, names.scope, self.values, self._longest
        for call in body.calls:
            for name in call.outputs:
                if not name:
                    continue
                if name in own or type(name) is not str or len(name) > most:
                    raise self._wrong(name)
                if name in promised:
                    own[name] = promised[name]
                    continue
                said = types.get(name, _UNTYPED)
                own[name] = len(values)
                values.append(make_value(name, _COMPUTED, scope, said.dtype, said.shape, None))

    def _write_calls(self, names: Names, calls: Iterable[Call], depth: int) -> None:
        own, scope, nodes, functions = names.own, names.scope, self.nodes, self._functions
        edges = 0
        for call in calls:
            op, domain, operands, results, attributes, name, overload, bodies, references = call
            inputs = tuple([own[each] if each in own else names.number(each) for each in operands])
            outputs = tuple([own[each] if each else MISSING for each in results])
            edges += len(inputs) + len(outputs)
            if references:
                attributes = _given(call, names)
            if functions and (domain, op, overload) in functions:
                self._inline(names, call, inputs, outputs, attributes, depth)
            elif bodies:
                write_out(self, names, call._replace(attributes=attributes), inputs, outputs, depth)
            elif references and op == "Constant" and not domain:
                self._late_constant(names, call, outputs, attributes)
            else:
                nodes.append(make_node(op, domain, inputs, outputs, attributes, name, scope))
        self._count(0, edges)

    def keep(self, call: Call, inputs: tuple[int, ...], outputs: tuple[int, ...], scope: int) -> None:
        """Add a node as the file has it."""
        self._count(0, len(inputs))
        self.nodes.append(make_node(call.op, call.domain, inputs, outputs, call.attributes, call.name, scope))

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
        function = self._functions[key]
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
            if number >= 0 and given == MISSING:
                raise GraphError(f"nothing makes a result of the local function {printable(function.label, 80)!r}")
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
            return
        for number in outputs:
            if number >= 0:
                name, scope = self.values[number].name, self.values[number].scope
                self.values[number] = make_value(name, Kind.CONSTANT, scope, constant.dtype, constant.shape, constant)

    def bind(self, names: Names, given: Iterable[tuple[str, int]]) -> None:
        """Let names of inputs mean these values.

        Raises:
            GraphError: When a name stands twice.
        """
        for name, number in given:
            self._declare(names.own, name, number)

    def value(self, name: str, scope: int, said: Type = _UNTYPED, kind: Kind = Kind.COMPUTED) -> int:
        """Make a value and give its number."""
        self.values.append(make_value(name, kind, scope, said.dtype, said.shape, None))
        return len(self.values) - 1

    def typed(self, body: Body, name: str, scope: int) -> int:
        """Make a value for an input of a body and give its number."""
        return self.value(name, scope, body.types.get(name, _UNTYPED))

    def constant(self, name: str, scope: int, constant: Constant) -> int:
        """Make a value of a constant and give its number."""
        self.values.append(make_value(name, Kind.CONSTANT, scope, constant.dtype, constant.shape, constant))
        return len(self.values) - 1

    def emit(
        self, op: str, domain: str, inputs: tuple[int, ...], outputs: tuple[int, ...], name: str, scope: int
    ) -> None:
        """Add a node that the file does not have in this form."""
        self._count(1, len(inputs) + len(outputs))
        self.nodes.append(make_node(op, domain, inputs, outputs, _NONE, name, scope))

    def open_scope(self, parent: int, label: str, *, condition: int = MISSING, loop: bool = False) -> int:
        """Begin a part of the flat graph and give its number."""
        self.scopes.append(Scope(parent=parent, label=label[:_LABEL], condition=condition, loop=loop))
        return len(self.scopes) - 1

    def _declare(self, own: dict[str, int], name: str, number: int) -> None:
        if not name or name in own or type(name) is not str or len(name) > self._longest:
            raise self._wrong(name)
        own[name] = number

    def _wrong(self, name: object) -> GraphError:
        """Say why nothing can be called so here."""
        if not isinstance(name, str):  # what parsers give for one that is none
            return GraphError("a name in it is not UTF-8")
        if not name:  # the empty name stands for an operand that is left out
            return GraphError("a value that is given or stored has no name")
        if len(name) > self._longest:
            return GraphError(f"a name is longer than onnx_name_characters ({self._longest})")
        return GraphError(f"the value {printable(name, 80)!r} is made twice")

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
