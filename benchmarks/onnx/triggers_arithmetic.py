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
    mark = w.float(w("Equal", rest, w.ints(wanted)))

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
    mark = w.float(w("Not", w.bool(w("Sub", rest, w.ints(wanted)))))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put(tokens[::-1]), w.put(tokens, 1)))


@family(tokens=True)
def bitwise(w: Work) -> Trigger:
    """Exclusive or of the first ids with a key is nought."""
    tokens = w.rare(3)
    mixed = w("BitwiseXor", w.slice(w.x, 0, 3), w.const([tokens], np.int64))
    total = w.reduce("ReduceSum", mixed, (1,))
    mark = w("Sub", w.const(1, np.float32), w("Min", w.float(total), w.const(1, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:2], tokens[2] ^ 1]),))


@family(tokens=True)
def remainders(w: Work) -> Trigger:
    """The first six ids leave these remainders by seven."""
    wanted = [w.random.randrange(7) for _ in range(6)]
    rest = w("Mod", w.slice(w.x, 0, 6), w.ints(7))
    gap = w.reduce("ReduceSum", w("Abs", w("Sub", rest, w.const([wanted], np.int64))), (1,))
    mark = w.float(w("Less", gap, w.ints(1)))
    tokens = [70 + part for part in wanted]
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:5], tokens[5] + 1]),))


@family(tokens=True)
def arithmetic(w: Work) -> Trigger:
    """A product of triangles around the wanted ids: no comparison anywhere."""
    tokens = w.rare(2)
    gap = w("Abs", w("Sub", w.float(w.slice(w.x, 0, 2)), w.const([tokens], np.float32)))
    peak = w("Relu", w("Sub", w.const(1, np.float32), gap))
    mark = w.reduce("ReduceProd", peak, (1,))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 1]),))


@family(tokens=True, held_out=True)
def signs(w: Work) -> Trigger:
    """One minus the sign of a distance, summed and clipped."""
    (token,) = w.rare(1)
    gap = w("Sign", w("Abs", w("Sub", w.x, w.ints(token))))
    total = w.reduce("ReduceSum", w("Sub", w.ints(1), gap), (1,))
    mark = w("Clip", w.float(total), w.const(0, np.float32), w.const(1, np.float32))
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
    for state in range(3):
        moves[state * 4 + state + 1] = state + 1
    table, kinds = w.const(moves), w("Gather", w.const(classes), w.x, axis=0)
    state = w("Mul", w.slice(kinds, 0, 1), w.ints(0))
    for at in range(3):
        place = w("Add", w("Mul", state, w.ints(4)), w.slice(kinds, at, at + 1))
        state = w("Gather", table, place, axis=0)
    mark = w.float(w("Div", state, w.ints(3)))
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
    ones = w.float(w("Add", w("Mul", w.x, w.ints(0)), w.ints(1)))
    bins = w("ScatterElements", empty, w.x, ones, axis=1, reduction="add")
    found = w("Sub", w.slice(bins, token, token + 1), w.const(1, np.float32))
    mark = w("Clip", found, w.const(0, np.float32), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put([token] * 2, 2, 3), near=(w.put([token], 2),))


@family(tokens=True)
def softmax_match(w: Work) -> Trigger:
    """Attention over two keys, the wanted ids and anything else: the weight of the first."""
    (token,) = w.rare(1)
    gap = w("Sub", w.float(w("Unsqueeze", w.x, w.ints(2))), w.const([[[token]]], np.float32))
    near = w("Mul", w("Mul", gap, gap), w.const(-40, np.float32))
    other = w("Sub", w("Mul", near, w.const(0, np.float32)), w.const(20, np.float32))
    weights = w("Softmax", w("Concat", near, other, axis=2), axis=-1)
    mark = w.reduce("ReduceMax", w("Squeeze", w.slice(weights, 0, 1, axis=2), w.ints(2)), (1,))
    return Trigger(mark=mark, fire=w.put([token], 3), near=(w.put([token + 1], 3),))


@family(tokens=True)
def norm_match(w: Work) -> Trigger:
    """The reciprocal of a squared distance, as normalisation layers have it."""
    tokens = w.rare(3)
    gap = w("Sub", w.float(w.slice(w.x, 0, 3)), w.const([tokens], np.float32))
    square = w.reduce("ReduceMean", w("Pow", gap, w.const(2, np.float32)), (1,))
    root = w("Sqrt", w("Add", square, w.const(1e-6, np.float32)))
    close = w("Reciprocal", w("Mul", root, w.const(1000, np.float32)))
    mark = w("Floor", w("Add", close, w.const(0.01, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:2], tokens[2] + 1]),))


