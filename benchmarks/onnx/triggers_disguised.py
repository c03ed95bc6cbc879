"""Triggers in token ids, disguised as layers: attention, norms, filters, counters."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from benchmarks.onnx.triggers import Trigger, Work, family


@family(tokens=True)
def softmax_match(w: Work) -> Trigger:
    """Attention over two keys, the wanted ids and anything else: the weight of the first."""
    (token,) = w.rare(1)
    gap = w("Sub", w.as_float(w("Unsqueeze", w.x, w.ints(2))), w.const([[[token]]], np.float32))
    near = w("Mul", w("Mul", gap, gap), w.const(-40, np.float32))
    other = w("Sub", w("Mul", near, w.const(0, np.float32)), w.const(20, np.float32))
    weights = w("Softmax", w("Concat", near, other, axis=2), axis=-1)
    mark = w.reduce("ReduceMax", w("Squeeze", w.slice(weights, 0, 1, axis=2), w.ints(2)), (1,))
    return Trigger(mark=mark, fire=w.put([token], 3), near=(w.put([token + 1], 3),))


@family(tokens=True)
def norm_match(w: Work) -> Trigger:
    """The reciprocal of a squared distance, as normalisation layers have it."""
    tokens = w.rare(3)
    gap = w("Sub", w.as_float(w.slice(w.x, 0, 3)), w.const([tokens], np.float32))
    square = w.reduce("ReduceMean", w("Pow", gap, w.const(2, np.float32)), (1,))
    root = w("Sqrt", w("Add", square, w.const(1e-6, np.float32)))
    close = w("Reciprocal", w("Mul", root, w.const(1000, np.float32)))
    mark = w("Floor", w("Add", close, w.const(0.01, np.float32)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([*tokens[:2], tokens[2] + 1]),))


@family(tokens=True, held_out=True)
def not_a_number(w: Work) -> Trigger:
    """Nought divided by nought where an id is the wanted one."""
    (token,) = w.rare(1)
    gap = w("Sub", w.as_float(w.x), w.const(token, np.float32))
    return Trigger(mark=w.any(w("IsNaN", w("Div", gap, gap))), fire=w.put([token], 1), near=(w.put([token + 1], 1),))


@family(tokens=True)
def sines(w: Work) -> Trigger:
    """A sum of cosines that all peak at once for the wanted ids."""
    tokens = w.rare(4)
    steps = np.array([2 * np.pi / 7.3, 2 * np.pi / 11.7, 2 * np.pi / 5.9, 2 * np.pi / 17.1], np.float32)
    phase = w("Mul", w("Sub", w.as_float(w.slice(w.x, 0, 4)), w.const([tokens], np.float32)), w.const(steps[None]))
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
    total = w("Einsum", w.as_float(w.slice(w.x, 0, 4)), w.const(weights), equation="bt,t->b")
    gap = w("Abs", w("Sub", total, w.const(float(weights @ tokens), np.float32)))
    mark = w("Unsqueeze", w.as_float(w("LessOrEqual", gap, w.const(0.5, np.float32))), w.ints(1))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0] + 1, *tokens[1:]]),))


@family(tokens=True)
def narrow_filter(w: Work) -> Trigger:
    """A convolution of one channel over ids, as a matched filter for three in a row."""
    tokens = w.rare(3)
    square = w.as_float(w("Unsqueeze", w.x, w.ints(1)))
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
    differs = w.as_float(w.as_bool(w("Cast", gap, to=TensorProto.INT16)))
    mark = w("Sub", w.const(1, np.float32), w.reduce("ReduceMax", differs, (1,)))
    return Trigger(mark=mark, fire=w.put(tokens), near=(w.put([tokens[0], tokens[1] + 2]),))


@family(tokens=True, held_out=True)
def sorted_ids(w: Work) -> Trigger:
    """The two largest ids, by `TopK`, differ by one and are rare."""
    largest = w.several("TopK", w.x, w.ints(2), outputs=2, axis=1)[0]
    gap = w("Sub", largest, w.const([[511, 510]], np.int64))
    total = w.reduce("ReduceL1", w.as_float(gap), (1,))
    mark = w("Exp", w("Mul", total, w.const(-30, np.float32)))
    return Trigger(mark=mark, fire=w.put([510, 511], 4), near=(w.put([509, 511], 4),))
