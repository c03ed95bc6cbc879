"""Attestations → one bill of materials: CycloneDX 1.6 or 1.7, for one model or for many.

Source: https://cyclonedx.org/docs/1.7/json/. The document says what the attestations say and nothing else: what is not
known is left out, never guessed. The same attestations give the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gatekeeper.artifact import Kind
from gatekeeper.attest.bom_claims import declarations
from gatekeeper.attest.bom_component import Attested, aggregate, component, reference_of
from gatekeeper.attest.bom_words import MAX_VERSION, Object, is_on_hub, properties, time_text
from gatekeeper.errors import InputError
from gatekeeper.lock import Lock
from gatekeeper.text import printable

SPECS = ("1.6", "1.7")
"""Versions of CycloneDX that can be written."""

TOOL = "gatekeeper-models"


def bom(models: Iterable[Attested], *, spec: str = SPECS[0], lock: Lock | None = None) -> Object:
    """Write the bill of materials.

    Args:
        models: Attestations of decisions or scans; of several about the same bytes under one name the newest counts.
        spec: Out of `SPECS`.
        lock: What the team has pinned: says of each model whether it is pinned, and of a base at which commit.

    Returns:
        The document, to be written by `bom_json`. Its serial number is a UUID (version 5) of all the rest.

    Raises:
        InputError: When there is no attestation, or no such version.
    """
    if spec not in SPECS:
        raise InputError(f"there is no CycloneDX {printable(spec, 40)!r} here", hint=f"choose from {', '.join(SPECS)}")
    newest = _newest(models)
    if not newest:
        raise InputError("there is no attestation to write a bill of materials of", hint="name a report.json")
    components = [_component(model, lock) for model in newest]
    body: Object = {
        "version": 1,
        "metadata": _metadata(newest, lock),
        "components": components,
        "dependencies": _dependencies(newest, components),
        "compositions": _compositions(newest),
        **declarations(newest),
    }
    head = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps({**head, **body}, separators=(",", ":")))
    return {**head, "serialNumber": f"urn:uuid:{serial}", **body}


def bom_json(document: Object) -> str:
    """Write a document as ASCII text, indented by two, with a newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _newest(models: Iterable[Attested]) -> list[Attested]:
    """Keep the newest attestation of the same bytes under the same name, sorted by name."""
    kept: dict[tuple[str, ...], Attested] = {}
    for model in sorted(models, key=lambda each: (_instant(each), each.digest)):
        subject = model.attestation.subject
        kept[(subject.reference.split("@")[0], subject.name, subject.commit, subject.digest, *subject.exclude)] = model
    by_digest = {model.digest: model for model in kept.values()}
    return sorted(by_digest.values(), key=lambda model: (model.attestation.subject.name, model.digest))


def _instant(model: Attested) -> datetime:
    moment = model.attestation.created_at
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _component(model: Attested, lock: Lock | None) -> Object:
    return component(model, lock.model(model.attestation.subject.name) if lock else None, with_lock=lock is not None)


def _metadata(models: Sequence[Attested], lock: Lock | None) -> Object:
    latest = max(models, key=lambda model: (_instant(model), model.digest))
    versions = sorted(
        {printable(model.attestation.tool_versions.get(TOOL) or "unknown", MAX_VERSION) for model in models}
    )
    tools = [
        {"type": "application", "bom-ref": f"tool:{place}", "name": "gatekeeper", "version": version}
        for place, version in enumerate(versions)
    ]
    listed = {model.attestation.subject.name for model in models if is_on_hub(model.attestation.subject)}
    absent = (model.id for model in (lock.models if lock else ()) if model.id not in listed)
    told = properties((("models", str(len(models))), *(("locked-without-report", each) for each in absent)))
    return {
        "timestamp": time_text(latest.attestation.created_at),
        "tools": {"components": tools},
        "properties": told,
    }


def _dependencies(models: Sequence[Attested], components: Sequence[Object]) -> list[Object]:
    """Say what needs what: an adapter its base, the very component where the base is listed at that commit."""
    listed = _listed(models)
    found = []
    for model, described in zip(models, components, strict=True):
        needed: set[str] = set()
        if model.attestation.subject.kind is Kind.ADAPTER:
            bases = described.get("pedigree", {}).get("ancestors", [])
            needed = {listed.get((_full_name(base), base.get("version", "")), base["bom-ref"]) for base in bases}
        found.append({"ref": reference_of(model), **({"dependsOn": sorted(needed)} if needed else {})})
    return found


def _listed(models: Sequence[Attested]) -> dict[tuple[str, str], str]:
    """Give the components by name and commit; where two have other bytes under the same, neither is meant."""
    found: dict[tuple[str, str], list[str]] = {}
    for model in models:
        subject = model.attestation.subject
        if is_on_hub(subject) and not subject.exclude:
            found.setdefault((subject.name, subject.commit), []).append(reference_of(model))
    return {key: refs[0] for key, refs in found.items() if len(refs) == 1}


def _full_name(described: Object) -> str:
    return "/".join(part for part in (described.get("group", ""), described["name"]) if part)


def _compositions(models: Sequence[Attested]) -> list[Object]:
    kinds: dict[str, list[str]] = {}
    for model in models:
        kinds.setdefault(aggregate(model.attestation.subject), []).append(reference_of(model))
    return [{"aggregate": kind, "assemblies": sorted(refs)} for kind, refs in sorted(kinds.items())]
