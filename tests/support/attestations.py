"""Attestations for tests: one for each action, one that was signed off and one of a scan, always the same to the byte.

`python -m tests.support.attestations --write` remakes the golden files under `tests/report/golden/` after a wanted
change of a view; read their diff before committing it.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from gatekeeper.artifact import CommitInfo, ExcludedFile, Irregularity, IrregularityKind, Kind, LineageClaim
from gatekeeper.attestation import Attestation, Omission, Subject, SubjectFile
from gatekeeper.decision import (
    Action,
    Approval,
    ApprovalState,
    ApprovalUse,
    Decision,
    DisbelievedApproval,
    RowOutcome,
    RowState,
    WaiverState,
    WaiverUse,
)
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

GOLDEN = Path(__file__).parents[1] / "report" / "golden"
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


def _attestation(
    about: Subject, found: tuple[CheckResult, ...], verdict: Decision | None, *omissions: Omission
) -> Attestation:
    return Attestation(
        subject=about,
        results=found,
        decision=verdict,
        not_checked=(_BEHAVIOUR, *omissions),
        created_at=NOW,
        tool_versions=VERSIONS,
    )


_BEHAVIOUR = Omission(what="Behaviour", why="The model was not run; what it answers is not known.")


def allowed() -> Attestation:
    """A pinned model of a trusted publisher; a low finding stands under a waiver."""
    young = finding(
        "provenance/licence",
        "unlisted",
        "The licence is on no list",
        "licence `openrail` is neither allowed nor refused",
        severity=Severity.LOW,
        hazard=Hazard.UNVERIFIED,
        strength=Strength.SELF_DECLARED,
        mend="Add it to one of the policy's lists.",
    )
    waiver = WaiverUse(
        finding=young.id,
        subject=f"hf://harbour/lantern-135m@{COMMIT}",
        reason="Legal read it on 2 November.",
        approver="m.ortiz@example.com",
        expires=date(2026, 12, 2),
        state=WaiverState.USED,
        note="expires in 9 days",
    )
    why = "The reference is pinned, the bytes are those that the Hub lists, and the publisher is trusted."
    return _attestation(subject(), results(young), decision("known-good", why, waivers=(waiver,)))


def audited() -> Attestation:
    """An adapter from somebody unknown."""
    unknown = finding(
        "provenance/publisher",
        "unlisted",
        "The publisher is on no list",
        "`driftwood` is neither trusted nor denied",
        hazard=Hazard.UNPROVEN,
        confidence=Confidence.MEDIUM,
        strength=Strength.PLATFORM,
        mend="Find out who publishes it, then list them as trusted or denied.",
    )
    gap = {"provenance/platform-scan": (Gap(reason="the Hub's scan is still queued"),)}
    why = "It is an adapter, and nobody that you trust vouches for it."
    left_out = ExcludedFile(path="training_args.bin", size=5_240, digest=f"sha256:{'5' * 64}")
    return _attestation(
        replace(
            subject("driftwood/night-lora", kind=Kind.ADAPTER), exclude=("training_args.bin",), excluded=(left_out,)
        ),
        results(unknown, gaps=gap),
        decision("adapter-unproven", why, facts={"artifact.kind": "adapter", "findings.ids": (unknown.id,)}),
    )


def approved() -> Attestation:
    """The same adapter, signed off; an older approval has run out, and another model's is not believed."""
    before = audited()
    why = before.verdict.because.removesuffix(".")
    approval = Approval(
        reference=f"driftwood/night-lora@{COMMIT}",
        subject=f"sha256:{before.subject.digest}",
        policy_digest=POLICY_DIGEST,
        action=Action.AUDIT,
        row="adapter-unproven",
        findings=("provenance/publisher/unlisted",),
        unknown=("provenance/platform-scan",),
        by="m.ortiz@example.com",
        reason="Weights were audited on 20 November.",
        ticket="SEC-88",
        created=date(2026, 11, 21),
        expires=date(2026, 12, 2),
        signer="ml-security",
        sha256="5a" * 32,
    )
    older = replace(
        approval, created=date(2026, 9, 1), expires=date(2026, 11, 20), ticket="", signer="", sha256="01" * 32
    )
    uses = (
        ApprovalUse(approval=approval, state=ApprovalState.USED, note="expires in 9 days"),
        ApprovalUse(approval=older, state=ApprovalState.EXPIRED, note="EXPIRED 3 days ago"),
    )
    verdict = replace(
        before.verdict,
        action=Action.ALLOW,
        row="approved:adapter-unproven",
        because=f"{why}; signed off until 2026-12-02 by {approval.by} ({approval.reason})",
        ask="have it signed off again, or replace it, before 2026-12-02 is over",
        approvals=uses,
    )
    strangers = DisbelievedApproval(
        file="approvals/tide-7b-0c0ffee0c0ff.intoto.json",
        why="is not believed: it is not signed, and the policy lists whose signature counts",
    )
    return replace(before, decision=verdict, disbelieved_approvals=(strangers,))


def patched() -> Attestation:
    """A model whose reported failure has a cause that can be repaired."""
    why = "A reported failure is caused by a content trigger whose tokens are known."
    facts: dict[str, FactValue] = {"failure.cause": "content_trigger", "failure.score": 0.97}
    return _attestation(subject(), results(), decision("failure-content", why, facts=facts))


