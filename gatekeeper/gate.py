"""The line: reference → artifact → evidence → decision → attestation. Here alone its order is known.

Each stage takes the noun on its left and gives the one on its right; none knows the others. Time is read once, here,
and passed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gatekeeper import __version__, checks, policy, sources
from gatekeeper.artifact import Artifact, Kind, Reference
from gatekeeper.attestation import Attestation, Omission, Subject, SubjectFile
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.evidence import CheckResult, Evidence, Gap, Status
from gatekeeper.progress import SILENT, Progress

if TYPE_CHECKING:
    from gatekeeper.decision import Approval
    from gatekeeper.lock import LockedModel
    from gatekeeper.policy import Policy
    from gatekeeper.remedy import Remedy
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.sources import SourceOptions

_OURS = "gatekeeper-models"
TOOLS = (
    _OURS,
    "huggingface-hub",
    "hayward",
    "picklescan",
    "detect-secrets",
    "numpy",
    "scikit-learn",
    "cel-expr-python",
    "pyyaml",
)
"""Distributions that can change an answer."""

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


def gate(
    reference: str | Reference,
    deployer_policy: Policy | None = None,
    *,
    source: SourceOptions | None = None,
    selection: Selection = ALL_CHECKS,
    progress: Progress = SILENT,
    now: datetime | None = None,
    results: SealedCache | None = None,
    locked: LockedModel | None = None,
    approvals: Sequence[Approval] = (),
    trusted_reference: str | Reference | None = None,
    deep: bool = False,
    base: str | Reference | None = None,
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
        locked: What the lock pins for it; None when it is not held against a lock.
        approvals: What people signed off, of any artifact; one counts when it is bound to this one.
        trusted_reference: A model whose graphs are trusted: those of this one are held against them. None for the
            commit that `locked` pins, where it is another one.
        deep: Whether to run whole graphs too, and to write architectures out anew to hold them against.
        base: The model that an adapter is to be laid on: it is held against its modules. None for none.

    Returns:
        The attestation, whose `decision` is never None.

    Raises:
        GatekeeperError: When nothing could be decided; its class says whose turn it is.
    """
    run = Run(
        policy=deployer_policy if deployer_policy is not None else policy.load(), source=source, selection=selection,
        progress=progress, now=now, results=results, locked=locked, trusted_reference=trusted_reference,
        approvals=approvals, deep=deep, base=base,
    )  # fmt: skip
    return run.gate(reference)


def scan(
    reference: str | Reference,
    deployer_policy: Policy | None = None,
    *,
    source: SourceOptions | None = None,
    selection: Selection = ALL_CHECKS,
    progress: Progress = SILENT,
    now: datetime | None = None,
    results: SealedCache | None = None,
    locked: LockedModel | None = None,
    trusted_reference: str | Reference | None = None,
    deep: bool = False,
    base: str | Reference | None = None,
) -> Attestation:
    """Gather evidence and decide nothing: as `gate`, but `decision` is None.

    The policy only tells the checks whom the deployer trusts.
    """
    run = Run(
        policy=deployer_policy if deployer_policy is not None else policy.load(), source=source, selection=selection,
        progress=progress, now=now, results=results, locked=locked, trusted_reference=trusted_reference,
        deep=deep, base=base,
    )  # fmt: skip
    return run.scan(reference)


def _parsed(reference: str | Reference | None) -> Reference | None:
    return sources.parse(reference) if isinstance(reference, str) else reference


def _with_reference(
    context: checks.Context, reference: Reference | None, options: SourceOptions, resources: ExitStack
) -> checks.Context:
    """Open the model whose graphs are trusted. One that can't be opened leaves the check without an answer."""
    if reference is None:
        return context
    try:
        return replace(context, reference=_beside_it(reference, context, options, resources))
    except GatekeeperError as error:
        return replace(context, reference_trouble=f"the reference {reference} can't be opened: {error.message}")


def _with_base(
    context: checks.Context, base: str | Reference | Artifact | None, options: SourceOptions, resources: ExitStack
) -> checks.Context:
    """Open the model that an adapter is to be laid on. One that can't be opened leaves checks without an answer."""
    if base is None or isinstance(base, Artifact):
        return replace(context, base=base)
    try:
        reference = sources.parse(base) if isinstance(base, str) else base
        return replace(context, base=_beside_it(reference, context, options, resources))
    except GatekeeperError as error:
        return replace(context, base_trouble=f"the base {base} can't be opened: {error.message}")


