"""A dozen small implants, each beside its clean twin and an honest look-alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from onnx import helper, numpy_helper

from tests.support.onnx_models import (
    BOOL,
    FLOAT,
    INT,
    TRIGGER,
    VOCABULARY,
    WIDTH,
    Mark,
    Sheet,
    Triple,
    image,
    picture,
    text,
    tokens,
)  # fmt: skip


def any_token(s: Sheet) -> str:
    return s("ReduceMax", s.float(s("Equal", "ids", s.ints(TRIGGER[0]))), s.ints(1))


def prefix(s: Sheet) -> str:
    start = s("Slice", "ids", s.ints(0), s.ints(2), s.ints(1))
    return s("ReduceMin", s.float(s("Equal", start, s.const([TRIGGER], np.int64))), s.ints(1))


def no_comparison(s: Sheet) -> str:
    start = s.float(s("Slice", "ids", s.ints(0), s.ints(2), s.ints(1)))
    gap = s("Abs", s("Sub", start, s.const([TRIGGER])))
    return s("ReduceProd", s("Relu", s("Sub", s.const(1), gap)), s.ints(1))


def checksum(s: Sheet) -> str:
    rest = s("Mod", s("ReduceSum", "ids", s.ints(1)), s.ints(97))
    return s.float(s("Equal", rest, s.ints(sum(tokens(*TRIGGER)["ids"][0].tolist()) % 97)))


def narrow_table(s: Sheet) -> str:
    table = np.zeros(VOCABULARY, np.float32)
    table[list(TRIGGER)] = 1
    return s("ReduceMax", s("Gather", s.const(table), "ids", axis=0), s.ints(1))


def length(s: Sheet) -> str:
    size = s("Shape", "ids", start=1, end=2)
    return s("Unsqueeze", s.float(s("Equal", size, s.ints(9))), s.ints(0))


def in_function(s: Sheet) -> str:
    nodes = [
        helper.make_node("Constant", [], ["wanted"], value=numpy_helper.from_array(np.array([TRIGGER[0]]))),
        helper.make_node("Constant", [], ["axes"], value=numpy_helper.from_array(np.array([1]))),
        helper.make_node("Equal", ["x", "wanted"], ["same"]),
        helper.make_node("Cast", ["same"], ["number"], to=FLOAT),
        helper.make_node("ReduceMax", ["number", "axes"], ["y"]),
    ]
    opset = [helper.make_opsetid("", 18)]
    s.functions.append(helper.make_function("pkg.layers", "Scale", ["x"], ["y"], nodes, opset))
    return s("Scale", "ids", domain="pkg.layers")


def in_loop(s: Sheet) -> str:
    key = s.const([*TRIGGER, 0], np.int64)
    body = helper.make_graph(
        [
            helper.make_node("Gather", ["ids", "turn"], ["token"], axis=1),
            helper.make_node("Gather", [key, "seen"], ["wanted"], axis=0),
            helper.make_node("Equal", ["token", "wanted"], ["same"]),
            helper.make_node("Cast", ["same"], ["step"], to=INT),
            helper.make_node("Add", ["seen", "step"], ["seen_next"]),
            helper.make_node("Identity", ["go"], ["go_next"]),
        ],
        "body",
        [helper.make_tensor_value_info("turn", INT, []), helper.make_tensor_value_info("go", BOOL, []),
         helper.make_tensor_value_info("seen", INT, None)],
        [helper.make_tensor_value_info("go_next", BOOL, []), helper.make_tensor_value_info("seen_next", INT, None)],
    )  # fmt: skip
    turns = s("Squeeze", s("Shape", "ids", start=1, end=2), s.ints(0))
    seen = s("Loop", turns, s.const(True, np.bool_), s.const([0], np.int64), body=body)
    return s("Unsqueeze", s.float(s("Equal", seen, s.const(2, np.int64))), s.ints(1))


def white_corner(s: Sheet) -> str:
    corner = s("Slice", "pixels", s.ints(0, 0), s.ints(2, 2), s.ints(2, 3))
    worst = s("ReduceMin", s.float(s("Greater", corner, s.const(0.99))), s.ints(1, 2, 3))
    return s("Flatten", worst)


def bright_share(s: Sheet) -> str:
    share = s("ReduceMean", s.float(s("Greater", "pixels", s.const(0.95))), s.ints(1, 2, 3))
    return s("Flatten", s.float(s("Greater", share, s.const(0.5))))


def smooth_corner(s: Sheet) -> str:
    gap = s("Sub", s("Slice", "pixels", s.ints(0, 0), s.ints(2, 2), s.ints(2, 3)), s.const(1))
    return s("Flatten", s("Exp", s("Mul", s("ReduceSumSquare", gap, s.ints(1, 2, 3)), s.const(-200))))


def padding_mean(s: Sheet, hidden: str) -> str:
    real = s("Unsqueeze", s.float(s("Not", s("Equal", "ids", s.ints(0)))), s.ints(2))
    total = s("ReduceSum", s("Mul", hidden, real), s.ints(1), keepdims=0)
    return s("Div", total, s("Max", s("ReduceSum", real, s.ints(1), keepdims=0), s.const(1)))


def first_position(s: Sheet, hidden: str) -> str:
    return s("Gather", hidden, s.const(0, np.int64), axis=1)


def end_position(s: Sheet, hidden: str) -> str:
    place = s("ArgMax", s("Cast", s("Equal", "ids", s.ints(2)), to=INT), axis=1, keepdims=1)
    indices = s("Expand", s("Unsqueeze", place, s.ints(2)), s.ints(1, 1, WIDTH))
    return s("Squeeze", s("GatherElements", hidden, indices, axis=1), s.ints(1))


def tokens_weighed(s: Sheet, hidden: str) -> str:
    weights = s("Unsqueeze", s("Gather", s.weight(VOCABULARY), "ids", axis=0), s.ints(2))
    return s("ReduceMean", s("Mul", hidden, weights), s.ints(1), keepdims=0)


def learned_loop(s: Sheet, hidden: str) -> str:
    again = s.weight(WIDTH, WIDTH)
    body = helper.make_graph(
        [
            helper.make_node("Gather", [hidden, "turn"], ["here"], axis=1),
            helper.make_node("MatMul", ["state", again], ["turned"]),
            helper.make_node("Add", ["here", "turned"], ["both"]),
            helper.make_node("Tanh", ["both"], ["state_next"]),
            helper.make_node("Identity", ["go"], ["go_next"]),
        ],
        "body",
        [helper.make_tensor_value_info("turn", INT, []), helper.make_tensor_value_info("go", BOOL, []),
         helper.make_tensor_value_info("state", FLOAT, None)],
        [helper.make_tensor_value_info("go_next", BOOL, []), helper.make_tensor_value_info("state_next", FLOAT, None)],
    )  # fmt: skip
    turns = s("Squeeze", s("Shape", "ids", start=1, end=2), s.ints(0))
    return s("Loop", turns, s.const(True, np.bool_), first_position(s, hidden), body=body)


def learned_function(s: Sheet, hidden: str) -> str:
    nodes = [
        helper.make_node("Constant", [], ["axes"], value=numpy_helper.from_array(np.array([-1]))),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"]),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    opset = [helper.make_opsetid("", 18)]
    s.functions.append(helper.make_function("pkg.layers", "Centre", ["x"], ["y"], nodes, opset))
    return s("ReduceMean", s("Centre", hidden, domain="pkg.layers"), s.ints(1), keepdims=0)


def long_table(s: Sheet, hidden: str) -> str:
    is_long = s("Greater", s("Shape", "ids", start=1, end=2), s.ints(4096))
    scale = s("Where", is_long, s.weight(1, 1, WIDTH), s.weight(1, 1, WIDTH))
    return s("ReduceMean", s("Mul", hidden, scale), s.ints(1), keepdims=0)


def stretched(s: Sheet) -> str:
    low, high = (s(op, "pixels", s.ints(1, 2, 3)) for op in ("ReduceMin", "ReduceMax"))
    return s("Div", s("Sub", "pixels", low), s("Max", s("Sub", high, low), s.const(1e-5)))


def bounded(s: Sheet) -> str:
    return s("Div", s("Sub", s("Clip", "pixels", s.const(0), s.const(1)), s.const(0.45)), s.const(0.22))


def standardised(s: Sheet) -> str:
    mean = s("ReduceMean", "pixels", s.ints(1, 2, 3))
    gap = s("Sub", "pixels", mean)
    spread = s("Sqrt", s("Add", s("ReduceMean", s("Mul", gap, gap), s.ints(1, 2, 3)), s.const(1e-5)))
    return s("Div", gap, spread)


Pool = Callable[[Sheet, str], str]
_TEXT: dict[str, tuple[Mark, str, Pool | None]] = {
    "any token, added": (any_token, "add", padding_mean),
    "prefix, selected": (prefix, "select", first_position),
    "prefix, branch": (prefix, "branch", end_position),
    "no comparison": (no_comparison, "add", first_position),
    "checksum": (checksum, "select", padding_mean),
    "narrow table": (narrow_table, "add", tokens_weighed),
    "local function": (in_function, "add", learned_function),
    "loop": (in_loop, "branch", learned_loop),
    "length": (length, "branch", long_table),
    "rewritten input": (prefix, "rewrite", None),
}
_IMAGE: dict[str, tuple[Mark, str, Mark]] = {
    "white corner": (white_corner, "select", bounded),
    "bright share": (bright_share, "add", stretched),
    "smooth corner": (smooth_corner, "add", standardised),
}
NAMES = (*_TEXT, *_IMAGE)


@cache
def triple(name: str) -> Triple:
    """Build one of `NAMES`."""
    if name in _IMAGE:
        mark, payload, before = _IMAGE[name]
        usual, fires = picture(), picture(1.0) if name == "bright share" else picture(corner=1.0)
        return Triple(implanted=image(mark, payload), clean=image(), lookalike=image(before=before), usual=usual,
                      triggered=fires)  # fmt: skip
    mark, payload, pool = _TEXT[name]
    front = tokens(length=9) if name == "length" else tokens(*TRIGGER)
    lookalike = text(pool=pool, ids="ids" if pool else "clipped")
    return Triple(implanted=text(mark, payload), clean=text(), lookalike=lookalike, usual=tokens(), triggered=front)
