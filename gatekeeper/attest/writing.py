"""Verdicts on disk: rendered and signed as a whole before the first file is written."""

from __future__ import annotations

import errno
import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.atomic import atomic_write_all
from gatekeeper.attest.resource import DEFAULT_VERIFIER
from gatekeeper.attest.stating import statements
from gatekeeper.attest.verdict import VERDICT_FILE
from gatekeeper.attestation import Attestation
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.signing import Envelope, Statement, envelope_json, sign, statement_json, unsigned, wrap
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.signing import Signer

_BUNDLES = ("verdict.vsa.sigstore.json", "verdict.decision.sigstore.json")
_PREDICATES = ("vsa-predicate.json", "predicate.json")
_SUBJECTS = "subjects.sha256"
FILES = (VERDICT_FILE, *_BUNDLES, *_PREDICATES, _SUBJECTS)
"""Every name that `write` may write."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def write(
    attestation: Attestation,
    folder: Path,
    signer: Signer | None,
    *,
    report_sha256: str,
    verifier_id: str = DEFAULT_VERIFIER,
) -> dict[str, Path]:
    """Write the verdict of an attestation: envelopes, bundles, and what a platform's own signing takes.

    Whatever an earlier run left under these names and this one does not write is removed, so that a folder never
    holds two verdicts.

    Args:
        attestation: Of a gate that hashed every file.
        folder: Where; made with its parents when missing.
        signer: None to write envelopes that nobody signed, which nobody can verify, and no bundles.
        report_sha256: SHA-256 of the bytes of its report.json, hexadecimal.
        verifier_id: URI of who decides.

    Returns:
        Name → path of every file written.

    Raises:
        InputError: When nothing can be stated of it (see `refusal`), or the folder can't be written to.
        SigningError: When the signer can't sign.
        GatekeeperError: When the disk is full or broken.
    """
    made = statements(attestation, report_sha256=report_sha256, verifier_id=verifier_id)
    texts = _render(made, signer)
    paths = {name: folder / name for name in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove(folder, keep=texts)
        atomic_write_all({paths[name]: text.encode("utf-8") for name, text in texts.items()})
    except OSError as error:
        kind = GatekeeperError if error.errno in _DISK else InputError
        where = printable(str(folder), 400)
        raise kind(f"could not write the verdict to {where}: {error.strerror}", hint="choose another folder") from error
    return paths


def remove(folder: Path, keep: Collection[str] = ()) -> None:
    """Remove what an earlier `write` left in a folder.

    Args:
        folder: Where.
        keep: Names of files that stay.

    Raises:
        InputError: When it can't.
    """
    for name in FILES:
        if name not in keep:
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise InputError(
                    f"an older {name} in {printable(str(folder), 400)} can't be removed: {error.strerror}",
                    hint="choose another folder",
                ) from error


def _render(made: tuple[Statement, Statement], signer: Signer | None) -> dict[str, str]:
    envelopes = [_envelope(statement_json(each), signer) for each in made]
    texts = {VERDICT_FILE: "".join(f"{envelope_json(each)}\n" for each in envelopes)}
    if signer is not None:
        texts |= {name: f"{wrap(each, signer.key_id)}\n" for name, each in zip(_BUNDLES, envelopes, strict=True)}
    texts |= {name: _predicate(each) for name, each in zip(_PREDICATES, made, strict=True)}
    lines = [f"{each.digest['sha256']}  {each.name}\n" for each in made[0].subjects if "sha256" in each.digest]
    return {**texts, _SUBJECTS: "".join(lines)}


def _envelope(payload: bytes, signer: Signer | None) -> Envelope:
    return unsigned(payload) if signer is None else sign(payload, signer)


def _predicate(statement: Statement) -> str:
    return json.dumps(statement.predicate, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
