"""What `gate` and `scan` share: settings in, an attestation out, and how it is shown."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.approving import read_approvals, refuse_approvals_inside
from gatekeeper.cli.options import lock_path
from gatekeeper.cli.settings import settings_file
from gatekeeper.errors import InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.artifact import Reference
    from gatekeeper.attestation import Attestation
    from gatekeeper.decision import Approval
    from gatekeeper.gate import Run
    from gatekeeper.lock import LockedModel
    from gatekeeper.policy import Policy
    from gatekeeper.progress import Progress
    from gatekeeper.repairing import Repair
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.signing import Signer
    from gatekeeper.sources import SourceOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The options of `gate` and `scan`, as click gives them."""

    reference: str
    policy: str | None
    approval: tuple[Path, ...] = ()
    revision: str | None
    format: str
    out: Path | None
    offline: bool
    metadata_only: bool
    exclude: tuple[str, ...]
    only: tuple[str, ...]
    skip: tuple[str, ...]
    cache_dir: Path | None
    no_cache: bool
    jobs: int | None
    quiet: bool
    verbose: bool
    trusted_reference: str | None = None
    deep: bool = False
    base: str | None = None
    """Of an adapter."""

    locked: bool = False
    lock: Path | None = None

    @classmethod
    def of(cls, reference: str, *, out: Path | None = None, **given: Any) -> Settings:
        """Give the settings of a command that has only some of the options."""
        return cls(reference=reference, out=out, **{"metadata_only": False, "only": (), "skip": (), **given})


def run(settings: Settings, *, decides: bool, repair: Repair | None = None) -> Attestation:
    """Carry out the line for these settings; with a repair, that of repair."""
    refuse_own_settings(settings.reference)
    check_out(settings.out)
    chosen = load_policy(settings.policy)
    approvals, disbelieved = read_approvals(settings.approval, chosen, settings.reference, settings.lock)
    if not decides:
        return carry_out(settings, chosen, None)
    return replace(carry_out(settings, chosen, approvals, repair), disbelieved_approvals=disbelieved)


def carry_out(
    settings: Settings, chosen: Policy, approvals: Sequence[Approval] | None, repair: Repair | None = None
) -> Attestation:
    """Carry out the line with a policy and approvals that are read already; without these it decides nothing."""
    from gatekeeper import gate as line
    from gatekeeper import repairing, sources

    reference = sources.parse(settings.reference, revision=settings.revision)
    source = source_options(settings)
    locked = None
    if settings.locked:
        reference, locked = _locked(settings, reference, source)
        source = replace(source, exclude=locked.exclude)
    with results_cache(settings) as results:
        whole = line.Run(
            policy=chosen,
            source=source,
            selection=line.Selection(only=settings.only, skip=settings.skip),
            progress=_progress(settings),
            results=results,
            locked=locked,
            approvals=approvals or (),
            trusted_reference=settings.trusted_reference,
            deep=settings.deep,
            base=settings.base,
        )
        if approvals is None:
            return whole.scan(reference)
        return whole.gate(reference) if repair is None else repairing.gate_failure(reference, whole, repair)


@contextmanager
def adapter_run(settings: Settings, others: Sequence[str] = ()) -> Iterator[Run]:
    """Give the run of a command about adapters on their base: policy, sign-offs, source and cache.

    Args:
        settings: With the first adapter as their reference.
        others: Further adapters. Neither settings nor sign-offs may lie inside anything that is judged.
    """
    from gatekeeper import gate as line

    if settings.base is None:
        raise click.UsageError("Missing option '--base'.")
    judged = (settings.reference, settings.base, *others)
    for reference in judged:
        refuse_own_settings(reference)
    chosen = load_policy(settings.policy)
    for reference in judged:
        refuse_approvals_inside(settings.approval, reference, settings.lock)
    approvals, _ = read_approvals(settings.approval, chosen, settings.reference, settings.lock)
    with results_cache(settings) as results:
        yield line.Run(
            policy=chosen,
            source=source_options(settings),
            progress=_progress(settings),
            results=results,
            approvals=approvals,
        )


def _progress(settings: Settings) -> Progress:
    from gatekeeper.cli.progress import choose

    return choose(quiet=settings.quiet or settings.format == "json")


def _locked(settings: Settings, reference: Reference, source: SourceOptions) -> tuple[Reference, LockedModel]:
    from gatekeeper import lockfile, pinning

    asked, locked = pinning.locked_reference(reference, lockfile.read(lock_path(settings.lock)), source)
    if settings.exclude and set(settings.exclude) != set(locked.exclude):
        told = " ".join(f"--exclude {printable(each)}" for each in locked.exclude) or "nothing left out"
        raise InputError(f"{locked.id} is pinned with {told}", hint="leave --exclude out: the lock says what is meant")
    return asked, locked


