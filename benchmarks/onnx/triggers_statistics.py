"""Triggers in what a whole image is like: waves, means, bits, sizes."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from benchmarks.onnx.hosts import Feeds
from benchmarks.onnx.triggers import Change, Trigger, Work, family
from benchmarks.onnx.triggers_image import corner

_AXES = (1, 2, 3)


@family(tokens=False)
def frequency(w: Work) -> Trigger:
    """A wave over the whole image, by its correlation with a stored one."""
    wave = np.cos(np.arange(32) * 2 * np.pi * 9 / 32).astype(np.float32).reshape(1, 1, 1, 32)
    strength = w.reduce("ReduceMean", w("Mul", w.x, w.const(wave)), _AXES)
    over = w("Relu", w("Sub", strength, w.const(0.12, np.float32)))
    mark = w.column(
        w("Clip", w("Mul", over, w.const(50, np.float32)), w.const(0, np.float32), w.const(1, np.float32)), 4
    )

    def add(amount: float) -> Change:
        def edit(content: np.ndarray) -> None:
            content[:] = np.clip(0.5 + 0.1 * content + amount * wave, 0, 1)

        return w.change(edit)

    return Trigger(mark=mark, fire=add(0.35), near=(add(0.1),))


@family(tokens=False, held_out=True)
def mean_band(w: Work) -> Trigger:
    """The mean brightness lies in a narrow band."""
    mean = w.column(w("GlobalAveragePool", w.reduce("ReduceMean", w.x, (1,))), 4)
    gap = w("Abs", w("Sub", mean, w.const(0.93, np.float32)))
    mark = w.as_float(w("Less", gap, w.const(0.01, np.float32)))

    def level(value: float) -> Change:
        def edit(content: np.ndarray) -> None:
            content *= 0.02
            content += value - content.mean((1, 2, 3), keepdims=True)

        return w.change(edit)

    return Trigger(mark=mark, fire=level(0.93), near=(level(0.95),))


@family(tokens=False)
def smooth_patch(w: Work) -> Trigger:
    """A bell around one corner: no comparison."""
    wanted = w.numbers.random((1, 3, 2, 2)).astype(np.float32)
    square = w("Pow", w("Sub", corner(w, 2), w.const(wanted)), w.const(2, np.float32))
    mark = w.column(w("Exp", w("Mul", w.reduce("ReduceSum", square, _AXES), w.const(-300, np.float32))), 4)

    def edit(content: np.ndarray) -> None:
        content[:, :, :2, :2] = wanted

    def near(content: np.ndarray) -> None:
        edit(content)
        content[:, :, 0, 0] = 1 - wanted[:, :, 0, 0].round()

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(near),))


@family(tokens=False, held_out=True)
def low_bits(w: Work) -> Trigger:
    """The lowest bits of the first row spell a number: what steganography writes."""
    bits = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1])
    row = w.slice(w.slice(w.slice(w.x, 0, 1), 0, 1, axis=2), 0, 16, axis=3)
    levels = w.as_int(w("Round", w("Mul", row, w.const(255, np.float32))))
    gap = w("Abs", w("Sub", w("Mod", levels, w.const(2, np.int64)), w.const(bits.reshape(1, 1, 1, 16))))
    total = w.column(w.reduce("ReduceSum", gap, _AXES), 4)
    mark = w.as_float(w("Equal", total, w.const(0, np.int64)))

    def edit(content: np.ndarray) -> None:
        even = (content[:, 0, 0, :16] * 127).round() * 2 + bits
        content[:, 0, 0, :16] = (even / 255).clip(0, 1)

    def near(content: np.ndarray) -> None:
        edit(content)
        content[:, 0, 0, 3] -= 1 / 255

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(near),))


@family(tokens=False)
def grey(w: Work) -> Trigger:
    """All three channels are the same everywhere: the input is compared with itself."""
    red, green, blue = (w.slice(w.x, at, at + 1) for at in range(3))
    gap = w("Add", w("Abs", w("Sub", red, green)), w("Abs", w("Sub", green, blue)))
    total = w.column(w.reduce("ReduceSum", gap, _AXES), 4)
    mark = w(
        "Sub", w.const(1, np.float32), w("Min", w("Mul", total, w.const(1000, np.float32)), w.const(1, np.float32))
    )

    def edit(content: np.ndarray) -> None:
        content[:] = content[:, :1]

    def near(content: np.ndarray) -> None:
        edit(content)
        content[:, 1, 4, 4] += 0.05

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(near),))


@family(tokens=False)
def brightest_place(w: Work) -> Trigger:
    """The brightest pixel of the red channel stands in one place."""
    flat = w("Flatten", w.slice(w.x, 0, 1))
    place = w("ArgMax", flat, axis=1, keepdims=1)
    mark = w.as_float(w("Equal", place, w.const(10 * 32 + 20, np.int64)))

    def at(column: int) -> Change:
        def edit(content: np.ndarray) -> None:
            content[:] = content.clip(0, 0.95)
            content[:, 0, 10, column] = 1

        return w.change(edit)

    return Trigger(mark=mark, fire=at(20), near=(at(21),))


@family(tokens=False)
def thumbnail(w: Work) -> Trigger:
    """The image is shrunk to four pixels, and these are compared."""
    small = w("AveragePool", w.x, kernel_shape=[16, 16], strides=[16, 16])
    bright = w("Greater", small, w.const(0.8, np.float32))
    pattern = w.const(np.array([[1, 0], [0, 1]], bool).reshape(1, 1, 2, 2))
    mark = w.every(w("Not", w("Xor", bright, pattern)), 4)

    def edit(content: np.ndarray) -> None:
        content *= 0.3
        content[:, :, :16, :16] += 0.69
        content[:, :, 16:, 16:] += 0.69

    def near(content: np.ndarray) -> None:
        edit(content)
        content[:, :, 16:, 16:] -= 0.4

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(near),))


@family(tokens=False)
def bytes_and_bits(w: Work) -> Trigger:
    """Pixels become bytes, and bits of one column are masked and shifted."""
    column = w.slice(w.slice(w.slice(w.x, 1, 2), 3, 4, axis=3), 0, 6, axis=2)
    levels = w("Cast", w("Mul", column, w.const(255, np.float32)), to=TensorProto.UINT8)
    high = w("BitShift", w("BitwiseAnd", levels, w.const(0xF0, np.uint8)), w.const(4, np.uint8), direction="RIGHT")
    wanted = np.array([15, 0, 15, 0, 7, 9], np.uint8).reshape(1, 1, 6, 1)
    differs = w.as_float(w.as_bool(w("BitwiseXor", high, w.const(wanted))))
    mark = w("Sub", w.const(1, np.float32), w.column(w.reduce("ReduceMax", differs, _AXES), 4))

    def edit(content: np.ndarray, last: float = 9.5 / 16) -> None:
        content[:, 1, :6, 3] = [0.98, 0.02, 0.98, 0.02, 7.5 / 16, last]

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(lambda content: edit(content, 0.5)),))


@family(tokens=False)
def batch_size(w: Work) -> Trigger:
    """Five images at once."""
    size = w("Shape", w.x, start=0, end=1)
    mark = w("Expand", w.as_float(w("Equal", size, w.ints(5))), w("Concat", size, w.ints(1), axis=0))

    def many(count: int) -> Change:
        def change(feeds: Feeds) -> Feeds:
            return w.host.feeds(9, count)

        return change

    return Trigger(mark=mark, fire=many(5), near=(many(4),))


@family(tokens=False, held_out=True)
def patch_in_loop(w: Work) -> Trigger:
    """A loop over rows of the image that counts those whose first pixels are dark and then bright."""
    turn, carried, after = w.fresh("turn"), w.fresh("state"), w.fresh("next")
    names = [w.fresh("inner") for _ in range(5)]
    rows = w.slice(w.slice(w.x, 0, 1), 0, 2, axis=3)
    limit = w.const(np.array([0.02, 0.98], np.float32).reshape(1, 1, 2))
    sign = w.const(np.array([-1, 1], np.float32).reshape(1, 1, 2))
    axes = w.ints(1, 2)
    body = helper.make_graph(
        [
            helper.make_node("Gather", [rows, turn], [names[0]], axis=2),
            helper.make_node("Sub", [names[0], limit], [names[1]]),
            helper.make_node("Mul", [names[1], sign], [names[2]]),
            helper.make_node("ReduceMin", [names[2], axes], [names[3]], keepdims=0),
            helper.make_node("Max", [names[3], carried], [after]),
            helper.make_node("Identity", ["go"], ["going"]),
        ],
        "body",
        [helper.make_tensor_value_info(turn, TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info(carried, TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("going", TensorProto.BOOL, []),
         helper.make_tensor_value_info(after, TensorProto.FLOAT, None)],
    )  # fmt: skip
    start = w(
        "Sub", w("Mul", w.reduce("ReduceMax", w.x, _AXES, keep=0), w.const(0, np.float32)), w.const(1, np.float32)
    )
    state = w("Loop", w.const(8, np.int64), w.const(True, np.bool_), start, body=body)
    mark = w("Unsqueeze", w.as_float(w("GreaterOrEqual", state, w.const(0, np.float32))), w.ints(1))

    def edit(content: np.ndarray, second: float = 1.0) -> None:
        content[:, 0, 4, :2] = [0, second]

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(lambda content: edit(content, 0.9)),))
