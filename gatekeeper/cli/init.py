"""`gatekeeper init`: write a policy that extends a built-in one and says whom the team trusts."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from gatekeeper.cli.options import option
from gatekeeper.errors import InputError, PolicyError
from gatekeeper.text import printable, quoted

_COMMENT = """\
# Admission policy for models and adapters, checked with `gatekeeper policy lint {name}`.
# It lies over the built-in policy `{base}`; `gatekeeper policy explain {name}` prints the whole table.
"""

_ROWS = """\
# Rows of your own. A slug of the base replaces that row; others go first, or above the row named by `before`.
# rows:
#   - row: young-repo
#     when: repo.age_days >= 0 && repo.age_days < 30
#     action: audit
#     ask: ask the publisher whether the repo is theirs
#     before: remedy-verified

# Findings that somebody answers for, on one commit or digest, until a date.
# waivers:
#   - finding: provenance/revision/unpinned
#     subject: sha256:<digest of the artifact, as in its report>
#     reason: why it is acceptable
#     approver: who answers for it
#     created: 2026-01-01
#     expires: 2026-03-31

# Whose sign-off counts (`gatekeeper approve`). Without any, an approval needs no signature.
# approvers:
#   - {name: ml-security, key: {file: keys/ml-security.pub}}
"""


@click.command("init")
@option("--trust", of="init", multiple=True, metavar="ORG", help="Publisher that you trust; may be repeated.")
@option("--deny", of="init", multiple=True, metavar="ORG", help="Publisher that you refuse; may be repeated.")
@option(
    "--licence",
    of="init",
    multiple=True,
    metavar="ID",
    help="Licence that you accept besides the base's; may be repeated.",
)
@option(
    "--extends",
    "base",
    of="init",
    type=click.Choice(["default", "strict"]),
    default="default",
    show_default=True,
    help="The built-in policy that it lies over.",
)
@option("--name", of="init", default="", metavar="NAME", help="Name of the policy.  [default: the file's]")
@option(
    "--out",
    "-o",
    of="init",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gatekeeper.yaml"),
    show_default=True,
    help="Where to write it.",
)
@option("--force", of="init", is_flag=True, help="Replace the file if it exists.")
def command(
    trust: tuple[str, ...],
    deny: tuple[str, ...],
    licence: tuple[str, ...],
    base: str,
    name: str,
    out: Path,
    force: bool,
) -> None:
    """Write a policy that extends a built-in one.

    On a terminal it asks whom you trust; elsewhere it takes the options alone.
    """
    _refuse_existing(out, force)
    if not (trust or deny or licence) and sys.stdin.isatty():
        trust = _ask("Publishers on the Hub that you trust (names, separated by blanks)")
        deny = _ask("Publishers that you refuse")
        licence = _ask("Licences that you accept besides the usual open ones")
    text = _policy(name or out.stem, out.name, base, _words(trust), _words(deny), _words(licence, lower=True))
    _write(out, text, force)
    click.echo(f"wrote {out}: gate with `--policy {out}`, try it with `gatekeeper policy explain {out}`")
    if not _words(trust):
        click.echo("no publisher is trusted yet, so nothing is allowed until you list one under publishers.trusted")


def _ask(question: str) -> tuple[str, ...]:
    return (str(click.prompt(question, default="", show_default=False)),)


def _words(values: Iterable[str], *, lower: bool = False) -> list[str]:
    """Take lists apart at commas and blanks, so that `--trust a,b` means what it looks like."""
    return [word.lower() if lower else word for value in values for word in value.replace(",", " ").split()]


def _refuse_existing(out: Path, force: bool) -> None:
    if (out.exists() or out.is_symlink()) and not force:
        raise InputError(f"{str(out)!r} exists already", hint="choose another place with --out, or give --force")


def _policy(
    name: str, file_name: str, base: str, trust: Iterable[str], deny: Iterable[str], licences: Iterable[str]
) -> str:
    return "\n".join(
        [
            _COMMENT.format(name=_comment_safe(file_name), base=base) + "apiVersion: gatekeeper/v1",
            "kind: Policy",
            f"name: {quoted(name)}",
            f"extends: {base}",
            "",
            "publishers:",
            "  # Organisations and users on the Hub, spelt exactly. A model of anybody else ends in audit at best.",
            f"  trusted: {_listed(trust)}",
            "  # Beats `trusted`.",
            f"  denied: {_listed(deny)}",
            "",
            "licences:",
            "  # Besides those of the base.",
            f"  allowed: {_listed(licences)}",
            "",
            _ROWS,
        ]
    )


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(quoted(name) for name in dict.fromkeys(names))}]"


def _comment_safe(text: str) -> str:
    """Keep a file's odd name from ending a comment line."""
    return printable(text)


def _write(out: Path, text: str, force: bool) -> None:
    """Write beside the target, load it from there, then put it in place at once."""
    from gatekeeper.policy import load

    try:
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp")
        path = Path(temporary)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            load(path)
            path.chmod(0o644)
            _refuse_existing(out, force)
            path.replace(out)
        except PolicyError as error:
            raise InputError(str(error).replace(str(path), str(out)), hint=error.hint) from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
    except OSError as error:
        raise InputError(f"{str(out)!r} can't be written: {error.strerror}") from error
