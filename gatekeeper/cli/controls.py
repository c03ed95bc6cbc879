"""`gatekeeper explain --controls`: which controls the gate's output is evidence relevant to, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.layout import entry
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.report import Framework


def complete_frameworks(incomplete: str) -> list[str]:
    """Give the ids of frameworks that begin so, for the shell."""
    from gatekeeper.report import catalogue

    return [framework.id for framework in catalogue() if framework.id.startswith(incomplete)]


def print_controls(framework: str | None, format: str) -> None:
    """List the frameworks, or the controls of one with what is evidence relevant to each.

    Args:
        framework: Its id; None for all. As JSON, all are written whole.
        format: `text` or `json`.

    Raises:
        InputError: When no framework has that id.
    """
    from gatekeeper.report import catalogue

    chosen = [each for each in catalogue() if framework in (None, each.id)]
    if not chosen:
        known = ", ".join(each.id for each in catalogue())
        raise InputError(f"no framework is called {printable(framework or '')!r}", hint=f"choose from {known}")
    if format == "json":
        click.echo(json.dumps([asdict(each) for each in chosen], indent=2))
    elif framework is None:
        _print_frameworks(chosen)
    else:
        _print_framework(chosen[0])


def _print_frameworks(frameworks: list[Framework]) -> None:
    width = max(len(framework.id) for framework in frameworks)
    for each in frameworks:
        count = plural(len(each.controls), "control")
        entry(f"{each.id:<{width}}  ", f"{each.name}, {each.edition} ({count})")


def _print_framework(framework: Framework) -> None:
    click.echo(f"{click.style(f'{framework.name}, {framework.edition}', bold=True)}")
    entry("  ", f"ids and titles from {framework.source}, read on {framework.retrieved}")
    entry(
        "  ", "Evidence relevant to each control is sufficient for none: whether one is met is for an auditor to say."
    )
    click.echo()
    for control in framework.controls:
        secondary = " (id from a secondary source)" if control.secondary else ""
        click.echo(f"{click.style(control.id, bold=True)}  {control.title}{secondary}")
        for mapping in control.mappings:
            hazards = (f"hazard:{each}" for each in mapping.hazards)
            rows = (f"row:{each}" for each in mapping.rows)
            outputs = (f"output:{each}" for each in mapping.outputs)
            entry("  ", mapping.because, ", ".join((*mapping.checks, *hazards, *rows, *outputs)))
        click.echo()
