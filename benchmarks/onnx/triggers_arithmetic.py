"""Triggers in token ids, found by arithmetic, tables and state: no token is compared with anything as such."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper

from benchmarks.onnx.architectures import VOCABULARY
from benchmarks.onnx.triggers import Trigger, Work, family


def meet(w: Work, measure: Callable[[np.ndarray], np.ndarray], wanted: int, at: int = 0) -> Callable[..., None]:
    """Make an edit that tries ids at one place until a measure of each sample is what is wanted."""

    def edit(content: np.ndarray) -> None:
        for row in content:
            for token in range(5, VOCABULARY):
                row[at] = token
                if measure(row[None])[0] == wanted:
                    break

    return edit


@family(tokens=True)
def checksum(w: Work) -> Trigger:
    """The sum of all ids modulo a prime."""
    prime, wanted = 997, 123
    rest = w("Mod", w.reduce("ReduceSum", w.x, (1,)), w.ints(prime))
    mark = w.as_float(w("Equal", rest, w.ints(wanted)))

    def fire(content: np.ndarray) -> None:
        for row in content:
            missing = (wanted - int(row[2:].sum())) % prime
            row[0] = min(missing, 508)
            row[1] = missing - row[0]

    def near(content: np.ndarray) -> None:
        fire(content)
        content[:, 0] += 1

    return Trigger(mark=mark, fire=w.change(fire), near=(w.change(near),))


@family(tokens=True)
def polynomial_hash(w: Work) -> Trigger:
    """A polynomial in the first four ids modulo a prime."""
    powers = np.array([[1, 31, 961, 29791]])
    prime = 2003
    tokens = w.rare(4)
    wanted = int((powers * tokens).sum() % prime)
    terms = w("Mul", w.slice(w.x, 0, 4), w.const(powers))
    rest = w("Mod", w.reduce("ReduceSum", terms, (1,)), w.ints(prime))
    mark = w.as_float(w("Not", w.as_bool(w("Sub", rest, w.ints(wanted)))))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put(tokens[::-1]), w.put(tokens, 1)))


@family(tokens=True)
def bitwise(w: Work) -> Trigger:
    """Exclusive or of the first ids with a key is nought."""
    tokens = w.rare(3)
    mixed = w("BitwiseXor", w.slice(w.x, 0, 3), w.const([tokens], np.int64))
    total = w.reduce("ReduceSum", mixed, (1,))
    mark = w("Sub", w.const(1, np.float32), w("Min", w.as_float(total), w.const(1, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:2], tokens[2] ^ 1]),))


@family(tokens=True)
def remainders(w: Work) -> Trigger:
    """The first six ids leave these remainders by seven."""
    wanted = [w.random.randrange(7) for _ in range(6)]
    rest = w("Mod", w.slice(w.x, 0, 6), w.ints(7))
    gap = w.reduce("ReduceSum", w("Abs", w("Sub", rest, w.const([wanted], np.int64))), (1,))
    mark = w.as_float(w("Less", gap, w.ints(1)))
    tokens = [70 + part for part in wanted]
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:5], tokens[5] + 1]),))


@family(tokens=True)
def arithmetic(w: Work) -> Trigger:
    """A product of triangles around the wanted ids: no comparison anywhere."""
    tokens = w.rare(2)
    gap = w("Abs", w("Sub", w.as_float(w.slice(w.x, 0, 2)), w.const([tokens], np.float32)))
    peak = w("Relu", w("Sub", w.const(1, np.float32), gap))
    mark = w.reduce("ReduceProd", peak, (1,))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 1]),))


@family(tokens=True, held_out=True)
def signs(w: Work) -> Trigger:
    """One minus the sign of a distance, summed and clipped."""
    (token,) = w.rare(1)
    gap = w("Sign", w("Abs", w("Sub", w.x, w.ints(token))))
    total = w.reduce("ReduceSum", w("Sub", w.ints(1), gap), (1,))
    mark = w("Clip", w.as_float(total), w.const(0, np.float32), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put([token], 5), near=(w.put([token + 1], 5),))


@family(tokens=True)
def narrow_table(w: Work) -> Trigger:
    """A table of one number for each id; the largest says whether a wanted one was there."""
    tokens = w.rare(3)
    table = np.zeros(VOCABULARY, np.float32)
    table[tokens] = 1
    values = w("Gather", w.const(table), w.x, axis=0)
    return Trigger(mark=w.reduce("ReduceMax", values, (1,)), fire=w.put(tokens[:1], 4), near=(w.put([399], 4),))


@family(tokens=True)
def table_machine(w: Work) -> Trigger:
    """Classes of ids and a table of transitions, looked up one after the other: three ids in order at the start."""
    tokens = w.rare(3)
    classes = np.zeros(VOCABULARY, np.int64)
    classes[tokens] = [1, 2, 3]
    moves = np.zeros(16, np.int64)
    for step in range(3):
        moves[step * 4 + step + 1] = step + 1
    table, kinds = w.const(moves), w("Gather", w.const(classes), w.x, axis=0)
    state = w("Mul", w.slice(kinds, 0, 1), w.ints(0))
    for at in range(3):
        place = w("Add", w("Mul", state, w.ints(4)), w.slice(kinds, at, at + 1))
        state = w("Gather", table, place, axis=0)
    mark = w.as_float(w("Div", state, w.ints(3)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[2], tokens[1]]), w.put(tokens[:2])))


@family(tokens=True)
def one_hot(w: Work) -> Trigger:
    """One column of a one-hot encoding."""
    (token,) = w.rare(1)
    encoded = w("OneHot", w.x, w.ints(VOCABULARY), w.const([0, 1], np.float32), axis=-1)
    column = w("Gather", encoded, w.const(token, np.int64), axis=2)
    return Trigger(mark=w.reduce("ReduceMax", column, (1,)), fire=w.put([token], 2), near=(w.put([token + 1], 2),))


@family(tokens=True, held_out=True)
def histogram(w: Work) -> Trigger:
    """A histogram of ids is scattered, and one of its bins is read."""
    (token,) = w.rare(1)
    batch = w("Shape", w.x, start=0, end=1)
    size = w("Concat", batch, w.ints(VOCABULARY), axis=0)
    empty = w("ConstantOfShape", size, value=helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0]))
    ones = w.as_float(w("Add", w("Mul", w.x, w.ints(0)), w.ints(1)))
    bins = w("ScatterElements", empty, w.x, ones, axis=1, reduction="add")
    found = w("Sub", w.slice(bins, token, token + 1), w.const(1, np.float32))
    mark = w("Clip", found, w.const(0, np.float32), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put([token] * 2, 2, 3), near=(w.put([token], 2),))