def results_cache(settings: Settings) -> AbstractContextManager[SealedCache | None]:
    """Open the cache of answers; without one the run is slower and says the same, so its absence is no error."""
    from gatekeeper.cli.answers import open_answers

    return nullcontext() if settings.no_cache else open_answers(settings.cache_dir)[0]


def refuse_own_settings(reference: str) -> None:
    """Refuse settings that lie inside the folder that is to be judged: whoever made it would choose the policy.

    Raises:
        InputError: Naming the file.
    """
    found = settings_file(Path.cwd())
    folder = Path(reference).expanduser()
    if found is not None and folder.is_dir() and found.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{found} sets options for gatekeeper and lies inside what is to be judged",
            hint="run it from another folder",
        )


def source_options(settings: Settings) -> SourceOptions:
    """Give the source its options; what was not set keeps its default."""
    from gatekeeper.sources import SourceOptions

    options = SourceOptions(
        cache_dir=settings.cache_dir,
        offline=settings.offline,
        metadata_only=settings.metadata_only,
        exclude=settings.exclude,
    )
    return options if settings.jobs is None else replace(options, jobs=settings.jobs)


def load_policy(source: str | None) -> Policy:
    """Load a policy and hold the ids that it names against the registry."""
    from gatekeeper import checks, policy

    return policy.load(source, known_checks={check.id: check.describe() for check in checks.ALL})


def check_out(out: Path | None) -> None:
    """Refuse an output that can't work before any work is done.

    Raises:
        InputError: When it is a file of a kind that no report has, or can't be made where it is to lie.
    """
    if out is None:
        return
    if not out.is_dir() and out.suffix not in {"", ".html", ".json", ".sarif"}:
        raise InputError(f"--out {printable(str(out))} is neither a folder nor an .html, .json or .sarif file")
    nearest = next(place for place in (out, *out.absolute().parents) if place.exists())
    folder = nearest.parent if nearest.is_file() and nearest == out and out.suffix else nearest
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"--out {printable(str(out))} can't be made: {printable(str(nearest))} can't be written to",
            hint="choose another place",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Signing:
    """With what, and in whose name, `gate` writes its verdict."""

    signer: Signer | None
    verifier_id: str


NOTHING: Mapping[str, Path] = MappingProxyType({})

NOT_SIGNED = (
    "The verdict is NOT SIGNED: nobody can tell that it is yours, and `admit` refuses it. "
    "`gatekeeper keygen` makes a key for --key."
)


def show(
    attestation: Attestation,
    format: str,
    out: Path | None,
    *,
    verbose: bool,
    signing: Signing | None = None,
    extra: Mapping[str, Path] = NOTHING,
) -> None:
    """Write the reports that were asked for, a verdict beside them where one is to be signed, and print one report.

    Args:
        attestation: What to show.
        format: What to print.
        out: Where reports go; a folder gets the verdict too.
        verbose: Whether to say more.
        signing: None when no verdict is wanted.
        extra: Name → path of what else was written, to be named.
    """
    from gatekeeper import report

    written, note = save(attestation, out, signing)
    if format == "json":
        click.echo(report.to_json(attestation), nl=False)
    elif format == "html":
        click.echo(report.to_html(attestation), nl=False)
    elif format == "sarif":
        click.echo(report.to_sarif(attestation), nl=False)
    else:
        from rich.console import Console

        report.to_console(attestation, Console(highlight=False), verbose=verbose, paths={**written, **extra})
    if note:
        click.echo(note, err=format != "text")


def save(attestation: Attestation, out: Path | None, signing: Signing | None) -> tuple[dict[str, Path], str]:
    """Write the reports that were asked for, and a verdict beside them; give the files, and what to know of it."""
    written = _write(attestation, out) if out is not None else {}
    if signing is None:
        return written, ""
    paths, note = _write_verdict(attestation, None if out and is_one_file(out) else written.get("json"), signing)
    return written | paths, note


def _write(attestation: Attestation, out: Path) -> dict[str, Path]:
    from gatekeeper import report

    return report.write_one(attestation, out) if is_one_file(out) else report.write(attestation, out)


def is_one_file(out: Path) -> bool:
    """Whether `--out` names a single report."""
    return bool(out.suffix) and not out.is_dir()


def _write_verdict(attestation: Attestation, report: Path | None, signing: Signing) -> tuple[dict[str, Path], str]:
    """Write the verdict beside the report that it names; give its files, and what a person should know of it."""
    from gatekeeper import attest

    if report is None:
        return {}, "No verdict was written: it goes beside report.json, into a folder (--out FOLDER)."
    # The report is a new one by now: should signing fail, an older verdict would lie beside it as if it were its own.
    attest.remove(report.parent)
    if why := attest.refusal(attestation):
        return {}, f"No verdict was written: {why}."
    written = attest.write(
        attestation,
        report.parent,
        signing.signer,
        report_sha256=hashlib.sha256(report.read_bytes()).hexdigest(),
        verifier_id=signing.verifier_id,
    )
    return written, "" if signing.signer else NOT_SIGNED
