"""`ModelProto` → `Model`: one reading of each node, tensor and type of the file, with limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TensorShapeProto,
    TypeProto,
    ValueInfoProto,
)

from gatekeeper.checks.onnx.graph import CONTROL, Attribute, Constant
from gatekeeper.checks.onnx.parts import Body, Call, Function, Model, Type
from gatekeeper.checks.onnx.reader_tensors import Tensors
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_A = AttributeProto
_INT, _INTS, _FLOAT, _STRING, _TENSOR = _A.INT, _A.INTS, _A.FLOAT, _A.STRING, _A.TENSOR
_UNTOLD = frozenset({_INT, _INTS, _FLOAT, _STRING, _TENSOR})
_Attributes = tuple[Mapping[str, Attribute], tuple[tuple[str, Body], ...], tuple[tuple[str, str], ...]]
_NONE: _Attributes = ({}, (), ())
_UNTYPED = Type()
_STANDARD = frozenset({"", "ai.onnx"})
_FOLDED = {
    "value": 0, "sparse_value": 0, "value_float": TensorProto.FLOAT, "value_floats": TensorProto.FLOAT,
    "value_int": TensorProto.INT64, "value_ints": TensorProto.INT64, "value_string": TensorProto.STRING,
    "value_strings": TensorProto.STRING,
}  # fmt: skip
"""What a `Constant` may be given by, and the type that this makes."""

_HOLDS: Mapping[int, type] = {TensorProto.FLOAT: float, TensorProto.INT64: int, TensorProto.STRING: str}
"""Type → what it is here; a tensor is none of these."""

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
        mark: Of tensors whose elements were left out (see `left_out`).
    """

    def __init__(self, limits: Limits, *, digests: bool, mark: str = "") -> None:
        self._limits = limits
        self._types: dict[bytes, Type] = {}
        self._longest = limits.onnx_name_characters
        self._tensors = Tensors(limits, digests=digests, mark=mark)

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
            key = (standard(_text(function.domain)), _text(function.name), _text(function.overload))
            if key in functions:
                raise GraphError(f"the local function {printable(key[1], 80)!r} stands twice")
            functions[key] = self._function(function)
        return Model(
            main=self._body(model.graph, 0),
            functions=functions,
            producer=" ".join(word for word in map(_text, (model.producer_name, model.producer_version)) if word),
            ir_version=model.ir_version,
            opsets={standard(_text(each.domain)): each.version for each in model.opset_import},
            metadata=self._metadata(model),
        )

    def _metadata(self, model: ModelProto) -> dict[str, str]:
        found: dict[str, str] = {}
        room = self._limits.onnx_metadata_bytes
        for each in model.metadata_props:
            key, value = _text(each.key), _text(each.value)
            room -= len(key) + len(value)
            if room < 0:
                break
            found[key] = value
        return found

    def _function(self, function: FunctionProto) -> Function:
        constants, calls = self._calls(function.node, 0)
        attributes, _, _ = self._attributes(function.attribute_proto, 0)
        return Function(
            label=_text(function.name),
            inputs=tuple(function.input),
            outputs=tuple(function.output),
            constants=constants,
            calls=calls,
            types=self._said(function.value_info),
            attributes=attributes,
        )

    def _body(self, graph: GraphProto, depth: int) -> Body:
        if depth > self._limits.onnx_depth:
            raise GraphError(f"graphs lie deeper in each other than onnx_depth ({self._limits.onnx_depth})")
        initializers: dict[str, Constant] = {}
        for tensor in graph.initializer[:]:
            _add(initializers, tensor.name, self._tensors.dense(tensor), "the initializer")
        for sparse in graph.sparse_initializer:
            _add(initializers, sparse.values.name, self._tensors.sparse(sparse), "the initializer")
        if len(initializers) > self._limits.tensors:
            raise GraphError(f"it has more initializers than tensors ({self._limits.tensors})")
        constants, calls = self._calls(graph.node, depth)
        for name, constant in constants.items():
            _add(initializers, name, constant, "the value")
        types = self._said(graph.value_info, graph.output, graph.input)
        return Body(
            inputs=tuple(each.name for each in graph.input if each.name not in initializers),
            outputs=tuple(each.name for each in graph.output),
            constants=initializers,
            calls=calls,
            types=types,
        )

    def _said(self, *groups: Sequence[ValueInfoProto]) -> dict[str, Type]:
        """Read types; there are few in a file, and each stands there thousands of times."""
        known, found = self._types, {}
        for group in groups:
            for each in group[:]:
                said = each.type
                written = said.SerializeToString()
                kind = known.get(written)
                if kind is None:
                    kind = known[written] = _type(said)
                found[each.name] = kind
        return found

    def _calls(self, nodes: Sequence[NodeProto], depth: int) -> tuple[dict[str, Constant], tuple[Call, ...]]:
        """Read nodes; a `Constant` that depends on no caller becomes one.

        Fields that hold several items are sliced before they are walked over: parsers take half the time for that.
        """
        constants: dict[str, Constant] = {}
        calls: list[Call] = []
        for node in nodes[:]:
            constant, names = self._plain_constant(node) if node.op_type == "Constant" else (None, ())
            if constant is None:
                call = self._call(node, depth)
                if call.op == "Constant" and not call.domain and not call.references:
                    constant, names = self.fold(call.attributes), call.outputs
                if constant is None or len(names) != 1:
                    calls.append(call)
                    continue
            _add(constants, names[0], constant, "the value")
        return constants, tuple(calls)

    def _plain_constant(self, node: NodeProto) -> tuple[Constant | None, Sequence[str]]:
        """Read the usual form of a `Constant`, a tensor in `value`; exporters write hundreds of them."""
        attributes, names = node.attribute[:], node.output[:]
        if len(attributes) == len(names) == 1 and standard(node.domain) == "":
            (attribute,) = attributes
            if attribute.type == _TENSOR and attribute.name == "value" and not attribute.ref_attr_name:
                return self._tensors.dense(attribute.t), names
        return None, ()

    def _call(self, node: NodeProto, depth: int) -> Call:
        op, domain, name = node.op_type, node.domain, node.name
        if len(_joined((op, domain, name))) > self._longest:
            raise GraphError(f"a node's name is longer than onnx_name_characters ({self._longest})")
        given = node.attribute
        attributes, bodies, references = self._attributes(given, depth) if given else _NONE
        return Call(
            op,
            _domain(domain) if domain else "",
            tuple(node.input[:]),
            tuple(node.output[:]),
            attributes,
            name,
            node.overload,
            bodies,
            references,
        )

    def fold(self, attributes: Mapping[str, Attribute]) -> Constant | None:
        """Give what a `Constant` makes that has these attributes (onnx Operators.md); None for none or several.

        Raises:
            GraphError: When an attribute holds another kind of value than its name says.
        """
        given = [(name, value) for name, value in attributes.items() if name in _FOLDED]
        if len(given) != 1:
            return None
        name, value = given[0]
        if isinstance(value, Constant):
            return value
        dtype, items = _FOLDED[name], value if isinstance(value, tuple) else (value,)
        if isinstance(value, tuple) != name.endswith("s") or {type(item) for item in items} - {_HOLDS.get(dtype)}:
            raise GraphError("a Constant has an attribute of another kind than its name says")
        return self._tensors.listed(value, dtype) if isinstance(value, tuple) else self._tensors.single(value, dtype)

    def _attributes(self, attributes: Sequence[AttributeProto], depth: int) -> _Attributes:
        """Read attributes; those of a list of graphs or tensors are called `name[0]`, `name[1]` and so on."""
        if len(attributes) > self._limits.onnx_attributes:
            raise GraphError(f"a node has more attributes than onnx_attributes ({self._limits.onnx_attributes})")
        found: dict[str, Attribute] = {}
        bodies: list[tuple[str, Body]] = []
        references: list[tuple[str, str]] = []
        seen: set[str] = set()
        for attribute in attributes[:]:
            name, kind = attribute.name, attribute.type
            seen.add(name)
            if attribute.ref_attr_name:
                references.append((name, attribute.ref_attr_name))
            elif kind == _INT:
                found[name] = attribute.i
            elif kind == _INTS:
                found[name] = self._numbers(attribute.ints, TensorProto.INT64)
            elif kind == _STRING:
                found[name] = attribute.s.decode("utf-8", "replace")
            elif kind == _TENSOR:
                found[name] = self._tensors.dense(attribute.t)
            elif kind == _FLOAT:
                found[name] = attribute.f
            else:
                self._rarer(name, kind or _guessed(attribute), attribute, depth, found, bodies)
        _joined(seen)
        if len(seen) != len(attributes):
            raise GraphError("an attribute stands twice in one node")
        return found, tuple(bodies), tuple(references)

    def _rarer(
        self,
        name: str,
        kind: int,
        attribute: AttributeProto,
        depth: int,
        found: dict[str, Attribute],
        bodies: list[tuple[str, Body]],
    ) -> None:
        if kind == _A.GRAPH:
            bodies.append((name, self._body(attribute.g, depth + 1)))
        elif kind == _A.GRAPHS:
            bodies += [(f"{name}[{n}]", self._body(graph, depth + 1)) for n, graph in enumerate(attribute.graphs)]
        elif kind == _A.FLOATS:
            found[name] = self._numbers(attribute.floats, TensorProto.FLOAT)
        elif kind == _A.STRINGS:
            texts = tuple(text.decode("utf-8", "replace") for text in attribute.strings)
            found[name] = self._numbers(texts, TensorProto.STRING)
        elif kind == _A.SPARSE_TENSOR:
            found[name] = self._tensors.sparse(attribute.sparse_tensor)
        elif kind == _A.TENSORS:
            found.update((f"{name}[{n}]", self._tensors.dense(each)) for n, each in enumerate(attribute.tensors))
        elif kind == _A.SPARSE_TENSORS:
            found.update(
                (f"{name}[{n}]", self._tensors.sparse(each)) for n, each in enumerate(attribute.sparse_tensors)
            )
        elif kind in _UNTOLD:
            found.update(self._untold(name, kind, attribute))

    def _untold(self, name: str, kind: int, attribute: AttributeProto) -> dict[str, Attribute]:
        """Give a plain value whose type had to be guessed."""
        if kind == _INT:
            return {name: attribute.i}
        if kind == _INTS:
            return {name: self._numbers(attribute.ints, TensorProto.INT64)}
        if kind == _STRING:
            return {name: attribute.s.decode("utf-8", "replace")}
        return {name: attribute.f if kind == _FLOAT else self._tensors.dense(attribute.t)}

    def _numbers(self, values: Any, dtype: int) -> Attribute:
        """Give a list as a tuple; as a constant when it is a table, like the trees of a forest."""
        if len(values) > self._limits.onnx_listed:
            return self._tensors.listed(values, dtype)
        return tuple(values[:])


def _domain(domain: str) -> str:
    if domain == CONTROL:
        raise GraphError(f"a node claims the domain {CONTROL}, which is the gate's own")
    return standard(domain)


def _text(text: str | bytes) -> str:
    """Give a text of the file; parsers give one that is not UTF-8 as bytes."""
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _joined(texts: Iterable[str]) -> str:
    """Join texts of the file; parsers give those that are not UTF-8 as bytes.

    Raises:
        GraphError: When there is such a one.
    """
    try:
        return "".join(texts)
    except TypeError:
        raise GraphError("a name in it is not UTF-8") from None


def _add(constants: dict[str, Constant], name: str, constant: Constant, what: str) -> None:
    if name in constants:
        raise GraphError(f"{what} {printable(_text(name), 80)!r} stands twice")
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
    return Type(tensor.elem_type, tuple([_size(dim) for dim in tensor.shape.dim[:]]))


def _size(dim: TensorShapeProto.Dimension) -> int | None:
    size: int = dim.dim_value
    if size > 0 or (size == 0 and dim.HasField("dim_value")):
        return size
    return None
