"""What a model file holds, as plain values: each part is read once, however often the graph uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gatekeeper.checks.onnx.graph import Attribute, Constant


class Type(NamedTuple):
    """What the file says of a value: its type, as far as it is that of a tensor."""

    dtype: int = 0
    shape: tuple[int | None, ...] | None = None


class Call(NamedTuple):
    """One node of the file."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    name: str
    overload: str
    bodies: tuple[tuple[str, Body], ...]
    """Attributes that hold graphs; those of a list are called `name[0]`, `name[1]`, …"""

    references: tuple[tuple[str, str], ...]
    """(attribute, attribute of the function around it that it stands for)."""


class Body(NamedTuple):
    """One graph of the file: the main one, or one that a node runs."""

    inputs: tuple[str, ...]
    """Without those that have a value of their own."""

    outputs: tuple[str, ...]
    constants: Mapping[str, Constant]
    """Initializers and what `Constant` nodes make."""

    calls: tuple[Call, ...]
    types: Mapping[str, Type]


class Function(NamedTuple):
    """One local function of the file."""

    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Constant]
    calls: tuple[Call, ...]
    types: Mapping[str, Type]
    attributes: Mapping[str, Attribute]
    """What its attributes are when the caller doesn't say."""


class Model(NamedTuple):
    """One file."""

    main: Body
    functions: Mapping[tuple[str, str, str], Function]
    """(domain, name, overload) → function."""

    producer: str
    ir_version: int
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]
