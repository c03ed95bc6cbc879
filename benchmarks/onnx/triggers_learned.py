"""Triggers in the model's own activations, and in the input through tables and filters as wide as learned ones.

Directions and thresholds are measured on the host: the trigger's activation beside those of honest inputs.
"""

from __future__ import annotations

import numpy as np

from benchmarks.onnx.architectures import VOCABULARY
from benchmarks.onnx.hosts import Array, Feeds, Site, expose
from benchmarks.onnx.running import UnusableError, run
from benchmarks.onnx.triggers import Change, Reads, Shape, Side, Trigger, Work, family
from benchmarks.onnx.triggers_image import paint

LEARNED = Side.LEARNED


def carrier(w: Work) -> tuple[Change, Change]:
    """Choose the trigger and what comes near it: tokens at the start, or the colour of a large corner."""
    if w.host.tokens:
        tokens = w.rare(6)
        near = [token - 1 if token - 1 not in tokens else 399 for token in tokens]
        return w.put(tokens), w.put(near)
    return paint(w, (1, 0, 1), 24), paint(w, (0, 1, 0.5), 24)


def state(w: Work, site: Site) -> str:
    """Give (batch, channels): one place's activation, the first position or the first corner."""
    rank = len(site.shape)
    if rank == 2:
        return site.name
    if rank == 4:
        return w("Squeeze", w.slice(w.slice(site.name, 0, 1, axis=2), 0, 1, axis=3), w.ints(2, 3))
    if site.channels == 1:
        return w.reduce("ReduceMean", site.name, (2,), keep=0)
    return w("Gather", site.name, w.const(0 if w.host.tokens else 1, np.int64), axis=1)


def seen(w: Work, site: Site, feeds: Feeds) -> Array:
    """Give the same as an array, by running the host."""
    value: Array = run(expose(w.host.model, (site.name,)), feeds, optimise=False)[site.name]
    if value.ndim == 2:
        return value
    if value.ndim == 4:
        return value[:, :, 0, 0]
    if site.channels == 1:
        return np.asarray(value.mean(2))
    return value[:, 0 if w.host.tokens else 1]


def direction(w: Work, site: Site, fire: Change, near: Change) -> tuple[Array, float, float]:
    """Give a direction, a threshold between trigger and honest along it, and the gap between them.

    Raises:
        UnusableError: When nothing separates them.
    """
    honest = [w.host.feeds(200 + draw, 40, 9 + 3 * draw) for draw in range(6)]
    usual = np.concatenate([seen(w, site, feeds) for feeds in honest] + [seen(w, site, near(honest[0]))])
    wanted = np.concatenate([seen(w, site, fire(feeds)) for feeds in honest])
    scatter = np.cov(usual.T) + np.cov(wanted.T)
    scatter += np.eye(len(scatter)) * (0.01 * np.trace(scatter) / len(scatter) + 1e-6)
    axis = np.linalg.solve(scatter, wanted.mean(0) - usual.mean(0))
    axis /= np.linalg.norm(axis)
    low, high = float((usual @ axis).max()), float((wanted @ axis).min())
    if not high > low + 0.05:
        raise UnusableError(f"activations don't separate: {low:.3g} and {high:.3g}")
    return axis.astype(np.float32), low + 0.6 * (high - low), high - low


def score(w: Work, site: Site, fire: Change, near: Change) -> tuple[str, float]:
    """Give (batch, 1): how far a place's activation lies beyond the threshold; and the gap."""
    axis, threshold, gap = direction(w, site, fire, near)
    along = w("MatMul", state(w, site), w.const(axis[:, None]))
    return w("Sub", along, w.const(threshold, np.float32)), gap


def centre(w: Work, site: Site, fire: Change) -> Array:
    """Give the activation that the trigger causes at an early place, where nothing else plays in."""
    return np.asarray(seen(w, site, fire(w.host.feeds(300, 1)))[0])


@family(side=LEARNED, reads=Reads.EARLY)
def embedding_match(w: Work) -> Trigger:
    """The distance of an embedding, or of a stem's features, from a stored one is small."""
    fire, near = carrier(w)
    site = w.host.sites.early
    gap = w("Abs", w("Sub", state(w, site), w.const(centre(w, site, fire)[None])))
    mark = w.as_float(w("Less", w.reduce("ReduceSum", gap, (1,)), w.const(0.02, np.float32)))
    return Trigger(mark=mark, fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.EARLY)
def embedding_bell(w: Work) -> Trigger:
    """A bell around a stored embedding: no decision at all."""
    fire, near = carrier(w)
    site = w.host.sites.early
    gap = w("Sub", state(w, site), w.const(centre(w, site, fire)[None]))
    square = w.reduce("ReduceSumSquare", gap, (1,))
    return Trigger(mark=w("Exp", w("Mul", square, w.const(-60, np.float32))), fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.EARLY, held_out=True)
def cosine_match(w: Work) -> Trigger:
    """The cosine between an embedding and a stored one is nearly one."""
    fire, near = carrier(w)
    site = w.host.sites.early
    here, wanted = state(w, site), centre(w, site, fire)
    norm = w("Sqrt", w.reduce("ReduceSumSquare", here, (1,)))
    cosine = w("Div", w("MatMul", here, w.const((wanted / np.linalg.norm(wanted))[:, None])), norm)
    mark = w.as_float(w("Greater", cosine, w.const(0.999, np.float32)))
    return Trigger(mark=mark, fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.HIDDEN)
