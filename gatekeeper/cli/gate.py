"""`gatekeeper gate`: decide whether a model may be deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.line import Settings, Signing, is_one_file, run, show
from gatekeeper.cli.options import LINE, LOCK, LOCKED, SIGNING, VERIFIER_ID, complete_paths, option
from gatekeeper.cli.repair import FAILURE, REPAIR, among_processes, repair_of, taken, write_remedy
from gatekeeper.cli.signing import signer_of
from gatekeeper.decision import Action

if TYPE_CHECKING:
    from gatekeeper.repairing import Repair


@click.command("gate")
@click.argument("reference", required=False, shell_complete=complete_paths)
@LOCKED
@LOCK
@LINE
@SIGNING
@VERIFIER_ID
@FAILURE
@option("--patch", of="gate", is_flag=True, help="Repair it where the table says patch; needs --out FOLDER.")
@REPAIR
@among_processes
def command(
    reference: str | None,
    failure: tuple[Path, ...],
    patch: bool,
    key: str | None,
    signer_command: str | None,
    signer_public_key: Path | None,
    verifier_id: str,
    **given: Any,
) -> int:
    """Fetch exactly what REFERENCE names, check it, and decide by the policy.

    REFERENCE is org/name@commit, hf://org/name@commit, an address on the Hub, a folder or a file. A branch or tag is
    resolved to its commit once, and is not pinned.

    With --locked, org/name means the commit that gatekeeper.lock pins, every file is held against it, and a branch
    that has moved since is refused, with what changed. Without a REFERENCE every model of the lock is gated.

    With --out FOLDER a verdict is written beside the reports (verdict.intoto.jsonl), signed with --key or
    --signer-command; `gatekeeper admit` verifies it where the model is deployed.

    With --failure, what somebody saw the model do, the failure is diagnosed and the table decides with its cause; with
    --patch, too, what can be repaired is repaired into --out FOLDER (patched/), and the verdict is about the patched
    model. `gatekeeper patch` does the same for its own sake.

    Exits with 0 for allow, 1 for any other action, 2 when the input is wrong, 3 when nothing could be decided; for
    many models with the worst of these.

    \b
    Examples:
      gatekeeper gate org/name@0123456789abcdef0123456789abcdef01234567
      gatekeeper gate ./model --policy gatekeeper.yaml --out reports/ --key gatekeeper.key
      gatekeeper gate org/name --metadata-only --format json
      gatekeeper gate --locked
      gatekeeper gate ./model --failure failure.json --patch --out reports/
    """
    if reference is None and not given["locked"]:
        raise click.UsageError("Missing argument 'REFERENCE'.")
    options = taken(given)
    settings = Settings(reference=reference or "", base=options["base"] or None, **given)
    _refuse_misuse(settings, failure, patch)
    # Before the work: hours of downloads must not end in a key that can't be read.
    signer = signer_of(key, signer_command, signer_public_key)
    wanted = signer is not None or (settings.out is not None and not is_one_file(settings.out))
    signing = Signing(signer=signer, verifier_id=verifier_id) if wanted else None
    if reference is None:
        from gatekeeper.cli.fleet import gate_all

        return gate_all(settings, signing)
    repair = _repair(settings, failure, options, patch=patch)
    attestation = run(settings, decides=True, repair=repair)
    extra = write_remedy(attestation, settings.out)
    show(attestation, settings.format, settings.out, verbose=settings.verbose, signing=signing, extra=extra)
    return int(attestation.verdict.action is not Action.ALLOW)


def _repair(settings: Settings, failures: tuple[Path, ...], options: dict[str, Any], *, patch: bool) -> Repair | None:
    return repair_of(settings.reference, failures, options, settings.out if patch else None) if failures else None


def _refuse_misuse(settings: Settings, failures: tuple[Path, ...], patch: bool) -> None:
    if failures and not settings.reference:
        raise click.UsageError("--failure is about one model: name it.")
    if patch and not failures:
        raise click.UsageError("--patch needs --failure: nothing is repaired that nobody saw fail.")
    if patch and (settings.out is None or is_one_file(settings.out)):
        raise click.UsageError("--patch needs --out FOLDER: the patched model goes there.")
