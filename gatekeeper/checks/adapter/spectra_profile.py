"""From modules to one adapter: a profile over depth for people, and a fixed vector of features for statistics.

The features, each a plain number and all but `level` the same when an adapter is scaled:

    level                           log of the root mean square of an element of ΔW, over all modules
    spread                          standard deviation over modules of the log of that
    mlp-over-attention              log of the ratio of that, feed-forward modules to attention
    late-over-early                 log of the ratio of that, last third of the layers to the first
    <place>/effective-rank          mean log of the effective rank of the modules there
    <place>/stable-rank             the same of the stable rank
    <place>/kurtosis                mean log of 3 + excess kurtosis: of the plain mean one module would be the most
    <place>/column-peak             mean log of the longest column over the median one
    <place>/row-peak                the same for rows

A place is a target (`q_proj`) or a third of the layers (`early`, `middle`, `late`). An adapter has the features of the
places that it changes: one of other targets, or of other depth, has others, and is so told from its population.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.checks.adapter.spectra import Spectrum

ATTENTION = frozenset(
    {
        "q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "Wqkv", "query_key_value", "c_attn", "out_proj", "dense",
        "q", "k", "v", "o", "query", "key", "value", "to_q", "to_k", "to_v", "to_out",
    }
)  # fmt: skip
"""Names that libraries give to the linear layers of attention."""

MLP = frozenset(
    {
        "gate_proj", "up_proj", "down_proj", "gate_up_proj", "c_fc", "fc1", "fc2", "wi", "wo", "wi_0", "wi_1",
        "dense_h_to_4h", "dense_4h_to_h", "w1", "w2", "w3",
    }
)  # fmt: skip
"""Names that libraries give to the linear layers of the feed-forward part."""

THIRDS = ("early", "middle", "late")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleProfile:
    """One module with what was measured of it."""

    name: str
    """As in the base; hostile text."""

    target: str
    """Last part of the name, such as `q_proj`; hostile text."""

    layer: int | None
    """From 0; None where the name has no number."""

    spectrum: Spectrum


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterProfile:
    """All modules that could be measured."""

    modules: tuple[ModuleProfile, ...]
    """Sorted by layer, then by name."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it changes, sorted."""
        return tuple(sorted({module.target for module in self.modules}))

    @property
    def ranks(self) -> tuple[int, ...]:
        """Ranks that its modules have, sorted."""
        return tuple(sorted({module.spectrum.rank for module in self.modules}))

    @property
    def layers(self) -> int:
        """One more than the highest number of a layer; 0 when no module has one."""
        return max((module.layer + 1 for module in self.modules if module.layer is not None), default=0)

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing: freshly initialised, and never trained."""
        return all(module.spectrum.is_zero for module in self.modules)


def profile(modules: Iterable[ModuleProfile]) -> AdapterProfile:
    """Put modules in order; the order in which they come does not matter."""
    ordered = sorted(modules, key=lambda module: (-1 if module.layer is None else module.layer, module.name))
    return AdapterProfile(modules=tuple(ordered))


def features(adapter: AdapterProfile) -> dict[str, float]:
    """Give the features of an adapter by name, sorted; empty when it changes nothing.

    Modules that change nothing are left out: their spectrum has no shape.
    """
    modules = [module for module in adapter.modules if not module.spectrum.is_zero]
    if not modules:
        return {}
    levels = [math.log(module.spectrum.relative) for module in modules]
    middle = sum(levels) / len(levels)
    found = {
        "level": _level(modules),
        "spread": math.sqrt(sum((level - middle) ** 2 for level in levels) / len(levels)),
    }
    places = _places(modules, adapter.layers)
    attention = [module for module in modules if module.target in ATTENTION]
    forward = [module for module in modules if module.target in MLP]
    if attention and forward:
        found["mlp-over-attention"] = _level(forward) - _level(attention)
    if "early" in places and "late" in places:
        found["late-over-early"] = _level(places["late"]) - _level(places["early"])
    for place, there in places.items():
        for name, measure in _MEANS.items():
            found[f"{place}/{name}"] = sum(measure(module.spectrum) for module in there) / len(there)
    return dict(sorted(found.items()))


def third(layer: int, layers: int) -> str:
    """Say in which third of the layers one lies: the first is early, the last is late."""
    place = layer / (layers - 1) if layers > 1 else 0.0
    return THIRDS[min(2, int(place * 3))]


def _level(modules: Sequence[ModuleProfile]) -> float:
    return 0.5 * math.log(sum(module.spectrum.relative**2 for module in modules) / len(modules))


def _places(modules: Sequence[ModuleProfile], layers: int) -> dict[str, list[ModuleProfile]]:
    found: dict[str, list[ModuleProfile]] = {}
    for module in modules:
        found.setdefault(module.target, []).append(module)
        if module.layer is not None:
            found.setdefault(third(module.layer, layers), []).append(module)
    return found


def _log(value: float) -> float:
    return math.log(max(value, 1e-3))


_MEANS: Mapping[str, Callable[[Spectrum], float]] = {
    "effective-rank": lambda spectrum: _log(spectrum.effective_rank),
    "stable-rank": lambda spectrum: _log(spectrum.stable_rank),
    "kurtosis": lambda spectrum: _log(3.0 + spectrum.kurtosis),
    "column-peak": lambda spectrum: _log(spectrum.column_peak),
    "row-peak": lambda spectrum: _log(spectrum.row_peaks[0].ratio if spectrum.row_peaks else 0.0),
}
