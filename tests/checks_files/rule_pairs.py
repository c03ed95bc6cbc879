"""Every rule of the file checks, with a subject that breaks it and an honest near miss that does not.

To add a rule: put its pair into the family's module in `pairs/` (or a new module, named below). The test beside this
file fails while a rule has no pair, or a pair no rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.checks_files.pairs import arrays, formats, gguf, indexes, paths, requests, safetensors, scanners, zips
from tests.checks_files.pairs.pair import Pair

FAMILIES: tuple[Mapping[str, Pair], ...] = (
    paths.PAIRS,
    formats.PAIRS,
    safetensors.PAIRS,
    gguf.PAIRS,
    indexes.PAIRS,
    zips.PAIRS,
    arrays.PAIRS,
    scanners.PAIRS,
    requests.PAIRS,
)
"""One mapping a family: rule id → pair."""

PAIRS: dict[str, Pair] = {rule: pair for family in FAMILIES for rule, pair in family.items()}
