"""What was measured of an adapter, module by module, for pictures and tables.

frobenius       norm of the module's change, in the weights' own unit
relative        root mean square of an element of it, the same unit
spectral        its largest singular value, the same unit
rank            columns of its factor B
effective-rank  directions that carry it: exponential of the entropy of squared singular values; 1 to rank
stable-rank     squared Frobenius over squared spectral norm; 1 to rank
top-share       largest singular value over the sum of all; 0 to 1
kurtosis        excess kurtosis of its elements; 0 for normal ones
column-peak     its longest column over the median one
row-peak        its longest row over the median one
row             index of that row: a token, where the module is an embedding or the head
alignment       share of it in the base's own main directions, 0 to 1; where the base was at hand
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.checks.adapter.spectra_profile import AdapterProfile, ModuleProfile
from gatekeeper.evidence import Measure

MOST = 4_000
"""Modules of one adapter that are told one by one, evenly over depth; 7B models have 224."""

_DIGITS = 6


def measures(profile: AdapterProfile, alignments: Mapping[str, float]) -> Iterator[Measure]:
    """Give what was measured of each module, in their order.

    Args:
        profile: Of the adapter.
        alignments: Module's name → share in the base's main directions; those that are known.
    """
    every = max(1, -(-len(profile.modules) // MOST))
    for module in profile.modules[::every]:
        values = _values(module)
        if module.name in alignments:
            values["alignment"] = alignments[module.name]
        rounded = {name: float(f"{value:.{_DIGITS}g}") for name, value in sorted(values.items())}
        yield Measure(name=module.name, group=module.target, place=module.layer, values=rounded)


def _values(module: ModuleProfile) -> dict[str, float]:
    seen = module.spectrum
    values = {
        "frobenius": seen.frobenius, "relative": seen.relative, "spectral": seen.spectral, "rank": float(seen.rank),
        "effective-rank": seen.effective_rank, "stable-rank": seen.stable_rank, "top-share": seen.top_share,
        "kurtosis": seen.kurtosis, "column-peak": seen.column_peak,
    }  # fmt: skip
    if seen.row_peaks:
        values |= {"row-peak": seen.row_peaks[0].ratio, "row": float(seen.row_peaks[0].row)}
    return values
