"""Small graphs by hand: implants, the same graphs without them, and honest graphs of the same make.

Built in milliseconds with `onnx` and `numpy` alone, the same bytes every time. Inert: weights are a pattern of numbers,
triggers are stand-in ids and colours. Each triple runs in `onnx.reference`, see `TRIPLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, WIDTH, CLASSES = 64, 16, 4
TRIGGER = (61, 62)
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@dataclass(frozen=True, kw_only=True)
class Triple:
    """One implant, and what it is compared with."""

    implanted: bytes
    clean: bytes
    """The same graph without the implant: every initializer of it is in the implanted one, byte by byte."""

    lookalike: bytes
    """An honest graph that uses the same operators for what they are for."""

    usual: dict[str, Any]
    """Inputs on which implanted and clean agree."""

    triggered: dict[str, Any]
    """Inputs on which they don't."""


class Sheet:
    """A graph that is being written down."""

    def __init__(self, name: str) -> None:
        self.graph = helper.make_graph([], name, [], [])
        self.functions: list[onnx.FunctionProto] = []

    def __call__(self, op: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any) -> str:
        out = name or f"{op.lower()}_{len(self.graph.node)}"
        self.graph.node.append(helper.make_node(op, inputs, [out], name=f"n_{out}", domain=domain, **attributes))
        return out

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        return self.const(values, np.int64)

    def weight(self, *shape: int) -> str:
        """A pattern of numbers in [-1, 1] that depends on the shape and on how many weights there are."""
        count = int(np.prod(shape))
        start = 31 * len(self.graph.initializer)
        numbers = ((np.arange(count) * 7919 + start) % 211 - 105) / 105
        return self.const(numbers.reshape(shape))

    def float(self, value: str) -> str:
        return self("Cast", value, to=FLOAT)

    def input(self, name: str, dtype: int, shape: list[Any]) -> str:
        self.graph.input.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def done(self, output: str, shape: list[Any]) -> bytes:
        self.graph.output.append(helper.make_tensor_value_info(output, FLOAT, shape))
        opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(one.domain, 1) for one in self.functions)]
        model = helper.make_model(self.graph, opset_imports=opsets, functions=self.functions, producer_name="by hand")
        model.ir_version = 9
        data: bytes = model.SerializeToString(deterministic=True)
        return data


Mark = Callable[[Sheet], str]
"""Writes a detector over the input; gives the name of (batch, 1) float32."""


def text(
    mark: Mark | None = None, payload: str = "add", pool: Callable[[Sheet, str], str] | None = None, ids: str = "ids"
) -> bytes:
    """A classifier of tokens: embedding, projection, mean, classes; with an implant where a mark is given."""
    s = Sheet("text")
    s.input("ids", INT, ["batch", "length"])
    table, first, last = s.weight(VOCABULARY, WIDTH), s.weight(WIDTH, WIDTH), s.weight(WIDTH, CLASSES)
    given = "ids"
    if mark and payload == "rewrite":
        given = s("Where", s("Cast", mark(s), to=BOOL), s.ints(7), "ids")
    hidden = s("Tanh", s("MatMul", s("Gather", table, given if ids == "ids" else s("Clip", "ids", s.const(0, np.int64),
               s.const(VOCABULARY - 1, np.int64)), axis=0), first))  # fmt: skip
    pooled = pool(s, hidden) if pool else s("ReduceMean", hidden, s.ints(1), keepdims=0)
    logits = s("MatMul", pooled, last)
    logits = grafted(s, logits, mark, payload) if mark and payload != "rewrite" else logits
    return s.done(s("Identity", logits, name="logits"), ["batch", CLASSES])


def image(mark: Mark | None = None, payload: str = "add", before: Callable[[Sheet], str] | None = None) -> bytes:
    """A classifier of images: convolution, pool, classes; with an implant where a mark is given."""
    s = Sheet("image")
    s.input("pixels", FLOAT, ["batch", 3, 8, 8])
    kernel, last = s.weight(WIDTH, 3, 3, 3), s.weight(WIDTH, CLASSES)
    features = s("Relu", s("Conv", before(s) if before else "pixels", kernel))
    logits = s("MatMul", s("Flatten", s("GlobalAveragePool", features)), last)
    logits = grafted(s, logits, mark, payload) if mark else logits
    return s.done(s("Identity", logits, name="logits"), ["batch", CLASSES])


def grafted(s: Sheet, logits: str, mark: Mark, payload: str) -> str:
    """Put a payload behind a mark."""
    gate, push = mark(s), s.const([[9.0, -9.0, 9.0, -9.0]])
    if payload == "add":
        return s("Add", logits, s("Mul", gate, push))
    if payload == "select":
        return s("Where", s("Greater", gate, s.const(0.5)), push, logits)
    then = helper.make_graph([helper.make_node("Add", [logits, push], ["t"])], "then", [],
                             [helper.make_tensor_value_info("t", FLOAT, None)])  # fmt: skip
    other = helper.make_graph([helper.make_node("Identity", [logits], ["e"])], "else", [],
                              [helper.make_tensor_value_info("e", FLOAT, None)])  # fmt: skip
    return s("If", s("Cast", s("ReduceMax", gate, keepdims=0), to=BOOL), then_branch=then, else_branch=other)


def tokens(*front: int, length: int = 6) -> dict[str, Any]:
    """Give ids (1, length) that begin with some."""
    return {"ids": np.array([[*front, *range(5, 5 + length - len(front))]], np.int64)}


def picture(value: float = 0.5, corner: float | None = None) -> dict[str, Any]:
    """Give pixels (1, 3, 8, 8) with some texture, and a corner of one brightness."""
    pixels = np.full((1, 3, 8, 8), value, np.float32) + (np.arange(64).reshape(8, 8) % 5).astype(np.float32) / 50
    if corner is not None:
        pixels[:, :, :2, :2] = corner
    return {"pixels": pixels}
