"""The line: reference → artifact → evidence → decision → attestation. The only file that knows the order.

Each stage takes the noun on its left and gives the one on its right; none knows the others. Time is read once, here,
and passed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gatekeeper import checks, policy, sources, tensors
from gatekeeper.artifact import Artifact, ArtifactFile, Kind, Reference, Scheme
from gatekeeper.attestation import Attestation, Omission, Subject, SubjectFile
from gatekeeper.errors import InputError
from gatekeeper.evidence import CheckResult, Evidence, Gap, Hazard, Status
from gatekeeper.progress import SILENT, Progress

if TYPE_CHECKING:
    from gatekeeper.policy import Policy
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.sources import SourceOptions

_TOOLS = (
    "gatekeeper-models",
    "huggingface-hub",
    "hayward",
    "picklescan",
    "detect-secrets",
    "cel-expr-python",
    "pyyaml",
)
"""Distributions that can change an answer."""

_CONVERTERS = ("torch", "safetensors", "numpy")
"""Distributions that write what `convert` makes."""

_STANDING = (
    Omission(what="behaviour", why="no prompt was run: what the model answers was not looked at"),
    Omission(what="weights", why="tensor values were hashed, not judged: a backdoor in them leaves no mark in a file"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which checks to run; the others end unknown, so that leaving one out is never taken for a pass."""

    only: tuple[str, ...] = ()
    """When not empty, no other check is run."""

    skip: tuple[str, ...] = ()

    def refusal(self, check_id: str) -> str:
        """Say why a check is left out; empty when it is to be run."""
        if check_id in self.skip:
            return "left out by --skip"
        if self.only and check_id not in self.only:
            return "left out by --only"
        return ""

    def validate(self, known: Collection[str]) -> None:
        """Refuse ids that no check has.

        Raises:
            InputError: Naming the unknown id.
        """
        for check_id in (*self.only, *self.skip):
            if check_id not in known:
                raise InputError(f"no check is called {check_id!r}", hint="`gatekeeper explain` lists all checks")


ALL_CHECKS = Selection()

_FILE_CHECKS = Selection(only=tuple(check.id for check in checks.ALL if check.id.startswith("files/")))
"""What judges bytes alone; who published them does not make a pickle safe to load, or unsafe."""

_NEVER_LOADED = frozenset({Hazard.PAYLOAD, Hazard.TAMPERED, Hazard.IMPLANT})


def gate(
    reference: str | Reference,
    deployer_policy: Policy | None = None,
    *,
    source: SourceOptions | None = None,
    selection: Selection = ALL_CHECKS,
    progress: Progress = SILENT,
    now: datetime | None = None,
    results: SealedCache | None = None,
) -> Attestation:
    """Fetch what a reference names, gather evidence, decide.

    Args:
        reference: As `gatekeeper.sources.parse` reads it.
        deployer_policy: The decision table; None for the default one.
        source: Cache, network and limits; None for the defaults.
        selection: Which checks to run.
        progress: Told how far long work has come.
        now: The time of the decision, UTC; None for the clock.
        results: Where answers about files are kept for the next run; None for nowhere.

    Returns:
        The attestation, whose `decision` is never None.

    Raises:
        GatekeeperError: When nothing could be decided; its class says whose turn it is.
    """
    chosen = deployer_policy if deployer_policy is not None else policy.load()
    moment = now or datetime.now(UTC)
    return _run(reference, chosen, source, selection, progress, moment, results, decides=True)


def scan(
    reference: str | Reference,
    deployer_policy: Policy | None = None,
    *,
    source: SourceOptions | None = None,
    selection: Selection = ALL_CHECKS,
    progress: Progress = SILENT,
    now: datetime | None = None,
    results: SealedCache | None = None,
) -> Attestation:
    """Gather evidence and decide nothing: as `gate`, but `decision` is None.

    The policy only tells the checks whom the deployer trusts.
    """
    chosen = deployer_policy if deployer_policy is not None else policy.load()
    moment = now or datetime.now(UTC)
    return _run(reference, chosen, source, selection, progress, moment, results, decides=False)


