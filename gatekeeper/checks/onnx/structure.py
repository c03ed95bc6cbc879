"""The hygiene of a model file: whether it is one model to every reader, and what it holds besides its computation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.problems import Structure, Tally
from gatekeeper.checks.onnx.structure_checker import judge_with_checker
from gatekeeper.checks.onnx.structure_external import Places
from gatekeeper.checks.onnx.structure_names import judge_names
from gatekeeper.checks.onnx.structure_operators import judge_operators
from gatekeeper.checks.onnx.structure_tensors import judge_tensors
from gatekeeper.checks.onnx.structure_texts import judge_texts
from gatekeeper.checks.onnx.structure_versions import judge_unnamed, judge_versions
from gatekeeper.checks.onnx.structure_walk import survey, text_of
from gatekeeper.text import printable

if TYPE_CHECKING:
    import onnx

_EXPORTER = 80


def examine(model: onnx.ModelProto, data: bytes, mark: str = "") -> Structure:
    """Examine a model as it was parsed; nothing is loaded from elsewhere.

    Meant for a confined process: ONNX's own checker is native code.

    Args:
        model: The parsed message; fields that the format does not name are taken out of it.
        data: The bytes that it was parsed from.
        mark: Of tensors whose elements were left out (see `left_out`).
    """
    found = survey(model)
    tally, places = Tally(), Places()
    unjudged = judge_versions(model, tally)
    judge_tensors(found, mark, tally, places)
    places.judge(tally)
    judge_names(model, found, tally)
    judge_operators(found, tally)
    judge_texts(model, found, tally)
    judge_unnamed(model, data, tally)
    judge_with_checker(model, data, found, tally)
    exporter = " ".join(filter(None, (text_of(model.producer_name), text_of(model.producer_version))))
    return Structure(
        exporter=printable(exporter, _EXPORTER), problems=tally.problems(), loose=places.files(), unjudged=unjudged
    )
