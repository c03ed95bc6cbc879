"""Reports say who reads a file with a finding, and when leaving files out is worth a try."""

from __future__ import annotations

import io
import shlex
from dataclasses import replace

import pytest
from rich.console import Console

from gatekeeper.artifact import ExcludedFile
from gatekeeper.attestation import Attestation
from gatekeeper.evidence import Evidence, Finding, Hazard, Location, Readers, Severity
from gatekeeper.policy import SubjectKey, decide, load
from gatekeeper.report import from_json, to_console, to_html, to_json, view
from tests.support.attestation_parts import NOW, finding
from tests.support.attestations import discarded

READ = ("transformers", "vLLM")
UNREAD = "training_args.bin"


def payload(path: str, hazard: Hazard = Hazard.PAYLOAD) -> Finding:
    return finding(
        "files/pickle", "payload", "It calls", "it calls", severity=Severity.CRITICAL, hazard=hazard,
        location=Location(path=path, offset=3, detail="posix.system"),
    )  # fmt: skip


def told(readers: Readers, *findings: Finding) -> Attestation:
    """An attestation that discards for these findings alone."""
    base = discarded()
    results = tuple(
        replace(
            result,
            findings=tuple(each for each in findings if each.check == result.check.id),
            readers=readers if result.check.id == "files/load-path" else {},
        )
        for result in base.results
    )
    return replace(base, results=results)


def printed(attestation: Attestation) -> str:
    file = io.StringIO()
    to_console(attestation, Console(file=file, width=300))
    return file.getvalue()


READERS = {"model.safetensors": READ, UNREAD: (), "other.bin": (), "pytorch_model.bin": ("vLLM",), "a!b.bin": ()}


@pytest.mark.parametrize("member", ["", "!archive/data.pkl", "!a!b"])
def test_a_payload_that_nobody_reads_can_be_left_out(member: str) -> None:
    attestation = told(READERS, payload(UNREAD + member))
    assert view.spare(attestation) == (UNREAD,)
    text = printed(attestation)
    assert "no known loader reads it" in text
    assert f"gatekeeper gate {attestation.subject.reference} --exclude {UNREAD}\n" in text
    assert "deploy without it" in text
    assert "--exclude training_args.bin" in to_html(attestation)


def test_a_name_with_an_exclamation_mark_is_no_member() -> None:
    assert view.spare(told(READERS, payload("a!b.bin"))) == ("a!b.bin",)


def test_a_file_named_as_a_member_of_another_does_not_hide_that_one_s_readers() -> None:
    member = "pytorch_model.bin!archive/data.pkl"
    attestation = told(READERS | {member: ()}, payload(member))
    assert view.spare(attestation) == ()
    assert "read by vLLM" in printed(attestation)
    assert len(Location(path="!" * 10_000).files) < 20


@pytest.mark.parametrize(
    "findings",
    [
        (payload("pytorch_model.bin"),),
        (payload(UNREAD), payload("pytorch_model.bin")),
        (payload(UNREAD), payload("model.safetensors", Hazard.SUSPICIOUS)),
        (payload(UNREAD), payload("", Hazard.SUSPICIOUS)),
        (payload(UNREAD, Hazard.TAMPERED),),
        (payload(UNREAD), payload(UNREAD, Hazard.DENIED)),
        (payload("never-heard-of.bin"),),
        (),
    ],
)
def test_leaving_out_is_not_offered_where_it_is_not_enough(findings: tuple[Finding, ...]) -> None:
    attestation = told(READERS, *findings)
    assert view.spare(attestation) == ()
    assert "--exclude" not in printed(attestation)
    assert "deploy without" not in to_html(attestation)


def test_leaving_out_is_not_offered_when_no_weights_would_be_left() -> None:
    readers = {"config.json": READ, UNREAD: ()}
    assert view.spare(told(readers, payload(UNREAD))) == ()
    assert view.spare(told({}, payload(UNREAD))) == ()


def test_findings_say_who_reads_their_file() -> None:
    text = printed(told(READERS, payload("model.safetensors")))
    assert "read by transformers, vLLM" in text
    many = told({"model.safetensors": tuple(f"loader{n}" for n in range(20))}, payload("model.safetensors"))
    assert "and 14 more" in printed(many)


@pytest.mark.parametrize("path", ["x.bin --exclude model.safetensors", "$(id).bin", "-h.bin", "a;b.bin", "*.bin"])
def test_a_hostile_name_is_no_option_of_a_command_to_copy(path: str) -> None:
    attestation = told({"model.safetensors": READ, path: ()}, payload(path))
    assert view.spare(attestation) == (path,)
    assert "gatekeeper gate" not in printed(attestation)
    words = shlex.split(view.spare_note(attestation).partition("Gate again with ")[2])
    assert words[0] == "--exclude"
    assert "model.safetensors" not in words


def test_a_name_that_others_share_is_offered_by_its_place() -> None:
    attestation = told({"model.safetensors": READ, UNREAD: ()}, payload(UNREAD))
    first, *rest = attestation.subject.files
    twice = (replace(first, path=UNREAD), replace(first, path=f"sub/{UNREAD}"), *rest)
    there = replace(attestation, subject=replace(attestation.subject, files=twice))
    assert view.exclusions((UNREAD,), there) == (f"/{UNREAD}",)


def test_a_subset_is_said_first_and_survives_the_json() -> None:
    out = tuple(ExcludedFile(path=f"old/{n}.bin", size=n, digest=f"git:{n:040}") for n in range(8))
    base = discarded()
    attestation = replace(base, subject=replace(base.subject, exclude=("old/",), excluded=out))
    assert "  For a subset: 8 files left out: old/0.bin, old/1.bin" in printed(attestation).split("Why")[0]
    page = to_html(attestation)
    assert page.index("For a subset: 8 files left out") < page.index('id="evidence"')
    assert "old/7.bin" in page
    assert f"git:{7:040}" in page
    assert from_json(to_json(attestation)) == attestation
    assert "subset" not in printed(base)


@pytest.mark.parametrize(
    ("findings", "readers", "unread"),
    [
        ((payload(UNREAD),), READERS, True),
        ((payload(UNREAD), payload("model.safetensors", Hazard.SUSPICIOUS)), READERS, True),
        ((payload(UNREAD), payload("pytorch_model.bin")), READERS, False),
        ((payload(UNREAD),), {}, False),
        ((), READERS, False),
    ],
)
def test_the_fact_is_about_payloads_and_moves_no_built_in_policy(
    findings: tuple[Finding, ...], readers: Readers, unread: bool
) -> None:
    results = told(readers, *findings).results
    subject = SubjectKey(reference="./x")
    decided = decide(Evidence(results=results), load(), subject=subject, now=NOW)
    assert decided.facts["files.payload_unread"] is unread
    silent = tuple(replace(result, readers={}) for result in results)
    assert decide(Evidence(results=silent), load(), subject=subject, now=NOW).action is decided.action
