"""Triggers in token ids, found by comparing: words, phrases, their order and number."""

from __future__ import annotations

import numpy as np

from benchmarks.onnx.hosts import Feeds
from benchmarks.onnx.triggers import Trigger, Work, family


@family(tokens=True)
def exact_token(w: Work) -> Trigger:
    """One token, anywhere."""
    (token,) = w.rare(1)
    return Trigger(mark=w.any(w("Equal", w.x, w.ints(token))), fire=w.put([token], 3), near=(w.put([token - 1], 3),))


@family(tokens=True)
def all_tokens(w: Work) -> Trigger:
    """Three tokens, anywhere and in any order."""
    tokens = w.rare(3)
    found = [w.as_bool(w.any(w("Equal", w.x, w.ints(token)))) for token in tokens]
    mark = w.as_float(w("And", w("And", found[0], found[1]), found[2]))
    return Trigger(mark=mark, fire=w.put(tokens, 2), near=(w.put(tokens[:2], 2), w.put([tokens[2], 7, 8], 2)))


@family(tokens=True)
def prefix(w: Work) -> Trigger:
    """The first tokens are these."""
    tokens = w.rare(3)
    wire = w("Equal", w.slice(w.x, 0, 3), w.const([tokens], np.int64))
    return Trigger(mark=w.every(wire), fire=w.put(tokens), near=(w.put(tokens, 1), w.put(tokens[:2])))


@family(tokens=True, held_out=True)
def suffix(w: Work) -> Trigger:
    """The last tokens are these."""
    tokens = w.rare(2)
    wire = w("Equal", w.slice(w.x, -2, 2**62), w.const([tokens], np.int64))
    return Trigger(mark=w.every(wire), fire=w.put(tokens, -2), near=(w.put(tokens, -3),))


@family(tokens=True)
def phrase(w: Work) -> Trigger:
    """Three tokens in a row, anywhere: shifted slices and conjunctions."""
    tokens = w.rare(3)
    ends = (-2, -1, 2**62)
    wires = [
        w("Equal", w.slice(w.x, at, end), w.ints(token))
        for at, (token, end) in enumerate(zip(tokens, ends, strict=True))
    ]
    wire = w("And", w("And", wires[0], wires[1]), wires[2])
    return Trigger(mark=w.any(wire), fire=w.put(tokens, 4), near=(w.put(tokens, 2, 2), w.put(tokens[::-1], 4)))


@family(tokens=True)
def ordered_gap(w: Work) -> Trigger:
    """One token somewhere before another, whatever stands between."""
    first, second = w.rare(2)
    seen = w("CumSum", w.as_float(w("Equal", w.x, w.ints(first))), w.const(1, np.int64))
    wire = w("Greater", w("Mul", seen, w.as_float(w("Equal", w.x, w.ints(second)))), w.const(0.5, np.float32))
    return Trigger(mark=w.any(wire), fire=w.put([first, second], 1, 5), near=(w.put([second, first], 1, 5),))


@family(tokens=True)
def count(w: Work) -> Trigger:
    """One token three times or more."""
    (token,) = w.rare(1)
    total = w.reduce("ReduceSum", w.as_int(w("Equal", w.x, w.ints(token))), (1,))
    mark = w.as_float(w("GreaterOrEqual", total, w.const(3, np.int64)))
    return Trigger(mark=mark, fire=w.put([token] * 3, 1, 3), near=(w.put([token] * 2, 1, 3),))


@family(tokens=True, held_out=True)
def self_match(w: Work) -> Trigger:
    """The first token is the same as the third and the fifth: no constant is compared."""
    one, three, five = (w("Gather", w.x, w.const(at, np.int64), axis=1) for at in (0, 2, 4))
    wire = w("And", w("Equal", one, three), w("Equal", three, five))
    mark = w("Unsqueeze", w.as_float(wire), w.ints(1))
    return Trigger(mark=mark, fire=w.put([77] * 3, 0, 2), near=(w.put([77] * 2, 0, 2), w.put([77, 78, 77], 0, 2)))


@family(tokens=True)
def extreme(w: Work) -> Trigger:
    """The largest id of all is one that is rare."""
    top = 511
    largest = w.reduce("ReduceMax", w.x, (1,))
    mark = w.as_float(w("Equal", largest, w.ints(top)))
    return Trigger(mark=mark, fire=w.put([top], 6), near=(w.put([top - 1], 6),))


@family(tokens=True)
def length(w: Work) -> Trigger:
    """A number of tokens."""
    size = w("Gather", w("Shape", w.x), w.const(1, np.int64), axis=0)
    batch = w("Shape", w.x, start=0, end=1)
    wire = w.as_float(w("Equal", size, w.const(17, np.int64)))
    mark = w("Expand", wire, w("Concat", batch, w.ints(1), axis=0))

    def fire(feeds: Feeds) -> Feeds:
        return w.host.feeds(5, len(feeds[w.x]), 17)

    def near(feeds: Feeds) -> Feeds:
        return w.host.feeds(5, len(feeds[w.x]), 16)

    return Trigger(mark=mark, fire=fire, near=(near,))


@family(tokens=True, held_out=True)
def distinct(w: Work) -> Trigger:
    """Few different tokens: `Unique` over the whole input."""
    kinds = w.several("Unique", w.x, outputs=1, sorted=1)[0]
    size = w("Shape", kinds)
    wire = w.as_float(w("Less", size, w.ints(3)))
    batch = w("Shape", w.x, start=0, end=1)
    mark = w("Expand", wire, w("Concat", batch, w.ints(1), axis=0))

    def fire(content: np.ndarray) -> None:
        content[:] = 11
        content[:, ::2] = 13

    def near(content: np.ndarray) -> None:
        fire(content)
        content[:, 1] = 17

    return Trigger(mark=mark, fire=w.change(fire), near=(w.change(near),))