def convert(
    reference: str | Reference,
    destination: Path,
    *,
    key: str = "",
    copy_code: bool = False,
    source: SourceOptions | None = None,
    progress: Progress = SILENT,
    now: datetime | None = None,
) -> tensors.Conversion:
    """Make a folder of safetensors out of honest torch files; the file checks judge what goes in and what comes out.

    Args:
        reference: As `gatekeeper.sources.parse` reads it.
        destination: Folder to be made; it appears whole or not at all.
        key: Where the state dict lies in each file; empty to look for it.
        copy_code: Whether Python files are copied.
        source: Cache, network and limits; None for the defaults.
        progress: Told how far long work has come.
        now: The time in the record, UTC; None for the clock.

    Returns:
        What was made; with `refusals` when nothing was.

    Raises:
        GatekeeperError: When it can't be tried: its class says whose turn it is.
    """
    tensors.require_torch()
    asked = sources.parse(reference) if isinstance(reference, str) else reference
    options = source or sources.SourceOptions()
    moment = now or datetime.now(UTC)
    place = tensors.check_destination(destination, None if asked.scheme is Scheme.HUB else Path(asked.name))
    with sources.open_artifact(asked, options, progress) as artifact:
        steps = tensors.plan(artifact.files, _head, copy_code=copy_code)
        loaded = frozenset(str(step.file.path) for step in steps if step.fate is tensors.Fate.CONVERTED)
        if not loaded:
            hint = tensors.why_nothing(steps) or "safetensors and GGUF need no conversion"
            raise InputError(f"{asked} holds no torch file to convert", hint=hint)
        known = tensors.Conversion(
            reference=str(asked),
            commit=artifact.commit,
            digest=artifact.digest,
            created_at=moment,
            tool_versions=tool_versions(names=(*_TOOLS, *_CONVERTERS)),
            checks={check.id: check.version for check in checks.ALL if check.id in _FILE_CHECKS.only},
        )
        refusals = _objections(artifact, loaded, options, moment, progress)
        if refusals:
            return replace(known, refusals=refusals)

        def inspect(folder: Path) -> tuple[tensors.Refusal, ...]:
            made = frozenset(str(step.target) for step in steps if step.fate is tensors.Fate.CONVERTED)
            with sources.open_artifact(sources.parse(str(folder)), options, progress) as result:
                return _objections(result, made, options, moment, progress)

        converter = tensors.Converter(limits=options.limits, key=key, progress=progress)
        return converter.convert(steps, place, known, inspect)


def _head(file: ArtifactFile) -> bytes:
    with file.content.open() as reader:
        return reader.read(16)


def _objections(
    artifact: Artifact, loaded: Collection[str], options: SourceOptions, moment: datetime, progress: Progress
) -> tuple[tensors.Refusal, ...]:
    """Say what speaks against loading some of an artifact's files.

    A payload anywhere does: whoever put it there made the rest too. Of the files that are to be loaded, whatever is
    suspicious does, and whatever a check could not look at.
    """
    context = context_of(policy.load(), moment, options, progress)
    results = collect(artifact, context, _FILE_CHECKS, progress).results
    refusals = [
        tensors.Refusal(path=finding.location.path, reason=f"{finding.id}: {finding.message}")
        for result in results
        for finding in result.findings
        if finding.hazard in _NEVER_LOADED
        or (finding.hazard is Hazard.SUSPICIOUS and finding.location.path.split("!", 1)[0] in loaded)
    ]
    refusals += [
        tensors.Refusal(path=gap.path, reason=f"{result.check.id} could not look at it: {gap.reason}")
        for result in results
        if result.check.id in _FILE_CHECKS.only
        for gap in (result.gaps or (Gap(reason=result.reason),) if result.status is Status.UNKNOWN else ())
        if not gap.path or gap.path.split("!", 1)[0] in loaded
    ]
    return tuple(dict.fromkeys(refusals))


