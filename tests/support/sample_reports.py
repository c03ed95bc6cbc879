"""The reports under `reports/samples/`: `make reports` remakes them, a test compares them.

Every verdict but that of `patch` is the real line's, on the demo's subjects over the loopback Hub. What differs between
machines and moves no verdict is replaced, and `reports/samples/README.md` says so: the loopback's port and the versions
of the libraries.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from gatekeeper import attest, policy, report, sources
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action, Approval
from gatekeeper.demo import SUBJECTS, Subject
from gatekeeper.demo.builders import adapter, tiny_model
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.evidence import Evidence, FactValue
from gatekeeper.gate import gate
from gatekeeper.lock import Lock
from gatekeeper.signing import envelope_json, statement_json, unsigned
from tests.support import sample_review
from tests.support.locks import pinned
from tests.support.remedies import diagnosed

SAMPLES = Path(__file__).parents[2] / "reports" / "samples"
ENDPOINT = "https://hub.example"
"""Stands for the loopback Hub, whose port is another one each time."""

VERSION = "as installed"
"""Stands for the versions of the libraries, which differ between machines."""

AUDITED = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
AUDITED_BEFORE = datetime(2026, 8, 25, 9, 0, tzinfo=UTC)
"""When the sample audit report takes place, and the one that it is compared with."""

_TITLES = {
    "allow": ("trusted", datetime(2026, 9, 1, 12, 0, tzinfo=UTC)),
    "audit": ("adapter", datetime(2026, 8, 20, 12, 0, tzinfo=UTC)),
    "escalate": ("lookalike", datetime(2026, 5, 4, 12, 0, tzinfo=UTC)),
    "discard": ("payload", datetime(2026, 8, 28, 12, 0, tzinfo=UTC)),
}
"""Sample → subject of the demo, and when it is gated."""

SIGNED_OFF = "signed-off"
"""The sample whose allow comes from a person."""

_SIGNED_OFF = datetime(2026, 8, 25, 12, 0, tzinfo=UTC)
_REPORTED = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
_BY_SLUG = {subject.slug: subject for subject in SUBJECTS}


def _policy_text() -> str:
    """Write the policy of the samples: the demo's, with waivers that are in force, expired and refused."""
    adapter, pickled = (_BY_SLUG[slug].reference for slug in ("adapter", "payload"))
    entries = (
        ("provenance/lineage/base-unpinned", adapter, "The base is pinned in our lock.", "2026-07-01", "2026-09-24"),
        ("provenance/history/single-author", pickled, "We know the author.", "2026-06-15", "2026-09-05"),
        ("files/scanners/payload", pickled, "It is needed by Friday.", "2026-08-01", "2026-10-20"),
    )
    waivers = "".join(
        f"  - {{finding: {finding}, subject: {subject!r}, reason: {reason!r}, approver: m.ortiz@example.com, "
        f"created: {created}, expires: {expires}}}\n"
        for finding, subject, reason, created, expires in entries
    )
    head = "apiVersion: gatekeeper/v1\nkind: Policy\nname: samples\nextends: default\n"
    return f"{head}publishers:\n  trusted: [lighthouse]\nwaivers:\n{waivers}"


def _policy(work: Path) -> policy.Policy:
    path = work / "policy.yaml"
    path.write_text(_policy_text(), "utf-8")
    return policy.load(path)


def _settled(attestation: Attestation) -> Attestation:
    """Replace what differs between machines and moves no verdict."""
    return replace(
        attestation,
        subject=replace(attestation.subject, endpoint=ENDPOINT),
        tool_versions=dict.fromkeys(attestation.tool_versions, VERSION),
    )


def _gated(
    subject: Subject, chosen: policy.Policy, now: datetime, work: Path, approvals: Sequence[Approval] = ()
) -> Attestation:
    with LoopbackHub([subject.repo], subject.faults) as hub:
        options = sources.SourceOptions(endpoint=hub.endpoint, cache_dir=work / f"{subject.slug}-{now:%m%d}")
        return _settled(gate(subject.reference, chosen, source=options, now=now, approvals=approvals))


