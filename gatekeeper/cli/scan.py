"""`gatekeeper scan`: evidence without a decision."""

from __future__ import annotations

from typing import Any

import click

from gatekeeper.cli.line import Settings, run, show
from gatekeeper.cli.options import LINE, REFERENCE
from gatekeeper.evidence import Severity


@click.command("scan")
@REFERENCE
@LINE
def command(**given: Any) -> int:
    """Run the checks on REFERENCE and print what they found, without deciding.

    The policy only says whom you trust. Exits with 0 when nothing of medium severity or more was found and 1 when
    something was; what could not be checked is listed, and does not change the exit code.
    """
    settings = Settings(**given)
    attestation = run(settings, decides=False)
    show(attestation, settings.format, settings.out, verbose=settings.verbose)
    return int(any(finding.severity >= Severity.MEDIUM for finding in attestation.findings))
