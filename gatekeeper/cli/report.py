"""`gatekeeper report`: render a JSON attestation again."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.options import FORMAT, OUT, VERBOSE


@click.command("report")
@click.argument("attestation", type=click.Path(path_type=Path))
@FORMAT
@OUT
@VERBOSE
def command(attestation: Path, format: str, out: Path | None, verbose: bool) -> int:
    """Render ATTESTATION, a report.json, as text, HTML, JSON or SARIF. Nothing is judged anew."""
    from gatekeeper import report
    from gatekeeper.cli.line import check_out, show

    check_out(out)
    document = report.read(attestation)
    show(document, format, out, verbose=verbose)
    return 0
