"""What `gate` and `scan` share: settings in, an attestation out, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.settings import settings_file
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.policy import Policy
    from gatekeeper.sources import SourceOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The options of `gate` and `scan`, as click gives them."""

    reference: str
    policy: str | None
    revision: str | None
    format_: str
    out: Path | None
    offline: bool
    metadata_only: bool
    only: tuple[str, ...]
    skip: tuple[str, ...]
    cache_dir: Path | None
    jobs: int | None
    quiet: bool
    verbose: bool


def run(settings: Settings, *, decides: bool) -> Attestation:
    """Carry out the line for these settings."""
    refuse_own_settings(settings.reference)
    check_out(settings.out)
    from gatekeeper import gate as line
    from gatekeeper import sources
    from gatekeeper.cli.progress import choose

    act = line.gate if decides else line.scan
    return act(
        sources.parse(settings.reference, revision=settings.revision),
        load_policy(settings.policy),
        source=source_options(settings),
        selection=line.Selection(only=settings.only, skip=settings.skip),
        progress=choose(quiet=settings.quiet or settings.format_ == "json"),
    )


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
        cache_dir=settings.cache_dir, offline=settings.offline, metadata_only=settings.metadata_only
    )
    if settings.jobs is None:
        return options
    from dataclasses import replace

    return replace(options, jobs=settings.jobs)


def load_policy(source: str | None) -> Policy:
    """Load a policy and hold the ids that it names against the registry."""
    from gatekeeper import checks, policy

    return policy.load(source, known_checks={check.id: check.describe() for check in checks.ALL})


def check_out(out: Path | None) -> None:
    """Refuse an output that can't work before any work is done.

    Raises:
        InputError: When it is a file of a kind that no report has, or lies in no folder.
    """
    if out is None or out.is_dir() or out.suffix in {"", ".html", ".json"}:
        return
    raise InputError(f"--out {out} is neither a folder nor an .html or .json file")


def show(attestation: Attestation, format_: str, out: Path | None, *, verbose: bool) -> None:
    """Write the reports that were asked for and print one."""
    from gatekeeper import report

    written = _write(attestation, out) if out is not None else {}
    if format_ == "json":
        click.echo(report.to_json(attestation), nl=False)
    elif format_ == "html":
        click.echo(report.to_html(attestation), nl=False)
    else:
        from rich.console import Console

        report.to_console(attestation, Console(highlight=False), verbose=verbose, paths=written)


def _write(attestation: Attestation, out: Path) -> dict[str, Path]:
    from gatekeeper import report

    return report.write_one(attestation, out) if out.suffix and not out.is_dir() else report.write(attestation, out)