def _run(
    reference: str | Reference,
    chosen: Policy,
    source: SourceOptions | None,
    selection: Selection,
    progress: Progress,
    moment: datetime,
    results: SealedCache | None,
    *,
    decides: bool,
) -> Attestation:
    selection.validate([check.id for check in checks.ALL])
    asked = sources.parse(reference) if isinstance(reference, str) else reference
    options = source or sources.SourceOptions()
    with ExitStack() as resources:
        server = resources.enter_context(checks.scanner_server())

        def make_ready(paths: Collection[str]) -> None:
            # While the files are hashed the scanners can be imported: for those that surely need them.
            if any(checks.promises_code(PurePosixPath(path)) for path in paths):
                server.start()

        if not options.metadata_only and not selection.refusal("files/scanners"):
            options = replace(options, announce=make_ready)
        artifact = resources.enter_context(sources.open_artifact(asked, options, progress))
        context = replace(context_of(chosen, moment, options, progress), results=results, scanner_server=server)
        evidence = collect(artifact, context, selection, progress)
        decision = policy.decide(evidence, chosen, subject=key_of(artifact), now=moment) if decides else None
        return Attestation(
            subject=subject_of(artifact),
            results=evidence.results,
            decision=decision,
            not_checked=omissions(artifact),
            created_at=moment,
            tool_versions=tool_versions(),
        )


def collect(
    artifact: Artifact, context: checks.Context, selection: Selection = ALL_CHECKS, progress: Progress = SILENT
) -> Evidence:
    """Run every selected check in the registry's order."""
    results = []
    with progress.task("checking", len(checks.ALL), "checks") as advance:
        for check in checks.ALL:
            results.append(_result(check, artifact, context, selection.refusal(check.id)))
            advance(1)
    return Evidence(results=tuple(results))


def _result(check: checks.Check, artifact: Artifact, context: checks.Context, refusal: str) -> CheckResult:
    if refusal:
        return CheckResult(check=check.describe(), status=Status.UNKNOWN, reason=refusal, gaps=(Gap(reason=refusal),))
    return checks.inspect(check, artifact, context)


def context_of(chosen: Policy, moment: datetime, options: SourceOptions, progress: Progress = SILENT) -> checks.Context:
    """Give the checks what the deployer expects, as plain data."""
    return checks.Context(
        now=moment,
        trusted_publishers=frozenset(chosen.trusted_publishers),
        denied_publishers=frozenset(chosen.denied_publishers),
        allowed_licences=frozenset(chosen.allowed_licences),
        refused_licences=frozenset(chosen.refused_licences),
        young_repo_days=chosen.thresholds.young_repo_days,
        limits=options.limits,
        progress=progress,
    )


def key_of(artifact: Artifact) -> policy.SubjectKey:
    """Name the artifact as waivers name it."""
    # A commit names all of its files; a subset of them is another thing, which its digest alone names.
    commit = "" if artifact.exclude else artifact.commit
    pinned = str(replace(artifact.reference, revision=commit)) if commit else ""
    return policy.SubjectKey(reference=pinned, commit=commit, digest=artifact.digest)


def subject_of(artifact: Artifact) -> Subject:
    """Describe the artifact without its bytes."""
    platform = artifact.platform
    return Subject(
        reference=str(artifact.reference),
        kind=artifact.kind,
        name=artifact.reference.name,
        requested_revision=artifact.reference.revision,
        commit=artifact.commit,
        digest=artifact.digest,
        files=tuple(
            SubjectFile(path=str(file.path), size=file.size, sha256=file.sha256 or "") for file in artifact.files
        ),
        lineage=artifact.lineage,
        irregularities=artifact.irregularities,
        endpoint=platform.endpoint if platform else "",
        returned_name=platform.returned_id if platform else "",
        commits=(platform.commits or ()) if platform else (),
        metadata_only=artifact.metadata_only,
        offline=artifact.offline,
        exclude=artifact.exclude,
        excluded=artifact.excluded,
    )


def omissions(artifact: Artifact) -> tuple[Omission, ...]:
    """List what no check of this version looks at; what a check could not look at stands in its result."""
    found = []
    if artifact.excluded:
        patterns = ", ".join(artifact.exclude)
        why = f"{len(artifact.excluded)} left out by --exclude ({patterns}): the verdict is not about them"
        found.append(Omission(what="excluded files", why=why))
    if artifact.kind is Kind.ADAPTER:
        found.append(Omission(what="adapter", why="its weights were not compared with those of honest adapters"))
    return (*found, *_STANDING)


def tool_versions(
    installed: Callable[[str], str] = metadata.version, names: Collection[str] = _TOOLS
) -> Mapping[str, str]:
    """Give the versions of Python and of every distribution that can change an answer."""
    versions = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in names:
        try:
            versions[name] = installed(name)
        except metadata.PackageNotFoundError:  # run from a checkout that was never installed
            versions[name] = "not installed"
    return versions