def escalated() -> Attestation:
    """A broken file, a check that could not answer and a law that stepped in."""
    lies = finding(
        "files/structure",
        "overlap",
        "Tensors share bytes",
        "tensors lie on top of one another, which no writer does",
        severity=Severity.HIGH,
        hazard=Hazard.SUSPICIOUS,
        mend="Fetch it again; if it is the same, ask the publisher.",
        location=Location(path="model.safetensors", offset=1288, detail="model.layers.3.mlp.up_proj.weight"),
    )
    again = replace(lies, location=Location(path="model.safetensors", offset=9000, detail="lm_head.weight"))
    gap = {
        "files/pickle": (
            Gap(reason="the scanner ran out of its 30 CPU seconds", path="optimizer.pt"),
            Gap(reason="the scanner does not read this protocol", path="scheduler.pt"),
        )
    }
    odd = Irregularity(
        kind=IrregularityKind.CASE_COLLISION,
        path="Config.json",
        detail="differs from config.json by letter case alone",
    )
    verdict = replace(
        decision("required-unknown", "A required check could not answer.", indeterminate=("payload",)),
        row="law:indeterminate",
        because="A row could not be evaluated, so a person must decide.",
        laws=("A row that can't be evaluated ends in at least escalate.",),
    )
    return _attestation(
        replace(subject(), irregularities=(odd,)),
        results(lies, again, gaps=gap),
        verdict,
        Omission(what="optimizer.pt", why="The scanner ran out of its 30 CPU seconds."),
    )


def discarded() -> Attestation:
    """A pickle that would call the shell, among other things."""
    calls = finding(
        "files/pickle",
        "payload",
        "Loading would call code outside the allowlist",
        "unpickling `pytorch_model.bin` would call `posix.system`",
        severity=Severity.CRITICAL,
        hazard=Hazard.PAYLOAD,
        mend="Do not load it. Ask the publisher for safetensors.",
        location=Location(path="pytorch_model.bin!archive/data.pkl", offset=120, detail="posix.system"),
    )
    branch = finding(
        "provenance/revision",
        "unpinned",
        "The reference names a branch",
        "`main` can point to other bytes tomorrow",
        mend="Pin the commit that this report names.",
    )
    refused = WaiverUse(
        finding=calls.id,
        subject=f"hf://breakwater/tide-7b@{COMMIT}",
        reason="We need it by Friday.",
        approver="p.lind@example.com",
        expires=date(2027, 1, 31),
        state=WaiverState.REFUSED,
        note="an executable payload can't be waived",
    )
    why = "Loading pytorch_model.bin would call posix.system."
    return _attestation(
        subject("breakwater/tide-7b", count=14),
        results(calls, branch),
        decision("payload", why, facts={"findings.ids": (calls.id, branch.id)}, waivers=(refused,)),
    )


def scanned() -> Attestation:
    """Evidence of a local folder, with no policy asked and no digests."""
    folder = replace(
        subject("./models/lantern"),
        reference="./models/lantern",
        requested_revision="",
        commit="",
        digest="",
        lineage=(),
        commits=(),
        endpoint="",
        returned_name="",
        metadata_only=True,
        offline=True,
        files=(SubjectFile(path="model.safetensors", size=269_060_552, sha256=""),),
    )
    return _attestation(folder, results(), None)


def large(*, files: int = 20_000, findings: int = 5_000) -> Attestation:
    """A repo at the limit of what is accepted, with thousands of findings."""
    unknown = finding(
        "files/pickle",
        "unknown-global",
        "A global that nobody reviewed",
        "the pickle names `numpy.f2py.crackfortran`",
        severity=Severity.HIGH,
        hazard=Hazard.SUSPICIOUS,
    )
    many = tuple(
        replace(unknown, location=Location(path=f"shards/{n:05}.bin", offset=n, detail="numpy.f2py.crackfortran"))
        for n in range(findings)
    )
    return _attestation(subject(count=files), results(*many), decision("suspicious", "Thousands of unknown globals."))


CASES: Mapping[str, Callable[[], Attestation]] = {
    "allow": allowed,
    "audit": audited,
    "approved": approved,
    "patch": patched,
    "escalate": escalated,
    "discard": discarded,
    "scan": scanned,
}


def views(attestation: Attestation) -> dict[str, str]:
    """Render every view under the name of its golden file's ending."""
    from rich.console import Console

    from gatekeeper.report import to_console, to_html, to_json

    told = {".json": to_json(attestation), ".html": to_html(attestation)}
    for ending, verbose in ((".txt", False), (".verbose.txt", True)):
        console = Console(file=io.StringIO(), width=80, color_system=None, legacy_windows=False)
        to_console(attestation, console, verbose=verbose, paths={"json": Path("out/report.json")})
        assert isinstance(console.file, io.StringIO)
        told[ending] = console.file.getvalue()
    return told


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for case, build in CASES.items():
        for ending, text in views(build()).items():
            (GOLDEN / f"{case}{ending}").write_text(text, "utf-8", newline="\n")
