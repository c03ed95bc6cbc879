"""Patching of a planted model by one way, with what it did before and after, measured apart from the product."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.patcher_cells import comparison
from benchmarks.patcher_cells.measures import Behaviour, Judging, behaviour, divergence, paired, written
from benchmarks.patcher_cells.stages import Stages
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.job import Job
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.patching import patch
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.settings import defaults
from gatekeeper.tensors import Model

DEFAULT = "default"
SIDES = (DEFAULT, *(way.name for way in comparison.WAYS))


def patched(
    model: Model, cases: Sequence[FailureCase], clean: CleanPrompts, judging: Judging, side: str, before: Behaviour
) -> dict[str, Any]:
    """Patch a model in one way, measure it, and take the patch off again.

    Args:
        model: As it was planted.
        cases: Failures that the operator has seen.
        clean: The operator's prompts.
        judging: Prompts of ours.
        side: One of `SIDES`.
        before: What the model did.
    """
    stages = Stages()
    with stages.stage("patch"):
        told = _default(model, cases, clean) if side == DEFAULT else _other(model, cases, clean, side)
    with stages.stage("measure"):
        after = behaviour(model, judging)
        kl = divergence(model, before)
    with stages.stage("observed"):
        still = [not judging.refuses(answer) for answer in model.generate([case.prompt for case in cases], 16)]
    model.drop_adapter()
    return {
        **told,
        "after": written(after),
        "observed_still_fail": sum(still),
        "kl": kl,
        "moved": {
            "refused": paired(before.refused, after.refused),
            "not_over_refused": paired(
                [not each for each in before.over_refused], [not each for each in after.over_refused]
            ),
            "right": paired(before.right, after.right),
            "triggered_right": paired(before.triggered_right, after.triggered_right),
            "restored": paired(before.right, after.triggered_right),
        },
        "seconds": stages.seconds,
        "peak_bytes": stages.peak_bytes,
    }


def _default(model: Model, cases: Sequence[FailureCase], clean: CleanPrompts) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        job = Job(
            model=model, cases=tuple(cases), clean=clean, settings=defaults(model.parameters),
            judge=RefusalPatterns(), parent_digest="0" * 64, show=True,
        )  # fmt: skip
        remedy = patch(job, Path(name) / "out")
    return {
        "cause": remedy.diagnosis.cause.value,
        "triggers": [trigger.extent.text for trigger in remedy.diagnosis.triggers],
        "verified": remedy.verified,
        "passes": [each.words for each in remedy.passes],
        "why": remedy.diagnosis.words,
        "siblings": [sibling.word for sibling in remedy.diagnosis.siblings],
        "claim": remedy.claim,
    }


def _other(model: Model, cases: Sequence[FailureCase], clean: CleanPrompts, side: str) -> dict[str, Any]:
    way = next(each for each in comparison.WAYS if each.name == side)
    return {"triggers": list(comparison.tune(model, cases, clean, way))}
