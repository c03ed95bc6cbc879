"""The audit report as JSON and as a page: strict, deterministic, linked, escaped."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatekeeper import report
from gatekeeper.errors import InputError
from gatekeeper.report import schema as schemas
from gatekeeper.text import printable
from tests.support.fleets import assembled, digest_of, fleet_of, hostile_fleet, one_each
from tests.support.hostile import MARK


def _audit() -> report.AuditReport:
    return assembled(one_each().values(), earlier=assembled(list(one_each().values())[:3]))


def test_the_published_schema_is_the_one_that_the_nouns_give() -> None:
    published = schemas.file_of("audit").read_text("utf-8")
    assert published == schemas.render("audit"), "python -m gatekeeper.report.schema audit > the published file"
    Draft202012Validator.check_schema(schemas.json_schema("audit"))


def test_the_document_fits_its_schema_and_reads_back() -> None:
    validator = Draft202012Validator(schemas.json_schema("audit"))
    for audit in (_audit(), assembled([]), hostile_fleet()):
        text = report.to_audit_json(audit)
        validator.validate(json.loads(text))
        assert report.from_audit_json(text) == audit
        assert report.to_audit_json(report.from_audit_json(text)) == text


def _broken(change: Any) -> str:
    document = json.loads(report.to_audit_json(_audit()))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.pop("models"), "models is missing"),
        (lambda d: d.update(extra=1), "no such key"),
        (lambda d: d.update(schema_version="2.0"), "schema version 2.0"),
        (lambda d: d.update(max_age_days="90"), "max_age_days"),
        (lambda d: d["models"][0].update(deployment="somewhere"), r"models\[0\]\.deployment"),
        (lambda d: d.update(created_at="yesterday"), "created_at"),
        (lambda d: d["changes"].update(expired=[{}]), r"changes\.expired\[0\]"),
    ],
)
def test_a_document_that_is_not_quite_one_is_refused(change: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        report.from_audit_json(_broken(change))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": "1.0"}', "{", '{"a": 1, "a": 2}'])
def test_what_is_no_audit_report_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        report.from_audit_json(text)


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_link_leads_to_a_place_in_the_page_and_every_place_is_there_once() -> None:
    for audit in (_audit(), fleet_of(40), hostile_fleet()):
        page = _Page(report.to_audit_html(audit))
        assert len(page.ids) == len(set(page.ids))
        assert {link.removeprefix("#") for link in page.links if link != "data:,"} <= set(page.ids)
        assert all(f"r-{each.digest[:16]}" in page.ids for each in audit.reports)


def test_every_attestation_is_told_by_its_whole_digest() -> None:
    page = report.to_audit_html(_audit())
    for attestation in one_each().values():
        assert digest_of(attestation) in page


def test_hostile_text_is_shown_as_text() -> None:
    page = _Page(report.to_audit_html(hostile_fleet()))
    assert not page.tags & {"script", "img", "iframe", "object", "base", "form"}
    assert not {name for name in page.attributes if name.startswith("on")} | (page.attributes & {"style", "srcdoc"})
    assert all(link == "data:," or link.startswith("#") for link in page.links)
    assert any(MARK in word for word in page.words)
    assert all(word == printable(word, len(word) * 10 + 1) for word in ("".join(page.words)).split("\n"))


def test_the_style_is_the_one_that_the_policy_of_the_page_names() -> None:
    import base64
    import hashlib

    page = report.to_audit_html(_audit())
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert not re.search(r"url\(|@import", style)


def test_no_page_claims_that_a_control_is_met() -> None:
    templates = Path(report.__file__ or "").with_name("templates")
    for path in templates.glob("audit*"):
        assert "complian" not in path.read_text("utf-8").lower()
