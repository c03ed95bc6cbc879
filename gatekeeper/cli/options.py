"""Options that several commands share, each a named constant, stacked as decorators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

POLICY = click.option(
    "--policy",
    "-p",
    envvar="GATEKEEPER_POLICY",
    show_envvar=True,
    metavar="FILE|NAME",
    help="Policy to decide by: a file, or `default` or `strict`.  [default: default]",
)
REVISION = click.option(
    "--revision", envvar="GATEKEEPER_REVISION", metavar="REV", help="Branch, tag or commit, when REFERENCE has none."
)
FORMAT = click.option(
    "--format",
    "-f",
    "format_",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    envvar="GATEKEEPER_FORMAT",
    show_envvar=True,
    help="What to print.",
)
OUT = click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    envvar="GATEKEEPER_OUT",
    show_envvar=True,
    metavar="PATH",
    help="Write the report there too: a folder (report.html and report.json), or one .html or .json file.",
)
OFFLINE = click.option(
    "--offline", is_flag=True, envvar="GATEKEEPER_OFFLINE", help="Ask no network; use what the cache has."
)
METADATA_ONLY = click.option(
    "--metadata-only",
    is_flag=True,
    envvar="GATEKEEPER_METADATA_ONLY",
    help="Judge listings and headers without downloading weights. Never ends in allow.",
)
ONLY = click.option(
    "--only", multiple=True, envvar="GATEKEEPER_ONLY", metavar="CHECK", help="Run this check alone; may be repeated."
)
SKIP = click.option(
    "--skip",
    multiple=True,
    envvar="GATEKEEPER_SKIP",
    metavar="CHECK",
    help="Leave this check out: it counts as unknown; may be repeated.",
)
CACHE_DIR = click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEKEEPER_CACHE_DIR",
    metavar="DIR",
    help="Where downloads are kept.  [default: the Hub client's cache]",
)
JOBS = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    envvar="GATEKEEPER_JOBS",
    metavar="N",
    help="Files to download or hash at once.  [default: number of processors, at most 8]",
)
VERBOSE = click.option("--verbose", "-v", is_flag=True, envvar="GATEKEEPER_VERBOSE", help="Say more; show tracebacks.")
QUIET = click.option("--quiet", "-q", is_flag=True, envvar="GATEKEEPER_QUIET", help="No progress bars.")


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give one decorator for many, keeping the order in which they are written in the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


LINE = stacked(POLICY, REVISION, FORMAT, OUT, OFFLINE, METADATA_ONLY, ONLY, SKIP, CACHE_DIR, JOBS, QUIET, VERBOSE)
"""Everything that `gate` and `scan` share."""
