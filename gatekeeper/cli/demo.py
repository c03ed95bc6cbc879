"""`gatekeeper demo`: gate the embedded subjects."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.options import QUIET, option


@click.command("demo")
@option(
    "--out",
    "-o",
    of="demo",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/demo"),
    show_default=True,
    metavar="DIR",
    help="Where the reports go.",
)
@QUIET
def command(out: Path, quiet: bool) -> int:
    """Gate embedded models that a Hub on this machine's loopback serves: no network, no GPU, no account.

    Exits with 0 when every verdict is the expected one.
    """
    from gatekeeper import demo
    from gatekeeper.cli.progress import choose

    outcomes = []
    width = max(len(subject.title) for subject in demo.SUBJECTS)
    for outcome in demo.play(out, progress=choose(quiet=quiet)):
        outcomes.append(outcome)
        mark = click.style("ok ", fg="green") if outcome.as_expected else click.style("BAD", fg="red")
        verdict = outcome.attestation.verdict
        colour = {"allow": "green", "discard": "red"}.get(verdict.action, "yellow")
        click.echo(
            f"{mark} {outcome.subject.title:<{width}}  {click.style(f'{verdict.action:<8}', fg=colour, bold=True)}"
            f"  {verdict.because}"
        )
    click.echo(f"\n{out / 'index.html'}")
    return int(not all(outcome.as_expected for outcome in outcomes))
