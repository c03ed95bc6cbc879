"""What an adapter is, whether it is what it says, and what it changes.

Modules: `layout` (the nouns), `config` (`adapter_config.json`), `keys` (names of tensors), `patterns` and `targets`
(what a configuration says of a module), `modules` (tensors of one module), `reading` (artifact → layout), `values`
(numbers, without torch).
"""

from __future__ import annotations

from gatekeeper.checks.adapter.layout import Adapter, AdapterTensor, Layout, Method, Module, Part, Style
from gatekeeper.checks.adapter.population_judging import Judgement, Sample, judge
from gatekeeper.checks.adapter.population_making import BUDGET, calibrate
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.values import read_factors, read_pieces, read_tensor
from gatekeeper.checks.adapter.weights import Weights
from gatekeeper.checks.adapter.weights_measuring import Measured, measure
from gatekeeper.checks.check import Check

ALL: tuple[Check, ...] = (Weights(),)
"""The checks of this room, in the order of reports."""

__all__ = [
    "ALL",
    "BUDGET",
    "Adapter",
    "AdapterTensor",
    "Judgement",
    "Layout",
    "Measured",
    "Method",
    "Module",
    "Part",
    "Sample",
    "Style",
    "calibrate",
    "has_adapter",
    "judge",
    "measure",
    "read_factors",
    "read_layout",
    "read_pieces",
    "read_tensor",
]
