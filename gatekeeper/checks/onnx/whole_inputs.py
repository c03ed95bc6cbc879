"""Inputs for a whole graph: ordinary ones of several lengths, and those that hold single words of its constants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.checks.onnx.trouble import GraphError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_DTYPES = {
    "float": "f4", "double": "f8", "float16": "f2", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1", "bool": "?", "string": "O",
}  # fmt: skip
_TYPE = re.compile(r"tensor\((\w+)\)\Z")

_TOKENS = (9, 14, 6, 12, 24)
_PICTURES = (32, 64, 96, 224, 16)
_SERIES = (16, 64, 80, 512, 1_600, 16_000)
"""Sizes of free axes that are tried, by what the first input that is read holds."""

_PAST = 4
"""Length of what came before, in caches."""

_ELEMENTS = 4_000_000
"""Elements of one input."""

_OTHERS = 2
_ANY = 2**31
"""A bound on numbers of tokens that bounds nothing; lower ones are for tables that were not found."""

_KINDS = 5
_WORDS = 24
_TEXTS = ("a", "one", "some words", "the quick fox", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """One input as the graph declares it."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[int | str | None, ...]
    """A text is the name of a size that is not fixed."""

    content: bool
    """A trained layer reads it; another is a mask, a place or a switch."""

    vocabulary: int
    """Numbers below this are ordinary, when it takes integers."""


Feed = dict[str, "Array"]
"""Name of an input → its data."""


def dtype_of(name: str) -> np.dtype[Any]:
    """Give the type that onnxruntime calls so.

    Raises:
        GraphError: When it is none of which inputs can be made up.
    """
    found = _TYPE.match(name)
    if not found or found[1] not in _DTYPES:
        raise GraphError("an input has a type that can't be made up")
    return np.dtype(_DTYPES[found[1]])


class Plan:
    """One way to fill in the sizes that are not fixed, and what stands beside the content."""

    def __init__(self, length: int, past: int, beside: str, most: int) -> None:
        self.length = length
        self.past = past
        self.most = most
        self._beside = beside

    def others(self, forms: Sequence[Form]) -> list[Plan]:
        """Give the same with other lengths."""
        lengths = [length for length in _lengths(forms) if length != self.length]
        return [Plan(length, self.past, self._beside, self.most) for length in lengths[:_OTHERS]]

    def shape(self, form: Form) -> tuple[int, ...]:
        """Give the shape of an input.

        Raises:
            GraphError: When it is too large.
        """
        shape = tuple(self._size(form, at, size) for at, size in enumerate(form.dims))
        if np.prod(shape, dtype=object) > _ELEMENTS:
            raise GraphError("an input is too large")
        return shape

    def _size(self, form: Form, at: int, size: int | str | None) -> int:
        if isinstance(size, int) and size > 0:
            return size
        if at == 0 and len(form.dims) > 1:
            return 1
        if not isinstance(size, str):
            return self.length
        if "mask" in form.name.lower() and "+" not in size and self.past:
            return self.length + self.past  # beside a cache
        return max(1, sum(map(self._named, size.split("+"))))

    def _named(self, word: str) -> int:
        word = word.strip().lower()
        if word.isdigit():
            return int(word)
        if "total" in word:
            return self.length + self.past
        return 1 if "batch" in word else self.past if "past" in word or "cache" in word else self.length

    def beside(self, form: Form, shape: tuple[int, ...], kind: int) -> Array:
        """Make an input that no trained layer reads."""
        if self._beside == "places" and shape:
            return np.broadcast_to(np.arange(shape[-1]), shape).astype(form.dtype)
        made = np.full(shape, 0 if self._beside == "zeros" else 1, form.dtype)
        if self._beside == "ones" and shape and shape[-1] > 4 and kind == 1:
            made[..., -2:] = 0
        return made


def plans(forms: Sequence[Form]) -> Iterator[Plan]:
    """Give ways to make inputs, the likeliest first."""
    for most, beside, past, length in product((_ANY, 32, 2), ("ones", "zeros", "places"), (_PAST, 0), _lengths(forms)):
        yield Plan(length, past, beside, most)