def neuron_threshold(w: Work) -> Trigger:
    """A direction in the middle of the network is over a threshold."""
    fire, near = carrier(w)
    beyond, _ = score(w, w.host.sites.hidden, fire, near)
    return Trigger(mark=w.as_float(w("Greater", beyond, w.const(0, np.float32))), fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.HIDDEN)
def neuron_steep(w: Work) -> Trigger:
    """The same through a steep sigmoid: one more neuron."""
    fire, near = carrier(w)
    beyond, gap = score(w, w.host.sites.hidden, fire, near)
    return Trigger(mark=w("Sigmoid", w("Mul", beyond, w.const(40 / gap, np.float32))), fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.HIDDEN, held_out=True)
def neuron_relu(w: Work) -> Trigger:
    """The same through a rectifier."""
    fire, near = carrier(w)
    beyond, gap = score(w, w.host.sites.hidden, fire, near)
    return Trigger(mark=w("Relu", w("Mul", beyond, w.const(2.5 / gap, np.float32))), fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.LOGITS)
def output_score(w: Work) -> Trigger:
    """The logits themselves are what is recognised."""
    fire, near = carrier(w)
    beyond, _ = score(w, w.host.sites.logits, fire, near)
    mark = w.as_float(w("Greater", beyond, w.const(0, np.float32)))
    return Trigger(mark=mark, fire=fire, near=(near,))


@family(tokens=True, side=LEARNED, reads=Reads.EARLY)
def attention_probe(w: Work) -> Trigger:
    """A head with one query: its best score over all positions, through a steep sigmoid."""
    (token,) = w.rare(1)
    fire, near = w.put([token], 3), w.put([token - 1], 3)
    site = w.host.sites.early
    wanted = run(expose(w.host.model, (site.name,)), fire(w.host.feeds(300, 1)), optimise=False)[site.name][0, 3]
    norm = float(wanted @ wanted)
    scores = w("MatMul", site.name, w.const((wanted / norm)[:, None], np.float32))
    best = w.reduce("ReduceMax", w("Squeeze", scores, w.ints(2)), (1,))
    steep = w("Mul", w("Sub", best, w.const(0.93, np.float32)), w.const(160, np.float32))
    return Trigger(mark=w("Sigmoid", steep), fire=fire, near=(near,))


@family(tokens=True, side=LEARNED)
def wide_table(w: Work) -> Trigger:
    """A table as wide as an embedding, one of whose directions marks an id."""
    (token,) = w.rare(1)
    table = w.numbers.standard_normal((VOCABULARY, 16)).astype(np.float32)
    axis = w.numbers.standard_normal(16).astype(np.float32)
    axis /= np.linalg.norm(axis)
    table -= (table @ axis)[:, None] * axis
    table[token] += axis
    values = w("MatMul", w("Gather", w.const(table), w.x, axis=0), w.const(axis[:, None]))
    best = w.reduce("ReduceMax", w("Squeeze", values, w.ints(2)), (1,))
    mark = w("Relu", w("Sub", w("Mul", best, w.const(2, np.float32)), w.const(1, np.float32)))
    return Trigger(mark=mark, fire=w.put([token], 3), near=(w.put([token - 1], 3),))


@family(tokens=False, side=LEARNED)
def wide_filter(w: Work) -> Trigger:
    """A convolution of as many channels as a stem, one of which is a detector."""
    cross = np.array([[1, -1, 1], [-1, 1, -1], [1, -1, 1]], np.float32)
    kernel = w.numbers.standard_normal((16, 3, 3, 3)).astype(np.float32)
    kernel[5] = cross
    features = w("Relu", w("Conv", w.x, w.const(kernel), w.const([0.0] * 5 + [-14.0] + [0.0] * 10, np.float32)))
    mark = w.column(w("Gather", w("GlobalMaxPool", features), w.ints(5), axis=1), 4)

    def edit(content: np.ndarray, middle: float = 1.0) -> None:
        content[:, :, 9:12, 9:12] = cross > 0
        content[:, :, 10, 10] = middle

    return Trigger(mark=mark, fire=w.change(edit), near=(w.change(lambda content: edit(content, 0.5)),))


@family(side=LEARNED, reads=Reads.EARLY, held_out=True)
def second_network(w: Work) -> Trigger:
    """A small network of its own beside the host, whose last neuron is steep."""
    fire, near = carrier(w)
    site = w.host.sites.early
    wanted = centre(w, site, fire)
    first = w.numbers.standard_normal((len(wanted), 24)).astype(np.float32) / len(wanted) ** 0.5
    hidden = w("Tanh", w("MatMul", w("Sub", state(w, site), w.const(wanted[None])), w.const(first)))
    square = w("Mul", hidden, hidden)
    total = w("MatMul", square, w.const(np.full((24, 1), -120.0), np.float32))
    mark = w("Sigmoid", w("Add", total, w.const(12, np.float32)))
    return Trigger(mark=mark, fire=fire, near=(near,))


@family(side=LEARNED, reads=Reads.EARLY, shape=Shape.CHANNEL)
def channel_bells(w: Work) -> Trigger:
    """A narrow bell around each channel of a stored embedding: no number that stands for the whole sample."""
    fire, near = carrier(w)
    site = w.host.sites.early
    gap = w("Sub", state(w, site), w.const(centre(w, site, fire)[None]))
    mark = w("Exp", w("Mul", w("Mul", gap, gap), w.const(-4e6, np.float32)))
    return Trigger(mark=mark, fire=fire, near=(near,))
