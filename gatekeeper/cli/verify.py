"""`gatekeeper verify`: what a signed file is, who signed it and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.admit import read_bytes
from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import TEXT_OR_JSON, complete_paths, option
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

    FILE is a *.intoto.jsonl or *.intoto.json file, a Sigstore bundle that a key signed, or a folder with a verdict.
    Files of models are not looked at: `gatekeeper admit` does that, and `gatekeeper gate` verifies a publisher's
    model.sig.

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
    if format == "json":
        click.echo(json.dumps(_document(found), indent=2))
    else:
        _print(found, file)
    return int(not found.verified_by)


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


def _print(found: Inspection, file: Path) -> None:
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
    for name, told in lines:
        entry(f"  {name:<9}", told)


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
        yield "sign-off", f"{use.state.value}: {use.approval.by} until {use.approval.expires}: {use.approval.reason}"
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
        if isinstance(value, str | int | float):
            yield printable(name, 24), f" {value}"
        elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            yield printable(name, 24), " " + ", ".join(value[:_SHOWN])
    digests = [(each.name, next(iter(each.digest.values()))) for each in statement.subjects]
    yield from _files(digests)
