"""A small folder, attestations of it, and their verdicts, signed with throw-away keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from gatekeeper import attest
from gatekeeper.attestation import Attestation, SubjectFile
from gatekeeper.decision import Action, Approval
from gatekeeper.evidence import FactValue
from gatekeeper.policy import VOCABULARY
from gatekeeper.report import to_json
from gatekeeper.signing import Signer, Statement, envelope_json, sign, statement_json
from tests.support.attestation_parts import COMMIT, NOW, POLICY_DIGEST
from tests.support.attestations import allowed
from tests.support.signing import key_pair

FILES = {"config.json": b"{}", "model.safetensors": b"\x08\0\0\0\0\0\0\0{}      weights", "sub/vocab.txt": b"a\nb\n"}
NAME = "harbour/lantern-135m"
URI = f"pkg:huggingface/{NAME}@{COMMIT}"
EXPECTED = attest.Expectations(keys=(key_pair("alice").public_key,))

__all__ = ["COMMIT", "EXPECTED", "FILES", "NAME", "NOW", "POLICY_DIGEST", "URI"]


def facts(**given: FactValue) -> dict[str, FactValue]:
    """Give the whole vocabulary; two underscores stand for a dot."""
    known = {fact.name: fact.default for fact in VOCABULARY}
    return {**known, **{name.replace("__", "."): value for name, value in given.items()}}


def attestation(files: Mapping[str, bytes] = FILES, **told: Any) -> Attestation:
    """Make an attestation of allow on files.

    Args:
        files: Path → bytes.
        told: Fields of the decision to replace; `subject` holds those of the subject, `facts` some facts.
    """
    base = allowed()
    hashed = tuple(
        SubjectFile(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
    )
    lines = "".join(f"{file.sha256} {file.path}\n" for file in hashed)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    about = replace(base.subject, files=hashed, digest=digest, **told.pop("subject", {}))
    known = facts(
        **{"source__pinned": True, "bytes__hub": "match", "publisher__trusted": True, **told.pop("facts", {})}
    )
    created = told.pop("created_at", NOW)
    decision = replace(base.verdict, facts=known, **told)
    return replace(base, subject=about, decision=decision, created_at=created)


def refused(action: Action = Action.AUDIT, row: str = "unverified", **told: Any) -> Attestation:
    """Make an attestation of another action."""
    return attestation(action=action, row=row, because="somebody's word is missing", **told)


def lay_out(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Write the files."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def report_digest(about: Attestation) -> str:
    return hashlib.sha256(to_json(about).encode()).hexdigest()


def statements(about: Attestation) -> tuple[Statement, Statement]:
    return attest.statements(about, report_sha256=report_digest(about))


def sealed(*stated: Statement, signer: Signer | None = None) -> bytes:
    """Sign statements as they are, whatever they say."""
    by = signer or key_pair("alice").signer
    return b"".join(f"{envelope_json(sign(statement_json(each), by))}\n".encode() for each in stated)


def verdict(about: Attestation | None = None, signer: Signer | None = None) -> bytes:
    """Give the bytes of a signed verdict."""
    return sealed(*statements(about or attestation()), signer=signer)


def with_predicate(statement: Statement, change: Callable[[dict[str, Any]], object]) -> Statement:
    """Change a predicate before it is signed."""
    predicate: dict[str, Any] = json.loads(json.dumps(statement.predicate))
    change(predicate)
    return replace(statement, predicate=predicate)


def sign_off(about: Attestation, **told: Any) -> Approval:
    """Sign an attestation off, as far as the noun goes."""
    approval = Approval(
        reference=f"hf://{NAME}@{COMMIT}",
        subject=f"sha256:{about.subject.digest}",
        policy_digest=POLICY_DIGEST,
        action=about.verdict.action,
        row=about.verdict.row,
        findings=(),
        unknown=(),
        by="r.silva@example.com",
        reason="We read it.",
        created=date(2026, 11, 1),
        expires=date(2026, 12, 1),
        signer="silva",
    )
    return replace(approval, **told)
