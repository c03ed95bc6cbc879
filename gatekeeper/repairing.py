"""The line of repair: an artifact and what it did wrong in; its diagnosis, the patched artifact, and the verdict out.

inspect → decide → diagnose → decide → patch → inspect the patched artifact → decide. Each step is taken only where the
decision before it asks for it: what the table discards is never loaded, what it does not patch is never changed, and
the patched artifact passes the whole line as a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import patch, sources, tensors
from gatekeeper.artifact import Kind, Reference
from gatekeeper.attestation import Attestation, Omission
from gatekeeper.decision import Action
from gatekeeper.errors import InputError
from gatekeeper.evidence import Evidence
from gatekeeper.gate import Inspection, Run, key_of
from gatekeeper.laying import laid_out, objection, run_of_base
from gatekeeper.patch import FailureCase
from gatekeeper.remedy import Cause, Diagnosis, Remedy
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.patch import PatchSettings
    from gatekeeper.policy import Thresholds
    from gatekeeper.tensors.language_model import LanguageModel

_INHERITED = "provenance/"
"""Begins the ids of the checks whose answers a patched artifact has from its parent."""

_NO_TEMPLATE = (
    "The model brings no chat template: prompts were put into a plain frame, which may not be the deployed one."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """What was reported, and how far to go."""

    cases: tuple[FailureCase, ...]
    out: Path | None = None
    """Folder to be made for the patched model; None to diagnose alone."""

    base: str = ""
    """Reference of a clean relative of the model, or of the base of an adapter; may be empty."""

    clean_safe: Path | None = None
    clean_unsafe: Path | None = None
    """JSON Lines of a user's own; None for the prompts that come with the package."""

    eval_file: Path | None = None
    judge: str = "patterns"
    localiser: str = ""
    """Empty for the default one."""

    passes: int | None = None
    """Rounds of repair; None for what the policy allows, which bounds it in any case."""

    quantised: bool = False
    resume: bool = False
    show: bool = False
    """Whether unsafe texts are kept in clear."""

    seed: int = 0
    device: str = "auto"


def gate_failure(reference: str | Reference, run: Run, repair: Repair) -> Attestation:
    """Gate an artifact about which failures were reported.

    Args:
        reference: As `gatekeeper.sources.parse` reads it.
        run: Policy, source and what else holds for the run.
        repair: The failures, and how far to go.

    Returns:
        The attestation of the artifact, or of the patched one where there is one that was verified; its `remedy` is
        never None.

    Raises:
        GatekeeperError: As for `gate`, or when failures, prompts, the base or the destination can't be used.
    """
    check(repair, run.policy.thresholds)
    with run.inspect(reference) as seen:
        before = run.decide(seen, _undiagnosed(seen, repair, ""))
        if why := _not_loaded(seen, before):
            return run.decide(seen, _undiagnosed(seen, repair, why))
        remedy = _Workshop(seen=seen, run=run, repair=repair).work()
        if repair.out is None or not remedy.verified:
            return _told(run.decide(seen, remedy), remedy)
    return _patched(run, remedy, seen, repair.out / patch.MERGED)


def check(repair: Repair, thresholds: Thresholds) -> None:
    """Refuse what can't be used before anything is fetched.

    Raises:
        InputError: When failures, prompts, questions, the judge, the passes or the destination can't be used.
    """
    if not repair.cases:
        raise InputError("no failure was handed in", hint="give at least one with --failure")
    if repair.out is not None:
        tensors.check_destination(repair.out, None)
    patch.load_clean(repair.clean_safe, repair.clean_unsafe)
    patch.judge_named(repair.judge)
    if repair.eval_file is not None:
        patch.load_questions(repair.eval_file)
    settings_for(0, thresholds, repair)
    if repair.localiser and repair.localiser not in patch.LOCALISERS:
        known = ", ".join(patch.LOCALISERS)
        raise InputError(f"{printable(repair.localiser, 80)!r} is no localiser", hint=f"choose from {known}")


def _not_loaded(seen: Inspection, before: Attestation) -> str:
    """Say why the weights are not loaded; empty when they may be."""
    if before.verdict.action is Action.DISCARD:
        return f"It was not loaded: row {before.verdict.row} discards it, whatever the failure is."
    if why := objection(seen):
        return f"It was not loaded: {why}."
    return ""


def _undiagnosed(seen: Inspection, repair: Repair, words: str) -> Remedy:
    cases = tuple(case.record(show=repair.show) for case in repair.cases)
    return Remedy(
        diagnosis=Diagnosis(cause=Cause.NOT_DIAGNOSED, words=words, cases=cases),
        parent_digest=seen.artifact.digest,
        parent_reference=_reference(seen),
        created_at=seen.moment,
    )


