"""`gatekeeper audit-report`: one page and one document over many attestations."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.options import LOCK, QUIET, complete_paths, option
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.report import AuditReport, Earlier, LockInput, Record

_NAME = "audit-report"


@click.command(_NAME)
@click.argument("attestations", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=complete_paths)
@option(
    "--out",
    "-o",
    of=_NAME,
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/audit"),
    show_default=True,
    metavar="DIR",
    help="Where audit.html and audit.json go.",
)
@LOCK
@option(
    "--key",
    of=_NAME,
    multiple=True,
    shell_complete=complete_paths,
    metavar="FILE",
    help="Public key that verdicts may be signed with; may be repeated.",
)
@option(
    "--since",
    of=_NAME,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Earlier audit.json: say what changed since.",
)
@option(
    "--max-age",
    of=_NAME,
    default="90d",
    show_default=True,
    metavar="DAYS",
    help="Age above which a verdict is stale, in days.",
)
@option("--now", of=_NAME, metavar="DATE", help="Report as of this day or time (UTC).  [default: now]")
@QUIET
def command(
    attestations: tuple[Path, ...],
    out: Path,
    lock: Path | None,
    key: tuple[str, ...],
    since: Path | None,
    max_age: str,
    now: str | None,
    quiet: bool,
) -> int:
    """Report over ATTESTATIONS, report.json files or folders that hold them: what is deployed, and by which verdicts.

    The page tells what needs a person: verdicts that are not allow, stale or not signed, waivers and approvals that
    end, models without an attestation, and what changed. Nothing is judged anew. A verdict.intoto.jsonl beside a
    report is verified with --key.

    Exits with 0 when the report was written, whatever it says, and with 2 when an input can't be used; nothing is
    written then.

    \b
    Examples:
      gatekeeper audit-report reports/ --lock gatekeeper.lock --key release.pub
      gatekeeper audit-report reports/ --out audits/2026-11 --since audits/2026-10/audit.json
    """
    from gatekeeper import report

    moment = _moment(now)
    audit = report.assemble(
        _records(attestations, key, quiet=quiet),
        now=moment,
        max_age_days=_days(max_age),
        lock=_lock(lock),
        earlier=_earlier(since) if since else None,
    )
    paths = report.write_audit(audit, out)
    _tell(audit, paths)
    return 0


def _records(places: tuple[Path, ...], keys: tuple[str, ...], *, quiet: bool) -> list[Record]:
    from gatekeeper import report
    from gatekeeper.cli.progress import choose
    from gatekeeper.cli.verdict_states import VerdictStates

    states = VerdictStates(tuple(Path(each) for each in keys))
    paths = report.find(places)
    records = []
    with choose(quiet=quiet).task("reading", len(paths), "reports") as advance:
        for path in paths:
            given = report.read_input(path)
            records.append(report.record(states.of(given, path)))
            advance(1)
    return records


def _lock(given: Path | None) -> LockInput | None:
    """Read the lock that was given, or the nearest one; None when there is none."""
    from gatekeeper import lockfile, report

    path = given or lockfile.find()
    if path is None:
        return None
    return report.LockInput(lock=lockfile.read(path), source=str(path), digest=hashlib.sha256(_read(path)).hexdigest())


def _earlier(path: Path) -> Earlier:
    from gatekeeper import report

    data = _read(path)
    try:
        return report.Earlier(audit=report.from_audit_json(data), digest=hashlib.sha256(data).hexdigest())
    except InputError as error:
        raise InputError(f"{printable(str(path), 400)}: {error.message}", hint=error.hint) from error


def _read(path: Path) -> bytes:
    from gatekeeper.limits import DEFAULT_LIMITS

    try:
        with path.open("rb") as stream:
            return stream.read(DEFAULT_LIMITS.report_bytes + 1)
    except OSError as error:
        raise InputError(f"{printable(str(path), 400)} can't be read: {error.strerror}") from error


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--now {printable(text, 80)!r} is no day or time", hint="write 2026-11-23 or 2026-11-23T10:00:00Z"
        ) from error


def _days(text: str) -> int:
    digits = text.removesuffix("d")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise InputError(f"--max-age {printable(text, 80)!r} is no number of days", hint="write 90d")
    return int(digits)


def _tell(audit: AuditReport, paths: dict[str, Path]) -> None:
    from gatekeeper.cli.layout import entry

    fleet = f"{plural(len(audit.fleet), 'model')}, {plural(len(audit.reports), 'attestation')}"
    click.echo(click.style(fleet, bold=True))
    for item in audit.attention:
        entry("- ", item.words)
    if not audit.attention:
        click.echo("Nothing that needs a person, of what this report looks at.")
    click.echo()
    for path in paths.values():
        click.echo(printable(str(path), 400))
