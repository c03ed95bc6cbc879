"""Text laid out for the terminal at hand, and for a log where there is none."""

from __future__ import annotations

import shutil
import textwrap

import click

from gatekeeper.text import printable

_CHARACTERS = 2_000
"""Most characters of one text."""


def columns() -> int:
    """Give the width to keep to: the terminal's, `COLUMNS` where it is set, 100 in a log; between 40 and 100."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 40), 100)


def entry(head: str, told: str, then: str = "") -> None:
    """Print an entry of a list: a head in the margin, the text beside it, and below it what follows from it.

    Args:
        head: With its padding; styled text is allowed.
        told: Anything; made printable and wrapped.
        then: Printed after an arrow; may be empty.
    """
    margin = len(click.unstyle(head))
    room = max(columns() - margin, 30)
    lines = textwrap.wrap(printable(told, _CHARACTERS), room) or [""]
    if then:
        lines += textwrap.wrap(printable(then, _CHARACTERS), room, initial_indent="-> ", subsequent_indent="   ")
    for number, line in enumerate(lines):
        click.echo((" " * margin if number else head) + line)


def section(heading: str, body: str) -> None:
    """Print a heading and a paragraph of our own words below it."""
    click.echo(click.style(heading, bold=True))
    click.echo(textwrap.fill(body, columns(), initial_indent="  ", subsequent_indent="  ") + "\n")