def _beside_it(reference: Reference, context: checks.Context, options: SourceOptions, resources: ExitStack) -> Artifact:
    # What is left out of the one may be all that the other has; a pattern that matches nothing is refused.
    plain = sources.SourceOptions()
    options = replace(options, exclude=plain.exclude, announce=plain.announce)
    return resources.enter_context(sources.open_artifact(reference, options, context.progress))


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """An artifact and what the checks found on it; the artifact can be read while it is open."""

    artifact: Artifact
    evidence: Evidence
    moment: datetime
    """When, UTC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What holds for a whole run, whatever artifacts it inspects."""

    policy: Policy
    source: SourceOptions | None = None
    """Cache, network and limits; None for the defaults."""

    selection: Selection = ALL_CHECKS
    progress: Progress = SILENT
    now: datetime | None = None
    """The time of the decision, UTC; None for the clock."""

    results: SealedCache | None = None
    locked: LockedModel | None = None
    trusted_reference: str | Reference | None = None
    """A model whose graphs are trusted; None for the previously locked commit, where there is one."""

    base: str | Reference | Artifact | None = None
    """The model that an adapter is to be laid on, open already or to be opened; None when it was not named."""

    approvals: Sequence[Approval] = ()
    deep: bool = False
    """Whole graphs are run too, and architectures written out anew to hold them against."""

    def gate(self, reference: str | Reference) -> Attestation:
        """Inspect and decide, as the function of that name."""
        with self.inspect(reference) as seen:
            return self.decide(seen)

    def scan(self, reference: str | Reference) -> Attestation:
        """Inspect and decide nothing."""
        with self.inspect(reference) as seen:
            return _undecided(seen)

    @contextmanager
    def inspect(self, reference: str | Reference) -> Iterator[Inspection]:
        """Open an artifact and let the checks look at it; errors as for `gate`."""
        self.selection.validate([check.id for check in checks.ALL])
        asked = sources.parse(reference) if isinstance(reference, str) else reference
        options = self.source or sources.SourceOptions()
        moment = self.now or datetime.now(UTC)
        with ExitStack() as resources:
            server = resources.enter_context(checks.scanner_server())

            def make_ready(paths: Collection[str]) -> None:
                # While the files are hashed the scanners can be imported: for those that surely need them.
                if any(checks.promises_code(PurePosixPath(path)) for path in paths):
                    server.start()

            if not options.metadata_only and not self.selection.refusal("files/scanners"):
                options = replace(options, announce=make_ready)
            artifact = resources.enter_context(sources.open_artifact(asked, options, self.progress))
            context = context_of(self.policy, moment, options, self.progress)
            context = replace(context, results=self.results, locked=self.locked, scanner_server=server, deep=self.deep)
            if not self.selection.refusal("onnx/reference") and checks.graph_files(artifact, options.limits):
                context = _with_reference(context, self._beside(artifact), options, resources)
            if artifact.kind is Kind.ADAPTER:
                context = _with_base(context, self.base, options, resources)
            evidence = collect(artifact, context, self.selection, self.progress)
            yield Inspection(artifact=artifact, evidence=evidence, moment=moment)

    def _beside(self, artifact: Artifact) -> Reference | None:
        """Name the model whose graphs are trusted; None when there is none, or it is this very commit."""
        if self.trusted_reference is not None or self.locked is None or artifact.commit == self.locked.commit:
            return _parsed(self.trusted_reference)
        return sources.parse(f"hf://{self.locked.id}", revision=self.locked.commit)

    def decide(self, seen: Inspection, remedy: Remedy | None = None) -> Attestation:
        """Decide on what was found.

        Args:
            seen: The artifact with its evidence.
            remedy: What a reported failure comes from and what was done about it; None when none was reported.
        """
        key, approvals = key_of(seen.artifact), self.approvals
        decision = policy.decide(
            seen.evidence, self.policy, subject=key, now=seen.moment, approvals=approvals, remedy=remedy
        )
        return replace(_undecided(seen), decision=decision, remedy=remedy)


def _undecided(seen: Inspection) -> Attestation:
    return Attestation(
        subject=subject_of(seen.artifact),
        results=seen.evidence.results,
        decision=None,
        not_checked=omissions(seen.artifact),
        created_at=seen.moment,
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
        signers=chosen.signers,
        populations=chosen.populations,
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
        why = "what it does to its base's answers: its weights tell how it was trained, not what it says"
        found.append(Omission(what="adapter", why=why))
    return (*found, *_STANDING)


def tool_versions(
    installed: Callable[[str], str] = metadata.version, names: Collection[str] = TOOLS
) -> Mapping[str, str]:
    """Give the versions of Python and of every distribution that can change an answer."""
    versions = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in names:
        try:
            # A checkout may run without being installed, or beside an installed release of another version.
            versions[name] = __version__ if name == _OURS else installed(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
