"""What an adapter is, whether it is what it says, and what it changes.

Modules: `layout` (the nouns), `config` (`adapter_config.json`), `keys` (names of tensors), `patterns` and `targets`
(what a configuration says of a module), `modules` (tensors of one module), `reading` (artifact → layout), `values`
(numbers, without torch).
"""

from __future__ import annotations

from gatekeeper.checks.adapter.layout import Adapter, AdapterTensor, Layout, Method, Module, Part, Style
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.values import read_factors, read_pieces, read_tensor
from gatekeeper.checks.check import Check

ALL: tuple[Check, ...] = ()
"""The checks of this room, in the order of reports."""

__all__ = [
    "ALL",
    "Adapter",
    "AdapterTensor",
    "Layout",
    "Method",
    "Module",
    "Part",
    "Style",
    "has_adapter",
    "read_factors",
    "read_layout",
    "read_pieces",
    "read_tensor",
]
