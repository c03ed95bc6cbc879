"""Nodes and values made field by field: their `__init__` takes four times as long, and a graph has 100,000 of each."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.checks.onnx.graph import Attribute, Constant, Kind, Node, Value

_new = object.__new__
_value_name, _value_kind, _value_scope, _value_dtype, _value_shape, _value_constant = (
    Value.__dict__[name].__set__ for name in ("name", "kind", "scope", "dtype", "shape", "constant")
)
_node_op, _node_domain, _node_inputs, _node_outputs, _node_attributes, _node_name, _node_scope = (
    Node.__dict__[name].__set__ for name in ("op", "domain", "inputs", "outputs", "attributes", "name", "scope")
)


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
