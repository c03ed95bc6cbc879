"""`gatekeeper completion`: a completion script for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print a completion script for SHELL.

    \b
    Examples:
      gatekeeper completion bash > ~/.local/share/bash-completion/completions/gatekeeper
      gatekeeper completion zsh > "${fpath[1]}/_gatekeeper"
      gatekeeper completion fish > ~/.config/fish/completions/gatekeeper.fish
    """
    from gatekeeper.cli.main import cli

    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completer(cli, {}, "gatekeeper", "_GATEKEEPER_COMPLETE").source())
    return 0
