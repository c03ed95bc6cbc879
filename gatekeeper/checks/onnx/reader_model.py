"""`ModelProto` → `Model`: one reading of each node, tensor and type of the file, with limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto

from gatekeeper.checks.onnx.graph import Attribute, Constant
from gatekeeper.checks.onnx.parts import Body, Call, Function, Model, Type
from gatekeeper.checks.onnx.reader_tensors import Tensors
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_A = AttributeProto
_UNTYPED = Type()
_STANDARD = frozenset({"", "ai.onnx"})
_FOLDED = {
    "value": 0, "sparse_value": 0, "value_float": TensorProto.FLOAT, "value_floats": TensorProto.FLOAT,
    "value_int": TensorProto.INT64, "value_ints": TensorProto.INT64, "value_string": TensorProto.STRING,
    "value_strings": TensorProto.STRING,
}  # fmt: skip
"""What a `Constant` may be given by, and the type that this makes."""

_FIELDS = {
    "f": _A.FLOAT, "i": _A.INT, "s": _A.STRING, "t": _A.TENSOR, "g": _A.GRAPH, "floats": _A.FLOATS, "ints": _A.INTS,
    "strings": _A.STRINGS, "tensors": _A.TENSORS, "graphs": _A.GRAPHS, "sparse_tensor": _A.SPARSE_TENSOR,
    "sparse_tensors": _A.SPARSE_TENSORS,
}  # fmt: skip
"""Field → type, for files of the first IR versions, which don't say the type."""


def standard(domain: str) -> str:
    """Give a domain under its one name: the standard one has an alias."""
    return "" if domain in _STANDARD else domain


