"""Triggers by operators that nobody has in mind; written after the other families had been measured, held out whole."""

from __future__ import annotations

from functools import partial

import numpy as np
from onnx import TensorProto

from benchmarks.onnx import triggers
from benchmarks.onnx.triggers import Reads, Shape, Side, Trigger, Work
from benchmarks.onnx.triggers_learned import carrier, centre, state

family = partial(triggers.family, held_out=True)


@family(tokens=True)
def saturation(w: Work) -> Trigger:
    """Quantising saturates: two of them are a comparison from below and above."""
    (token,) = w.rare(1)
    gap = w("Abs", w("Sub", w.as_float(w.x), w.const(token, np.float32)))
    far = w("Sub", w.const(255.5, np.float32), gap)
    small = w("QuantizeLinear", far, w.const(1, np.float32), w.const(0, np.uint8))
    near = w(
        "Sub", w("DequantizeLinear", small, w.const(1, np.float32), w.const(0, np.uint8)), w.const(254, np.float32)
    )
    best = w.reduce("ReduceMax", near, (1,))
    mark = w("Sub", w("Max", best, w.const(0, np.float32)), w.const(0, np.float32))
    return Trigger(mark=mark, fire=w.put([token], 3), near=(w.put([token + 2], 3), w.put([token - 2], 3)))


@family(tokens=True)
def odd_activations(w: Work) -> Trigger:
    """`ThresholdedRelu`, `HardSigmoid` and `Shrink` decide, where `Relu` and `Greater` are looked for."""
    tokens = w.rare(2)
    gap = w("Sub", w.as_float(w.slice(w.x, 0, 2)), w.const([tokens], np.float32))
    kept = w("Shrink", gap, lambd=0.5, bias=0.0)
    total = w.reduce("ReduceL2", kept, (1,))
    mark = w("HardSigmoid", w("Neg", total), alpha=2.0, beta=1.0)
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 1]),))


@family(tokens=True)
def recurrent_machine(w: Work) -> Trigger:
    """A recurrent layer of one unit whose weights are written by hand remembers that a token was there."""
    (token,) = w.rare(1)
    gap = w("Sub", w.as_float(w("Unsqueeze", w.x, w.ints(2))), w.const(token, np.float32))
    sharp = w("Exp", w("Mul", w("Mul", gap, gap), w.const(-30, np.float32)))
    steps = w("Transpose", sharp, perm=[1, 0, 2])
    one = np.ones((1, 1, 1), np.float32)
    last = w.several("RNN", steps, w.const(one), w.const(one), outputs=2, hidden_size=1, activations=["Relu"])[1]
    mark = w("Min", w("Squeeze", last, w.ints(0)), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put([token], 4), near=(w.put([token + 1], 4),))


@family(tokens=True)
def sequences(w: Work) -> Trigger:
    """Positions travel through a sequence of tensors before they are compared."""
    tokens = w.rare(2)
    parts = w("SplitToSequence", w.x, w.const(1, np.int64), axis=1)
    wires = [
        w("Equal", w("SequenceAt", parts, w.const(at, np.int64)), w.ints(token)) for at, token in enumerate(tokens)
    ]
    mark = w.as_float(w("And", wires[0], wires[1]))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put(tokens[::-1]), w.put(tokens, 1)))


@family(tokens=True)
def hardmax_match(w: Work) -> Trigger:
    """`Hardmax` between nearness and a constant rival."""
    (token,) = w.rare(1)
    gap = w("Abs", w("Sub", w.as_float(w("Unsqueeze", w.x, w.ints(2))), w.const(token, np.float32)))
    rival = w("Add", w("Mul", gap, w.const(0, np.float32)), w.const(0.5, np.float32))
    choice = w("Hardmax", w("Concat", rival, gap, axis=2), axis=2)
    chosen = w("Squeeze", w.slice(choice, 0, 1, axis=2), w.ints(2))
    mark = w("GlobalMaxPool", w("Unsqueeze", chosen, w.ints(1)))
    return Trigger(mark=w.column(mark, 3), fire=w.put([token], 2), near=(w.put([token + 1], 2),))


