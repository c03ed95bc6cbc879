"""`gatekeeper keygen`: a key pair to sign verdicts and approvals with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gatekeeper.atomic import atomic_write_all
from gatekeeper.cli.options import TEXT_OR_JSON, option
from gatekeeper.cli.signing import PASSWORD_VARIABLE, password
from gatekeeper.errors import InputError
from gatekeeper.text import printable

_MOST_PASSWORD_BYTES = 1000
"""Bytes of a password; OpenSSL takes few more."""


@click.command("keygen")
@option(
    "--out",
    "-o",
    of="keygen",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gatekeeper.key"),
    show_default=True,
    metavar="FILE",
    help="Where the private key goes; the public one goes beside it, ending in .pub.",
)
@option("--force", of="keygen", is_flag=True, help="Replace keys that are there: what they signed stays theirs.")
@TEXT_OR_JSON
def command(out: Path, force: bool, format: str) -> None:
    """Make a key pair (ECDSA on P-256) to sign verdicts and approvals with.

    The private key (PKCS#8, mode 0600) is encrypted when GATEKEEPER_KEY_PASSWORD is set, or a password is typed on a
    terminal. Whoever has it can sign in your name: keep it out of repositories and images. The public key is what
    others verify with. Teams with a key service need no file: see --signer-command of the commands that sign.

    \b
    Examples:
      gatekeeper keygen
      gatekeeper keygen --out ~/keys/release.key
      gatekeeper gate org/name --out verdict --key gatekeeper.key
    """
    public_path = _public_path(out)
    if not force:
        _refuse_existing(out, public_path)
    from gatekeeper.signing import generate, load_public_key

    secret = _new_password()
    private, public = generate(secret)
    key_id = load_public_key(public).key_id
    try:
        # Both or neither: half of a new pair beside half of an old one would lose what was signed, and the key.
        atomic_write_all({out: private, public_path: public}, modes={out: 0o600})
    except OSError as error:
        raise InputError(
            f"{printable(str(out))} and its public half can't be written: {error.strerror}",
            hint="give a place that can be written to with --out",
        ) from error
    if format == "json":
        paths = {"private_key": str(out), "public_key": str(public_path)}
        click.echo(json.dumps({"key_id": key_id, **paths, "encrypted": bool(secret)}, indent=2))
        return
    state = "encrypted" if secret else "not encrypted"
    click.echo(f"private key  {printable(str(out), 400)} ({state}; keep it secret, and out of version control)")
    click.echo(f"public key   {printable(str(public_path), 400)} (give it to whoever verifies)")
    click.echo(f"key id       {key_id}")


def _public_path(out: Path) -> Path:
    """Put the public key beside the private one: release.key → release.pub."""
    if out.suffix == ".pub":
        raise InputError(
            f"{printable(str(out))} would be the public key", hint="name the private one: gatekeeper keygen -o x.key"
        )
    return out.with_suffix(".pub") if out.suffix in {".key", ".pem"} else out.with_name(out.name + ".pub")


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{printable(str(path))} exists already",
                hint="choose another place with --out; --force replaces it, and a private key is then lost",
            )


def _new_password() -> bytes | None:
    given = password()
    if given is None and sys.stdin.isatty():
        typed = click.prompt(
            "Password of the new key (empty for none)",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt=True,
            err=True,
        )
        given = str(typed).encode() or None
    if given and len(given) > _MOST_PASSWORD_BYTES:
        raise InputError(f"{PASSWORD_VARIABLE} has more than {_MOST_PASSWORD_BYTES} bytes", hint="use a shorter one")
    return given
