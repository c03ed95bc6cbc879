"""`gatekeeper gate`: decide whether a model may be deployed."""

from __future__ import annotations

from typing import Any

import click

from gatekeeper.cli.line import Settings, run, show
from gatekeeper.cli.options import LINE, LOCK, LOCKED, complete_paths
from gatekeeper.decision import Action


@click.command("gate")
@click.argument("reference", required=False, shell_complete=complete_paths)
@LOCKED
@LOCK
@LINE
def command(reference: str | None, **given: Any) -> int:
    """Fetch exactly what REFERENCE names, check it, and decide by the policy.

    REFERENCE is org/name@commit, hf://org/name@commit, an address on the Hub, a folder or a file. A branch or tag is
    resolved to its commit once, and is not pinned.

    With --locked, org/name means the commit that gatekeeper.lock pins, every file is held against it, and a branch
    that has moved since is refused, with what changed. Without a REFERENCE every model of the lock is gated.

    Exits with 0 for allow, 1 for any other action, 2 when the input is wrong, 3 when nothing could be decided; for
    many models with the worst of these.

    \b
    Examples:
      gatekeeper gate org/name@0123456789abcdef0123456789abcdef01234567
      gatekeeper gate ./model --policy gatekeeper.yaml --out reports/
      gatekeeper gate org/name --metadata-only --format json
      gatekeeper gate --locked
    """
    if reference is None:
        if not given["locked"]:
            raise click.UsageError("Missing argument 'REFERENCE'.")
        from gatekeeper.cli.fleet import gate_all

        return gate_all(Settings(reference="", **given))
    settings = Settings(reference=reference, **given)
    attestation = run(settings, decides=True)
    show(attestation, settings.format, settings.out, verbose=settings.verbose)
    return int(attestation.verdict.action is not Action.ALLOW)
