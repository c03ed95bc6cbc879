"""`gatekeeper bom`: a bill of materials of one model or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.options import LOCK, complete_paths, option
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.lock import Lock

_NAME = "bom"


@click.command(_NAME)
@click.argument("attestations", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=complete_paths)
@option(
    "--spec",
    of=_NAME,
    type=click.Choice(["1.6", "1.7"]),
    default="1.6",
    show_default=True,
    help="Version of CycloneDX to write.",
)
@option(
    "--out",
    "-o",
    of=_NAME,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there (bom.cdx.json).  [default: standard output]",
)
@LOCK
def command(attestations: tuple[Path, ...], spec: str, out: Path | None, lock: Path | None) -> int:
    """Write a bill of materials (CycloneDX, JSON) of ATTESTATIONS: report.json files or folders that hold them.

    It lists each model with its files and digests, its licence, its base models and the verdict as a declared claim.
    It says what the attestations say: what is not known is left out. Where there is a gatekeeper.lock, it says of each
    model whether it is pinned, and of a base at which commit. The same attestations and lock give the same bytes.

    Exits with 0 when it was written, whatever the verdicts are, and with 2 when an input can't be used.

    \b
    Examples:
      gatekeeper bom reports/ --out bom.cdx.json
      gatekeeper bom reports/org/name/report.json --spec 1.7 --lock gatekeeper.lock
    """
    from gatekeeper import attest, report

    inputs = [report.read_input(path) for path in report.find(attestations)]
    models = [attest.Attested(attestation=each.attestation, digest=each.digest) for each in inputs]
    document = attest.bom(models, spec=spec, lock=_lock(lock))
    text = attest.bom_json(document)
    if out is None:
        click.echo(text, nl=False)
        return 0
    _write(out, text)
    click.echo(f"{plural(len(document['components']), 'model')} in {printable(str(out), 400)}")
    return 0


def _lock(given: Path | None) -> Lock | None:
    from gatekeeper.lockfile import find, read

    path = given or find()
    return read(path) if path else None


def _write(path: Path, text: str) -> None:
    from gatekeeper.atomic import atomic_write

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text.encode("ascii"))
    except OSError as error:
        shown = printable(str(path), 400)
        raise InputError(f"{shown} can't be written: {error.strerror}", hint="choose another place") from error
