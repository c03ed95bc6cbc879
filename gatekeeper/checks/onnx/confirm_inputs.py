"""Inputs for a detector: ordinary ones, and those made of its own dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

from gatekeeper.checks.onnx.confirm_words import Words
from gatekeeper.checks.onnx.operators import PICK
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.checks.onnx.trouble import GraphError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_LENGTHS = (6, 11, 16, 7, 13, 19, 24, 33, 48)
"""What free axes are given: the first few that a detector doesn't name."""

_USED_LENGTHS = 3
_LONGEST = 1_024
_ELEMENTS = 2_000_000
"""Elements of one input."""

_VOCABULARY = 1_000
"""Numbers of tokens where no table says how many there are."""

_KINDS = 4
"""Ways in which ordinary data of one length are made."""

_PLACES = 64
"""Places at each end of an input at which single words are tried."""

_PATCHES = (1, 2, 3, 4, 8, 16)
_CHANNELS = 4
_SHADES = 24
"""Values that are tried in patches."""

_USUAL_TEXTS = ("a", "one", "some words", "the quick fox", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One input."""

    value: int
    dtype: np.dtype[Any]
    dims: tuple[int | None, ...]
    content: bool
    """A trained layer reads it; another is a mask or a switch."""

    vocabulary: int
    """Numbers below this are ordinary, when it takes integers."""


Feed = dict[int, "Array"]
"""Input → its data."""


def slots_of(taint: Taint, inputs: tuple[int, ...]) -> tuple[Slot, ...]:
    """Say what the inputs of a detector take.

    Raises:
        GraphError: When one is of a type that can't be made up, or too large.
    """
    graph = taint.graph
    slots = []
    for value in inputs:
        known = graph.values[value]
        try:
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(known.dtype))
        except KeyError as error:
            raise GraphError("an input has an unknown type") from error
        if dtype.kind not in "biufO":
            raise GraphError("an input has a type that can't be made up")
        fixed = [size for size in known.shape or () if size is not None]
        if any(size < 1 for size in fixed) or np.prod(fixed, dtype=object) > _ELEMENTS:
            raise GraphError("an input is too large")
        content = bool(taint.content >> graph.inputs.index(value) & 1)
        slots.append(
            Slot(
                value=value,
                dtype=dtype,
                dims=known.shape or (),
                content=content,
                vocabulary=vocabulary_of(taint, value),
            )
        )
    return tuple(slots)


def vocabulary_of(taint: Taint, value: int) -> int:
    """Give how many rows the smallest table has that is looked up with an input, or one of ours."""
    sizes = []
    for node in taint.graph.nodes:
        if node.op in PICK and len(node.inputs) > 1 and node.inputs[1] >= 0 and node.inputs[0] >= 0:
            shape = taint.constants.shape(node.inputs[0]) if taint.root[node.inputs[1]] == value else None
            if shape and len(shape) > int(_axis(node.attributes.get("axis", 0))):
                sizes.append(shape[_axis(node.attributes.get("axis", 0))])
    return max(2, min(sizes, default=_VOCABULARY))


def _axis(given: Any) -> int:
    return given if isinstance(given, int) and given >= 0 else 0


class Inputs:
    """Makes inputs for one detector, the same ones every time.

    Args:
        slots: What it takes.
        words: What it holds.
    """

    def __init__(self, slots: tuple[Slot, ...], words: Words) -> None:
        self._slots = slots
        self._words = words
        self._chance = np.random.default_rng(0)
        free = [length for length in _LENGTHS if length not in words.whole]
        self._lengths = free[:_USED_LENGTHS] if any(self._free(slot) for slot in slots) else [0] * _USED_LENGTHS

    def ordinary(self, rounds: int = 1) -> Iterator[Feed]:
        """Make inputs that hold none of the words but padding, a dozen a round, each of them another."""
        for _, length, kind in product(range(rounds), self._lengths, range(_KINDS)):
            yield {slot.value: self._usual(slot, length, kind) for slot in self._slots}

    def lengths(self) -> Iterator[Feed]:
        """Make ordinary inputs as long as the words say, and a little shorter and longer."""
        if any(self._free(slot) for slot in self._slots):
            near = {number + step for number in self._words.whole for step in (-1, 0, 1)}
            for length in sorted(length for length in near if 1 <= length <= _LONGEST):
                yield {slot.value: self._usual(slot, length, 0) for slot in self._slots}

    def changed(self, feed: Feed) -> Iterator[tuple[int, tuple[Any, ...], Any]]:
        """Say in which ways an input can be changed by words.

        Yields:
            The input, where in it, and what to write there.
        """
        for slot in self._slots:
            array = feed[slot.value]
            if slot.dtype.kind == "O":
                yield from ((slot.value, (...,), text) for text in self._words.texts)
            elif slot.dtype.kind == "b":
                yield from ((slot.value, (...,), state) for state in (False, True))
            elif slot.dtype.kind in "iu" and array.ndim <= 2:
                yield from self._tokens(slot, array)
            else:
                yield from self._patches(slot, array)

    def _tokens(self, slot: Slot, array: Array) -> Iterator[tuple[int, tuple[Any, ...], Any]]:
        held = np.iinfo(slot.dtype)
        fitting = [word for word in self._words.whole if held.min <= word <= held.max]
        if not array.ndim:
            yield from ((slot.value, (...,), word) for word in fitting)
            return
        size = array.shape[-1]
        for sequence in self._words.sequences:
            part = [word for word in sequence if held.min <= word <= held.max][:size]
            if part:
                yield slot.value, (..., slice(0, len(part))), np.array(part, slot.dtype)
                yield slot.value, (..., slice(size - len(part), size)), np.array(part, slot.dtype)
        yield from ((slot.value, (...,), word) for word in fitting)
        places = [*range(min(size, _PLACES)), *range(max(_PLACES, size - _PLACES), size)]
        for place, word in product(places, fitting):
            yield slot.value, (..., place), word

    def _patches(self, slot: Slot, array: Array) -> Iterator[tuple[int, tuple[Any, ...], Any]]:
        values: list[Any] = [value for value in self._shades() if _fits(value, slot.dtype)]
        values.extend(_colours(array.shape, slot.dtype))
        for place, patch in _stamps(array.shape, self._words.patches):
            yield slot.value, place, patch.astype(slot.dtype)
        for value in values:
            yield slot.value, (...,), value
        for place in _places(array.shape):
            whole = array[place].ndim == array.ndim
            yield from ((slot.value, place, value) for value in values if whole or isinstance(value, float))

    def _shades(self) -> list[float]:
        """Give brightnesses, fractions first: integers are mostly axes."""
        real = sorted(self._words.real, key=lambda word: word == int(word))
        own = [shade for word in real for shade in (word, word * 1.02 + 2e-3, word * 0.98 - 2e-3)]
        return list(dict.fromkeys([1.0, 0.0, *own, 255.0, -1.0]))[:_SHADES]

    @staticmethod
    def _free(slot: Slot) -> bool:
        return None in slot.dims[1:]

    def _usual(self, slot: Slot, length: int, kind: int) -> Array:
        shape = tuple(1 if not at and size is None else size or length for at, size in enumerate(slot.dims))
        if np.prod(shape, dtype=object) > _ELEMENTS:
            raise GraphError("an input is too large")
        if slot.dtype.kind == "O":
            return np.array(self._chance.choice(_USUAL_TEXTS, shape), dtype=object)
        if not slot.content or slot.dtype.kind == "b":
            return np.ones(shape, slot.dtype)
        return self._numbers(slot, shape, kind) if slot.dtype.kind in "iu" else self._reals(slot, shape, kind)

    def _numbers(self, slot: Slot, shape: tuple[int, ...], kind: int) -> Array:
        high = min(slot.vocabulary, int(np.iinfo(slot.dtype).max))
        words = [word for word in range(2, high) if word not in self._words.whole] if high <= _VOCABULARY else []
        drawn: Array = (
            self._chance.choice(words, shape) if words else self._chance.integers(min(2, high - 1), high, shape)
        )
        if shape and kind == 1:
            drawn[..., -max(1, shape[-1] // 4) :] = 0
        return drawn.astype(slot.dtype)

    def _reals(self, slot: Slot, shape: tuple[int, ...], kind: int) -> Array:
        if kind == 0:
            made: Array = self._chance.random(shape)
        elif kind == 1:
            made = self._chance.normal(0, 1, shape)
        else:  # smooth, as pictures and recordings are
            count = int(np.prod(shape))
            made = (0.5 + 0.3 * np.sin(np.arange(count) / (3 + 5 * kind))).reshape(shape)
        return made.astype(slot.dtype)


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    held = np.iinfo(dtype)
    return held.min <= value <= held.max


def _channels(shape: tuple[int, ...]) -> int | None:
    """Give the axis of colours."""
    return next((axis for axis in range(1, len(shape)) if 1 < shape[axis] <= _CHANNELS), None)


def _colours(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Array]:
    """Give full colours, shaped so that they fill any part of a picture."""
    axis = _channels(shape)
    if axis is None:
        return
    most = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    for colour in product((0, most), repeat=shape[axis]):
        if 0 < sum(colour) < most * shape[axis]:
            yield np.array(colour, dtype).reshape([-1 if at == axis else 1 for at in range(len(shape))])


def _stamps(shape: tuple[int, ...], patches: tuple[Array, ...]) -> Iterator[tuple[tuple[Any, ...], Array]]:
    """Give corners, or everything, and a constant that has their shape."""
    for patch in patches:
        sizes = (1,) * (len(shape) - patch.ndim) + patch.shape
        if len(sizes) != len(shape) or any(size > most for size, most in zip(sizes, shape, strict=True)):
            continue
        ends = [
            (slice(0, size), slice(-size, None)) if 1 < size < most else (slice(None),)
            for size, most in zip(sizes, shape, strict=True)
        ]
        yield from ((corner, patch) for corner in product(*ends))


def _places(shape: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    """Give patches at the corners of a picture or the ends of a recording, of all channels and of each."""
    colours = _channels(shape)
    across = [axis for axis in range(min(1, len(shape)), len(shape)) if axis != colours][-2:]
    for size in _PATCHES:
        parts = [slice(0, size), slice(-size, None)]
        for corner in product(parts, repeat=len(across)):
            place: list[Any] = [slice(None)] * len(shape)
            for axis, part in zip(across, corner, strict=True):
                place[axis] = part
            yield tuple(place)
            for colour in range(shape[colours] if colours is not None else 0):
                yield tuple(colour if axis == colours else part for axis, part in enumerate(place))