def _reference(seen: Inspection) -> str:
    return key_of(seen.artifact).reference or str(seen.artifact.reference)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Workshop:
    """Loads the model and puts it to work."""

    seen: Inspection
    run: Run
    repair: Repair

    def work(self) -> Remedy:
        """Diagnose, and patch where the table asks for it."""
        with ExitStack() as resources:
            folder = resources.enter_context(laid_out(self.seen.artifact))
            base = resources.enter_context(self._base()) if self.repair.base else None
            try:
                model, relative = self._load(folder, base)
            except InputError as error:
                words = f"Not loaded: {error.message}" + (f" ({error.hint})" if error.hint else "")
                return _undiagnosed(self.seen, self.repair, words)
            return self._worked(model, relative)

    def _load(self, folder: Path, base: Path | None) -> tuple[LanguageModel, LanguageModel | None]:
        device, progress = self.repair.device, self.run.progress
        if self.seen.artifact.kind is Kind.ADAPTER:
            if base is None:
                raise InputError("an adapter can't be run without its base", hint="name it with --base")
            model = tensors.load_model(base, adapter=folder, device=device, progress=progress)
        else:
            model = tensors.load_model(folder, device=device, progress=progress)
        relative = None if base is None else tensors.load_model(base, device=device, progress=progress)
        return model, relative

    @contextmanager
    def _base(self) -> Iterator[Path]:
        """Give the base's files; what the checks object to is not loaded.

        Raises:
            InputError: When they do.
        """
        with replace(run_of_base(self.run), approvals=()).inspect(self.repair.base) as seen:
            if why := objection(seen):
                raise InputError(f"the base is not loaded: {why}", hint="`gatekeeper scan` says all of it")
            with laid_out(seen.artifact) as folder:
                yield folder

    def _worked(self, model: LanguageModel, relative: LanguageModel | None) -> Remedy:
        repair, progress = self.repair, self.run.progress
        job = patch.Job(
            model=model,
            relative=relative,
            cases=repair.cases,
            clean=patch.load_clean(repair.clean_safe, repair.clean_unsafe),
            settings=settings_for(model.parameters, self.run.policy.thresholds, repair),
            judge=patch.judge_named(repair.judge),
            questions=patch.load_questions(repair.eval_file) if repair.eval_file else (),
            parent_digest=self.seen.artifact.digest,
            show=repair.show,
        )
        if repair.out is None:
            found = patch.examine(job, progress=progress)
        else:
            found = patch.patch(job, repair.out, resume=repair.resume, may_patch=self._may_patch, progress=progress)
        if not model.has_template:
            limits = (*found.diagnosis.limits, _NO_TEMPLATE)
            found = replace(found, diagnosis=replace(found.diagnosis, limits=limits))
        return replace(found, parent_reference=_reference(self.seen))

    def _may_patch(self, diagnosis: Diagnosis) -> bool:
        """Ask the table: it alone says whether weights are changed."""
        known = replace(_undiagnosed(self.seen, self.repair, ""), diagnosis=diagnosis)
        return self.run.decide(self.seen, known).verdict.action is Action.PATCH


def settings_for(parameters: int, thresholds: Thresholds, repair: Repair) -> PatchSettings:
    """Give the settings of a repair: those for the model's size, within what the policy allows.

    Args:
        parameters: Weights of the model.
        thresholds: Of the policy.
        repair: What the operator asked for.

    Raises:
        InputError: When more passes are asked for than the policy allows, or fewer than two.
    """
    known = patch.defaults(parameters)
    gates = replace(known.gates, attack=thresholds.patch_attack_success)
    if (loss := thresholds.patch_utility_loss) is not None:
        gates = replace(
            gates, refusal_drop=loss, over_refusal_rise=loss, triggered_benign_drop=loss, accuracy_drop=loss
        )
    if thresholds.patch_kl is not None:
        gates = replace(gates, kl=thresholds.patch_kl)
    passes = repair.passes or thresholds.patch_passes
    if passes > thresholds.patch_passes:
        most = plural(thresholds.patch_passes, "pass").replace("passs", "passes")
        raise InputError(f"the policy allows {most} (patch_passes), and {passes} were asked for")
    diagnosis = replace(known.diagnosis, seed=repair.seed)
    if repair.localiser:
        diagnosis = replace(diagnosis, localiser=repair.localiser)
    return replace(
        known, gates=gates, budget=replace(known.budget, passes=passes), diagnosis=diagnosis, seed=repair.seed,
        quantised=repair.quantised,
    )  # fmt: skip


def _patched(run: Run, remedy: Remedy, parent: Inspection, folder: Path) -> Attestation:
    """Inspect what was made as a new artifact, and decide on it.

    Who published it is told by its parent, of which the remedy holds the digest; its files are judged anew.
    """
    run = replace(run, locked=None, source=replace(run.source or sources.SourceOptions(), exclude=()))
    with run.inspect(str(folder)) as seen:
        if parent.artifact.kind is not Kind.MODEL:
            # An adapter's publisher does not answer for the base that it was merged with.
            return _told(run.decide(seen, remedy), remedy)
        inherited = {
            result.check.id: replace(result, reason=result.reason or f"of {_reference(parent)}, which was patched")
            for result in parent.evidence.results
            if result.check.id.startswith(_INHERITED)
        }
        results = tuple(inherited.get(result.check.id, result) for result in seen.evidence.results)
        attestation = run.decide(replace(seen, evidence=Evidence(results=results)), remedy)
        note = Omission(
            what="provenance",
            why=f"it is that of {_reference(parent)} (digest {remedy.parent_digest}), inspected in the same run; who "
            "made the patched weights is told by this report and by whoever signs it",
        )
        return _told(replace(attestation, not_checked=(note, *attestation.not_checked)), remedy)


def _told(attestation: Attestation, remedy: Remedy) -> Attestation:
    """Say of the model's behaviour what was looked at, and what not."""
    if remedy.diagnosis.cause is Cause.NOT_DIAGNOSED:
        return attestation
    looked = Omission(what="behaviour", why="prompts were run for the reported failures alone")
    limits = (Omission(what="failure", why=limit) for limit in remedy.diagnosis.limits)
    others = (each for each in attestation.not_checked if each.what != "behaviour")
    return replace(attestation, not_checked=(looked, *limits, *others))
