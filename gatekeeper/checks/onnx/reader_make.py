"""Parts of a graph made field by field: their `__init__` takes four times as long, and a graph has 100,000 of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.graph import Attribute, Constant, Kind, Node, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_new = object.__new__
_value_name, _value_kind, _value_scope, _value_dtype, _value_shape, _value_constant = (
    Value.__dict__[name].__set__ for name in ("name", "kind", "scope", "dtype", "shape", "constant")
)
_node_op, _node_domain, _node_inputs, _node_outputs, _node_attributes, _node_name, _node_scope = (
    Node.__dict__[name].__set__ for name in ("op", "domain", "inputs", "outputs", "attributes", "name", "scope")
)

_constant_dtype, _constant_shape, _constant_data, _constant_digest, _constant_external = (
    Constant.__dict__[name].__set__ for name in ("dtype", "shape", "data", "digest", "external")
)


def make_constant(dtype: int, shape: tuple[int, ...], data: NDArray[np.generic] | None, digest: str) -> Constant:
    """Make a `Constant` that lies in the file; arguments are its fields."""
    made = _new(Constant)
    _constant_dtype(made, dtype)
    _constant_shape(made, shape)
    _constant_data(made, data)
    _constant_digest(made, digest)
    _constant_external(made, False)
    return made


def make_value(
    name: str, kind: Kind, scope: int, dtype: int, shape: tuple[int | None, ...] | None, constant: Constant | None
) -> Value:
    """Make a `Value`; arguments are its fields."""
    made = _new(Value)
    _value_name(made, name)
    _value_kind(made, kind)
    _value_scope(made, scope)
    _value_dtype(made, dtype)
    _value_shape(made, shape)
    _value_constant(made, constant)
    return made


def make_node(
    op: str,
    domain: str,
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    attributes: Mapping[str, Attribute],
    name: str,
    scope: int,
) -> Node:
    """Make a `Node`; arguments are its fields."""
    made = _new(Node)
    _node_op(made, op)
    _node_domain(made, domain)
    _node_inputs(made, inputs)
    _node_outputs(made, outputs)
    _node_attributes(made, attributes)
    _node_name(made, name)
    _node_scope(made, scope)
    return made
