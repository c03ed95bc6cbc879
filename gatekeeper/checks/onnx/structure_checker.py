"""What ONNX's own checker says; it is native code, so it belongs into a confined process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_walk import Survey, survey

if TYPE_CHECKING:
    import onnx

_EXTERNAL = 1


def judge_with_checker(model: onnx.ModelProto, data: bytes, found: Survey, tally: Tally) -> None:
    """Have the checker look; it stops at the first thing that it objects to.

    The checker looks for tensors that lie in other files, and there are none around the process: it is given a copy
    in which these are empty.

    Args:
        model: The parsed message.
        data: The bytes that it was parsed from.
        found: Its tensors.
        tally: Takes the problem.
    """
    from onnx import checker

    loose = any(held.tensor.data_location == _EXTERNAL for held in found.tensors)
    try:
        checker.check_model(_without_loose(model) if loose else data)
    except (checker.ValidationError, ValueError) as error:
        sentence = " ".join(str(error).split("==> Context:")[0].split())
        tally.add("checker", f"ONNX's own checker says: {sentence}")


def _without_loose(model: onnx.ModelProto) -> bytes:
    copy = type(model)()
    copy.CopyFrom(model)
    for held in survey(copy).tensors:
        if held.tensor.data_location == _EXTERNAL:
            for name in ("data_location", "external_data", "raw_data"):
                held.tensor.ClearField(name)
            del held.tensor.dims[:]
            held.tensor.dims.append(0)
    data: bytes = copy.SerializeToString()
    return data
