"""What an adapter is, whether it is what it says, and what it changes.

Modules: `layout` (the nouns), `config` (`adapter_config.json`), `keys` (names of tensors), `patterns` (with
`pattern_tree`) and `targets` (what a configuration says of a module), `modules` (tensors of one module), `reading`
(artifact → layout), `values` (numbers, without torch), `finite` (values that are none); `agreement` (configuration
against tensors), `base` (the model below), `replacing` (tensors that take the place of the base's), `company` (files
beside an adapter).
"""

from __future__ import annotations

from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.layout import Adapter, AdapterTensor, Layout, Method, Module, Part, Style
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.checks.adapter.values import read_factors, read_pieces, read_tensor
from gatekeeper.checks.check import Check

ALL: tuple[Check, ...] = (AdapterClaims(), AdapterScope())
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
