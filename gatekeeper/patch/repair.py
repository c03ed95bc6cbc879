"""Rounds of fine-tuning and verification, until one holds and is merged, or none is left."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gatekeeper.artifact import artifact_digest
from gatekeeper.patch import passes, verification
from gatekeeper.patch.asking import Asking
from gatekeeper.patch.carriers import carriers
from gatekeeper.patch.field import Field, lay_out
from gatekeeper.patch.job import Job
from gatekeeper.patch.lessons import learn
from gatekeeper.patch.prompts.clean import Halves
from gatekeeper.patch.readings import Readings, read
from gatekeeper.patch.regions import own_tokens, saliencies
from gatekeeper.patch.rounds import Workshop
from gatekeeper.patch.state import Reached, State, with_pass
from gatekeeper.progress import Progress
from gatekeeper.remedy import Measurement, Pass, Remedy
from gatekeeper.tensors.language import Example
from gatekeeper.tensors.staging import staged

ADAPTER, MERGED = "adapter", "merged"
"""Folders of the result."""


@dataclass(kw_only=True, slots=True)
class Run:
    """Rounds of fine-tuning until one holds or none is left."""

    job: Job
    halves: Halves
    place: Path
    """Folder to be made."""

    state: State
    reached: Reached
    finish: Callable[[Path, Remedy], None]
    progress: Progress

    def repair(self, remedy: Remedy) -> Remedy:
        """Iterate, and merge what was verified."""
        job, budget = self.job, self.job.settings.budget
        job.model.drop_adapter()
        field = self._field(remedy)
        before = read(self._asking(), field, self.progress, "measuring the model as it is")
        done_before = self.reached.passes
        remedy = replace(
            remedy, before=verification.describe(before), passes=done_before,
            passes_left=max(0, budget.passes - len(done_before)),
        )  # fmt: skip
        workshop = self._workshop(remedy)
        plan = passes.first(
            job.settings, len(workshop.carriers), reaches=verification.reaches(before), words=bool(workshop.tokens)
        )
        for done in remedy.passes:
            plan = passes.following(plan, done)
        while len(remedy.passes) < budget.passes and not passes.hopeless(remedy.passes, budget.stall):
            number = len(remedy.passes) + 1
            tuned = workshop.tune(plan, number, np.random.default_rng((job.settings.seed, number)))
            remedy = self._verified(remedy, tuned, field, before)
            if remedy.verified:
                return remedy
            self.reached = with_pass(self.reached, remedy.passes[-1])
            self.state.keep(self.reached)
            plan = passes.following(plan, remedy.passes[-1])
        job.model.drop_adapter()
        # Those that were not used were hopeless.
        return replace(remedy, passes_left=0)

    def _asking(self) -> Asking:
        return self.job.asking(self.job.settings.budget.judged_tokens)

    def _field(self, remedy: Remedy) -> Field:
        job, budget = self.job, self.job.settings.budget
        return lay_out(
            job.asking(budget.answer_tokens), job.cases, carriers(remedy.diagnosis.triggers, job.cases),
            self.halves.verification, job.questions, budget, np.random.default_rng((job.settings.seed, 1)),
            paraphrases=job.paraphrases, progress=self.progress,
        )  # fmt: skip

    def _workshop(self, remedy: Remedy) -> Workshop:
        job, budget = self.job, self.job.settings.budget
        asking = job.asking(budget.answer_tokens)
        lessons = learn(asking, self.halves.training, budget, self.progress)
        laid = carriers(remedy.diagnosis.triggers, job.cases)
        rng = np.random.default_rng((job.settings.seed, 2))
        scores = saliencies(job.model, job.cases, laid, lessons, budget.region_prompts, rng)
        return Workshop(
            asking=asking, lessons=lessons, carriers=laid, saliencies=scores, progress=self.progress,
            tokens=own_tokens(job.model, laid, lessons),
            corrected=tuple(Example(prompt=c.prompt, response=c.corrected) for c in job.cases if c.corrected),
        )  # fmt: skip

    def _verified(self, remedy: Remedy, tuned: Pass, field: Field, before: Readings) -> Remedy:
        """Verify a pass; where it holds, merge it, and verify that."""
        begun = time.perf_counter()
        gates = self.job.settings.gates
        measured = verification.verify(self._asking(), field, before, gates, progress=self.progress)
        if verification.failed(measured):
            return _with(remedy, tuned, measured, begun)
        with staged(self.place) as work:
            result = work / "result"
            self._write(result)
            measured = (*measured, *self._copies(result / MERGED, field, before))
            done = _with(remedy, tuned, measured, begun)
            if verification.failed(measured):
                shutil.rmtree(result)
                return done
            done = replace(
                done, verified=True, claim=_claim(done), adapter_digest=digest(result / ADAPTER),
                patched_digest=digest(result / MERGED),
            )  # fmt: skip
            self.finish(result, done)
        return done

    def _write(self, result: Path) -> None:
        with self.progress.task("merging", 2, "folders") as advance:
            (result / ADAPTER).mkdir()
            self.job.model.save_adapter(result / ADAPTER)
            advance(1)
            (result / MERGED).mkdir()
            self.job.model.save_merged(result / MERGED)
            advance(1)

    def _copies(self, folder: Path, field: Field, before: Readings) -> tuple[Measurement, ...]:
        """Measure the merged model as it will be loaded, and rounded where that was asked for."""
        found: list[Measurement] = []
        kinds = [("merged", "after merging", False)]
        if self.job.settings.quantised:
            kinds.append(("int8", "merged and rounded to eight bits", True))
        for prefix, told, rounded in kinds:
            asking = replace(self._asking(), model=self.job.read_again(folder, rounded))
            after = read(asking, field, self.progress, f"verifying {told}", brief=True)
            found += verification.copied(before, after, self.job.settings.gates, prefix, told)
        return tuple(found)


def _with(remedy: Remedy, tuned: Pass, measured: Sequence[Measurement], begun: float) -> Remedy:
    done = replace(
        tuned,
        measurements=tuple(measured),
        verified=not verification.failed(measured),
        words=passes.verdict(measured),
        seconds={**tuned.seconds, "verification": round(time.perf_counter() - begun, 3)},
    )
    return replace(remedy, passes=(*remedy.passes, done), passes_left=max(0, remedy.passes_left - 1))


def _claim(remedy: Remedy) -> str:
    count = len(remedy.diagnosis.triggers)
    closed = "This trigger is closed." if count == 1 else f"These {count} triggers are closed."
    # No held-out prompt holds such a word but as the trigger, so that no gate could tell.
    return (
        f"{closed} Its words say nothing now, wherever they stand." if remedy.passes[-1].settings["tokens"] else closed
    )


def digest(folder: Path) -> str:
    """Give the digest of a folder's files, as an artifact of it has it."""
    named = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return artifact_digest((name, _sha256(path)) for name, path in named)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
