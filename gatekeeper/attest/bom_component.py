"""One model of a bill of materials: the component with its files, its licences, its card and what it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.artifact import IrregularityKind, LineageClaim
from gatekeeper.attest.bom_words import (
    COMMIT,
    MAX_VERSION,
    Object,
    facts_of,
    hub_address,
    is_on_hub,
    licences,
    name_text,
    package_url,
    properties,
    sha256_hashes,
    text_fact,
    time_text,
)
from gatekeeper.attestation import Attestation, Subject, SubjectFile
from gatekeeper.evidence import FactValue
from gatekeeper.lock import LockedModel
from gatekeeper.text import printable

MODEL = "machine-learning-model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attested:
    """An attestation and the file that it was read from."""

    attestation: Attestation
    digest: str
    """SHA-256 of the bytes of its report.json, hexadecimal."""


class LockState(StrEnum):
    """What the lock says of a model."""

    MATCH = "match"
    DIFFERS = "differs"
    """It pins another commit or other bytes."""

    ABSENT = "absent"


def reference_of(attested: Attested) -> str:
    """Give the `bom-ref` of a model: the same for the same report, and no other model's."""
    return f"model:{attested.digest}"


def component(attested: Attested, locked: LockedModel | None, *, with_lock: bool) -> Object:
    """Describe one model: what is known from its attestation, and nothing else.

    Args:
        attested: Which.
        locked: What the lock pins under its name.
        with_lock: Whether there is a lock at all.
    """
    attestation, subject = attested.attestation, attested.attestation.subject
    facts, ref = facts_of(attestation), reference_of(attested)
    state = lock_state(subject, locked)
    pinned = locked if state is LockState.MATCH else None
    found: Object = {
        "type": MODEL,
        "bom-ref": ref,
        **_names(subject),
        **_when("publisher", text_fact(facts, "publisher.name")),
        "modelCard": _card(attestation, facts, ref),
        "properties": properties(
            (*_about(attested, facts), ("lock", state.value if with_lock else None), *_files_told(subject))
        ),
    }
    parts = {
        "licenses": licences(text_fact(facts, "licence.id")),
        "components": [_file(file, f"{ref}/file/{place}") for place, file in enumerate(_sorted(subject.files))],
        "externalReferences": list(_references(attested)),
    }
    if forebears := ancestors(attested, pinned):
        found["pedigree"] = {"ancestors": forebears}
    return found | {name: value for name, value in parts.items() if value}


def lock_state(subject: Subject, locked: LockedModel | None) -> LockState:
    """Hold what was judged against what is pinned."""
    if locked is None or not is_on_hub(subject):
        return LockState.ABSENT
    same = bool(subject.digest) and (subject.commit, subject.digest) == (locked.commit, locked.digest)
    return LockState.MATCH if same else LockState.DIFFERS


def ancestors(attested: Attested, locked: LockedModel | None) -> list[Object]:
    """Describe the base models that the artifact declares, each once, sorted by name and commit."""
    claims: dict[tuple[str, str], list[LineageClaim]] = {}
    subject = attested.attestation.subject
    for claim in subject.lineage:
        claims.setdefault((claim.base, _pin(claim, subject.lineage, locked)), []).append(claim)
    ref = reference_of(attested)
    return [
        _ancestor(base, commit, said, f"{ref}/base/{place}")
        for place, ((base, commit), said) in enumerate(sorted(claims.items()))
    ]


def _pin(claim: LineageClaim, lineage: tuple[LineageClaim, ...], locked: LockedModel | None) -> str:
    """Give the revision that a base is named with: by this claim, by another of the same base, or by the lock."""
    if claim.revision:
        return claim.revision
    said = {other.revision for other in lineage if other.base == claim.base and other.revision}
    if len(said) == 1:
        return said.pop()
    base = locked.base if locked else None
    return base.commit if not said and base and base.id == claim.base else ""


