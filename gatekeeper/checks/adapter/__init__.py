"""What an adapter is, whether it is what it says, and what it changes.

Modules: `layout` (the nouns), `config` (`adapter_config.json`), `keys` (names of tensors), `patterns` (with
`pattern_tree`) and `targets` (what a configuration says of a module), `modules` (tensors of one module), `reading`
(artifact → layout), `values` (numbers, without torch), `finite` (values that are none); `agreement` (configuration
against tensors), `base` (the model below), `replacing` (tensors that take the place of the base's), `variants` (what
PEFT is asked for besides), `company` (files beside an adapter). Of weights: `spectra` (one module's change),
`spectra_profile` (features of an adapter), `spectra_base` (how it lies to the base), `weights_measuring`,
`population_detectors`, `population_judging`, `population_making`. `behaviour` judges what an audit measured; it runs
nothing itself.
"""

from __future__ import annotations

from gatekeeper.checks.adapter.base import inner
from gatekeeper.checks.adapter.behaviour import AdapterBehaviour
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.layout import Adapter, AdapterTensor, Layout, Method, Module, Part, Style
from gatekeeper.checks.adapter.population_judging import Judgement, Sample, judge
from gatekeeper.checks.adapter.population_making import BUDGET, calibrate
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.checks.adapter.values import read_factors, read_pieces, read_tensor
from gatekeeper.checks.adapter.variants import unfit_for_loading
from gatekeeper.checks.adapter.weights import Weights
from gatekeeper.checks.adapter.weights_measuring import Measured, measure
from gatekeeper.checks.check import Check

ALL: tuple[Check, ...] = (AdapterClaims(), AdapterScope(), Weights(), AdapterBehaviour())
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
    "inner",
    "judge",
    "measure",
    "read_factors",
    "read_layout",
    "read_pieces",
    "read_tensor",
    "unfit_for_loading",
]
