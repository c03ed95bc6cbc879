"""Options that several commands share, each a named constant, stacked as decorators.

Every option of every command is made by `option`, which gives it one name outside the command line: `GATEKEEPER_JOBS`
in the environment, `jobs` in `[tool.gatekeeper]`. Options that two commands spell alike and mean differently
(`--out` of `init`) carry the command's name in front: `GATEKEEPER_INIT_OUT`, `init-out`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])


class Decorator(Protocol):
    """Adds an option to a command."""

    def __call__(self, command: Command, /) -> Command:
        """Give the command back, with the option."""
        ...


PREFIX = "GATEKEEPER_"
"""Begins the name of every environment variable."""


def option(*names: str, of: str = "", **settings: Any) -> Decorator:
    """Make an option that can also be set in the environment and in `[tool.gatekeeper]`.

    Args:
        names: As `click.option` takes them.
        of: The command whose own option it is; empty when it means the same in every command.
        settings: As `click.option` takes them.
    """
    long = next(name for name in names if name.startswith("--"))
    setting = f"{of}-{long.removeprefix('--')}" if of else long.removeprefix("--")
    return click.option(*names, envvar=PREFIX + setting.upper().replace("-", "_"), **settings)


def complete_checks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Give the ids of checks that begin so, for the shell."""
    from gatekeeper import checks

    return [check.id for check in checks.ALL if check.id.startswith(incomplete)]


def complete_paths(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete a path."""
    return [CompletionItem(incomplete, type="file")]


def format_option(*formats: str) -> Decorator:
    """Make the `--format` of a command that can print these."""
    return option(
        "--format", "-f", type=click.Choice(formats), default=formats[0], show_default=True, help="What to print."
    )


def lock_path(given: Path | None) -> Path:
    """Give the lock that is meant: the one given, else the nearest one.

    Raises:
        InputError: When there is none.
    """
    from gatekeeper.errors import InputError
    from gatekeeper.lockfile import find

    found = given or find()
    if found is None:
        raise InputError(
            "there is no gatekeeper.lock here, or above within the repository",
            hint="`gatekeeper lock org/name` writes one, --lock names one",
        )
    return found


def complete_locked(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Give the models of the lock that begin so, for the shell."""
    from gatekeeper.errors import GatekeeperError
    from gatekeeper.lockfile import read

    try:
        lock = read(lock_path(context.params.get("lock")))
    except GatekeeperError:
        return []
    return [model.id for model in lock.models if model.id.startswith(incomplete)]


REFERENCE = click.argument("reference", shell_complete=complete_paths)
LOCKED_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_locked)
POLICY = option(
    "--policy",
    "-p",
    shell_complete=complete_paths,
    metavar="FILE|NAME",
    help="Whom to trust and how to decide: a file, or `default` or `strict`.  [default: default]",
)
APPROVAL = option(
    "--approval",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="What was signed off with `approve`: a file, or a folder of *.intoto.json; may be repeated.  "
    "[default: approvals, beside the lock; without a lock, here]",
)
REVISION = option("--revision", metavar="REV", help="Branch, tag or commit, when the reference names none.")
FORMAT = format_option("text", "json", "html", "sarif")
TEXT_OR_JSON = format_option("text", "json")
OUT = option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the report there too: a folder (report.html and report.json), or one .html, .json or .sarif file.",
)
OFFLINE = option("--offline", is_flag=True, help="Ask no network; use what the cache has.")
METADATA_ONLY = option(
    "--metadata-only",
    is_flag=True,
    help="Judge listings and headers without downloading weights. Never ends in allow.",
)
ONLY = option(
    "--only",
    multiple=True,
    metavar="CHECK",
    shell_complete=complete_checks,
    help="Run this check alone, the others count as unknown; may be repeated.",
)
SKIP = option(
    "--skip",
    multiple=True,
    metavar="CHECK",
    shell_complete=complete_checks,
    help="Leave this check out, it counts as unknown; may be repeated.",
)
EXCLUDE = option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out files that match (training_args.bin, checkpoint-500/, onnx/*.onnx): the verdict is then for the "
    "rest alone; may be repeated.",
)
CACHE_DIR = option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where downloads and answers about files are kept.  [default: the Hub client's and the user's caches]",
)
NO_CACHE = option("--no-cache", is_flag=True, help="Look at every file anew; keep no answers for the next run.")
JOBS = option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Files to download or hash at once.  [default: 8]",
)
LOCK = option(
    "--lock",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The lock.  [default: gatekeeper.lock here, or above within the repository]",
)
LOCKED = option(
    "--locked", is_flag=True, help="Hold it against the lock: other bytes than the pinned ones are refused."
)
TRUSTED_REFERENCE = option(
    "--reference",
    "trusted_reference",
    metavar="REF",
    shell_complete=complete_paths,
    help="A model whose ONNX graphs you trust, such as an earlier revision: graphs are held against them, node by "
    "node.  [default: with --locked, the pinned commit]",
)
DEEP = option(
    "--deep",
    is_flag=True,
    help="Run whole ONNX graphs in a confined process, and hold them against their architecture written out anew: "
    "minutes instead of seconds. Needs onnxruntime, and torch, transformers and onnxscript.",
)
BASE = option(
    "--base", metavar="REF", shell_complete=complete_paths, help="The model that the adapter is laid on; gated, too."
)
VERBOSE = option("--verbose", "-v", is_flag=True, help="Say more; show tracebacks.")
QUIET = option("--quiet", "-q", is_flag=True, help="No progress bars.")

KEY = option(
    "--key",
    metavar="PATH|env:NAME",
    shell_complete=complete_paths,
    help="Sign with this private key (P-256, PEM); an encrypted one takes its password from GATEKEEPER_KEY_PASSWORD.",
)
SIGNER_COMMAND = option(
    "--signer-command",
    metavar="COMMAND",
    help="Sign by running this (a key service, a token): bytes on its input, the base64 of an ECDSA signature on its "
    "output.",
)
SIGNER_PUBLIC_KEY = option(
    "--signer-public-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Public key of --signer-command; each of its answers is verified with it.",
)


def stacked(*options: Decorator) -> Decorator:
    """Give one decorator for many, keeping the order in which they are written in the help."""

    def decorate(command: Command) -> Command:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


LINE = stacked(
    POLICY,
    APPROVAL,
    REVISION,
    FORMAT,
    OUT,
    OFFLINE,
    METADATA_ONLY,
    EXCLUDE,
    TRUSTED_REFERENCE,
    DEEP,
    ONLY,
    SKIP,
    CACHE_DIR,
    NO_CACHE,
    JOBS,
    QUIET,
    VERBOSE,
)
"""Everything that `gate` and `scan` share, but for the reference."""

VERIFIER_ID = option(
    "--verifier-id",
    metavar="URI",
    default="urn:gatekeeper:verifier",
    show_default=True,
    help="Who decides, in verdicts: each gate of a team may have a name of its own.",
)

SIGNING = stacked(KEY, SIGNER_COMMAND, SIGNER_PUBLIC_KEY)
"""How every command that signs is told with what; see `gatekeeper.cli.signing.signer_of`."""
