"""The entry point: finds the command, and turns whatever goes wrong into a message and an exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from gatekeeper import __version__
from gatekeeper.cli.settings import asked_format, default_map
from gatekeeper.errors import GatekeeperError
from gatekeeper.redaction import redact
from gatekeeper.text import printable

COMMANDS = {
    "gate": "Decide whether a model may be deployed.",
    "scan": "Gather evidence and decide nothing.",
    "lock": "Pin models: their commits, bytes and verdicts.",
    "fetch": "Bring exactly the pinned bytes to a folder.",
    "update": "Show what changed since models were pinned.",
    "bumps": "List the models that a change adds, changes or removes.",
    "ci": "Judge the models of a pull request.",
    "approve": "Sign off what an audit or an escalation left to you.",
    "admit": "Decide whether a folder is what a signed verdict allows.",
    "verify": "Say what a signed file is, who signed it and what it says.",
    "report": "Render a JSON attestation again.",
    "audit-report": "Report over many attestations: what is deployed, and by which verdicts.",
    "bom": "Write a bill of materials of one model or many.",
    "keygen": "Make a key pair to sign verdicts with.",
    "sign": "Sign a model that you publish.",
    "patch": "Repair a model that somebody saw fail, and prove it.",
    "audit": "Audit an adapter on its base before it is merged or served.",
    "merge": "Merge an adapter that is allowed into its base.",
    "calibrate": "Make a population of adapters that you trust.",
    "convert": "Make safetensors out of honest torch files.",
    "explain": "Say what a check looks at and cannot see.",
    "policy": "Lint, test and explain policies.",
    "init": "Write a policy that trusts your publishers.",
    "demo": "Gate six embedded models and deploy one, with no network.",
    "doctor": "Say what is installed and what that leaves unknown.",
    "completion": "Print a completion script for your shell.",
}
"""Name → summary. A command's module is imported only when it runs, so that help costs nothing."""


class _Commands(click.Group):
    """A group whose commands live one to a file in this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order above: the way people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"gatekeeper.cli.{cmd_name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 allowed or done, 1 not allowed or the answer is no, 2 the input is wrong, "
    "3 nothing could be decided.",
)
@click.version_option(__version__, "-V", "--version", prog_name="gatekeeper")
@click.pass_context
def cli(context: click.Context) -> None:
    """Admission control for open-weight models and LoRA adapters.

    Start with `gatekeeper demo`, then `gatekeeper init` and `gatekeeper gate org/name@<commit>`.

    Each option can also be set in the environment (GATEKEEPER_CACHE_DIR) or in [tool.gatekeeper] of pyproject.toml
    (cache-dir); `init`, `demo` and `policy` have names of their own there (GATEKEEPER_INIT_TRUST, init-trust).
    """
    # Rich keeps to https://no-color.org by itself, click does not.
    context.color = False if os.environ.get("NO_COLOR") else None
    name = context.invoked_subcommand or ""
    command = context.command.get_command(context, name) if isinstance(context.command, click.Group) else None
    # What a pull request brings along must not say how the pull request is judged.
    context.default_map = {name: default_map(command)} if command and name != "ci" else {}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; an uncaught error is 3, never 0."""
    given = sys.argv[1:] if arguments is None else arguments
    if sys.flags.optimize > 1:
        message = "Python was started with -OO, which strips the texts that checks describe themselves by"
        _leave(3, message, "unset PYTHONOPTIMIZE, or use at most -O", given)
    # As an interrupt it unwinds the line, so that copies of hostile files and scanner children don't stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be more than the terminal's encoding can write
            stream.reconfigure(errors="backslashreplace")
    try:
        result = cli.main(given, prog_name="gatekeeper", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _leave(130, "interrupted", "", given)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _leave_usage(error, given)
    except GatekeeperError as error:
        _leave(error.exit_code, error.message, error.hint, given)
    except BrokenPipeError:
        _leave_silently(3)  # the reader went away (`| head`)
    except Exception as error:
        if "-v" in given or "--verbose" in given:
            click.echo(redact(traceback.format_exc()), err=True, nl=False)
        told = printable(f"{type(error).__name__}: {error}", 500)
        _leave(3, f"internal error: {told}", "run again with -v and report it", given)
    sys.exit(result if isinstance(result, int) else 0)


def _leave_usage(error: click.ClickException, given: list[str]) -> NoReturn:
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"see `{error.ctx.command_path} --help`"
    _leave(2, error.format_message(), hint, given)


def _leave(code: int, message: str, hint: str, given: list[str]) -> NoReturn:
    """Print an error for a person, or as JSON where that was asked for, and go."""
    message, hint = redact(message), redact(hint)
    try:
        if asked_format(given) == "json":
            document = {"error": {"message": message, "hint": hint, "exit_code": code}}
            click.echo(json.dumps(document, indent=2))
        else:
            click.echo(f"error: {message}", err=True)
            if hint:
                click.echo(f" hint: {hint}", err=True)
    except OSError:  # nobody can be told; the exit code still can
        _leave_silently(code)
    sys.exit(code)


def _leave_silently(code: int) -> NoReturn:
    """Go without a second failure, which the interpreter would meet and print while it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
