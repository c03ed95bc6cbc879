"""Every rule of the file checks, with a subject that breaks it and an honest near miss that does not.

To add a rule: put its pair into the family's module in `pairs/` (or a new module, named below). The test beside this
file fails while a rule has no pair, or a pair no rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.checks_files.pairs import (
    arrays,
    bystanders,
    containers,
    formats,
    gguf,
    indexes,
    load_path,
    members,
    model_code,
    paths,
    pickles,
    python_code,
    requests,
    runtimes,
    safetensors,
    scanners,
    templates,
    zips,
)
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
    containers.PAIRS,
    members.PAIRS,
    pickles.PAIRS,
    requests.PAIRS,
    load_path.PAIRS,
    bystanders.PAIRS,
    model_code.PAIRS,
    runtimes.PAIRS,
    python_code.PAIRS,
    templates.PAIRS,
)
"""One mapping a family: rule id → pair."""

PAIRS: dict[str, Pair] = {rule: pair for family in FAMILIES for rule, pair in family.items()}