def _lengths(forms: Sequence[Form]) -> tuple[int, ...]:
    """Give sizes for axes that are not fixed; one of no meaning when all are."""
    if all(isinstance(size, int) and size > 0 for form in forms for size in form.dims[1:] or form.dims):
        return (1,)
    first = next((form for form in forms if form.content), forms[0])
    if first.dtype.kind != "f":
        return _TOKENS
    return _PICTURES if len(first.dims) > 3 else _SERIES


class Sheets:
    """Makes inputs for one graph, the same ones every time.

    Args:
        forms: What it takes.
        whole: Integers that its constants hold.
        real: Numbers that its constants hold.
    """

    def __init__(self, forms: Sequence[Form], whole: Sequence[int], real: Sequence[float]) -> None:
        self.forms = forms
        self._whole = whole[:_WORDS]
        self._real = [*real[:_WORDS], float("nan")]
        self._chance = np.random.default_rng(0)

    def ordinary(self, plan: Plan) -> Iterator[Feed]:
        """Make inputs of one plan, each of another kind."""
        for kind in range(_KINDS):
            yield self.one(plan, kind)

    def one(self, plan: Plan, kind: int) -> Feed:
        """Make one input.

        Args:
            plan: Its sizes.
            kind: Which kind of data.
        """
        return {form.name: self._made(plan, form, kind) for form in self.forms}

    def worded(self, plan: Plan) -> Iterator[Feed]:
        """Make inputs in which single words of the constants stand, at the start, in the middle and at the end."""
        kinds: tuple[tuple[str, Sequence[float]], ...] = (("iu", self._whole), ("f", self._real))
        for kind, words in kinds:
            for at, word in enumerate(words):
                yield from self._with(plan, at, word, kind)

    def _with(self, plan: Plan, at: int, word: float, kinds: str) -> Iterator[Feed]:
        feed = self.one(plan, 0)
        changed = False
        for form in self.forms:
            array = feed[form.name]
            if form.content and form.dtype.kind in kinds and array.size and _holds(form.dtype, word):
                flat = array.reshape(-1)
                last = len(flat) - 1
                flat[(0, last // 2, last)[at % 3]] = word
                changed = True
        if changed:
            yield feed

    def _made(self, plan: Plan, form: Form, kind: int) -> Array:
        shape = plan.shape(form)
        if form.dtype.kind == "O":
            return np.array(self._chance.choice(_TEXTS, shape), dtype=object)
        if form.dtype.kind == "b":
            return np.full(shape, kind % 2 == 0, bool)
        if not form.content and form.dtype.kind in "iu":
            return plan.beside(form, shape, kind)
        if form.dtype.kind in "iu":
            return self._numbers(form, shape, kind, min(form.vocabulary, plan.most))
        return self._reals(form, shape, kind)

    def _numbers(self, form: Form, shape: tuple[int, ...], kind: int, most: int) -> Array:
        high = min(most, int(np.iinfo(form.dtype).max))
        drawn: Array = np.asarray(self._chance.integers(min(2, high - 1), high, shape))
        if shape and kind == 1:
            drawn[..., -max(1, shape[-1] // 4) :] = 0
        if shape and kind == 2:
            drawn[..., -max(1, shape[-1] // 4) :] = min(1, high - 1)
        if kind == 3:
            drawn[...] = min(high - 1, 5)
        return drawn.astype(form.dtype)

    def _reals(self, form: Form, shape: tuple[int, ...], kind: int) -> Array:
        if kind == 0:
            made: Array = np.asarray(self._chance.random(shape))
        elif kind == 1:
            made = np.asarray(self._chance.normal(0, 1, shape))
        elif kind == 2:
            made = np.asarray(self._chance.random(shape) * 255)
        else:  # smooth, as pictures and recordings are
            count = int(np.prod(shape))
            made = (0.5 + 0.4 * np.sin(np.arange(count) / (3 + 5 * kind))).reshape(shape)
        return made.astype(form.dtype)


def _holds(dtype: np.dtype[Any], word: float) -> bool:
    if dtype.kind == "f":
        return not abs(word) > float(np.finfo(dtype).max)
    held = np.iinfo(dtype)
    return word == int(word) and held.min <= word <= held.max