def _of_repo(repo: HubRepo, chosen: policy.Policy, now: datetime, work: Path) -> Attestation:
    subject = replace(_BY_SLUG["payload"], slug=repo.head[:12], repo=repo)
    return _gated(subject, chosen, now, work)


def _sign_off(judged: Attestation) -> bytes:
    """Write the sign-off of an adapter that was audited, as `gatekeeper approve` writes it without a key."""
    subject, verdict = judged.subject, judged.verdict
    approval = Approval(
        reference=f"{subject.name}@{subject.commit}",
        subject=f"sha256:{subject.digest}",
        policy_digest=verdict.policy_digest,
        action=verdict.action,
        row=verdict.row,
        findings=_ids(verdict.facts["findings.ids"]),
        unknown=_ids(verdict.facts["checks.unknown"]),
        by="m.ortiz@example.com",
        reason="We trained it with the publisher, and compared its weights with our own run.",
        ticket="SEC-88",
        created=_SIGNED_OFF.date(),
        expires=date(2026, 10, 30),
    )
    statement = attest.approval_statement(approval, subject.files)
    return f"{envelope_json(unsigned(statement_json(statement)))}\n".encode()


def _ids(value: FactValue) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return tuple(sorted(value))


def _signed_off(chosen: policy.Policy, work: Path) -> tuple[Attestation, bytes]:
    """Gate an adapter, sign off what that said, and gate it again with the sign-off as it is read from its file."""
    repo = HubRepo.of("new-arrival/harbour-lora-fr", dict(adapter("lighthouse/harbour-tiny")))
    subject = replace(_BY_SLUG["adapter"], slug=SIGNED_OFF, repo=repo)
    written = _sign_off(_gated(subject, chosen, _SIGNED_OFF, work))
    return _gated(subject, chosen, _SIGNED_OFF, work, [attest.read_approval(written, ())]), written


def _reported_failure(chosen: policy.Policy, work: Path) -> Attestation:
    """Gate a good model, then decide again with a diagnosis that nobody made."""
    repo = HubRepo.of("lighthouse/harbour-chat", dict(tiny_model("lighthouse")))
    subject = replace(_BY_SLUG["trusted"], slug="patch", repo=repo)
    found = _gated(subject, chosen, _REPORTED, work)
    remedy = replace(diagnosed(), parent_digest=found.subject.digest, parent_reference=subject.reference)
    about = policy.SubjectKey(reference=subject.reference, commit=repo.head, digest=found.subject.digest)
    evidence = Evidence(results=found.results)
    decision = policy.decide(evidence, chosen, subject=about, now=_REPORTED, remedy=remedy)
    return replace(found, decision=decision, remedy=remedy)


def attestations(work: Path) -> tuple[dict[str, Attestation], bytes]:
    """Make one attestation per action, one after a sign-off, and others that the audit report alone has.

    Returns:
        Name → attestation, and the file of the sign-off.
    """
    chosen, plain = _policy(work), policy.load()
    made = {name: _gated(_BY_SLUG[slug], chosen, now, work) for name, (slug, now) in _TITLES.items()}
    made["patch"] = _reported_failure(chosen, work)
    made[SIGNED_OFF], approval = _signed_off(chosen, work)
    draft = HubRepo.of("lighthouse/harbour-draft", dict(tiny_model("lighthouse")))
    made["draft"] = _gated(replace(_BY_SLUG["trusted"], slug="draft", repo=draft), chosen, _REPORTED, work)
    made["older"] = _gated(_BY_SLUG["trusted"], plain, datetime(2026, 6, 1, 12, 0, tzinfo=UTC), work)
    made["tampered"] = _gated(_BY_SLUG["tampered"], chosen, datetime(2026, 9, 12, 12, 0, tzinfo=UTC), work)
    return made, approval


def _lock(made: Mapping[str, Attestation]) -> Lock:
    """Pin what the samples are about, and one model that nobody gated; the draft is not deployed."""
    models = [pinned(made[name]) for name in ("allow", "audit", "escalate", "discard", "patch", SIGNED_OFF)]
    never = replace(models[0], id="lighthouse/harbour-large", commit="7" * 40, digest="7" * 64)
    return Lock(models=tuple(sorted([*models, never], key=lambda model: model.id)))


