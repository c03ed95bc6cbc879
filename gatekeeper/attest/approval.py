"""Approvals as files: one statement in one envelope, read so strictly that there is one way to say each of them.

The statement's subjects are the files of the artifact. Their digests must come to the artifact's digest that the
predicate names, so that neither can be changed without the other, signed or not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from gatekeeper.artifact import artifact_digest
from gatekeeper.attest.predicates import encode
from gatekeeper.attestation import SubjectFile
from gatekeeper.decision import Action, Approval, DisbelievedApproval
from gatekeeper.errors import GatekeeperError, InputError, LimitError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signers import Approver
from gatekeeper.signing import (
    APPROVAL,
    PAYLOAD_TYPE,
    Envelope,
    Statement,
    StatementSubject,
    load_public_key,
    parse_envelope,
    parse_statement,
    strict,
    verify_envelope,
)
from gatekeeper.text import plural, printable

APPROVAL_ENDING = ".intoto.json"
"""End of the names of files that are read in a folder of approvals."""

_FIELDS = {
    "reference": "reference",
    "artifactDigest": "subject",
    "policyDigest": "policy_digest",
    "action": "action",
    "row": "row",
    "findings": "findings",
    "unknown": "unknown",
    "by": "by",
    "reason": "reason",
    "ticket": "ticket",
    "created": "created",
    "expires": "expires",
}
"""Field of the predicate → field of the noun; who signed, and which bytes, is not for the author to say."""

_LINE = 500
"""Characters of a name, a reason, a ticket or a reference."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ID = re.compile(r"[a-z0-9-]{1,100}(/[a-z0-9-]{1,100}){0,3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ACTIONS = {action.value: action for action in (Action.AUDIT, Action.ESCALATE)}


def approval_statement(approval: Approval, files: Iterable[SubjectFile]) -> Statement:
    """Say an approval as a statement; `signing.sign` or `signing.unsigned` puts it into an envelope.

    Args:
        approval: Its `signer` and `sha256` are left out.
        files: All files of the artifact, in its order.

    Raises:
        InputError: When it could not be read back: the files are not the artifact, or a text is empty, too long or
            has characters that can't be seen.
    """
    said = {name: encode(getattr(approval, field)) for name, field in _FIELDS.items()}
    subjects = tuple(StatementSubject(name=file.path, digest={"sha256": file.sha256}) for file in files)
    statement = Statement(subjects=subjects, predicate_type=APPROVAL, predicate=said)
    try:
        _read(statement, approval.signer)
    except SignatureError as error:
        raise InputError(f"this can't be signed off so: {error.message}", hint=error.hint) from error
    return statement


def read_approval(data: bytes, approvers: Sequence[Approver]) -> Approval:
    """Read one approval.

    Args:
        data: A DSSE envelope.
        approvers: Whose signature counts. With any, it must be signed by one of them. With none, the signature is
            held against nobody, and `Approval.signer` is empty.

    Raises:
        SignatureError: When it is malformed, not signed, badly signed or no approval.
        InputError: When the key of an approver can't be used.
    """
    envelope = parse_envelope(data)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise _other(f"the envelope holds {printable(envelope.payload_type, 80)!r}")
    signer = _signer(envelope, approvers) if approvers else ""
    statement = parse_statement(envelope.payload)
    if statement.predicate_type != APPROVAL:
        raise _other(f"it says {printable(statement.predicate_type, 80)!r}")
    return replace(_read(statement, signer), sha256=hashlib.sha256(data).hexdigest())


def read_approvals(
    places: Iterable[Path], approvers: Sequence[Approver]
) -> tuple[tuple[Approval, ...], tuple[DisbelievedApproval, ...]]:
    """Read approvals from files, and from folders all that end in `.intoto.json`.

    One bad file in a folder that a team shares must not stop every run, and must not go unseen. A file that somebody
    named is meant for this very run.

    Args:
        places: Files and folders; what lies in folders of a folder is not read.
        approvers: As for `read_approval`.

    Returns:
        The approvals, in the order of places and names, each file once; and the files in folders that can't be read or
        are not believed.

    Raises:
        InputError: When a file that was named can't be read or is not believed; the message names it. When a folder
            can't be listed, or the key of an approver can't be used.
        LimitError: When a folder holds too many.
    """
    for approver in approvers:
        load_public_key(approver.key)  # else each file would be blamed for it
    named: dict[Path, bool] = {}
    for place in places:
        for path in _files(place):
            named[path] = named.get(path, False) or path == place
    believed, disbelieved = [], []
    for path, is_named in named.items():
        try:
            believed.append(_from_file(path, approvers))
        except InputError as error:
            if is_named:
                raise InputError(f"the approval {printable(str(path))} {error.message}", hint=error.hint) from error
            disbelieved.append(DisbelievedApproval(file=printable(str(path), 400), why=error.message))
    return tuple(believed), tuple(disbelieved)


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    limit = DEFAULT_LIMITS.approval_files
    try:
        paths = sorted(path for path in place.iterdir() if path.name.endswith(APPROVAL_ENDING))
    except OSError as error:
        raise InputError(f"the approvals in {printable(str(place))} can't be read: {error.strerror}") from error
    if len(paths) > limit:
        raise LimitError(
            f"{printable(str(place))} holds {plural(len(paths), 'approval')}, and {limit} are read (approval_files)",
            hint="remove those that have expired",
        )
    return paths


def _from_file(path: Path, approvers: Sequence[Approver]) -> Approval:
    """Read one file; the message of its InputError is a clause that follows the file's name."""
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise ValueError("it is no regular file")
        with path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.signed_bytes + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(f"can't be read: {why}", hint="give the file that gatekeeper approve wrote") from error
    try:
        return read_approval(data, approvers)
    except GatekeeperError as error:
        raise InputError(f"is not believed: {error.message}", hint=error.hint or _AGAIN) from error


_AGAIN = "remove the file, and have it signed off again with gatekeeper approve"


def _signer(envelope: Envelope, approvers: Sequence[Approver]) -> str:
    """Name the approver whose key the signature holds with."""
    if not envelope.signatures:
        raise SignatureError(
            "it is not signed, and the policy lists whose signature counts",
            refusal=Refusal.NO_SIGNATURE,
            hint="remove the file, and have one of the policy's approvers sign off with --key",
        )
    keys = [load_public_key(approver.key) for approver in approvers]
    return approvers[keys.index(verify_envelope(envelope, keys))].name


def _read(statement: Statement, signer: str) -> Approval:
    said = strict.fields(statement.predicate, "the approval", frozenset(_FIELDS))
    created, expires = _day(said, "created"), _day(said, "expires")
    if expires < created:
        raise strict.malformed("the approval expires before it was created")
    artifact = _matching(said, "artifactDigest", _DIGEST, "sha256: and 64 digits")
    if artifact != f"sha256:{_digest(statement.subjects)}":
        raise strict.malformed("the files that it names are not those of the artifact that it was given for")
    return Approval(
        reference=_line(said, "reference"),
        subject=artifact,
        policy_digest=_matching(said, "policyDigest", _DIGEST, "sha256: and 64 digits"),
        action=_action(said),
        row=_matching(said, "row", _SLUG, "the slug of a row"),
        findings=_ids(said, "findings"),
        unknown=_ids(said, "unknown"),
        by=_line(said, "by"),
        reason=_line(said, "reason"),
        ticket=_line(said, "ticket") if said["ticket"] != "" else "",
        created=created,
        expires=expires,
        signer=signer,
    )


def _digest(subjects: Sequence[StatementSubject]) -> str:
    """Give `Artifact.digest` of the files that a statement names."""
    for subject in subjects:
        if set(subject.digest) != {"sha256"}:
            raise strict.malformed(f"{printable(subject.name, 80)!r} has other digests than one of sha256")
    return artifact_digest((subject.name, subject.digest["sha256"]) for subject in subjects)


def _line(said: Mapping[str, Any], name: str) -> str:
    text = strict.text(said[name], f"the approval's {name}", _LINE)
    if not text.strip():
        raise strict.malformed(f"the approval's {name} is empty")
    if printable(text, _LINE) != text:
        raise strict.malformed(f"the approval's {name} has characters that can't be seen: {printable(text, 80)}")
    return text


def _matching(said: Mapping[str, Any], name: str, form: re.Pattern[str], what: str) -> str:
    text = strict.text(said[name], f"the approval's {name}")
    if not form.fullmatch(text):
        raise strict.malformed(f"the approval's {name} is not {what}: {printable(text, 80)!r}")
    return text


def _action(said: Mapping[str, Any]) -> Action:
    text = strict.text(said["action"], "the approval's action")
    if text not in _ACTIONS:
        raise strict.malformed(f"{printable(text, 80)!r} can't be signed off, only {' or '.join(_ACTIONS)}")
    return _ACTIONS[text]


def _ids(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = strict.items(said[name], f"the approval's list of {name}")
    if len(values) > DEFAULT_LIMITS.approval_ids:
        raise strict.malformed(f"the approval's list of {name} is longer than {DEFAULT_LIMITS.approval_ids}")
    for value in values:
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise strict.malformed(f"the approval's list of {name} has {printable(str(value), 80)!r}, which is no id")
    if any(before >= after for before, after in pairwise(values)):
        raise strict.malformed(f"the approval's list of {name} is not sorted, or names one twice")
    return tuple(values)


def _day(said: Mapping[str, Any], name: str) -> date:
    text = _matching(said, name, _DAY, "a day as 2026-12-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise strict.malformed(f"the approval's {name} is no day of the calendar: {text}") from error


def _other(found: str) -> SignatureError:
    return SignatureError(f"{found}, and an approval was expected", refusal=Refusal.OTHER_TYPE)