def _ancestor(base: str, revision: str, said: list[LineageClaim], ref: str) -> Object:
    purl = package_url(base, revision if COMMIT.fullmatch(revision) else "")
    declared = any(claim.revision for claim in said)
    group, slash, name = base.partition("/")
    named = {"group": group, "name": name} if purl and slash else {"name": name_text(base)}
    return {
        "type": MODEL,
        "bom-ref": ref,
        **named,
        **_version(revision),
        **_when("purl", purl),
        "properties": properties(
            (
                *(("base:said-by", claim.said_by) for claim in said),
                *(("base:relation", claim.relation) for claim in said),
                ("base:pinned", "true" if COMMIT.fullmatch(revision) else "false"),
                ("base:pinned-by", None if not revision else "artifact" if declared else "lock"),
            )
        ),
    }


def _names(subject: Subject) -> Object:
    purl = package_url(subject.name, subject.commit) if is_on_hub(subject) else ""
    group, slash, name = subject.name.partition("/")
    named = {"group": group, "name": name} if purl and slash else {"name": name_text(subject.name)}
    version = subject.commit or (f"sha256:{subject.digest}" if subject.digest else "")
    return {**named, **_version(version), **_when("purl", purl)}


def _version(text: str) -> Object:
    return {"version": printable(text, MAX_VERSION)} if text else {}


def _when(key: str, value: str) -> Object:
    return {key: name_text(value)} if value else {}


def _card(attestation: Attestation, facts: Mapping[str, FactValue], ref: str) -> Object:
    formats = facts.get("artifact.formats")
    return {
        "bom-ref": f"{ref}/card",
        "properties": properties(
            (
                ("kind", attestation.subject.kind.value),
                ("formats", ", ".join(formats) if isinstance(formats, tuple) else None),
                ("licence-declared", text_fact(facts, "licence.id")),
                *(("declared-base", claim.base) for claim in attestation.subject.lineage),
            )
        ),
    }


def _about(attested: Attested, facts: Mapping[str, FactValue]) -> Iterator[tuple[str, str | None]]:
    attestation, subject = attested.attestation, attested.attestation.subject
    yield "kind", subject.kind.value
    yield "reference", subject.reference
    yield "requested-revision", subject.requested_revision
    yield "digest", f"sha256:{subject.digest}" if subject.digest else None
    yield "report-digest", f"sha256:{attested.digest}"
    yield "attested-at", time_text(attestation.created_at)
    if decision := attestation.decision:
        yield "action", decision.action.value
        yield "row", decision.row
        yield "policy", decision.policy_name
        yield "policy-digest", decision.policy_digest
    status = text_fact(facts, "signature.status")
    yield "signature", status
    if status == "valid":
        yield "signer", text_fact(facts, "signature.signer")
        yield "signer-trusted", "true" if facts.get("signature.trusted") is True else "false"


def _files_told(subject: Subject) -> Iterator[tuple[str, str | None]]:
    if subject.exclude:
        yield "subset", "true"
        yield "excluded-files", str(len(subject.excluded))
        yield from (("exclude", pattern) for pattern in subject.exclude)
    if subject.metadata_only:
        yield "metadata-only", "true"


def _sorted(files: tuple[SubjectFile, ...]) -> list[SubjectFile]:
    return sorted(files, key=lambda file: (file.path, file.sha256, file.size))


def _file(file: SubjectFile, ref: str) -> Object:
    return {
        "type": "file",
        "bom-ref": ref,
        "name": name_text(file.path),
        **sha256_hashes(file.sha256),
        "properties": properties((("size", str(file.size)),)),
    }


def _references(attested: Attested) -> Iterator[Object]:
    subject = attested.attestation.subject
    yield {
        "type": "attestation",
        "url": f"urn:gatekeeper:report:sha256:{attested.digest}",
        "comment": "The report.json of gatekeeper that this component is described from.",
        **sha256_hashes(attested.digest),
    }
    if address := hub_address(subject, "tree/{commit}"):
        yield {"type": "distribution", "url": address}
    card = next((file for file in subject.files if file.path == "README.md"), None)
    if card and (address := hub_address(subject, "blob/{commit}/README.md")):
        yield {"type": "model-card", "url": address, **sha256_hashes(card.sha256)}


def aggregate(subject: Subject) -> str:
    """Say whether the component lists all of its files, in CycloneDX's words."""
    if subject.metadata_only or not subject.digest:
        return "unknown"
    left_out = any(each.kind is not IrregularityKind.SKIPPED for each in subject.irregularities)
    return "incomplete" if subject.exclude or left_out else "complete"
