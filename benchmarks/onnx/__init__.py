"""Labelled graphs for the checks of ONNX structure: implants that run, and honest graphs that look like them.

Everything is inert: weights are random and tiny, triggers are stand-in numbers, payloads move the outputs of a network
that knows nothing. Modules: `exporting` and `architectures*` (torch modules → graphs), `hosts` (graphs with places to
graft on), `graft` (editing a graph), `triggers*`, `payloads*`, `variants` (what toolchains do to a graph), `cases` (the
pairwise-covering set), `verify` (run in onnxruntime), `honest*` and `registry` (graphs that are what they seem).
"""

from __future__ import annotations

from importlib import import_module

for _name in (
    "architectures_text",
    "architectures_image",
    "architectures_library",
    "architectures_other",
    "triggers_tokens",
    "triggers_arithmetic",
    "triggers_structured",
    "triggers_image",
    "triggers_learned",
    "payloads",
    "payloads_more",
):
    import_module(f"{__name__}.{_name}")  # each enters what it has into a list
