"""Attestations for tests: one for each action, one that was signed off and one of a scan, always the same to the byte.

`python -m tests.support.attestations --write` remakes the golden files under `tests/report/golden/` after a wanted
change of a view; read their diff before committing it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from gatekeeper.artifact import ExcludedFile, Irregularity, IrregularityKind, Kind
from gatekeeper.attestation import Attestation, Omission, SubjectFile
from gatekeeper.decision import (
    Action,
    Approval,
    ApprovalState,
    ApprovalUse,
    DisbelievedApproval,
    WaiverState,
    WaiverUse,
)
from gatekeeper.evidence import Confidence, FactValue, Gap, Hazard, Location, Severity, Strength
from tests.support import remedies
from tests.support.attestation_parts import COMMIT, POLICY_DIGEST, assembled, decision, finding, results, subject

GOLDEN = Path(__file__).parents[1] / "report" / "golden"


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
    return assembled(subject(), results(young), decision("known-good", why, waivers=(waiver,)))


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
    return assembled(
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
    found = assembled(subject(), results(), decision("failure-content", why, facts=facts))
    return replace(found, remedy=remedies.diagnosed(show=True))


def repaired() -> Attestation:
    """The same, patched and verified; unsafe text was not kept."""
    why = "the remedy is verified, and nothing above holds"
    facts: dict[str, FactValue] = {"failure.reported": True, "remedy.exists": True, "remedy.verified": True}
    return replace(
        assembled(subject(), results(), decision("known-good", why, facts=facts)), remedy=remedies.verified()
    )


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
    return assembled(
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
    return assembled(
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
    return assembled(folder, results(), None)


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
    return assembled(subject(count=files), results(*many), decision("suspicious", "Thousands of unknown globals."))


CASES: Mapping[str, Callable[[], Attestation]] = {
    "allow": allowed,
    "audit": audited,
    "approved": approved,
    "patch": patched,
    "repaired": repaired,
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
