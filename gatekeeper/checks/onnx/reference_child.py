"""What runs in a confined child: two model files are parsed and held against each other. Nothing of them is run."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

from gatekeeper.checks.onnx import reference
from gatekeeper.checks.onnx.answers import to_data
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.reader import graph_of, parse
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_REASON = 300


def compare(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Say a line of JSON: how a model differs from its reference.

    Args:
        request: A line of JSON with `limits`, the `marks` of both (see `left_out`) and the `length` of the reference
            in bytes, then the reference and the model.
        answer: Takes the line: `value`, or `error`.
    """
    gc.disable()  # everything that is made stays until the process ends
    head, _, data = request.partition(b"\n")
    asked = json.loads(head)
    limits, length, marks = Limits(**asked["limits"]), asked["length"], asked["marks"]
    answer(json.dumps(_said(data[:length], data[length:], marks, limits)).encode() + b"\n")


def _said(old: bytes, new: bytes, marks: list[str], limits: Limits) -> dict[str, Any]:
    try:
        known = _read("the reference", old, marks[0], limits)
        return {"value": to_data(reference.compare(known, _read("it", new, marks[1], limits), limits))}
    except GraphError as error:
        return {"error": str(error)}
    except MemoryError:  # the child's end, and not an answer
        raise
    except Exception as error:  # what a file trips has not looked at it
        return {"error": printable(f"it could not be compared: {type(error).__name__}: {error}", _REASON)}


def _read(whose: str, data: bytes, mark: str, limits: Limits) -> Graph:
    try:
        return graph_of(parse(data), limits, digests=True, mark=mark)
    except GraphError as error:
        raise GraphError(f"{whose} can't be read: {error}") from error
