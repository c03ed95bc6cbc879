"""With what a command signs: a key in a file or the environment, a command, or nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.errors import InputError
from gatekeeper.redaction import keep_secret
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.signing import Signer

PASSWORD_VARIABLE = "GATEKEEPER_KEY_PASSWORD"  # noqa: S105  (its name, not its value)
"""Environment variable with the password of a private key."""

_SHORT = 6
"""Hiding shorter passwords wherever they stand would garble messages, and so tell them."""


def signer_of(key: str | None, signer_command: str | None, signer_public_key: Path | None) -> Signer | None:
    """Make the signer that the options KEY, SIGNER_COMMAND and SIGNER_PUBLIC_KEY ask for.

    Returns:
        None when they ask for none.

    Raises:
        InputError: When they contradict each other, or a key can't be used.
    """
    for name, said in (("--key", key), ("--signer-command", signer_command)):
        if said == "":  # a shell variable that is not set; without this, nobody would sign
            raise InputError(f"{name} is empty", hint="name a key or a command, or leave the option out")
    if key and signer_command:
        raise InputError(
            "both --key and --signer-command are given",
            hint="sign with one of them; GATEKEEPER_KEY and key in [tool.gatekeeper] count too",
        )
    if signer_command:
        return _command_signer(signer_command, signer_public_key)
    if signer_public_key:
        raise InputError(
            "--signer-public-key goes with --signer-command", hint="sign with --key PRIVATE, or give the command"
        )
    return _key_signer(key) if key else None


def password() -> bytes | None:
    """Give the password in the environment; None when there is none, or an empty one."""
    value = os.environ.get(PASSWORD_VARIABLE, "")
    if len(value) >= _SHORT:
        keep_secret(value)
    return os.fsencode(value) or None


def _command_signer(command: str, public_key: Path | None) -> Signer:
    from gatekeeper.signing import command_signer, read_public_key

    if public_key is None:
        raise InputError(
            "--signer-command needs --signer-public-key", hint="export the public key in PEM from the key service"
        )
    return command_signer(command, read_public_key(public_key))


def _key_signer(source: str) -> Signer:
    from gatekeeper.signing import PasswordError, load_signer, open_to_others

    if open_to_others(source):
        shown = printable(source)
        click.echo(f"warning: {shown} is open to every user of this machine: chmod 600 {shown}", err=True)
    try:
        return load_signer(source, password=password())
    except PasswordError:
        if not sys.stdin.isatty():
            raise
    typed = str(click.prompt(f"Password of {printable(source)}", hide_input=True, err=True))
    return load_signer(source, password=typed.encode())
