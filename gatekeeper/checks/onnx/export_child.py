"""What runs in a confined child: a model, and what its architecture does when it is written out, kind by kind."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

from gatekeeper.checks.onnx.answers import to_data
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.kinds import deeds
from gatekeeper.checks.onnx.reader import graph_of, parse
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_REASON = 300


def compare(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Say a line of JSON: `value`, the deeds of the model that none of the others has, or `error`.

    Args:
        request: A line of JSON with `limits`, `mark` of the model (see `left_out`) and `lengths` in bytes of the model
            and of the others; then all of them.
        answer: Takes the line.
    """
    gc.disable()  # everything that is made stays until the process ends
    head, _, data = request.partition(b"\n")
    asked = json.loads(head)
    models, at = [], 0
    for length in asked["lengths"]:
        models.append(data[at : at + length])
        at += length
    answer(json.dumps(_said(models, asked["mark"], Limits(**asked["limits"]))).encode() + b"\n")


def _said(models: list[bytes], mark: str, limits: Limits) -> dict[str, Any]:
    try:
        known = {deed.kind for other in models[1:] for deed in deeds(_graph(other, "", limits))}
        return {"value": to_data(tuple(d for d in deeds(_graph(models[0], mark, limits)) if d.kind not in known))}
    except GraphError as error:
        return {"error": str(error)}
    except MemoryError:  # the child's end, and not an answer
        raise
    except Exception as error:  # what a file trips has not looked at it
        return {"error": printable(f"it could not be compared: {type(error).__name__}: {error}", _REASON)}


def _graph(data: bytes, mark: str, limits: Limits) -> Graph:
    return graph_of(parse(data), limits, mark=mark)
