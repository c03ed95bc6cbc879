"""Which version of the format a file is of, and parts of it that hardly anybody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_walk import standard, text_of
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    import onnx

_UNNAMED_BYTES = 4_096
"""Bytes that may be gone once a file was parsed: what a new version of the format adds takes a few."""


def judge_versions(model: onnx.ModelProto, tally: Tally) -> tuple[str, ...]:
    """Judge the versions that a file says it is of.

    Args:
        model: The parsed message.
        tally: Takes the problems.

    Returns:
        Sentences on what can't be judged because of them.
    """
    import onnx
    from onnx import defs

    unjudged = []
    if model.ir_version > onnx.IR_VERSION:
        unjudged.append(f"its IR version is {model.ir_version}, and {onnx.IR_VERSION} is the last that is known here")
    known: dict[str, int] = {}
    for opset in model.opset_import:
        domain = standard(text_of(opset.domain))
        if known.setdefault(domain, opset.version) != opset.version:
            shown = printable(domain or "ai.onnx", 80)
            tally.add("opset-twice", f"the operators of {shown!r} are asked for in two versions", shown)
    latest = defs.onnx_opset_version()
    if known.get("", 0) > latest:
        unjudged.append(f"its operators are of version {known['']}, and {latest} is the last that is known here")
    if model.training_info:
        tally.add("training-info", f"it brings {plural(len(model.training_info), 'graph')} for training")
    return tuple(unjudged)


def judge_unnamed(model: onnx.ModelProto, data: bytes, tally: Tally) -> None:
    """Say when a file holds much that no reader of it shows: fields without a name, and fields that others replace.

    Args:
        model: The parsed message; it loses the fields without a name.
        data: The bytes that it was parsed from.
        tally: Takes the problem.
    """
    model.DiscardUnknownFields()
    unnamed = len(data) - model.ByteSize()
    if unnamed > _UNNAMED_BYTES:
        tally.add("unnamed-fields", f"{unnamed:,} bytes belong to no field of the format, or to one that stands again")
