"""A computational graph as the checks of this room read it: flat, numbered, bounded, in an order that was computed.

Bodies of `If`, `Loop` and `Scan` and calls of local functions are written out in place, so that one pass over `nodes`
meets every value after all that it is made of, but for the values that go round a loop: these are listed in
`Graph.turns`. Values are numbers, so that names that shadow each other in the file can't be taken for one another.

What control flow does to values is written as nodes of our own, in the domain `CONTROL`:

    Branch(condition, then, else)        an output of `If`
    Carry(initial)                       a value at the start of a turn of `Loop` or `Scan`; see `Graph.turns`
    Leave(count, condition, initial, last)  a carried value after the last turn; missing operands are `MISSING`
    Element(sequence)                    one slice of what `Scan` walks over
    Stack(condition, element)            what `Loop` or `Scan` gathers over all turns
    Turn()                               the number of a turn
    Enter(operands…)                     what an operator that nobody knows gives a graph that it holds; the operator
                                         itself stays a node, and what the graph makes is among its inputs

The condition of `Leave` and `Stack` is itself a `Leave`: of the condition before the first turn and that of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Attribute: TypeAlias = Union[int, float, str, tuple[int, ...], tuple[float, ...], tuple[str, ...], "Constant"]
"""Value of a node's attribute; strings are decoded with replacement characters. Hostile."""

CONTROL = "gatekeeper.control"
"""Domain of the nodes that stand for control flow."""

MISSING = -1
"""Number of an operand that an operator was not given."""


class Kind(StrEnum):
    """Where a value comes from."""

    INPUT = "input"
    """Given by whoever runs the graph."""

    CONSTANT = "constant"
    """An initializer, a `Constant` or an attribute that became an operand."""

    COMPUTED = "computed"
    """An output of a node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A tensor that the file holds, or says where it lies."""

    dtype: int
    """`onnx.TensorProto.DataType`."""

    shape: tuple[int, ...]
    data: NDArray[np.generic] | None = None
    """Its elements, of the shape above, when they are few (`Limits.onnx_constant_elements`) and lie in the file."""

    digest: str = ""
    """SHA-256 in hex over dtype, shape and stored bytes, or, when these lie outside the file, over what the file says
    of their place; empty when no digests were asked for."""

    external: bool = False
    """Its bytes lie in another file, and were not read."""

    @property
    def elements(self) -> int:
        """How many elements it has."""
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One edge of the graph. Names come from the file: hostile text."""

    name: str
    kind: Kind
    scope: int = 0
    """Index in `Graph.scopes`."""

    dtype: int = 0
    """`onnx.TensorProto.DataType`; 0 when the file doesn't say."""

    shape: tuple[int | None, ...] | None = None
    """None for a size that is not fixed, or when the file doesn't say."""

    constant: Constant | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One operator, or one of ours for control flow."""

    op: str
    domain: str
    """Empty for the standard operators, whatever alias the file uses."""

    inputs: tuple[int, ...]
    """Numbers of values; `MISSING` for one that is left out."""

    outputs: tuple[int, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    name: str = ""
    scope: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a part of the flat graph stood in the file."""

    parent: int
    """Index of the scope around it; -1 for the main graph."""

    label: str = ""
    """`then_branch of If n7`, `function f at n3`: for people. Hostile text."""

    condition: int = MISSING
    """The value that decides whether it runs: the condition of `If`."""

    loop: bool = False
    """It runs in turns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """A whole model: values, nodes in an order in which they can run, and what goes round."""

    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    """Each after the nodes that its inputs come from."""

    inputs: tuple[int, ...]
    """Of the main graph; an initializer that may be overridden is not among them."""

    outputs: tuple[int, ...]
    turns: tuple[tuple[int, int], ...] = ()
    """(last value of a turn, value of `Carry` at the start of the next)."""

    scopes: tuple[Scope, ...] = (Scope(parent=-1),)
    producer: str = ""
    """What the file says made it, name and version: hostile text."""

    ir_version: int = 0
    opsets: Mapping[str, int] = field(default_factory=dict)
    """Domain → version."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    """`metadata_props`, bounded: hostile text."""
