"""`gatekeeper sign`: a publisher's own signature over a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.line import refuse_own_settings
from gatekeeper.cli.options import JOBS, QUIET, SIGNING, TEXT_OR_JSON, complete_paths, option
from gatekeeper.cli.progress import choose
from gatekeeper.cli.signing import signer_of
from gatekeeper.errors import ContentChangedError, InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.artifact import Artifact, Irregularity
    from gatekeeper.signing import Signer

_CLIENTS = ".cache/huggingface"


@click.command("sign")
@click.argument(
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    shell_complete=complete_paths,
)
@SIGNING
@option(
    "--certificate-chain",
    of="sign",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Name the signer by certificates (PEM): its own first, then those between it and the root.",
)
@option("--force", of="sign", is_flag=True, help="Replace a signature that is there.")
@TEXT_OR_JSON
@JOBS
@QUIET
def command(
    folder: Path,
    key: str | None,
    signer_command: str | None,
    signer_public_key: Path | None,
    certificate_chain: Path | None,
    force: bool,
    format: str,
    jobs: int | None,
    quiet: bool,
) -> None:
    """Sign all files of the folder DIR: writes DIR/model.sig (OpenSSF Model Signing).

    Whoever has the public key, or trusts the root of the certificates, can verify it with `gatekeeper gate` or with
    `model_signing verify`. Git's own files (.git, .github, .gitattributes, .gitignore) are not signed. Publish the
    folder as it is then: a file that is added or changed afterwards breaks the signature.

    Keyless signatures (Sigstore) are not made here, but verified: make them with `model_signing sign sigstore`.

    \b
    Examples:
      gatekeeper sign ./model --key release.key
      gatekeeper sign ./model --key env:RELEASE_KEY --certificate-chain chain.pem
      gatekeeper sign ./model --signer-command "kms-sign release" --signer-public-key release.pub
    """
    if not folder.is_dir():
        raise InputError(f"{printable(str(folder), 400)} is no folder", hint="name the folder that holds the model")
    refuse_own_settings(str(folder))
    signer = signer_of(key, signer_command, signer_public_key)
    if signer is None:
        raise InputError(
            "there is nothing to sign with", hint="give --key or --signer-command; gatekeeper keygen makes a key"
        )
    from gatekeeper import sources
    from gatekeeper.signing.oms import SIGNATURE_NAME

    target = folder / SIGNATURE_NAME
    if not force and (target.exists() or target.is_symlink()):
        raise InputError(f"{printable(str(target), 400)} exists already", hint="--force replaces it")
    chain = _chain(certificate_chain, signer)
    options = sources.SourceOptions() if jobs is None else sources.SourceOptions(jobs=jobs)
    reference = sources.parse(str(folder.absolute()))
    with sources.open_artifact(reference, options, choose(quiet=quiet or format == "json")) as artifact:
        count = _sign(artifact, folder, signer, chain, target)
    _tell(target, signer.key_id, count, len(chain), format)


def _chain(path: Path | None, signer: Signer) -> tuple[bytes, ...]:
    if path is None:
        return ()
    from gatekeeper.signing.certificates import signing_chain

    try:
        return signing_chain(path.read_bytes(), signer.public_key, datetime.now(UTC))
    except OSError as error:
        raise InputError(f"{printable(str(path), 400)} can't be read: {error.strerror}") from error


def _sign(artifact: Artifact, folder: Path, signer: Signer, chain: tuple[bytes, ...], target: Path) -> int:
    """Write the signature and give the number of signed files."""
    from gatekeeper.atomic import atomic_write
    from gatekeeper.signing import sign, statement_json, wrap
    from gatekeeper.signing.certificates import wrap_certified
    from gatekeeper.signing.oms import SIGNATURE_NAME, manifest_of, statement_of

    _refuse_odd(artifact.irregularities)
    paths = [str(file.path) for file in artifact.files]
    digests = [(str(file.path), file.sha256) for file in artifact.files if file.sha256 is not None]
    manifest = manifest_of(folder.resolve().name, digests, follows_links=_has_links(folder, paths))
    if not manifest.files:
        raise InputError("there is no file to be signed", hint="name the folder that holds the model")
    envelope = sign(statement_json(statement_of(manifest)), signer)
    bundle = wrap_certified(envelope, chain) if chain else wrap(envelope, signer.key_id)
    for file in artifact.files:
        if str(file.path) != SIGNATURE_NAME and not file.content.unchanged():
            raise ContentChangedError(
                f"{printable(str(file.path))} changed while it was signed",
                hint="stop what writes to it, and sign again",
            )
    try:
        atomic_write(target, bundle.encode("ascii"))
    except OSError as error:
        raise InputError(f"{printable(str(target), 400)} can't be written: {error.strerror}") from error
    return len(manifest.files)


def _refuse_odd(irregularities: Sequence[Irregularity]) -> None:
    """Refuse what could not be signed, or what a verifier would trip over.

    Raises:
        InputError: Naming the first such thing.
    """
    from gatekeeper.artifact import IrregularityKind
    from gatekeeper.signing.oms import SIGNATURE_NAME

    for each in irregularities:
        # Git's own are not signed, and a link in the signature's place is replaced.
        if each.path == SIGNATURE_NAME or (each.kind is IrregularityKind.SKIPPED and each.path == ".git"):
            continue
        path = printable(each.path)
        if each.kind is IrregularityKind.SKIPPED and each.path == _CLIENTS:
            raise InputError(
                f"{path} holds records of the Hub's client, which belong to no model", hint="delete that folder first"
            )
        if each.kind is not IrregularityKind.CARD_UNREADABLE:
            raise InputError(f"{path} can't be signed: {printable(each.detail)}", hint="take it out of the folder")


def _has_links(folder: Path, paths: Sequence[str]) -> bool:
    """Whether a file, or a folder that it lies in, is a symbolic link."""
    places = {place for path in paths for place in (Path(path), *Path(path).parents) if place.parts}
    return any((folder / place).is_symlink() for place in places)


def _tell(target: Path, key_id: str, count: int, certificates: int, format: str) -> None:
    if format == "json":
        told = {"signature": str(target), "key_id": key_id, "files": count, "certificates": certificates}
        click.echo(json.dumps(told, indent=2))
        return
    by = f", {plural(certificates, 'certificate')}" if certificates else ""
    click.echo(f"signed   {plural(count, 'file')} in {printable(str(target), 400)}")
    click.echo(f"key id   {key_id}{by}")
