"""`gatekeeper demo`: gate the embedded subjects."""

from __future__ import annotations

import threading
from contextlib import suppress
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
@option("--serve", of="demo", is_flag=True, help="Gate nothing: keep that Hub running, to try other commands on it.")
@QUIET
def command(out: Path, serve: bool, quiet: bool) -> int:
    """Gate embedded models that a Hub on this machine's loopback serves: no network, no GPU, no account.

    Exits with 0 when every verdict is the expected one.
    """
    return _serve(out) if serve else _play(out, quiet)


def _serve(out: Path) -> int:
    """Serve until somebody interrupts."""
    from gatekeeper import demo

    with suppress(KeyboardInterrupt), demo.serve(out) as served:
        click.echo("This Hub runs until you press Ctrl-C. In another terminal:\n")
        click.echo(f"  export HF_ENDPOINT={served.endpoint} GATEKEEPER_POLICY={served.policy}")
        for reference in served.references:
            click.echo(f"  gatekeeper gate {reference}")
        threading.Event().wait()
    return 0


def _play(out: Path, quiet: bool) -> int:
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