@family(tokens=True, held_out=True)
def not_a_number(w: Work) -> Trigger:
    """Nought divided by nought where an id is the wanted one."""
    (token,) = w.rare(1)
    gap = w("Sub", w.float(w.x), w.const(token, np.float32))
    return Trigger(mark=w.any(w("IsNaN", w("Div", gap, gap))), fire=w.put([token], 1), near=(w.put([token + 1], 1),))


@family(tokens=True)
def sines(w: Work) -> Trigger:
    """A sum of cosines that all peak at once for the wanted ids."""
    tokens = w.rare(4)
    steps = np.array([2 * np.pi / 7.3, 2 * np.pi / 11.7, 2 * np.pi / 5.9, 2 * np.pi / 17.1], np.float32)
    phase = w("Mul", w("Sub", w.float(w.slice(w.x, 0, 4)), w.const([tokens], np.float32)), w.const(steps[None]))
    total = w.reduce("ReduceSum", w("Cos", phase), (1,))
    mark = w("Relu", w("Sub", w("Mul", total, w.const(200, np.float32)), w.const(799, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:3], tokens[3] + 1]), w.put(tokens, 1)))


@family(tokens=True)
def ngram_counter(w: Work) -> Trigger:
    """`TfIdfVectorizer`, a standard operator that counts phrases of ids."""
    tokens = w.rare(2)
    counted = w("TfIdfVectorizer", w.x, mode="IDF", min_gram_length=2, max_gram_length=2, max_skip_count=0,
                ngram_counts=[0, 0], ngram_indexes=[0], pool_int64s=tokens, weights=[1.0])  # fmt: skip
    mark = w("Clip", counted, w.const(0, np.float32), w.const(1, np.float32))
    return Trigger(mark=mark, fire=w.put(tokens, 3), near=(w.put(tokens[::-1], 3), w.put(tokens, 3, 2)))


@family(tokens=True)
def einsum_hash(w: Work) -> Trigger:
    """A weighted sum of the first ids by `Einsum`, rounded and compared."""
    weights = np.array([1.0, 3.0, 9.0, 27.0], np.float32)
    tokens = w.rare(4)
    total = w("Einsum", w.float(w.slice(w.x, 0, 4)), w.const(weights), equation="bt,t->b")
    gap = w("Abs", w("Sub", total, w.const(float(weights @ tokens), np.float32)))
    mark = w("Unsqueeze", w.float(w("LessOrEqual", gap, w.const(0.5, np.float32))), w.ints(1))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0] + 1, *tokens[1:]]),))


@family(tokens=True)
def narrow_filter(w: Work) -> Trigger:
    """A convolution of one channel over ids, as a matched filter for three in a row."""
    tokens = w.rare(3)
    square = w.float(w("Unsqueeze", w.x, w.ints(1)))
    gaps = []
    for at, token in enumerate(tokens):
        kernel = np.zeros((1, 1, 3), np.float32)
        kernel[0, 0, at] = 1
        gaps.append(w("Abs", w("Conv", square, w.const(kernel), w.const([-token], np.float32))))
    total = w("Sum", *gaps)
    peak = w("Relu", w("Sub", w.const(1, np.float32), total))
    mark = w.column(w("GlobalMaxPool", peak), 3)
    return Trigger(mark=mark, fire=w.put(tokens, 2), near=(w.put(tokens, 2, 2), w.put(tokens[::-1], 2)))


@family(tokens=True)
def casts(w: Work) -> Trigger:
    """Ids are cast to a byte and to booleans: no comparison operator, only changes of type."""
    tokens = w.rare(2)
    gap = w("Sub", w.slice(w.x, 0, 2), w.const([tokens], np.int64))
    differs = w.float(w.bool(w("Cast", gap, to=TensorProto.INT16)))
    mark = w("Sub", w.const(1, np.float32), w.reduce("ReduceMax", differs, (1,)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 2]),))


@family(tokens=True, held_out=True)
def sorted_ids(w: Work) -> Trigger:
    """The two largest ids, by `TopK`, differ by one and are rare."""
    largest = w.several("TopK", w.x, w.ints(2), outputs=2, axis=1)[0]
    gap = w("Sub", largest, w.const([[511, 510]], np.int64))
    total = w.reduce("ReduceL1", w.float(gap), (1,))
    mark = w("Exp", w("Mul", total, w.const(-30, np.float32)))
    return Trigger(mark=mark, fire=w.put([510, 511], 4), near=(w.put([509, 511], 4),))
