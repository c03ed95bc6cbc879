"""`gatekeeper demo`: gate the embedded subjects."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import QUIET, option
from gatekeeper.decision import Action

_TONES = {Action.ALLOW: "green", Action.DISCARD: "red"}


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
    for outcome in demo.play(out, progress=choose(quiet=quiet)):
        outcomes.append(outcome)
        mark = click.style("ok ", fg="green") if outcome.as_expected else click.style("BAD", fg="red")
        verdict = outcome.attestation.verdict
        action = click.style(f"{verdict.action:<8}", fg=_TONES.get(verdict.action, "yellow"), bold=True)
        entry(f"{mark} {action}  ", outcome.subject.title, verdict.because)
    click.echo(f"\n{out / 'index.html'}")
    return int(not all(outcome.as_expected for outcome in outcomes))