def audit(made: Mapping[str, Attestation]) -> report.AuditReport:
    """Make the sample audit report: with a lock, history, and an earlier report to compare with."""
    texts = {name: report.to_json(each).encode() for name, each in made.items()}
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    records = {
        name: report.record(
            report.AuditInput(
                attestation=each,
                digest=digests[name],
                source=f"reports/{name}/report.json",
                signed=report.SignedState(state=report.SignatureState.UNSIGNED),
            )
        )
        for name, each in made.items()
    }
    lock = _lock(made)
    told = report.LockInput(lock=lock, source="gatekeeper.lock", digest=hashlib.sha256(repr(lock).encode()).hexdigest())
    before = report.assemble([records[name] for name in ("older", "audit", "discard")], now=AUDITED_BEFORE)
    earlier = report.Earlier(audit=before, digest=hashlib.sha256(report.to_audit_json(before).encode()).hexdigest())
    return report.assemble(records.values(), now=AUDITED, lock=told, earlier=earlier)


def _verdict(attestation: Attestation) -> str:
    """Write the verdict without a signature: a key in a repository would be one that nobody may trust."""
    digest = hashlib.sha256(report.to_json(attestation).encode()).hexdigest()
    made = attest.statements(attestation, report_sha256=digest)
    return "".join(f"{envelope_json(unsigned(statement_json(each)))}\n" for each in made)


def _bill(attestation: Attestation) -> str:
    digest = hashlib.sha256(report.to_json(attestation).encode()).hexdigest()
    return attest.bom_json(attest.bom([attest.Attested(attestation=attestation, digest=digest)]))


def build() -> dict[str, bytes]:
    """Make every sample.

    Returns:
        Path under `reports/samples/` → content.
    """
    with tempfile.TemporaryDirectory(prefix="gatekeeper-samples-") as work:
        made, approval = attestations(Path(work))
        chosen = _policy(Path(work))
        review = sample_review.files(made, Path(work), lambda repo, now: _of_repo(repo, chosen, now, Path(work)))
    files: dict[str, str] = {}
    entries = []
    for name, story in _STORIES.items():
        attestation = made[name]
        ends = Action.ALLOW if name == SIGNED_OFF else Action(name)
        assert attestation.verdict.action is ends, f"the sample {name} ended in {attestation.verdict.action}"
        files[f"{name}/report.json"] = report.to_json(attestation)
        files[f"{name}/verdict.intoto.jsonl"] = _verdict(attestation)
        files[f"{name}/report.html"] = report.to_html(attestation)
        entries.append(
            report.IndexEntry(
                title=attestation.subject.name, story=story, attestation=attestation, link=f"{name}/report.html"
            )
        )
    files["allow/bom.cdx.json"] = _bill(made["allow"])
    files[f"{SIGNED_OFF}/approval.intoto.json"] = approval.decode()
    whole = audit(made)
    files["audit-report/audit.json"] = report.to_audit_json(whole)
    files["audit-report/audit.html"] = report.to_audit_html(whole)
    files["index.html"] = report.to_index("Sample reports", entries)
    files |= {f"review/{name}": text for name, text in review.items()}
    return {path: text.encode() for path, text in files.items()}


_STORIES = {
    "allow": "A pinned model of a trusted publisher.",
    SIGNED_OFF: "An adapter of unknown provenance, allowed by a person's word until a day.",
    "audit": "An adapter of unknown provenance.",
    "patch": "A good model with a reported failure; the diagnosis was handed in by the sample.",
    "escalate": "The trusted publisher's name, one letter off.",
    "discard": "A checkpoint that calls a function.",
}
"""Sample → what it is, in the order of the index."""


def main() -> None:
    """Write the samples, or with `--check` say which differ."""
    made = build()
    differ = [path for path, data in made.items() if not _same(SAMPLES / path, data)]
    if "--check" in sys.argv:
        sys.exit(f"make reports: {', '.join(differ)}" if differ else 0)
    for path in differ:
        (SAMPLES / path).parent.mkdir(parents=True, exist_ok=True)
        (SAMPLES / path).write_bytes(made[path])
    print(f"{len(differ)} of {len(made)} samples written to {SAMPLES}")


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


if __name__ == "__main__":
    main()
