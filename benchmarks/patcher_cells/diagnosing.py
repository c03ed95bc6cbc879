"""Diagnosis of known causes: what is said to cause each case, and how what was found lies on what was planted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.patcher_cells.measures import overlap
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.clusters import two_means
from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.words import spread
from gatekeeper.tensors import Model

SETTINGS = DiagnosisSettings(sibling_prompts=0)
"""Further triggers are not looked up: that tells nothing of what caused a failure, and takes most of the time."""


def diagnosed(
    model: Model, cases: Sequence[tuple[FailureCase, Sequence[int]]], clean: CleanPrompts
) -> list[dict[str, Any]]:
    """Diagnose each case by itself.

    Args:
        model: Which failed.
        cases: Each with the positions of the planted words.
        clean: The operator's prompts.
    """
    return [_one(model, case, planted, clean) for case, planted in cases]


def _one(model: Model, case: FailureCase, planted: Sequence[int], clean: CleanPrompts) -> dict[str, Any]:
    found = diagnose(model, [case], clean, SETTINGS, judge=RefusalPatterns(), show=True)
    told: dict[str, Any] = {"cause": found.cause.value, "words": found.words}
    if planted:
        core = [position for trigger in found.triggers for position in trigger.core_positions]
        extent = [position for trigger in found.triggers for position in trigger.extent_positions]
        told |= {"core": overlap(core, planted), "extent": overlap(extent, planted)}
        told |= {"paper": overlap(paper(model, case), planted)}
        told["sufficiency"] = [trigger.sufficiency.share for trigger in found.triggers]
    return told


def paper(model: Model, case: FailureCase) -> tuple[int, ...]:
    """Give the words that the paper's first stage takes for the trigger, as it is written."""
    norms, spans = model.gradients(case.prompt, case.response)
    return two_means(spread([float(norm) for norm in norms], spans, case.prompt.text)).high
