"""The line of `gatekeeper calibrate`: references → artifacts → measured adapters → a population."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gatekeeper import populations, sources
from gatekeeper.artifact import Artifact
from gatekeeper.checks import adapter as adapters
from gatekeeper.errors import InputError
from gatekeeper.gate import tool_versions
from gatekeeper.limits import Limits
from gatekeeper.population import Population
from gatekeeper.progress import SILENT, Progress
from gatekeeper.sources import SourceOptions
from gatekeeper.text import plural, printable

TOOLS = ("gatekeeper-models", "numpy", "scikit-learn")
"""Distributions that can change a score."""

_CONFIG = "adapter_config.json"


def calibrate(
    honest: Sequence[str],
    poisoned: Sequence[str] = (),
    *,
    name: str,
    budget: float = adapters.BUDGET,
    source: SourceOptions | None = None,
    progress: Progress = SILENT,
) -> Population:
    """Make a population of adapters.

    Args:
        honest: References of adapters that the team trusts, or local folders that hold one in each of their folders.
        poisoned: The same of adapters known to be poisoned.
        name: What to call it.
        budget: Share of honest adapters that may be called anomalous.
        source: Cache, network and limits; None for the defaults.
        progress: Told how far it has come.

    Raises:
        InputError: When one can't be read or measured, or they are not of one kind, or too few.
        GatekeeperError: When one can't be opened.
    """
    options = source or SourceOptions()
    sides = [[each for reference in given for each in _unfolded(reference)] for given in (honest, poisoned)]
    with progress.task("measuring", sum(map(len, sides)), "adapters") as advance:
        samples = []
        for side in sides:
            measured = []
            for reference in side:
                measured.append(_sample(reference, options))
                advance(1)
            samples.append(measured)
    return adapters.calibrate(
        samples[0], samples[1], name=name, tool_versions=tool_versions(names=TOOLS), budget=budget, progress=progress
    )


def _unfolded(reference: str) -> list[str]:
    """Give the adapters that a folder holds one to a folder; itself when it is one, or is no local folder."""
    folder = Path(reference).expanduser()
    if not folder.is_dir() or (folder / _CONFIG).exists():
        return [reference]
    found = sorted(str(inner.parent) for inner in folder.glob(f"*/{_CONFIG}"))
    if len(found) > populations.MAX_MEMBERS:
        shown = printable(reference)
        raise InputError(f"{shown} holds more than {populations.MAX_MEMBERS} adapters")
    return found or [reference]


def _sample(reference: str, options: SourceOptions) -> adapters.Sample:
    with sources.open_artifact(sources.parse(reference), options) as artifact:
        return _measured(artifact, printable(reference), options.limits)


def _measured(artifact: Artifact, shown: str, limits: Limits) -> adapters.Sample:
    layout = adapters.read_layout(artifact, limits)
    troubles = [*layout.troubles, *(each for one in layout.adapters for each in one.troubles)]
    if troubles:
        where = f"{printable(troubles[0].path)}: " if troubles[0].path else ""
        raise InputError(
            f"{shown}: {where}{troubles[0].reason}", hint="a population is made of adapters that can be read"
        )
    if len(layout.adapters) != 1:
        raise InputError(f"{shown} holds {plural(len(layout.adapters), 'adapter')}, and one is expected")
    measured = adapters.measure(layout.adapters[0], limits)
    if measured.left_out:
        raise InputError(f"{shown}: not measured: {measured.left_out[0]}", hint="leave it out of the population")
    return measured.sample(name=Path(shown).name, digest=artifact.digest)
