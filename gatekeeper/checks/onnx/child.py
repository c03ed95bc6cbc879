"""What runs in a confined child: one model file is parsed and every part of the room says what it sees in it.

Nothing of the file is run, and no file that it names is opened.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from onnx import ModelProto

from gatekeeper.checks.onnx.answers import to_data
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.outline import outline
from gatekeeper.checks.onnx.reader import graph_of, parse
from gatekeeper.checks.onnx.structure import examine
from gatekeeper.checks.onnx.triggers import suspicions
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_REASON = 300


class Reading:
    """One model file, parsed and written out when first asked for.

    Args:
        data: The file, or its skeleton.
        mark: Of tensors whose elements were left out (see `left_out`).
        limits: In force.
    """

    def __init__(self, data: bytes, mark: str, limits: Limits) -> None:
        self.data = data
        self.mark = mark
        self.limits = limits

    @cached_property
    def model(self) -> ModelProto:
        """The message.

        Raises:
            GraphError: When it can't be parsed.
        """
        return parse(self.data)

    @cached_property
    def graph(self) -> Graph:
        """The flat graph.

        Raises:
            GraphError: When it can't be written out.
        """
        return graph_of(self.model, self.limits, mark=self.mark)


PARTS: Mapping[str, Callable[[Reading], Any]] = MappingProxyType(
    {
        "outline": lambda reading: to_data(outline(reading.graph)),
        "structure": lambda reading: to_data(examine(reading.model, reading.data, reading.mark)),
        "taint": lambda reading: to_data(suspicions(reading.graph, reading.limits)),
    }
)
"""What is said of each file, in the order of the answers."""


def analyse(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Say a line of JSON for each part.

    Args:
        request: A line of JSON with `limits` and `mark`, then the model.
        answer: Takes the lines: `part`, and `value`, or `error` and whether it is a word on the file (`lasting`).
    """
    gc.disable()  # everything that is made stays until the process ends
    head, _, data = request.partition(b"\n")
    asked = json.loads(head)
    reading = Reading(data, asked["mark"], Limits(**asked["limits"]))
    for name, part in PARTS.items():
        answer(json.dumps({"part": name, **_said(part, reading)}).encode() + b"\n")


def _said(part: Callable[[Reading], Any], reading: Reading) -> dict[str, Any]:
    try:
        return {"value": part(reading)}
    except GraphError as error:
        return {"error": str(error), "lasting": True}
    except MemoryError:  # the child's end, and not an answer
        raise
    except Exception as error:  # what a file trips has not looked at it
        return {
            "error": printable(f"it could not be judged: {type(error).__name__}: {error}", _REASON),
            "lasting": False,
        }
