"""The line of repair: an artifact and what it did wrong in; its diagnosis, the patched artifact, and the verdict out.

inspect → decide → diagnose → decide → patch → inspect the patched artifact → decide. Each step is taken only where the
decision before it asks for it: what the table discards is never loaded, what it does not patch is never changed, and
the patched artifact passes the whole line as a new one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gatekeeper import patch, policy, sources, tensors
from gatekeeper.artifact import Artifact, Kind
from gatekeeper.attestation import Attestation
from gatekeeper.conversion import objections
from gatekeeper.decision import Action
from gatekeeper.errors import ContentChangedError, GatekeeperError, InputError
from gatekeeper.evidence import CheckResult, Evidence
from gatekeeper.gate import ALL_CHECKS, Inspection, Run, key_of
from gatekeeper.hashing import lay
from gatekeeper.patch import FailureCase
from gatekeeper.remedy import Cause, Diagnosis, Remedy
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.tensors.language_model import LanguageModel

_LOADED = frozenset({".gguf", ".jinja", ".json", ".model", ".safetensors", ".txt"})
"""Endings of what a loader of language models is given, from the top of the artifact: never code, never a pickle."""

_INHERITED = "provenance/"
"""Begins the ids of the checks whose answers a patched artifact has from its parent."""


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


def gate_failure(reference: str, run: Run, repair: Repair) -> Attestation:
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
    _check(repair)
    with run.inspect(reference) as seen:
        unknown = _remedy(seen, repair, Cause.NOT_DIAGNOSED, "")
        before = run.decide(seen, unknown)
        if why := _not_loaded(seen, before, run):
            return run.decide(seen, _remedy(seen, repair, Cause.NOT_DIAGNOSED, why))
        remedy = _Workshop(seen=seen, run=run, repair=repair).work()
        attestation = _told(run.decide(seen, remedy))
        if not remedy.verified or repair.out is None:
            return attestation
        parent = attestation
    return _patched(run, remedy, seen, parent, repair.out / patch.MERGED)


def _check(repair: Repair) -> None:
    """Refuse what can't be used before anything is fetched."""
    if not repair.cases:
        raise InputError("no failure was handed in", hint="give at least one with --failure")
    if repair.out is not None:
        tensors.check_destination(repair.out, None)
    patch.load_clean(repair.clean_safe, repair.clean_unsafe)
    patch.judge_named(repair.judge)
    if repair.eval_file is not None:
        patch.load_questions(repair.eval_file)


def _not_loaded(seen: Inspection, before: Attestation, run: Run) -> str:
    """Say why the weights are not loaded; empty when they may be."""
    if before.verdict.action is Action.DISCARD:
        return f"It was not loaded: row {before.verdict.row} discards it, whatever the failure is."
    if seen.artifact.metadata_only:
        return "It was not loaded: the weights were not downloaded (--metadata-only)."
    loaded = [str(file.path) for file in seen.artifact.files if _is_loaded(file.path)]
    found = objections(seen.evidence.results, loaded)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return printable(f"It was not loaded: {found[0].path or 'the whole'}: {found[0].reason}{more}", 600)
    try:
        tensors.require_torch()
    except GatekeeperError as error:
        return f"It was not loaded: {error.message}; {error.hint}"
    if seen.artifact.kind is Kind.GRAPH:
        return "It was not loaded: it is a computational graph, and only language models are repaired."
    return ""


def _is_loaded(path: PurePosixPath) -> bool:
    return len(path.parts) == 1 and path.suffix in _LOADED


def _remedy(seen: Inspection, repair: Repair, cause: Cause, words: str) -> Remedy:
    diagnosis = Diagnosis(cause=cause, words=words, cases=tuple(case.record(show=repair.show) for case in repair.cases))
    return Remedy(
        diagnosis=diagnosis,
        parent_digest=seen.artifact.digest,
        parent_reference=key_of(seen.artifact).reference or str(seen.artifact.reference),
        created_at=seen.moment,
    )


@contextmanager
def _laid_out(artifact: Artifact) -> Iterator[Path]:
    """Give a private folder with what loaders read, and make sure at its end that it was what had been hashed.

    Raises:
        ContentChangedError: When it was not.
    """
    files = [file for file in artifact.files if _is_loaded(file.path)]
    with tempfile.TemporaryDirectory(prefix="gatekeeper-weights-") as name:
        for file in files:
            lay(file.content, Path(name, file.path.name))
        yield Path(name)
        for file in files:
            if not file.content.unchanged():
                raise ContentChangedError(f"{printable(str(file.path))} changed while it was read", hint="run it again")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Workshop:
    """Loads the model and puts it to work."""

    seen: Inspection
    run: Run
    repair: Repair

    def work(self) -> Remedy:
        """Diagnose, and patch where the table asks for it."""
        with ExitStack() as resources:
            folder = resources.enter_context(_laid_out(self.seen.artifact))
            base = resources.enter_context(self._base()) if self.repair.base else None
            try:
                model, relative = self._load(folder, base)
            except InputError as error:
                words = f"It could not be loaded: {error.message}" + (f" ({error.hint})" if error.hint else "")
                return _remedy(self.seen, self.repair, Cause.NOT_DIAGNOSED, words)
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
        run = replace(self.run, selection=ALL_CHECKS, locked=None, approvals=())
        with run.inspect(self.repair.base) as seen:
            loaded = [str(file.path) for file in seen.artifact.files if _is_loaded(file.path)]
            if found := objections(seen.evidence.results, loaded):
                reason = printable(f"{found[0].path or 'the whole'}: {found[0].reason}", 400)
                raise InputError(f"the base is not loaded: {reason}", hint="`gatekeeper scan` says all of it")
            with _laid_out(seen.artifact) as folder:
                yield folder

    def _worked(self, model: LanguageModel, relative: LanguageModel | None) -> Remedy:
        repair = self.repair
        job = patch.Job(
            model=model,
            relative=relative,
            cases=repair.cases,
            clean=patch.load_clean(repair.clean_safe, repair.clean_unsafe),
            settings=self._settings(model.parameters),
            judge=patch.judge_named(repair.judge),
            questions=patch.load_questions(repair.eval_file) if repair.eval_file else (),
            parent_digest=self.seen.artifact.digest,
            show=repair.show,
            reload=self._reload,
        )
        found = patch.repair(
            job, repair.out, resume=repair.resume, may_patch=self._may_patch, progress=self.run.progress, now=_utc
        )
        told = found.diagnosis if model.has_template else _without_template(found.diagnosis)
        known = _remedy(self.seen, repair, Cause.NOT_DIAGNOSED, "")
        return replace(found, diagnosis=told, parent_reference=known.parent_reference)

    def _reload(self, folder: Path) -> LanguageModel:
        return tensors.load_model(folder, device=self.repair.device, progress=self.run.progress)

    def _settings(self, parameters: int) -> patch.PatchSettings:
        return patch.settings_of(
            parameters, self.run.policy.thresholds, passes=self.repair.passes, seed=self.repair.seed,
            quantised=self.repair.quantised, localiser=self.repair.localiser,
        )  # fmt: skip

    def _may_patch(self, diagnosis: Diagnosis) -> bool:
        """Ask the table: it alone says whether weights are changed."""
        if self.repair.out is None:
            return False
        known = _remedy(self.seen, self.repair, diagnosis.cause, diagnosis.words)
        decision = self.run.decide(self.seen, replace(known, diagnosis=diagnosis)).verdict
        return decision.action is Action.PATCH


def _utc() -> datetime:
    return datetime.now(UTC)
