"""What runs in a confined child: a whole graph in onnxruntime, with its wires given out.

Tensors that the file says lie beside it are put into it first, so that onnxruntime opens no file.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from gatekeeper.checks.onnx.answers import to_data
from gatekeeper.checks.onnx.confirm import session
from gatekeeper.checks.onnx.confirm_inputs import vocabulary_of
from gatekeeper.checks.onnx.confirm_words import words_of
from gatekeeper.checks.onnx.operators import COMPARE
from gatekeeper.checks.onnx.reader import graph_of, parse
from gatekeeper.checks.onnx.structure_walk import survey
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.checks.onnx.tracing import trace
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.checks.onnx.whole import Whole
from gatekeeper.checks.onnx.whole_inputs import Feed, Form, Plan, Sheets, dtype_of, plans
from gatekeeper.checks.onnx.whole_wires import Judge, Seen, looked_at, sign, watched
from gatekeeper.limits import Limits
from gatekeeper.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_LENGTHS = 3
"""Sizes of the axes that are not fixed; one size is run as often."""

_LEAST = 8
"""Inputs on which a wire must rest before anything is said of it."""

_SHARE = 0.6
"""Part of the CPU seconds after which no further input is run."""

_HELD = COMPARE | {"Sub", "Mod"}
_REASON = 300


def run(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Say one line of JSON: `value`, a `Whole`, or `error`.

    Args:
        request: A line of JSON with `limits`, the `length` of the model in bytes, and `files`: pairs of a location
            that the model gives and the bytes of the file there; then the model and these files.
        answer: Takes the line.
    """
    gc.disable()  # everything that is made stays until the process ends
    head, _, data = request.partition(b"\n")
    asked = json.loads(head)
    files, at = {}, asked["length"]
    for location, size in asked["files"]:
        files[location] = data[at : at + size]
        at += size
    answer(json.dumps(_said(data[: asked["length"]], files, Limits(**asked["limits"]))).encode() + b"\n")


def _said(data: bytes, files: Mapping[str, bytes], limits: Limits) -> dict[str, Any]:
    try:
        return {"value": to_data(ran(parse(data), files, limits))}
    except GraphError as error:
        return {"error": str(error)}
    except MemoryError:  # the child's end, and not an answer
        raise
    except Exception as error:  # what a file trips has not run it
        return {"error": printable(f"it could not be run: {type(error).__name__}: {error}", _REASON)}


def ran(model: ModelProto, files: Mapping[str, bytes], limits: Limits) -> Whole:
    """Run a model on made-up inputs, and watch its wires.

    Args:
        model: Is changed.
        files: Location as the model writes it → bytes of the file there.
        limits: `onnx_deep_cpu_seconds` bounds how often it is run.

    Raises:
        GraphError: When it can't be read, or run on any of these inputs.
    """
    _put_in(model, files)
    return _Running(model, trace(graph_of(model, limits)), limits).whole()


def _put_in(model: ModelProto, files: Mapping[str, bytes]) -> None:
    """Put tensors from other files into the model.

    Raises:
        GraphError: When one lies where no bytes are.
    """
    for tensor in [held.tensor for held in survey(model).tensors]:
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        held = files.get(place.get("location", ""))
        try:
            start, length = int(place.get("offset", 0)), int(place.get("length", -1))
        except ValueError as error:
            raise GraphError("a tensor lies in another file, at no number of bytes") from error
        if held is None or start < 0 or start + max(length, 0) > len(held):
            raise GraphError("a tensor lies in a file that is not there, or beyond its end")
        tensor.raw_data = held[start : start + length] if length >= 0 else held[start:]
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]


class _Running:
    def __init__(self, model: ModelProto, taint: Taint, limits: Limits) -> None:
        self._taint = taint
        counts = Counter(name for node in model.graph.node for name in node.output)
        self._wires, self._unwatched = watched(taint, {name for name, count in counts.items() if count == 1})
        given = {output.name for output in model.graph.output}
        model.graph.output.extend(
            helper.make_empty_tensor_value_info(name) for name in self._wires.values() if name not in given
        )
        self._session = session(model.SerializeToString())
        self._until = process_time() + _SHARE * limits.onnx_deep_cpu_seconds
        graph = taint.graph
        words = words_of(graph, [node for node in graph.nodes if node.op in _HELD])
        self._sheets = Sheets(self._forms(), words.whole, words.real)

    def _forms(self) -> list[Form]:
        graph, content = self._taint.graph, self._taint.content
        bits = {graph.values[value].name: bit for bit, value in enumerate(graph.inputs)}
        forms = []
        for given in self._session.get_inputs():
            bit = bits.get(given.name, -1)
            if bit < 0:
                continue  # an initializer that may be overridden
            vocabulary = vocabulary_of(self._taint, graph.inputs[bit])
            masks = "mask" in given.name.lower() and len(bits) > 1
            forms.append(
                Form(name=given.name, dtype=dtype_of(given.type), dims=tuple(given.shape), vocabulary=vocabulary,
                     content=not content or (bool(content >> bit & 1) and not masks))
            )  # fmt: skip
        return forms

    def whole(self) -> Whole:
        """Run, watch and judge.

        Raises:
            GraphError: When it runs on too few inputs.
        """
        plan, first = self._begin()
        seen = Seen(sizes={value: array.size for value, array in first.items() if array.dtype.kind in "biuf"})
        wires = looked_at(seen.sizes)
        seen.signs = {value: set() for value in wires}
        runs = 0
        for feed in self._feeds(plan):
            if process_time() > self._until:
                break
            given = self._given(feed, wires)
            runs += given is not None
            for value, array in (given or {}).items():
                if array.dtype.kind in "biuf":
                    seen.signs[value].add(sign(array))
        if runs < _LEAST:
            raise GraphError(f"it ran on {runs} inputs within onnx_deep_cpu_seconds, which says nothing")
        found = tuple(Judge(self._taint, seen).sightings())
        return Whole(runs=runs, wires=len(wires), unwatched=self._unwatched, sightings=found)

    def _begin(self) -> tuple[Plan, dict[int, Array]]:
        """Find a way to make inputs that it takes."""
        for plan in plans(self._sheets.forms):
            if process_time() > self._until:
                break
            try:
                given = self._given(self._sheets.one(plan, 0), list(self._wires))
            except GraphError:  # too large in this plan
                continue
            if given is not None:
                return plan, given
        raise GraphError("it takes none of the inputs that were made up")

    def _feeds(self, plan: Plan) -> Iterator[Feed]:
        lengths = [plan, *plan.others(self._sheets.forms)]
        for at in range(_LENGTHS):
            yield from self._sheets.ordinary(lengths[at % len(lengths)])
        yield from self._sheets.worded(plan)

    def _given(self, feed: Feed, wires: list[int]) -> dict[int, Array] | None:
        if not wires:  # to onnxruntime this would mean all outputs
            return {}
        try:
            given = self._session.run([self._wires[value] for value in wires], feed)
        except Exception:  # onnxruntime's errors share no other base; an input that fails tells nothing
            return None
        return {value: np.asarray(array) for value, array in zip(wires, given, strict=True) if hasattr(array, "dtype")}
