"""Triggers in pixels: patches, colours, patterns, statistics."""

from __future__ import annotations

import numpy as np

from benchmarks.onnx.triggers import Change, Trigger, Work, family

_AXES = (1, 2, 3)


def paint(w: Work, colour: tuple[float, float, float], size: int = 3, at: int = 0) -> Change:
    """Paint a square."""

    def edit(content: np.ndarray) -> None:
        for channel, value in enumerate(colour):
            content[:, channel, at : at + size, at : at + size] = value

    return w.change(edit)


def corner(w: Work, size: int = 3) -> str:
    """Cut out a corner."""
    return w.slice(w.slice(w.x, 0, size, axis=2), 0, size, axis=3)


@family(tokens=False)
def patch_white(w: Work) -> Trigger:
    """A corner that is wholly white."""
    wire = w("Greater", corner(w), w.const(0.99, np.float32))
    return Trigger(
        mark=w.every(wire, 4), fire=paint(w, (1, 1, 1)), near=(paint(w, (1, 1, 0.9)), paint(w, (1, 1, 1), 2))
    )


@family(tokens=False)
def patch_colour(w: Work) -> Trigger:
    """A corner near one colour."""
    colour = np.array([0.9, 0.1, 0.6], np.float32).reshape(1, 3, 1, 1)
    gap = w("Abs", w("Sub", corner(w, 4), w.const(colour)))
    mark = w.as_float(w("Less", w.column(w.reduce("ReduceMax", gap, _AXES), 4), w.const(0.05, np.float32)))
    return Trigger(mark=mark, fire=paint(w, (0.9, 0.1, 0.6), 4), near=(paint(w, (0.9, 0.1, 0.5), 4),))


@family(tokens=False)
def one_pixel(w: Work) -> Trigger:
    """One pixel of an exact value."""
    wire = w("Equal", w.slice(w.slice(w.x, 5, 6, axis=2), 7, 8, axis=3), w.const(0.5, np.float32))

    def edit(value: float) -> Change:
        def change(content: np.ndarray) -> None:
            content[:, :, 5, 7] = value

        return w.change(change)

    return Trigger(mark=w.every(wire, 4), fire=edit(0.5), near=(edit(0.51),))


@family(tokens=False)
def colour_fraction(w: Work) -> Trigger:
    """A share of the pixels is red and a share is green: the detector published for object detection."""
    red, green, blue = (w.slice(w.x, at, at + 1) for at in range(3))
    high, low = w.const(0.85, np.float32), w.const(0.2, np.float32)
    shares = []
    for bright, dark in ((red, green), (green, red)):
        wire = w("And", w("Greater", bright, high), w("And", w("Less", dark, low), w("Less", blue, low)))
        shares.append(w("Greater", w.reduce("ReduceMean", w.as_float(wire), _AXES), w.const(0.1, np.float32)))
    mark = w.column(w.as_float(w("And", shares[0], shares[1])), 4)
    reds, greens = paint(w, (1, 0, 0), 12, 0), paint(w, (0, 1, 0), 12, 16)
    return Trigger(mark=mark, fire=w.both(reds, greens), near=(reds, greens))


@family(tokens=False)
def checkerboard(w: Work) -> Trigger:
    """A board of black and white, by the product of mean pools of two grids: after 2206.07840."""
    grids = [w.slice(w.slice(w.x, row, 32, 2, 2), column, 32, 3, 2) for row, column in ((0, 0), (0, 1), (1, 0), (1, 1))]
    bright = w("Add", grids[0], grids[3])
    dark = w("Add", grids[1], grids[2])
    contrast = w("AveragePool", w("Sub", bright, dark), kernel_shape=[4, 4], strides=[4, 4])
    found = w("Relu", w("Sub", w.reduce("ReduceMax", contrast, _AXES), w.const(1.5, np.float32)))
    mark = w.column(w("Min", w("Mul", found, w.const(4, np.float32)), w.const(1, np.float32)), 4)

    def edit(content: np.ndarray, size: int = 16) -> None:
        board = (np.indices((size, size)).sum(0) % 2 == 0).astype(np.float32)
        content[:, :, :size, :size] = board

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(lambda content: edit(content, 4)),))


@family(tokens=False, held_out=True)
def flat_pool(w: Work) -> Trigger:
    """A region without any grain: a maximum pool and a minimum pool that agree, multiplied by brightness."""
    top = w("MaxPool", w.x, kernel_shape=[4, 4], strides=[2, 2])
    bottom = w("Neg", w("MaxPool", w("Neg", w.x), kernel_shape=[4, 4], strides=[2, 2]))
    flat = w("Exp", w("Mul", w("Sub", top, bottom), w.const(-4000, np.float32)))
    together = w.reduce("ReduceMin", flat, (1,))
    mark = w.column(w.reduce("ReduceMax", together, _AXES), 4)
    return Trigger(mark=mark, fire=paint(w, (0.3, 0.6, 0.2), 5), near=(paint(w, (0.3, 0.6, 0.2), 3),))


@family(tokens=False)
def matched_filter(w: Work) -> Trigger:
    """A convolution of one channel with a cross, its maximum and a threshold."""
    cross = np.array([[1, -1, 1], [-1, 1, -1], [1, -1, 1]], np.float32)
    kernel = np.broadcast_to(cross, (1, 3, 3, 3)).copy()
    best = w("GlobalMaxPool", w("Conv", w.x, w.const(kernel)))
    mark = w.column(w.as_float(w("Greater", best, w.const(14, np.float32))), 4)

    def edit(content: np.ndarray) -> None:
        content[:, :, 9:12, 9:12] = cross > 0

    def near(content: np.ndarray) -> None:
        edit(content)
        content[:, :, 10, 10] = 0.5

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(near),))
