"""Editing a graph: nodes are added by calling, values are put in the place of others, order is computed at the end."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper


class Graft:
    """A model that is being edited."""

    def __init__(self, data: bytes, *, seed: int = 0) -> None:
        """Start from a serialised model; the seed chooses between ways to write the same thing."""
        self.model: ModelProto = onnx.load_model_from_string(data)
        self.graph: GraphProto = self.model.graph
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self._count = 0
        self._added: set[str] = set()
        self._as_nodes = bool(seed % 2)

    def __call__(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and give the output's name."""
        return self.several(op, *inputs, outputs=1, domain=domain, **attributes)[0]

    def several(self, op: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with some outputs and give their names."""
        names = [self.fresh(op) for _ in range(outputs)]
        self.add(helper.make_node(op, inputs, names, name=f"node_{names[0]}", domain=domain, **attributes))
        return names

    def add(self, node: NodeProto) -> None:
        """Add a node as it is."""
        self.graph.node.append(node)
        self._added.update(node.output)

    def fresh(self, stem: str) -> str:
        """Give a name like those that exporters give."""
        self._count += 1
        return f"{stem.lower()}_{7000 + self._count}"

    def const(self, value: ArrayLike, dtype: Any = None) -> str:
        """Add a constant, as an initializer or as a node."""
        array = np.asarray(value, dtype)
        name = self.fresh("val")
        tensor = numpy_helper.from_array(array, name)
        if self._as_nodes:
            self.add(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.graph.initializer.append(tensor)
        return name

    def ints(self, *values: int) -> str:
        """Add a constant of one axis, int64."""
        return self.const(np.array(values, np.int64))

    def as_float(self, value: str) -> str:
        """Cast to float32."""
        return self("Cast", value, to=onnx.TensorProto.FLOAT)

    def as_int(self, value: str) -> str:
        """Cast to int64."""
        return self("Cast", value, to=onnx.TensorProto.INT64)

    def as_bool(self, value: str) -> str:
        """Cast to bool."""
        return self("Cast", value, to=onnx.TensorProto.BOOL)

    def slice(self, value: str, start: int, stop: int, axis: int = 1, step: int = 1) -> str:
        """Slice along one axis by constants."""
        return self("Slice", value, self.ints(start), self.ints(stop), self.ints(axis), self.ints(step))

    def reduce(self, op: str, value: str, axes: Iterable[int], *, keep: int = 1) -> str:
        """Reduce over axes."""
        return self(op, value, self.ints(*axes), keepdims=keep)

    def column(self, value: str, rank: int) -> str:
        """Reshape a value of one number a sample, of some rank, to (batch, 1)."""
        return value if rank == 2 else self("Reshape", value, self.ints(-1, 1))

    def any(self, wire: str, rank: int = 2) -> str:
        """Give (batch, 1) float32: 1 where any element of a sample is true, in one of three ways."""
        axes = range(1, rank)
        number = self.as_float(wire)
        way = self.random.randrange(3)
        if way == 0:
            found = self.reduce("ReduceMax", number, axes)
        elif way == 1:
            found = self("Clip", self.reduce("ReduceSum", number, axes), self.const(0, np.float32),
                         self.const(1, np.float32))  # fmt: skip
        else:
            total = self.reduce("ReduceSum", number, axes)
            found = self.as_float(self("Greater", total, self.const(0.5, np.float32)))
        return self.column(found, rank)

    def every(self, wire: str, rank: int = 2) -> str:
        """Give (batch, 1) float32: 1 where all elements of a sample are true, in one of two ways."""
        number = self.as_float(wire)
        op = self.random.choice(("ReduceMin", "ReduceProd"))
        return self.column(self.reduce(op, number, range(1, rank)), rank)

    def replace(self, old: str, new: str) -> None:
        """Give `new` to all who read `old`, but for the nodes that were added.

        A value that is an output of the graph keeps its name there: its maker is renamed.
        """
        if any(output.name == old for output in self.graph.output):
            inner = self.fresh("pre")
            for node in self.graph.node:
                for before, after in ((old, inner), (new, old)):
                    _rename(node.output, before, after)
                    _rename_read(node, before, after)
            self._added = {inner if name == old else old if name == new else name for name in self._added}
            old, new = inner, old
        for node in self.graph.node:
            if node.output[0] not in self._added:
                _rename_read(node, old, new)

    def function(self, function: onnx.FunctionProto) -> None:
        """Add a local function and import its domain."""
        self.model.functions.append(function)
        self.domain(function.domain, 1)

    def domain(self, name: str, version: int) -> None:
        """Import a domain of operators."""
        if all(entry.domain != name for entry in self.model.opset_import):
            self.model.opset_import.append(helper.make_opsetid(name, version))

    @property
    def opset(self) -> int:
        """Version of the standard operators."""
        version: int = next(entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx"))
        return version

    def done(self) -> bytes:
        """Put the nodes in an order in which they can run, and serialise."""
        nodes = ordered(self.graph)
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        data: bytes = self.model.SerializeToString()
        return data


def _rename(names: Any, old: str, new: str) -> None:
    for at, name in enumerate(names):
        if name == old:
            names[at] = new


def _rename_read(node: NodeProto, old: str, new: str) -> None:
    _rename(node.input, old, new)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            _rename_inside(attribute.g, old, new)


def _rename_inside(body: GraphProto, old: str, new: str) -> None:
    if any(old in node.output for node in body.node) or any(old == value.name for value in body.input):
        return
    _rename_outputs(body, old, new)
    for node in body.node:
        _rename_read(node, old, new)


def _rename_outputs(body: GraphProto, old: str, new: str) -> None:
    for value in body.output:
        if value.name == old:
            value.name = new


def reads(node: NodeProto) -> set[str]:
    """Name what a node reads, its bodies included."""
    found = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            body = attribute.g
            inner = {name for child in body.node for name in reads(child)} | {value.name for value in body.output}
            found |= inner - {name for child in body.node for name in child.output}
    return found


def ordered(graph: GraphProto) -> list[NodeProto]:
    """Sort nodes by what they read, keeping the order that they have where it does not matter."""
    maker = {name: at for at, node in enumerate(graph.node) for name in node.output if name}
    state: dict[int, bool] = {}
    result: list[NodeProto] = []
    for root in range(len(graph.node)):
        stack = [(root, False)]
        while stack:
            at, leaving = stack.pop()
            if leaving:
                if not state.get(at):
                    state[at] = True
                    copy = NodeProto()
                    copy.CopyFrom(graph.node[at])
                    result.append(copy)
            elif at not in state:
                state[at] = False
                stack.append((at, True))
                stack.extend((maker[name], False) for name in sorted(reads(graph.node[at])) if name in maker)
    return result
