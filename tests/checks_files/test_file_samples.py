"""No malicious sample passes silently, no honest one is accused, every broken one is named.

All samples of a kind lie in one artifact, each in a folder of its own, so that they are also tried against each
other: a file that blinds the checks to its neighbours fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from gatekeeper.checks.files import ALL
from gatekeeper.evidence import CheckResult, Finding, Gap, Hazard, Severity, Status
from tests.support import samples
from tests.support.artifacts import artifact, look

Samples = Mapping[str, Callable[[], tuple[str, bytes]]]


@dataclass
class Looked:
    results: dict[str, CheckResult]

    def findings(self, case: str) -> list[Finding]:
        found = (finding for result in self.results.values() for finding in result.findings)
        return [finding for finding in found if finding.location.path.startswith(f"{case}/")]

    def gaps(self, case: str) -> list[Gap]:
        judged = (result for check, result in self.results.items() if check != "files/coverage")
        return [gap for result in judged for gap in result.gaps if gap.path.startswith(f"{case}/")]


def look_at(group: Samples) -> Looked:
    made = {case: make() for case, make in group.items()}
    subject = artifact({f"{case}/{name}": data for case, (name, data) in made.items()})
    return Looked({check.id: look(check, subject) for check in ALL})


@pytest.fixture(scope="module")
def malicious() -> Looked:
    return look_at(samples.MALICIOUS)


@pytest.fixture(scope="module")
def honest() -> Looked:
    return look_at(samples.HONEST)


@pytest.fixture(scope="module")
def broken() -> Looked:
    return look_at(samples.BROKEN)


NOT_PAYLOADS = {
    "unlisted-callable": "files/scanners/unknown-global",
    "onnx-external": "files/scanners/scanner-finding",
    "auto-map-foreign": "files/remote-code/foreign-code",
    "peft-library": "files/remote-code/foreign-module",
    "program": "files/executables/program",
}
"""Samples that are odd without proof that loading them runs something, and what they are called."""


@pytest.mark.parametrize("case", samples.MALICIOUS)
def test_no_malicious_file_passes(malicious: Looked, case: str) -> None:
    ids = {finding.id for finding in malicious.findings(case)}
    hazards = {finding.hazard for finding in malicious.findings(case)}
    if case in NOT_PAYLOADS:
        assert NOT_PAYLOADS[case] in ids
    else:
        assert Hazard.PAYLOAD in hazards


@pytest.mark.parametrize(
    "case", ["as-safetensors", "as-image", "as-onnx", "as-text", "7z-as-bin", "torch-zip-renamed", "pickle-before-zip"]
)
def test_what_lies_about_itself_is_called_so(malicious: Looked, case: str) -> None:
    assert Hazard.SUSPICIOUS in {finding.hazard for finding in malicious.findings(case)}


@pytest.mark.parametrize("case", samples.HONEST)
def test_no_honest_file_is_accused(honest: Looked, case: str) -> None:
    assert not [finding for finding in honest.findings(case) if finding.severity > Severity.INFO]
    assert not honest.gaps(case)


@pytest.mark.parametrize("case", samples.BROKEN)
def test_every_broken_file_is_named(broken: Looked, case: str) -> None:
    assert [finding for finding in broken.findings(case) if finding.severity >= Severity.MEDIUM]
    assert Hazard.PAYLOAD not in {finding.hazard for finding in broken.findings(case)}


def test_no_check_crashes_on_any_of_them(malicious: Looked, honest: Looked, broken: Looked) -> None:
    for looked in (malicious, honest, broken):
        for result in looked.results.values():
            assert result.status is not Status.UNKNOWN or result.gaps, result.reason


def test_two_scanners_that_agree_make_one_finding(malicious: Looked) -> None:
    (finding,) = malicious.findings("system")
    assert "hayward and picklescan" in finding.message
    assert finding.location.detail == "posix.system"


def test_a_payload_in_a_later_stream_is_located(malicious: Looked) -> None:
    streams = samples.legacy_streams(b"")
    (finding,) = [one for one in malicious.findings("legacy-state") if one.hazard is Hazard.PAYLOAD]
    assert finding.location.offset == sum(map(len, streams[:3]))


def test_a_member_of_an_archive_is_named(malicious: Looked) -> None:
    paths = {finding.location.path for finding in malicious.findings("tar")}
    assert paths == {"tar/m.nemo!model_weights.ckpt!archive/data.pkl"}
