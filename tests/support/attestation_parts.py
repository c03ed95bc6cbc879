"""What attestations for tests are made of: checks, findings, subjects and decisions, always the same to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from gatekeeper.artifact import CommitInfo, Kind, LineageClaim
from gatekeeper.attestation import Attestation, Omission, Subject, SubjectFile
from gatekeeper.decision import Action, Decision, RowOutcome, RowState, WaiverUse
from gatekeeper.evidence import (
    CheckDescription,
    CheckResult,
    Confidence,
    FactValue,
    Finding,
    Gap,
    Hazard,
    Location,
    RuleDescription,
    Severity,
    Status,
    Strength,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
COMMIT = "4f1c0de5a9b37e2266d01b3c9a84f7e0b5d2c631"
POLICY_DIGEST = f"sha256:{hashlib.sha256(b'policy').hexdigest()}"
VERSIONS = {"gatekeeper-models": "0.1.0", "hayward": "1.4.1", "huggingface-hub": "2.4.0", "picklescan": "1.0.5"}

_CHECKS = {
    "provenance/revision": "The revision is pinned",
    "provenance/bytes": "The bytes are those that the Hub lists",
    "provenance/publisher": "The publisher is known",
    "provenance/licence": "The licence is declared and allowed",
    "provenance/platform-scan": "The platform's own scan",
    "files/structure": "Weight files have the structure they claim",
    "files/pickle": "Pickles call nothing outside the allowlist",
    "files/remote-code": "Loading asks for no code from the repo",
    "files/load-path": "What loaders look for is there",
    "adapter/weights": "The adapter's weights look trained",
}
_ROWS: tuple[tuple[str, Action, str, str], ...] = (
    ("bytes-differ", Action.DISCARD, 'bytes.hub == "mismatch"', "Fetch again from a verified source, and report it."),
    ("payload", Action.DISCARD, '"payload" in findings.hazards', "Ask the publisher for safetensors."),
    ("denied", Action.DISCARD, "publisher.denied", "Choose another model."),
    (
        "failure-content",
        Action.PATCH,
        'failure.cause == "content_trigger" && failure.localised && !remedy.exists',
        "Patch in place, then verify on held-out data.",
    ),
    ("required-unknown", Action.ESCALATE, "size(checks.required_unknown) > 0", "Make the check possible."),
    ("suspicious", Action.ESCALATE, '"suspicious" in findings.hazards', "Look, then waive with a reason or refuse."),
    (
        "adapter-unproven",
        Action.AUDIT,
        'artifact.kind == "adapter" && !publisher.trusted',
        "Audit the adapter's weights before merging, or reject it.",
    ),
    ("unverified", Action.AUDIT, '"unverified" in findings.hazards', "Verify before deployment."),
    ("unknown", Action.AUDIT, "size(checks.unknown) > 0", "Run again, or decide without it."),
    (
        "known-good",
        Action.ALLOW,
        'source.pinned && bytes.hub == "match" && publisher.trusted && findings.severity < 3',
        "Keep the attestation.",
    ),
    ("otherwise", Action.AUDIT, "true", "Verify before deployment."),
)
_FACTS: dict[str, FactValue] = {
    "artifact.kind": "model",
    "findings.ids": (),
    "repo.age_days": 412,
    "source.pinned": True,
}
_READERS: dict[str, tuple[str, ...]] = {
    "config.json": ("transformers", "vLLM"),
    "model.safetensors": ("transformers", "vLLM"),
    "pytorch_model.bin": ("transformers (old or with use_safetensors=False)", "vLLM"),
    "tokenizer.json": ("transformers", "vLLM"),
}
_WHY = {RowState.HOLDS: "It is so.", RowState.FAILS: "It is not so.", RowState.INDETERMINATE: "A fact is missing."}


def check(check_id: str) -> CheckDescription:
    """Describe a check as the real ones do."""
    return CheckDescription(
        id=check_id,
        title=_CHECKS.get(check_id, check_id),
        version=1,
        looks_at="The reference, the listing and the bytes.",
        why="What is not looked at may be anything.",
        cannot_see="What the publisher did before the upload.",
        mend="Pin it, or ask the publisher.",
        rules=(
            RuleDescription(
                id=f"{check_id}/rule",
                title="A rule",
                severity=Severity.MEDIUM,
                hazard=Hazard.UNVERIFIED,
                mend="Pin it.",
            ),
        ),
        facts=("source.pinned",),
    )


def finding(
    check_id: str,
    slug: str,
    title: str,
    message: str,
    *,
    severity: Severity = Severity.MEDIUM,
    hazard: Hazard = Hazard.UNVERIFIED,
    confidence: Confidence = Confidence.HIGH,
    strength: Strength = Strength.MEASURED,
    mend: str = "Pin the commit.",
    location: Location | None = None,
) -> Finding:
    """Make a finding."""
    return Finding(
        id=f"{check_id}/{slug}",
        check=check_id,
        title=title,
        message=message,
        severity=severity,
        confidence=confidence,
        strength=strength,
        hazard=hazard,
        mend=mend,
        location=location or Location(),
    )


def results(*findings: Finding, gaps: Mapping[str, tuple[Gap, ...]] | None = None) -> tuple[CheckResult, ...]:
    """Run every check, on paper: those with findings fail, those with gaps are unknown, the adapter's has no work."""
    return tuple(
        _result(name, tuple(f for f in findings if f.check == name), (gaps or {}).get(name, ())) for name in _CHECKS
    )


