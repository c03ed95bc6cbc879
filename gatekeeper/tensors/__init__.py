"""Tensors: torch files → safetensors, in a confined child. The only room with torch, which the child alone imports.

    steps = plan(artifact.files, head)
    conversion = Converter(limits=limits, key="", progress=progress).convert(steps, place, known, objections)

`job` runs in the child; `readback` verifies what it wrote without its library; `record` is what is kept of it all.
"""

from __future__ import annotations

from gatekeeper.tensors.convert import Converter, require_torch
from gatekeeper.tensors.plan import RECORD, Fate, Step, plan, why_nothing
from gatekeeper.tensors.record import Conversion, Refusal, json_schema, to_json
from gatekeeper.tensors.staging import check_destination

__all__ = [
    "RECORD",
    "Conversion",
    "Converter",
    "Fate",
    "Refusal",
    "Step",
    "check_destination",
    "json_schema",
    "plan",
    "require_torch",
    "to_json",
    "why_nothing",
]
