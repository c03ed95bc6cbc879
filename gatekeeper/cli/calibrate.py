"""`gatekeeper calibrate`: a population out of a team's own adapters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import CACHE_DIR, OFFLINE, QUIET, TEXT_OR_JSON, complete_paths, option
from gatekeeper.cli.progress import choose
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.population import Population
    from gatekeeper.proportion import Proportion

_FALSE_ALARMS = 0.05


@click.command("calibrate")
@click.argument("adapters", nargs=-1, required=True, metavar="ADAPTERS...", shell_complete=complete_paths)
@option(
    "--out",
    "-o",
    of="calibrate",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("population.json"),
    show_default=True,
    metavar="FILE",
    help="Where the population goes.",
)
@option(
    "--poisoned",
    of="calibrate",
    multiple=True,
    metavar="ADAPTER",
    help="An adapter known to be poisoned, or a folder of such; may be repeated. Ten or more teach a classifier.",
)
@option(
    "--false-alarms",
    of="calibrate",
    type=click.FloatRange(0.001, 0.5),
    default=_FALSE_ALARMS,
    show_default=True,
    metavar="SHARE",
    help="Share of honest adapters that may be called anomalous; a smaller one needs more adapters.",
)
@option("--name", of="calibrate", metavar="NAME", help="What reports call it.  [default: the name of the file]")
@TEXT_OR_JSON
@OFFLINE
@CACHE_DIR
@QUIET
def command(
    adapters: tuple[str, ...],
    out: Path,
    poisoned: tuple[str, ...],
    false_alarms: float,
    name: str | None,
    format: str,
    offline: bool,
    cache_dir: Path | None,
    quiet: bool,
) -> None:
    """Make a population of adapters that you trust, by which the weights of others are judged.

    ADAPTERS are references of adapters of one base with the same targets, or a folder that holds one in each of its
    folders. What is written are their features, thresholds, and how often an honest one was called anomalous when it
    was judged by the others. Name the file in the policy: `adapters: {populations: [population.json]}`.

    Exits with 0 when it was made and 2 when the adapters do not make one.

    \b
    Examples:
      gatekeeper calibrate ./adapters
      gatekeeper calibrate ./adapters --poisoned ./red-team --out llama-3-8b.json
    """
    from gatekeeper import calibrating, populations, sources
    from gatekeeper.atomic import atomic_write

    if not out.absolute().parent.is_dir():
        raise InputError(f"--out {printable(str(out))} can't be made: its folder is not there")
    population = calibrating.calibrate(
        adapters,
        poisoned,
        name=name or out.stem,
        budget=false_alarms,
        source=sources.SourceOptions(cache_dir=cache_dir, offline=offline),
        progress=choose(quiet=quiet or format == "json"),
    )
    text = populations.to_json(population)
    try:
        atomic_write(out, text.encode())
    except OSError as error:
        raise InputError(f"--out {printable(str(out))} can't be written: {error.strerror}") from error
    if format == "json":
        click.echo(text, nl=False)
    else:
        _print(population, out)


def _print(population: Population, out: Path) -> None:
    honest = len(population.honest())
    poisoned = len(population.members) - honest
    low, high = population.ranks
    click.echo(f"{click.style(printable(population.name, 100), bold=True)}  {plural(honest, 'honest adapter')}"
               + (f", {plural(poisoned, 'poisoned one')}" if poisoned else ""))  # fmt: skip
    entry("  base          ", ", ".join(printable(base, 100) for base in population.bases))
    entry("  targets       ", ", ".join(printable(target, 60) for target in population.targets))
    entry("  ranks         ", str(low) if low == high else f"{low} to {high}")
    entry("  detectors     ", ", ".join(each.detector for each in population.thresholds))
    entry("  false alarms  ", _rate(population.false_alarms))
    if poisoned:
        entry("  missed        ", _rate(population.missed))
    click.echo(f"{click.style('done', bold=True)}  {printable(str(out), 400)}")


def _rate(rate: Proportion) -> str:
    bounds = f"95 % interval {100 * rate.lower:.1f} to {100 * rate.upper:.1f} %"
    return f"{rate.successes} of {rate.trials} ({100 * rate.share:.1f} %, {bounds}), each judged by the others"
