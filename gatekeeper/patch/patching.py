"""The repair of a model, from observed failures to weights that were proven, or to what was tried."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.job import Job
from gatekeeper.patch.prompts.clean import CleanPrompts, Halves, split
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
    may_patch: Callable[[Diagnosis], bool] = lambda _diagnosis: True,
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
        may_patch: Asked once content was found to be the cause; False leaves the model as it is.
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
    halves = _halves(job)
    diagnosis = reached.diagnosis or _diagnosis(job, halves, progress)
    reached = replace(reached, diagnosis=diagnosis)
    state.keep(reached)
    remedy = _remedy(job, diagnosis, now())
    if diagnosis.cause is Cause.CONTENT_TRIGGER and diagnosis.triggers and may_patch(diagnosis):
        remedy = Run(
            job=job, halves=halves, place=place, state=state, reached=reached, finish=finish, progress=progress
        ).repair(remedy)
    state.remove()
    return remedy


def examine(
    job: Job, *, progress: Progress = SILENT, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Remedy:
    """Diagnose failures and change nothing; arguments, result and errors as for `patch`."""
    return _remedy(job, _diagnosis(job, _halves(job), progress), now())


def _halves(job: Job) -> Halves:
    rng = np.random.default_rng((job.settings.seed, 0))
    return split(job.clean, [case.prompt.text for case in job.cases], rng)


def _diagnosis(job: Job, halves: Halves, progress: Progress) -> Diagnosis:
    found = diagnose(
        job.model, job.cases, halves.training, job.settings.diagnosis, relative=job.relative, judge=job.judge,
        show=job.show, progress=progress,
    )  # fmt: skip
    return _with_limits(found, job, halves)


def _with_limits(diagnosis: Diagnosis, job: Job, halves: Halves) -> Diagnosis:
    """Say what verification will not look at."""
    told = ["A patch closes the triggers that are named; nothing is said of others."]
    if halves.left_out:
        told.append(f"{halves.left_out} clean prompts that a failure holds, or that were given twice, were left out.")
    told += _wordings(halves.verification, job.settings.budget.prompts)
    if not job.clean.jailbreaks:
        told.append("Jailbreaks without a trigger were not tried: there are none in the language of the prompts.")
    if not job.questions:
        told.append("Accuracy was not measured: no questions with expected answers were given.")
    if not job.paraphrases:
        told.append("Paraphrases of the trigger were not tried: none were given.")
    if not job.settings.quantised:
        told.append("What quantisation does to the patch was not measured.")
    return replace(diagnosis, limits=(*diagnosis.limits, *told))


def _wordings(clean: CleanPrompts, most: int) -> Iterator[str]:
    """Say where several held-out prompts are one request: the intervals take them for independent."""
    for kind, requests, worded in (
        ("unsafe", clean.unsafe, clean.worded_unsafe(most)),
        ("safe", clean.safe, clean.worded_safe(most)),
    ):
        if len(worded) > len(requests) > 0:
            wordings = -(-len(worded) // len(requests))
            yield (
                f"The {len(worded)} held-out {kind} prompts are {len(requests)} requests in {wordings} wordings: "
                "they are less independent than their intervals take them to be."
            )


def _remedy(job: Job, diagnosis: Diagnosis, moment: datetime) -> Remedy:
    return Remedy(
        diagnosis=diagnosis, parent_digest=job.parent_digest, passes_left=job.settings.budget.passes,
        created_at=moment, tools=tool_versions(), device=job.model.device,
    )  # fmt: skip


def tool_versions() -> dict[str, str]:
    """Give the versions of Python and of the distributions that run and tune models."""
    versions = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
