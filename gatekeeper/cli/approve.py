"""`gatekeeper approve`: somebody answers for one artifact, until a day."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli import options
from gatekeeper.cli.approving import approvals_folder, file_name, refuse_inside
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, carry_out, load_policy, refuse_own_settings
from gatekeeper.cli.signing import signer_of
from gatekeeper.decision import Action, Approval
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.policy import Policy
    from gatekeeper.signing import Signer

_SPAN = re.compile(r"([1-9][0-9]{0,3})d")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@click.command("approve")
@click.argument("reference", required=False, shell_complete=options.complete_paths)
@options.option("--by", of="approve", metavar="NAME", help="Who answers for it.  [required]")
@options.option("--reason", of="approve", metavar="TEXT", help="Why it may be deployed.  [required]")
@options.option(
    "--expires",
    of="approve",
    metavar="DATE|DAYS",
    help="Last day (UTC) on which it counts: 2026-12-31, or 30d.  [required]",
)
@options.option("--ticket", of="approve", default="", metavar="ID", help="Where it was discussed.")
@options.option(
    "--attestation",
    of="approve",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sign off what this report.json says, instead of judging REFERENCE now.",
)
@options.SIGNING
@options.option(
    "--out",
    "-o",
    of="approve",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the approval goes.  [default: approvals, beside the lock; without a lock, here]",
)
@options.option("--force", of="approve", is_flag=True, help="Replace the approval that is there for the same bytes.")
@options.POLICY
@options.LOCK
@options.REVISION
@options.TEXT_OR_JSON
@options.OFFLINE
@options.EXCLUDE
@options.CACHE_DIR
@options.NO_CACHE
@options.JOBS
@options.QUIET
@options.VERBOSE
def command(
    reference: str | None,
    by: str | None,
    reason: str | None,
    expires: str | None,
    ticket: str,
    attestation: Path | None,
    key: str | None,
    signer_command: str | None,
    signer_public_key: Path | None,
    out: Path | None,
    force: bool,
    **line: Any,
) -> int:
    """Sign off REFERENCE after `gate` said audit or escalate.

    REFERENCE is judged now, or --attestation names the report of a run. The approval is bound to these very bytes and
    to this very policy; it covers the row, the findings and the unknown checks that it prints, and nothing that comes
    later. `gate` then allows the model until the day named, unless a law forbids it. What the policy discards or
    patches can't be signed off.

    Where the policy lists approvers, one of their keys must sign; elsewhere the approval may be unsigned, and the
    review that brings the file into the repository is its proof.

    Exits with 1 when there is nothing to sign off, or nobody may.

    \b
    Examples:
      gatekeeper approve org/name@0123456789abcdef0123456789abcdef01234567 --by ana@example.org \\
        --reason "the remote code was read" --expires 30d --key ana.key
      gatekeeper approve --attestation reports/report.json --by ana --reason "see SEC-88" --expires 2026-12-31
    """
    given = {"--by": by, "--reason": reason, "--expires": expires}
    if missing := [name for name, value in given.items() if not value]:
        raise click.UsageError(f"{missing[0]} is missing: a sign-off says who, why and until when")
    if (reference is None) == (attestation is None):
        raise click.UsageError("give a REFERENCE, or --attestation with the report of a run")
    today, folder = datetime.now(UTC).date(), out or approvals_folder(line["lock"])
    chosen = load_policy(line["policy"])
    last = _last_day(str(expires), today, chosen)
    signer = signer_of(key, signer_command, signer_public_key)
    approver = _approver(signer, chosen)
    judged = _read(attestation, chosen) if attestation else _judge(str(reference), chosen, folder, line)
    if why := _refusal(judged):
        _say_no(judged, why, line["format"])
        return 1
    verdict, subject = judged.verdict, judged.subject
    approval = Approval(
        reference=printable(f"{subject.name}@{subject.commit}" if subject.commit else subject.reference, 500),
        subject=f"sha256:{subject.digest}",
        policy_digest=verdict.policy_digest,
        action=verdict.action,
        row=verdict.row,
        findings=_words(judged, "findings.ids"),
        unknown=_words(judged, "checks.unknown"),
        by=str(by),
        reason=str(reason),
        ticket=ticket,
        created=today,
        expires=last,
        signer=approver,
    )
    path, digest = _write(approval, judged, signer, folder, force=force)
    _show(replace(approval, sha256=digest), judged, path, signed=signer is not None, format=line["format"])
    return 0


def _last_day(text: str, today: date, policy: Policy) -> date:
    longest = policy.thresholds.approval_max_days
    hint = f"at most {plural(longest, 'day')} from now (approval_max_days of the policy)"
    span = _SPAN.fullmatch(text)
    try:
        if span:
            last = today + timedelta(days=int(span[1]))
        elif _DAY.fullmatch(text):
            last = date.fromisoformat(text)
        else:
            raise ValueError("neither a day nor a number of days")
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--expires {printable(text, 40)!r} is no day", hint=f"write 2026-12-31, or 30d; {hint}"
        ) from error
    if last < today:
        raise InputError(f"--expires {last.isoformat()} is over", hint=hint)
    if (last - today).days > longest:
        raise InputError(f"--expires {last.isoformat()} is {plural((last - today).days, 'day')} away", hint=hint)
    return last


def _approver(signer: Signer | None, policy: Policy) -> str:
    """Name the approver whose key signs; empty when the policy lists none."""
    from gatekeeper.signing import load_public_key

    if not policy.approvers:
        return ""
    names = ", ".join(approver.name for approver in policy.approvers)
    if signer is None:
        raise InputError("the policy lists approvers, so an approval must be signed", hint=f"--key of one of: {names}")
    for approver in policy.approvers:
        if load_public_key(approver.key).key_id == signer.key_id:
            return approver.name
    raise InputError(
        f"the key {signer.key_id[:12]}… is none of the policy's approvers",
        hint=f"sign with the key of one of: {names}; or list it under approvers",
    )


def _judge(reference: str, policy: Policy, out: Path, line: dict[str, Any]) -> Attestation:
    refuse_own_settings(reference)
    refuse_inside(out, reference)
    settings = Settings(reference=reference, approval=(), out=None, metadata_only=False, only=(), skip=(), **line)
    return carry_out(settings, policy, ())


def _read(path: Path, policy: Policy) -> Attestation:
    from gatekeeper import report

    judged = report.read(path)
    if judged.decision is None:
        raise InputError(f"{printable(str(path))} is of a scan, which decides nothing", hint="sign off what gate said")
    if judged.decision.policy_digest != policy.digest:
        raise InputError(
            f"{printable(str(path))} was decided by another policy than {printable(policy.name)}",
            hint="name the same one with --policy, or gate again",
        )
    return judged


def _refusal(judged: Attestation) -> str:
    """Say why there is nothing to sign off, or nobody may; empty when somebody may."""
    from gatekeeper.policy import obstacle

    if judged.verdict.action is Action.ALLOW:
        return f"it is allowed already, by {judged.verdict.row}"
    if not judged.subject.digest:
        return "its bytes were not all hashed, so nothing can be bound to them"
    return obstacle(judged.verdict, judged.findings)


def _words(judged: Attestation, fact: str) -> tuple[str, ...]:
    value = judged.verdict.facts.get(fact, ())
    return tuple(sorted(value)) if isinstance(value, tuple) else ()


def _write(
    approval: Approval, judged: Attestation, signer: Signer | None, out: Path, *, force: bool
) -> tuple[Path, str]:
    """Write the file; give its path, and the digest of its bytes."""
    from gatekeeper.atomic import atomic_write
    from gatekeeper.attest import approval_statement
    from gatekeeper.signing import envelope_json, sign, statement_json, unsigned

    path = out / file_name(judged.subject)
    if (path.exists() or path.is_symlink()) and not force:
        raise InputError(f"{printable(str(path), 400)} is there already", hint="--force replaces it")
    payload = statement_json(approval_statement(approval, judged.subject.files))
    envelope = sign(payload, signer) if signer else unsigned(payload)
    data = f"{envelope_json(envelope)}\n".encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data)
    except OSError as error:
        raise InputError(
            f"{printable(str(path), 400)} can't be written: {error.strerror}", hint="choose another place with --out"
        ) from error
    return path, hashlib.sha256(data).hexdigest()


def _say_no(judged: Attestation, why: str, format: str) -> None:
    verdict = judged.verdict
    if format == "json":
        told = {"action": verdict.action.value, "row": verdict.row, "because": verdict.because}
        click.echo(json.dumps({"approval": None, "file": None, "why": why, "decision": told}, indent=2))
        return
    click.echo(f"NOT SIGNED OFF  {printable(judged.subject.name)}")
    entry("  ", why)
    entry("  ", f"{verdict.row} said {verdict.action.value}: {verdict.because}", verdict.ask)


def _show(approval: Approval, judged: Attestation, path: Path, *, signed: bool, format: str) -> None:
    if format == "json":
        click.echo(
            json.dumps({"approval": asdict(approval), "signed": signed, "file": str(path)}, indent=2, default=str)
        )
        return
    click.echo(f"SIGNED OFF  {printable(approval.reference, 500)}")
    entry("  bytes    ", approval.subject)
    entry("  row      ", f"{approval.row} said {approval.action.value}: {judged.verdict.because}")
    titles = {finding.id: f"{finding.title} ({finding.severity.label})" for finding in judged.findings}
    for number, finding in enumerate(approval.findings):
        entry("           " if number else "  open     ", f"{finding}: {titles.get(finding, '')}")
    for number, check in enumerate(approval.unknown):
        entry("           " if number else "  unknown  ", check)
    days = (approval.expires - approval.created).days
    entry("  until    ", f"{approval.expires.isoformat()} ({plural(days, 'day')})")
    ticket = f" [{approval.ticket}]" if approval.ticket else ""
    entry("  by       ", f"{approval.by}: {approval.reason}{ticket}")
    entry("  signed   ", _signed(approval, signed))
    entry("  written  ", str(path))


def _signed(approval: Approval, signed: bool) -> str:
    if approval.signer:
        return f"by {approval.signer}, whom the policy lists"
    if signed:
        return "yes, but the policy lists no approvers: nobody will hold the signature against a key"
    return "no: the review that brings this file in is its proof"