def _result(name: str, found: tuple[Finding, ...], gaps: tuple[Gap, ...]) -> CheckResult:
    if gaps:
        status, reason = Status.UNKNOWN, "; ".join(gap.reason for gap in gaps)
    elif found:
        status, reason = Status.FAIL, ""
    elif name == "adapter/weights":
        status, reason = Status.NOT_APPLICABLE, "the artifact is no adapter"
    else:
        status, reason = Status.PASS, ""
    facts = {"source.pinned": True} if name == "provenance/revision" else {}
    readers = _READERS if name == "files/load-path" else {}
    return CheckResult(
        check=check(name), status=status, reason=reason, findings=found, facts=facts, gaps=gaps, readers=readers
    )


def subject(name: str = "harbour/lantern-135m", *, kind: Kind = Kind.MODEL, count: int = 3) -> Subject:
    """Make a subject with a few files."""
    paths = ["config.json", "model.safetensors", "tokenizer.json", *(f"shards/{n:05}.bin" for n in range(3, count))]
    sizes = [742, 269_060_552, 2_104_556, *(4096 * n for n in range(3, count))]
    return Subject(
        reference=f"hf://{name}@{COMMIT}",
        kind=kind,
        name=name,
        requested_revision=COMMIT,
        commit=COMMIT,
        digest=hashlib.sha256(name.encode("utf-8", "replace")).hexdigest(),
        files=tuple(
            SubjectFile(path=path, size=size, sha256=hashlib.sha256(path.encode()).hexdigest())
            for path, size in zip(paths[:count], sizes[:count], strict=True)
        ),
        lineage=(LineageClaim(base="harbour/lantern-base", said_by="card", revision="", relation="finetune"),),
        endpoint="https://huggingface.co",
        returned_name=name,
        commits=(
            CommitInfo(
                id=COMMIT,
                title="Upload weights",
                date=datetime(2026, 9, 1, 12, 0, tzinfo=UTC),
                authors=("keeper",),
            ),
            CommitInfo(id="9" * 40, title="initial commit", date=None, authors=()),
        ),
    )


def decision(
    fired: str,
    because: str,
    *,
    facts: Mapping[str, FactValue] | None = None,
    indeterminate: tuple[str, ...] = (),
    waivers: tuple[WaiverUse, ...] = (),
    laws: tuple[str, ...] = (),
) -> Decision:
    """Fill the table so that `fired` is the first row that holds."""
    rows = tuple(_row(fired, indeterminate, *row) for row in _ROWS)
    held = next(row for row in rows if row.row == fired)
    return Decision(
        action=held.action,
        row=fired,
        because=because,
        ask=held.ask,
        rows=rows,
        facts={
            "artifact.kind": "model",
            "source.pinned": True,
            "repo.age_days": 412,
            "findings.ids": (),
            **(facts or {}),
        },
        laws=laws,
        waivers=waivers,
        policy_name="production",
        policy_digest=POLICY_DIGEST,
        required=("files/structure", "provenance/bytes"),
    )


def _row(fired: str, indeterminate: tuple[str, ...], slug: str, action: Action, when: str, ask: str) -> RowOutcome:
    state = RowState.HOLDS if slug in (fired, "otherwise") else RowState.FAILS
    state = RowState.INDETERMINATE if slug in indeterminate else state
    return RowOutcome(
        row=slug, action=action, words=slug.replace("-", " "), when=when, state=state, because=_WHY[state], ask=ask
    )


def assembled(
    about: Subject, found: tuple[CheckResult, ...], verdict: Decision | None, *omissions: Omission
) -> Attestation:
    """Put an attestation together; nothing was run."""
    return Attestation(
        subject=about,
        results=found,
        decision=verdict,
        not_checked=(_BEHAVIOUR, *omissions),
        created_at=NOW,
        tool_versions=VERSIONS,
    )


_BEHAVIOUR = Omission(what="Behaviour", why="The model was not run; what it answers is not known.")
