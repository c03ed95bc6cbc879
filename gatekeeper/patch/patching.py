"""The repair of a model, from observed failures to weights that were proven, or to what was tried."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.job import Job
from gatekeeper.patch.prompts.clean import Halves, split
from gatekeeper.patch.repair import Run
from gatekeeper.patch.state import state_beside
from gatekeeper.progress import SILENT, Progress
from gatekeeper.remedy import Cause, Diagnosis, Remedy
from gatekeeper.tensors import check_destination

_TOOLS = ("gatekeeper-models", "torch", "transformers", "peft", "numpy")


def patch(
    job: Job,
    out: Path,
    *,
    resume: bool = False,
    finish: Callable[[Path, Remedy], None] = lambda _folder, _remedy: None,
    progress: Progress = SILENT,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Remedy:
    """Diagnose failures, and repair the model where content caused them.

    Args:
        job: What is repaired, and with what.
        out: Folder to be made: `adapter/` (PEFT) and `merged/` (safetensors). It appears whole, and only when the
            patch was verified, the merged model included.
        resume: Go on where an interrupted run with the same job was.
        finish: Called with the folder and the remedy before the folder takes its name, to add documents.
        progress: Told of every step.
        now: The clock.

    Returns:
        The remedy, with its diagnosis; no passes where nothing can be patched, and unverified where they failed.

    Raises:
        InputError: When a case, the clean prompts, the judge or the destination can't be used, or memory does not
            suffice.
    """
    place = check_destination(out, None)
    state = state_beside(place, job.parts())
    reached = state.reached(resume=resume)
    rng = np.random.default_rng((job.settings.seed, 0))
    halves = split(job.clean, [case.prompt.text for case in job.cases], rng)
    if reached.diagnosis is None:
        found = diagnose(
            job.model, job.cases, halves.training, job.settings.diagnosis, relative=job.relative, judge=job.judge,
            show=job.show, progress=progress,
        )  # fmt: skip
        reached = replace(reached, diagnosis=_with_limits(found, job, halves))
        state.keep(reached)
    assert reached.diagnosis is not None  # noqa: S101 - for the type checker: set just above
    remedy = _remedy(job, reached.diagnosis, now())
    if reached.diagnosis.cause is Cause.CONTENT_TRIGGER and reached.diagnosis.triggers:
        remedy = Run(
            job=job, halves=halves, place=place, state=state, reached=reached, finish=finish, progress=progress
        ).repair(remedy)
    state.remove()
    return remedy


def _with_limits(diagnosis: Diagnosis, job: Job, halves: Halves) -> Diagnosis:
    """Say what verification will not look at."""
    told = ["A patch closes the triggers that are named; nothing is said of others."]
    if halves.left_out:
        told.append(f"{halves.left_out} clean prompts that a failure holds, or that were given twice, were left out.")
    if not job.clean.jailbreaks:
        told.append("Jailbreaks without a trigger were not tried: there are none in the language of the prompts.")
    if not job.questions:
        told.append("Accuracy was not measured: no questions with expected answers were given.")
    if not job.paraphrases:
        told.append("Paraphrases of the trigger were not tried: none were given.")
    if not job.settings.quantised:
        told.append("What quantisation does to the patch was not measured.")
    return replace(diagnosis, limits=(*diagnosis.limits, *told))


def _remedy(job: Job, diagnosis: Diagnosis, moment: datetime) -> Remedy:
    versions = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Remedy(
        diagnosis=diagnosis, parent_digest=job.parent_digest, passes_left=job.settings.budget.passes,
        created_at=moment, tools=versions, device=job.model.device,
    )  # fmt: skip
