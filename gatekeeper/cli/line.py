"""What `gate` and `scan` share: settings in, an attestation out, and how it is shown."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.options import lock_path
from gatekeeper.cli.settings import settings_file
from gatekeeper.errors import InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.artifact import Reference
    from gatekeeper.attestation import Attestation
    from gatekeeper.lock import LockedModel
    from gatekeeper.policy import Policy
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.sources import SourceOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The options of `gate` and `scan`, as click gives them."""

    reference: str
    policy: str | None
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
    locked: bool = False
    lock: Path | None = None


def run(settings: Settings, *, decides: bool) -> Attestation:
    """Carry out the line for these settings."""
    refuse_own_settings(settings.reference)
    check_out(settings.out)
    from gatekeeper import gate as line
    from gatekeeper import sources
    from gatekeeper.cli.progress import choose

    act = line.gate if decides else line.scan
    reference = sources.parse(settings.reference, revision=settings.revision)
    source = source_options(settings)
    locked = None
    if settings.locked:
        reference, locked = _locked(settings, reference, source)
        source = replace(source, exclude=locked.exclude)
    with results_cache(settings) as results:
        return act(
            reference,
            load_policy(settings.policy),
            source=source,
            selection=line.Selection(only=settings.only, skip=settings.skip),
            progress=choose(quiet=settings.quiet or settings.format == "json"),
            results=results,
            locked=locked,
        )


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
    if not out.is_dir() and out.suffix not in {"", ".html", ".json"}:
        raise InputError(f"--out {printable(str(out))} is neither a folder nor an .html or .json file")
    nearest = next(place for place in (out, *out.absolute().parents) if place.exists())
    folder = nearest.parent if nearest.is_file() and nearest == out and out.suffix else nearest
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"--out {printable(str(out))} can't be made: {printable(str(nearest))} can't be written to",
            hint="choose another place",
        )


def show(attestation: Attestation, format: str, out: Path | None, *, verbose: bool) -> None:
    """Write the reports that were asked for and print one."""
    from gatekeeper import report

    written = write(attestation, out) if out is not None else {}
    if format == "json":
        click.echo(report.to_json(attestation), nl=False)
    elif format == "html":
        click.echo(report.to_html(attestation), nl=False)
    else:
        from rich.console import Console

        report.to_console(attestation, Console(highlight=False), verbose=verbose, paths=written)


def write(attestation: Attestation, out: Path) -> dict[str, Path]:
    """Write the reports of an attestation: into a folder, or one file by its ending."""
    from gatekeeper import report

    return report.write_one(attestation, out) if out.suffix and not out.is_dir() else report.write(attestation, out)
