"""`gatekeeper verify`: what a signed file is, who signed it and what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.admit import read_bytes
from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import TEXT_OR_JSON, complete_paths, option
from gatekeeper.errors import InputError
from gatekeeper.signing import OMS
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.attest import Inspection, Verdict
    from gatekeeper.signing import Statement

_SHOWN = 10
"""Files that are listed."""


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path), shell_complete=complete_paths)
@option("--key", of="verify", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
        help="Public key that is believed; of several, any one.")  # fmt: skip
@TEXT_OR_JSON
def command(file: Path, key: tuple[Path, ...], format: str) -> int:
    """Verify FILE, a verdict, a sign-off or a bundle, and print what it says.

    FILE is a *.intoto.jsonl or *.intoto.json file, a Sigstore bundle that a key signed, or a folder with a verdict; a
    report.json in that folder must be the one that the verdict names. Files of models are not looked at: `gatekeeper
    admit` does that, and `gatekeeper gate` verifies a publisher's model.sig.

    Exits with 0 when a given key signed it, 1 when not: whatever it says is then anybody's word.

    \b
    Examples:
      gatekeeper verify verdict/ --key gatekeeper.pub
      gatekeeper verify approvals/tide-7b.intoto.json --key lead.pub --format json
    """
    from gatekeeper import attest
    from gatekeeper.signing import read_public_key

    keys = [read_public_key(path) for path in key]
    found = attest.inspect(read_bytes(file / attest.VERDICT_FILE if file.is_dir() else file), keys)
    report = _report(found.verdict, file) if found.verdict and file.is_dir() else None
    if format == "json":
        click.echo(json.dumps({**_document(found), "report_matches": report}, indent=2))
    else:
        _print(found, file, report)
    return int(not found.verified_by or report is False)


def _report(verdict: Verdict, folder: Path) -> bool | None:
    """Say whether the report beside a verdict is the one that it names; None when there is none."""
    path = folder / "report.json"
    if not path.exists() and not path.is_symlink():
        return None
    if not path.is_file():  # a link to nothing or a device is not the report that was signed for
        return False
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == verdict.decision.report_sha256
    except OSError as error:
        raise InputError(
            f"{printable(str(path), 400)} can't be read: {error.strerror}", hint="check its rights"
        ) from error


def _document(found: Inspection) -> dict[str, Any]:
    return {
        "what": printable(found.what, 400),
        "signed": found.signed,
        "verified_by": found.verified_by,
        "refusal": found.refusal,
        "key_hints": [printable(each, 100) for each in found.key_ids],
        "statements": [
            {
                "predicate_type": printable(each.predicate_type),
                "subjects": len(each.subjects),
                "predicate": each.predicate,
            }
            for each in found.statements
        ],
    }


def _print(found: Inspection, file: Path, report: bool | None) -> None:
    if found.verified_by:
        head = click.style("VERIFIED", fg="green", bold=True)
    else:
        head = click.style("NOT VERIFIED" if found.signed else "NOT SIGNED", fg="red", bold=True)
    click.echo(f"{head}  {printable(str(file), 400)}")
    entry("  what     ", found.what)
    if found.verified_by:
        entry("  signed   ", f"by the key {found.verified_by}")
    else:
        entry("  signed   ", found.refusal, "whatever stands below is anybody's word")
        hint = "".join(dict.fromkeys(found.key_ids))
        if hint:
            entry("           ", f"it claims the key {hint}")
    lines = _verdict(found.verdict) if found.verdict else (line for each in found.statements for line in _any(each))
    told = list(lines)
    width = max([8, *(len(name) for name, _ in told)]) + 1
    for name, words in told:
        entry(f"  {name:<{width}}", words)
    if OMS in {each.predicate_type for each in found.statements}:
        entry(
            "  note     ", "`gatekeeper gate` verifies a publisher's signature, with the model and the policy's signers"
        )
    if report is not None:
        entry(
            "           ",
            "the report.json beside it is this one" if report else "the report.json beside it is ANOTHER one",
        )


def _verdict(verdict: Verdict) -> Iterator[tuple[str, str]]:
    summary, decision = verdict.summary, verdict.decision
    yield "verdict", f"{decision.verdict.value} by row {decision.row} ({summary.verification_result.value})"
    yield "because", decision.because
    yield "about", summary.resource_uri
    yield "when", f"{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "who", summary.verifier.id
    yield "policy", f"{decision.policy.name}, {decision.policy.digest}"
    yield "levels", ", ".join(summary.verified_levels)
    for waiver in decision.waivers:
        yield "waiver", f"{waiver.state.value}: {waiver.finding} by {waiver.approver} until {waiver.expires}"
    for use in decision.approvals:
        approval = use.approval
        yield "sign-off", f"{use.state.value}: {approval.by} until {approval.expires}: {approval.reason}"
        if approval.sha256:
            yield "", f"its envelope has sha256 {approval.sha256}"
    yield "findings", f"{decision.findings_total}; not checked: {plural(decision.not_checked_total, 'point')}"
    if decision.artifact.excluded:
        yield "left out", f"{plural(len(decision.artifact.excluded), 'file')}, of which it says nothing"
    yield from _files(list(verdict.files.items()))
    yield "report", f"report.json, sha256 {decision.report_sha256}"


def _files(files: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield "files", plural(len(files), "file")
    for path, digest in files[:_SHOWN]:
        yield "", f"{digest[:16]}…  {printable(path, 200)}"
    if len(files) > _SHOWN:
        yield "", f"and {len(files) - _SHOWN:,} more"


def _any(statement: Statement) -> Iterator[tuple[str, str]]:
    """Say a statement of any kind: the plain values of its predicate, and its subjects."""
    for name, value in statement.predicate.items():
        if isinstance(value, int | float) or (isinstance(value, str) and value):
            yield printable(name, 24), str(value)
        elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            yield printable(name, 24), ", ".join(value[:_SHOWN])
    digests = [(each.name, next(iter(each.digest.values()))) for each in statement.subjects]
    yield from _files(digests)
