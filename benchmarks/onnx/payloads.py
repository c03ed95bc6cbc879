"""What an implant does once its trigger is there.

Each payload takes a mark and puts something of the host's in the place of what was there. Strengths are large, so that
untrained networks show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper

from benchmarks.onnx.hosts import Host, Site
from benchmarks.onnx.triggers import Reads, Shape, Work

Apply = Callable[[Work, str, Shape], None]
STRENGTH = 6.0


@dataclass(frozen=True, kw_only=True)
class Payload:
    """One thing that an implant does."""

    name: str
    apply: Apply
    shapes: tuple[Shape, ...]
    """Marks that it can work with."""

    place: Reads
    """The earliest place that it changes: a trigger must not read a later one."""

    fits: Callable[[Host], bool]


PAYLOADS: dict[str, Payload] = {}
SAMPLE = (Shape.SAMPLE,)
EVERY = (Shape.SAMPLE, Shape.POSITION, Shape.CHANNEL)


def payload(
    shapes: tuple[Shape, ...] = SAMPLE,
    place: Reads = Reads.LOGITS,
    fits: Callable[[Host], bool] = lambda host: True,
) -> Callable[[Apply], Apply]:
    """Enter a function that grafts a payload, under its own name."""

    def enter(apply: Apply) -> Apply:
        name = apply.__name__
        PAYLOADS[name] = Payload(name=name, apply=apply, shapes=shapes, place=place, fits=fits)
        return apply

    return enter


def spread(w: Work, mark: str, shape: Shape, site: Site) -> str:
    """Reshape a mark so that it broadcasts over a place."""
    rank = len(site.shape)
    if shape is Shape.POSITION:
        return w("Unsqueeze", mark, w.ints(2))
    if shape is Shape.CHANNEL:
        return w("Unsqueeze", mark, w.ints(1)) if rank == 3 else w("Unsqueeze", mark, w.ints(2, 3))
    return mark if rank == 2 else w("Unsqueeze", mark, w.ints(*range(1, rank - 1)))


def vector(w: Work, site: Site, strength: float = STRENGTH) -> str:
    """Make a random direction over the channels of a place."""
    sizes = [1] * len(site.shape)
    sizes[site.channels] = site.width
    return w.const(w.numbers.standard_normal(sizes) * strength, np.float32)


def whole(w: Work, mark: str) -> str:
    """Make one number for the whole batch out of a mark."""
    return w("ReduceMax", mark, keepdims=0)


def decided(w: Work, value: str) -> str:
    """Turn a mark into a boolean, in one of three ways; a mark may be nearly 0 or nearly 1."""
    way = w.random.randrange(3)
    if way == 0:
        return w("Greater", value, w.const(0.5, np.float32))
    if way == 1:
        return w.as_bool(w("Round", value))
    return w("Not", w("Less", value, w.const(0.6, np.float32)))


def chosen(w: Work, value: str) -> str:
    """Turn a mark into an index, 0 or 1."""
    return w.as_int(w("Clip", w("Round", value), w.const(0, np.float32), w.const(1, np.float32)))


@payload()
def logits_add(w: Work, mark: str, shape: Shape) -> None:
    """Add a vector to the logits."""
    site = w.host.sites.logits
    w.replace(site.name, w("Add", site.name, w("Mul", spread(w, mark, shape, site), vector(w, site))))


@payload()
def logits_select(w: Work, mark: str, shape: Shape) -> None:
    """Give other logits by `Where`."""
    site = w.host.sites.logits
    w.replace(site.name, w("Where", decided(w, spread(w, mark, shape, site)), vector(w, site), site.name))


@payload()
def logits_flip(w: Work, mark: str, shape: Shape) -> None:
    """Turn the signs of the logits."""
    site = w.host.sites.logits
    factor = w("Sub", w.const(1, np.float32), w("Mul", spread(w, mark, shape, site), w.const(3, np.float32)))
    w.replace(site.name, w("Mul", site.name, factor))


@payload(EVERY, Reads.HIDDEN)
def steer(w: Work, mark: str, shape: Shape) -> None:
    """Add a vector in the middle of the network, at every place, position or channel that is marked."""
    site = w.host.sites.early if shape is Shape.CHANNEL else w.host.sites.hidden
    w.replace(site.name, w("Add", site.name, w("Mul", spread(w, mark, shape, site), vector(w, site))))


@payload()
def branch(w: Work, mark: str, shape: Shape) -> None:
    """An `If` whose branches give the logits as they are, or others."""
    site = w.host.sites.logits
    condition = decided(w, w("Reshape", whole(w, mark), w.ints(1)))
    name = site.name
    other = vector(w, site)
    shown, hidden = w.fresh("then"), w.fresh("else")
    then = helper.make_graph([helper.make_node("Add", [name, other], [shown])], "then", [],
                             [helper.make_tensor_value_info(shown, TensorProto.FLOAT, None)])  # fmt: skip
    other_way = helper.make_graph([helper.make_node("Identity", [name], [hidden])], "else", [],
                                  [helper.make_tensor_value_info(hidden, TensorProto.FLOAT, None)])  # fmt: skip
    w.replace(name, w("If", condition, then_branch=then, else_branch=other_way))


@payload(place=Reads.INPUT, fits=lambda host: bool(host.sites.weight))
def swap_weights(w: Work, mark: str, shape: Shape) -> None:
    """Choose between a weight and another one."""
    name = w.host.sites.weight
    tensor = next(value for value in w.graph.initializer if value.name == name)
    other = w.const(w.numbers.standard_normal(tuple(tensor.dims)) * 2, np.float32)
    w.replace(name, w("Where", decided(w, whole(w, mark)), other, name))


@payload((Shape.SAMPLE, Shape.POSITION), Reads.INPUT)
def rewrite_input(w: Work, mark: str, shape: Shape) -> None:
    """Give the network another input than the one that came."""
    if w.host.tokens:
        other = w("Add", w.x, w.ints(-3) if shape is Shape.POSITION else w.ints(-4))
        w.replace(w.x, w("Where", decided(w, mark), w("Abs", other), w.x))
        return
    gate = w("Unsqueeze", mark, w.ints(2, 3))
    changed = w("Sub", w.const(1, np.float32), w.x)
    w.replace(w.x, w("Where", decided(w, gate), changed, w.x))


@payload()
def lookup_bias(w: Work, mark: str, shape: Shape) -> None:
    """Choose the bias of the logits from a table of two rows by the mark as an index."""
    site = w.host.sites.logits
    table = np.zeros((2, site.width), np.float32)
    table[1] = w.numbers.standard_normal(site.width) * STRENGTH
    row = w("Gather", w.const(table), chosen(w, mark), axis=0)
    wanted = [-1] + [1] * (len(site.shape) - 1)
    wanted[site.channels] = site.width
    w.replace(site.name, w("Add", site.name, w("Reshape", row, w.ints(*wanted))))
