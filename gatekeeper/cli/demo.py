"""`gatekeeper demo`: gate the embedded subjects."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import QUIET, option
from gatekeeper.decision import Action

if TYPE_CHECKING:
    from gatekeeper.audit import Audit
    from gatekeeper.demo import Mended

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
@option("--skip-repair", of="demo", is_flag=True, help="Leave out the two models that are diagnosed and repaired.")
@QUIET
def command(out: Path, serve: bool, skip_repair: bool, quiet: bool) -> int:
    """Gate embedded models that a Hub on this machine's loopback serves: no network, no GPU, no account.

    Then the trusted one goes the whole way: pinned, its verdict signed, fetched, admitted, and refused once a byte is
    changed. Two more were seen to fail: one is repaired, proven and allowed, one can't be repaired (needs torch).

    Exits with 0 when every verdict is the expected one and every step ended as it must.
    """
    return _serve(out) if serve else _play(out, quiet, skip_repair)


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


def _play(out: Path, quiet: bool, skip_repair: bool) -> int:
    from gatekeeper import demo
    from gatekeeper.cli.progress import choose

    good = True
    for outcome in demo.play(out, progress=choose(quiet=quiet)):
        verdict = outcome.attestation.verdict
        tone = _TONES.get(verdict.action, "yellow")
        _line(outcome.as_expected, verdict.action, tone, outcome.subject.title, verdict.because)
        if outcome.attestation.audit is not None:
            _needed(outcome.attestation.audit)
        good = good and outcome.as_expected
    click.echo("\nThe first of them, from the verdict to the deployment:")
    for step in demo.round_trip(progress=choose(quiet=quiet)):
        _line(step.as_expected, step.outcome, "red" if step.outcome == "refused" else "green", step.title, step.because)
        good = good and step.as_expected
    if not skip_repair:
        good = _repair(out, quiet) and good
    click.echo(f"\n{out / 'index.html'}")
    return int(not good)


def _needed(audit: Audit) -> None:
    """Show what an audit came to, and what would be needed to allow the adapter."""
    base = audit.base.action.value if audit.base.action else "unknown"
    entry("    audit     ", f"{audit.word.value} (its base: {base})")
    for step in audit.needed:
        entry("    to allow  ", step)


def _repair(out: Path, quiet: bool) -> bool:
    """Show what becomes of two models that somebody saw fail."""
    from gatekeeper import demo
    from gatekeeper.cli.progress import choose

    click.echo("\nTwo models that somebody saw fail:")
    if why := demo.why_not():
        entry("--  ", f"not shown: it {why}")
        return True
    return tell_repairs(demo.repairs(out, progress=choose(quiet=quiet)), out)


def tell_repairs(outcomes: Iterable[Mended], out: Path) -> bool:
    """Print what became of failing models, and say whether it is what they are there for."""
    good = True
    for mended in outcomes:
        verdict = mended.attestation.verdict
        tone = _TONES.get(verdict.action, "yellow")
        _line(mended.as_expected, verdict.action, tone, mended.failing.title, verdict.because)
        click.echo(f"    {out / mended.failing.slug / 'report.html'}")
        good = good and mended.as_expected
    return good


def _line(as_expected: bool, word: str, tone: str, title: str, because: str) -> None:
    mark = click.style("ok ", fg="green") if as_expected else click.style("BAD", fg="red")
    entry(f"{mark} {click.style(f'{word:<8}', fg=tone, bold=True)}  ", title, because)
