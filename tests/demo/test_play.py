"""The demo: the expected verdicts, the same bytes every time, and nothing but the loopback."""

from __future__ import annotations

import importlib.resources
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gatekeeper import demo, report
from gatekeeper.decision import Action


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[demo.Outcome]]:
    out = tmp_path_factory.mktemp("played")
    return out, list(demo.play(out))


def test_every_subject_gets_the_verdict_that_the_documents_promise(played: tuple[Path, list[demo.Outcome]]) -> None:
    verdicts = {outcome.subject.slug: outcome.attestation.verdict.action for outcome in played[1]}
    assert verdicts == {
        "trusted": Action.ALLOW,
        "payload": Action.DISCARD,
        "implant": Action.DISCARD,
        "graph": Action.ALLOW,
        "tampered": Action.DISCARD,
        "adapter": Action.AUDIT,
        "unpinned": Action.AUDIT,
        "lookalike": Action.ESCALATE,
    }
    assert all(outcome.as_expected for outcome in played[1])


def test_a_subject_with_another_verdict_is_not_as_expected(played: tuple[Path, list[demo.Outcome]]) -> None:
    allowed, discarded = played[1][:2]
    assert not demo.Outcome(subject=allowed.subject, attestation=discarded.attestation).as_expected


def test_each_verdict_has_its_own_reason(played: tuple[Path, list[demo.Outcome]]) -> None:
    rows = {outcome.subject.slug: outcome.attestation.verdict.row for outcome in played[1]}
    assert rows["payload"] == "payload"
    assert rows["implant"] == "graph-implant"
    assert rows["tampered"] == "bytes-differ"
    assert rows["adapter"] == "adapter-unproven"
    assert rows["unpinned"] == "unverified"
    assert rows["lookalike"] == "suspicious"


def test_the_implant_is_named_with_its_path(played: tuple[Path, list[demo.Outcome]]) -> None:
    results = next(outcome.attestation.results for outcome in played[1] if outcome.subject.slug == "implant")
    (finding,) = [finding for result in results for finding in result.findings if finding.id == "onnx/taint/implant"]
    assert finding.location.path == "model.onnx"
    for word in ("input_ids", "Equal", "embedded", "11, 47, 5"):
        assert word in finding.message


def test_two_plays_write_the_same_bytes_but_for_the_port(
    played: tuple[Path, list[demo.Outcome]], tmp_path: Path
) -> None:
    again = list(demo.play(tmp_path))

    def pages(root: Path, outcomes: list[demo.Outcome]) -> dict[str, str]:
        endpoints = {outcome.attestation.subject.endpoint for outcome in outcomes}
        found = {}
        for path in sorted(root.rglob("*.*")):
            text = path.read_text("utf-8")
            for endpoint in endpoints:
                text = text.replace(endpoint, "http://hub")
            found[path.relative_to(root).as_posix()] = text
        return found

    assert pages(*played) == pages(tmp_path, again)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_the_overview_names_every_subject_and_its_links_lead_somewhere(
    played: tuple[Path, list[demo.Outcome]],
) -> None:
    out, outcomes = played
    page = (out / "index.html").read_text("utf-8")
    parser = _Links()
    parser.feed(page)
    links = [link for link in parser.found if not link.startswith(("#", "data:"))]
    assert len(links) >= len(outcomes)
    assert all((out / link).is_file() for link in links)
    for outcome in outcomes:
        assert outcome.subject.title in page
        assert report.read(out / outcome.subject.slug / "report.json") == outcome.attestation


def test_what_is_embedded_is_small() -> None:
    root = importlib.resources.files("gatekeeper.demo")
    assert isinstance(root, Path)
    assert sum(path.stat().st_size for path in root.rglob("*") if path.suffix != ".pyc") < 2_000_000