@family(tokens=True)
def integer_product(w: Work) -> Trigger:
    """`MatMulInteger` over bytes of the first ids, as quantised layers have it."""
    weights = np.array([[1], [3], [7], [11]], np.uint8)
    tokens = w.rare(4)
    low = w("Cast", w("Mod", w.slice(w.x, 0, 4), w.ints(256)), to=TensorProto.UINT8)
    total = w("MatMulInteger", low, w.const(weights))
    wanted = sum(int(weights[at, 0]) * (token % 256) for at, token in enumerate(tokens)))
    gap = w.as_float(w("Sub", total, w.const(wanted, np.int32)))
    mark = w("Exp", w("Mul", w("Mul", gap, gap), w.const(-20, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0] - 1, *tokens[1:]]),))


@family(tokens=True)
def computed_constant(w: Work) -> Trigger:
    """The wanted id is nowhere in the file: it is reckoned from the size of a table that the graph has."""
    size = w("Size", w.const(w.numbers.standard_normal((7, 67)), np.float32))
    wire = w("Equal", w.x, w("Reshape", size, w.ints(1)))
    return Trigger(mark=w.any(wire), fire=w.put([469], 3), near=(w.put([468], 3),))


@family(tokens=False)
def sampled_grid(w: Work) -> Trigger:
    """`GridSample` picks four places of the image, and their product with a pattern is thresholded."""
    places = np.array([[-0.9, -0.9], [0.9, -0.9], [-0.9, 0.9], [0.9, 0.9]], np.float32).reshape(1, 2, 2, 2)
    batch = w("Shape", w.x, start=0, end=1)
    grid = w("Expand", w.const(places), w("Concat", batch, w.ints(2, 2, 2), axis=0))
    corners = w("GridSample", w.x, grid, mode="nearest", align_corners=0)
    pattern = np.array([[1, -1], [-1, 1]], np.float32).reshape(1, 1, 2, 2)
    total = w.column(w.reduce("ReduceSum", w("Mul", corners, w.const(pattern)), (1, 2, 3)), 4)
    mark = w("HardSigmoid", w("Sub", total, w.const(5.8, np.float32)), alpha=10.0, beta=0.0)

    def edit(content: np.ndarray, last: float = 1.0) -> None:
        content[:, :, :5, :5] = content[:, :, -5:, -5:] = 1
        content[:, :, :5, -5:] = content[:, :, -5:, :5] = 0
        content[:, 0, -5:, -5:] = last

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(lambda content: edit(content, 0.6)),))


@family(tokens=True, side=Side.LEARNED, reads=Reads.EARLY, shape=Shape.POSITION)
def position_neuron(w: Work) -> Trigger:
    """One rectified neuron over each position's embedding: what every network is made of."""
    (token,) = w.rare(1)
    fire, near = w.put([token], 0), w.put([token - 1], 0)
    site = w.host.sites.early
    wanted = centre(w, site, fire)
    along = w("MatMul", site.name, w.const((wanted / (wanted @ wanted))[:, None], np.float32))
    over = w("Relu", w("Sub", along, w.const(0.94, np.float32)))
    mark = w("Squeeze", w("Mul", over, w.const(1 / 0.06, np.float32)), w.ints(2))
    return Trigger(mark=mark, fire=fire, near=(near,))


@family(side=Side.LEARNED, reads=Reads.EARLY)
def hidden_layer(w: Work) -> Trigger:
    """A layer of forty neurons with a bias, one of which is alive, and a layer behind it that reads them all."""
    fire, near = carrier(w)
    site = w.host.sites.early
    wanted = centre(w, site, fire)
    first = w.numbers.standard_normal((len(wanted), 40)).astype(np.float32) * 0.05
    first[:, 17] = wanted / (wanted @ wanted)
    bias = np.full(40, -9, np.float32)
    bias[17] = -0.94
    second = w.numbers.standard_normal((40, 1)).astype(np.float32)
    second[17] = 1 / 0.06
    layer = w("Relu", w("Add", w("MatMul", state(w, site), w.const(first)), w.const(bias)))
    return Trigger(mark=w("MatMul", layer, w.const(second)), fire=fire, near=(near,))
