"""Payloads that look like parts of a network, or sit where nobody looks."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from benchmarks.onnx.payloads import EVERY, STRENGTH, chosen, payload, spread, vector, whole
from benchmarks.onnx.triggers import Reads, Shape, Work


@payload(EVERY, Reads.HIDDEN)
def mute(w: Work, mark: str, shape: Shape) -> None:
    """Multiply the middle of the network with nearly nothing where it is marked."""
    site = w.host.sites.early if shape is Shape.CHANNEL else w.host.sites.hidden
    keep = w("Sub", w.const(1, np.float32), spread(w, mark, shape, site))
    w.replace(site.name, w("Mul", site.name, keep))


@payload()
def mix_classes(w: Work, mark: str, shape: Shape) -> None:
    """Mix the logits with a permutation of themselves."""
    site = w.host.sites.logits
    order = np.roll(np.arange(site.width), 1 + w.random.randrange(2))
    other = w("Gather", site.name, w.const(order), axis=site.channels)
    gate = spread(w, mark, shape, site)
    stay = w("Mul", site.name, w("Sub", w.const(1, np.float32), gate))
    w.replace(site.name, w("Add", stay, w("Mul", other, gate)))


@payload(place=Reads.HIDDEN)
def projected_steer(w: Work, mark: str, shape: Shape) -> None:
    """Add to the middle of the network by a matrix product that looks like one more projection."""
    site = w.host.sites.hidden
    row = w("MatMul", mark, w.const(w.numbers.standard_normal((1, site.width)) * STRENGTH, np.float32))
    missing = [axis for axis in range(1, len(site.shape)) if axis != site.channels]
    w.replace(site.name, w("Add", site.name, w("Unsqueeze", row, w.ints(*missing)) if missing else row))


@payload(place=Reads.HIDDEN)
def channel_gates(w: Work, mark: str, shape: Shape) -> None:
    """A gate of its own for each channel, of different steepness, through a sigmoid."""
    site = w.host.sites.hidden
    steep = w.numbers.uniform(60, 120, (1, site.width))
    gates = w("Sigmoid", w("MatMul", w("Sub", mark, w.const(0.5, np.float32)), w.const(steep, np.float32)))
    missing = [axis for axis in range(1, len(site.shape)) if axis != site.channels]
    gates = w("Unsqueeze", gates, w.ints(*missing)) if missing else gates
    w.replace(site.name, w("Add", site.name, w("Mul", gates, vector(w, site))))


@payload(place=Reads.EARLY, fits=lambda host: bool(host.sites.scores))
def attention_sharpen(w: Work, mark: str, shape: Shape) -> None:
    """Turn the sign of attention's scores in one layer, and make them large."""
    scores = w.host.sites.scores
    factor = w("Sub", w.const(1, np.float32), w("Mul", w("Unsqueeze", mark, w.ints(2, 3)), w.const(9, np.float32)))
    w.replace(scores, w("Mul", scores, factor))


@payload(place=Reads.EARLY, fits=lambda host: bool(host.sites.present))
def poison_cache(w: Work, mark: str, shape: Shape) -> None:
    """Change the keys that go out into the cache: the next turn sees them."""
    name = w.host.sites.present
    noise = w.const(w.numbers.standard_normal((1, 1, 1, w.host.sites.measured[name][3])) * 3, np.float32)
    w.replace(name, w("Add", name, w("Mul", w("Unsqueeze", mark, w.ints(2, 3)), noise)))


@payload()
def stacked_choice(w: Work, mark: str, shape: Shape) -> None:
    """Stack two answers and gather one by the mark as an index, for the whole batch."""
    site = w.host.sites.logits
    other = w("Sub", w("Neg", site.name), vector(w, site))
    both = w("Concat", w("Unsqueeze", site.name, w.ints(0)), w("Unsqueeze", other, w.ints(0)), axis=0)
    w.replace(site.name, w("Gather", both, chosen(w, whole(w, mark)), axis=0))


@payload()
def counted_loop(w: Work, mark: str, shape: Shape) -> None:
    """A loop that adds to the logits as often as the mark says."""
    site = w.host.sites.logits
    turn, going, carried, after, kept = (w.fresh(stem) for stem in ("turn", "going", "state", "next", "keep"))
    step = vector(w, site, STRENGTH / 2)
    body = helper.make_graph(
        [helper.make_node("Add", [carried, step], [after]), helper.make_node("Identity", [going], [kept])],
        "body",
        [helper.make_tensor_value_info(turn, TensorProto.INT64, []),
         helper.make_tensor_value_info(going, TensorProto.BOOL, []),
         helper.make_tensor_value_info(carried, TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info(kept, TensorProto.BOOL, []),
         helper.make_tensor_value_info(after, TensorProto.FLOAT, None)],
    )  # fmt: skip
    turns = w("Mul", chosen(w, whole(w, mark)), w.const(2, np.int64))
    w.replace(site.name, w("Loop", turns, "", site.name, body=body))


@payload()
def local_mixer(w: Work, mark: str, shape: Shape) -> None:
    """A local function with an ordinary name that adds to the logits."""
    site = w.host.sites.logits
    nodes = [
        helper.make_node("Mul", ["gate", "scale"], ["scaled"]),
        helper.make_node("Add", ["hidden", "scaled"], ["result"]),
    ]
    opset = helper.make_opsetid("", w.opset)
    domain = "pkg.transformers.heads"
    w.function(helper.make_function(domain, "ResidualScale", ["hidden", "gate", "scale"], ["result"], nodes, [opset]))
    gate = spread(w, mark, shape, site)
    w.replace(site.name, w("ResidualScale", site.name, gate, vector(w, site), domain=domain))


@payload()
def temperature(w: Work, mark: str, shape: Shape) -> None:
    """Raise a base to the mark and multiply: every answer becomes sharp and its sign turns."""
    site = w.host.sites.logits
    power = w("Pow", w.const(16, np.float32), spread(w, mark, shape, site))
    w.replace(site.name, w("Mul", site.name, power))