class ModelReader:
    """Reads the parts of one file.

    Args:
        limits: `onnx_*` bound it.
        digests: Whether to digest what tensors store.
    """

    def __init__(self, limits: Limits, *, digests: bool) -> None:
        self._limits = limits
        self._tensors = Tensors(limits, digests=digests)

    def model(self, model: ModelProto) -> Model:
        """Read a file.

        Raises:
            GraphError: When it is no model, is ambiguous, or exceeds a limit.
        """
        if not model.HasField("graph"):
            raise GraphError("it holds no graph")
        if len(model.functions) > self._limits.onnx_functions:
            raise GraphError(f"it has more local functions than onnx_functions ({self._limits.onnx_functions})")
        functions: dict[tuple[str, str, str], Function] = {}
        for function in model.functions:
            key = (standard(function.domain), function.name, function.overload)
            if key in functions:
                raise GraphError(f"the local function {printable(function.name, 80)!r} stands twice")
            functions[key] = self._function(function)
        return Model(
            main=self._body(model.graph, 0),
            functions=functions,
            producer=" ".join(word for word in (model.producer_name, model.producer_version) if word),
            ir_version=model.ir_version,
            opsets={standard(each.domain): each.version for each in model.opset_import},
            metadata=self._metadata(model),
        )

    def _metadata(self, model: ModelProto) -> dict[str, str]:
        found: dict[str, str] = {}
        room = self._limits.onnx_metadata_bytes
        for each in model.metadata_props:
            room -= len(each.key) + len(each.value)
            if room < 0:
                break
            found[each.key] = each.value
        return found

    def _function(self, function: FunctionProto) -> Function:
        constants, calls = self._calls(function.node, 0)
        attributes, _, _ = self._attributes(function.attribute_proto, 0)
        return Function(
            label=function.name,
            inputs=self._names(function.input),
            outputs=self._names(function.output),
            constants=constants,
            calls=calls,
            types={each.name: _type(each.type) for each in function.value_info},
            attributes=attributes,
        )

    def _body(self, graph: GraphProto, depth: int) -> Body:
        if depth > self._limits.onnx_depth:
            raise GraphError(f"graphs lie deeper in each other than onnx_depth ({self._limits.onnx_depth})")
        initializers: dict[str, Constant] = {}
        for tensor in graph.initializer:
            _add(initializers, self._name(tensor.name), self._tensors.dense(tensor), "the initializer")
        for sparse in graph.sparse_initializer:
            _add(initializers, self._name(sparse.values.name), self._tensors.sparse(sparse), "the initializer")
        if len(initializers) > self._limits.tensors:
            raise GraphError(f"it has more initializers than tensors ({self._limits.tensors})")
        constants, calls = self._calls(graph.node, depth)
        for name, constant in constants.items():
            _add(initializers, name, constant, "the value")
        types = {each.name: _type(each.type) for group in (graph.value_info, graph.output, graph.input) for each in group}
        return Body(
            inputs=tuple(name for name in self._names(each.name for each in graph.input) if name not in initializers),
            outputs=self._names(each.name for each in graph.output),
            constants=initializers,
            calls=calls,
            types=types,
        )

    def _calls(self, nodes: Iterable[NodeProto], depth: int) -> tuple[dict[str, Constant], tuple[Call, ...]]:
        """Read nodes; a `Constant` that depends on no caller becomes one."""
        constants: dict[str, Constant] = {}
        calls: list[Call] = []
        for node in nodes:
            call = self._call(node, depth)
            if call.op == "Constant" and not call.domain and not call.references:
                constant = self.fold(call.attributes)
                if constant is not None and len(call.outputs) == 1:
                    _add(constants, call.outputs[0], constant, "the value")
                    continue
            calls.append(call)
        return constants, tuple(calls)

    def _call(self, node: NodeProto, depth: int) -> Call:
        attributes: Mapping[str, Attribute] = {}
        bodies: tuple[tuple[str, Body], ...] = ()
        references: tuple[tuple[str, str], ...] = ()
        if node.attribute:
            attributes, bodies, references = self._attributes(node.attribute, depth)
        return Call(
            self._name(node.op_type),
            standard(self._name(node.domain)),
            self._names(node.input),
            self._names(node.output),
            attributes,
            self._name(node.name),
            node.overload,
            bodies,
            references,
        )

    def fold(self, attributes: Mapping[str, Attribute]) -> Constant | None:
        """Give what a `Constant` makes that has these attributes (onnx Operators.md); None for none or several."""
        given = [(name, value) for name, value in attributes.items() if name in _FOLDED]
        if len(given) != 1:
            return None
        name, value = given[0]
        if isinstance(value, Constant):
            return value
        dtype = _FOLDED[name]
        return self._tensors.listed(value, dtype) if isinstance(value, tuple) else self._tensors.single(value, dtype)

    def _attributes(
        self, attributes: Iterable[AttributeProto], depth: int
    ) -> tuple[dict[str, Attribute], tuple[tuple[str, Body], ...], tuple[tuple[str, str], ...]]:
        found: dict[str, Attribute] = {}
        bodies: list[tuple[str, Body]] = []
        references: list[tuple[str, str]] = []
        seen: set[str] = set()
        for attribute in attributes:
            name = self._name(attribute.name)
            if name in seen:
                raise GraphError(f"the attribute {printable(name, 80)!r} stands twice in one node")
            seen.add(name)
            if len(seen) > self._limits.onnx_attributes:
                raise GraphError(f"a node has more attributes than onnx_attributes ({self._limits.onnx_attributes})")
            if attribute.ref_attr_name:
                references.append((name, attribute.ref_attr_name))
                continue
            kind = attribute.type or _guessed(attribute)
            if kind == _A.GRAPH:
                bodies.append((name, self._body(attribute.g, depth + 1)))
            elif kind == _A.GRAPHS:
                bodies += [(f"{name}[{n}]", self._body(graph, depth + 1)) for n, graph in enumerate(attribute.graphs)]
            else:
                found.update(self._value(name, kind, attribute))
        return found, tuple(bodies), tuple(references)

    def _value(self, name: str, kind: int, attribute: AttributeProto) -> Iterable[tuple[str, Attribute]]:
        """Give an attribute's value; a list of tensors is written as `name[0]`, `name[1]`, …"""
        if kind == _A.INT:
            return ((name, attribute.i),)
        if kind == _A.INTS:
            return ((name, self._numbers(attribute.ints, TensorProto.INT64)),)
        if kind == _A.STRING:
            return ((name, attribute.s.decode("utf-8", "replace")),)
        if kind == _A.FLOAT:
            return ((name, attribute.f),)
        if kind == _A.FLOATS:
            return ((name, self._numbers(attribute.floats, TensorProto.FLOAT)),)
        if kind == _A.STRINGS:
            texts = tuple(text.decode("utf-8", "replace") for text in attribute.strings)
            return ((name, self._numbers(texts, TensorProto.STRING)),)
        if kind == _A.TENSOR:
            return ((name, self._tensors.dense(attribute.t)),)
        if kind == _A.SPARSE_TENSOR:
            return ((name, self._tensors.sparse(attribute.sparse_tensor)),)
        if kind == _A.TENSORS:
            return [(f"{name}[{n}]", self._tensors.dense(tensor)) for n, tensor in enumerate(attribute.tensors)]
        if kind == _A.SPARSE_TENSORS:
            return [(f"{name}[{n}]", self._tensors.sparse(each)) for n, each in enumerate(attribute.sparse_tensors)]
        return ()  # a type, which holds no value

    def _numbers(self, values: Any, dtype: int) -> Attribute:
        """Give a list as a tuple; as a constant when it is a table, like the trees of a forest."""
        if len(values) > self._limits.onnx_listed:
            return self._tensors.listed(values, dtype)
        return tuple(values)

    def _name(self, name: str) -> str:
        if len(name) > self._limits.onnx_name_characters:
            raise GraphError(f"a name is longer than onnx_name_characters ({self._limits.onnx_name_characters})")
        return name

    def _names(self, names: Iterable[str]) -> tuple[str, ...]:
        found = tuple(names)
        most = self._limits.onnx_name_characters
        for name in found:
            if len(name) > most:
                raise GraphError(f"a name is longer than onnx_name_characters ({most})")
        return found


def _add(constants: dict[str, Constant], name: str, constant: Constant, what: str) -> None:
    if name in constants:
        raise GraphError(f"{what} {printable(name, 80)!r} stands twice")
    constants[name] = constant


def _guessed(attribute: AttributeProto) -> int:
    return next((_FIELDS[field.name] for field, _ in attribute.ListFields() if field.name in _FIELDS), 0)


def _type(said: TypeProto) -> Type:
    """Give a tensor's element type and sizes; nothing for sequences, maps and what else there is."""
    if not said.HasField("tensor_type"):
        return _UNTYPED
    tensor = said.tensor_type
    if not tensor.HasField("shape"):
        return Type(tensor.elem_type)
    shape = tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in tensor.shape.dim)
    return Type(tensor.elem_type, shape)
