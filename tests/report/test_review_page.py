"""The page and the document of a review: what they say, where they lead, and that hostile text stays text."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import jsonschema
import pytest

from gatekeeper.report import ReviewLinks, json_schema, review_html, review_json
from gatekeeper.report.schema import file_of, render
from tests.support.hostile import MARKUP, everywhere_in
from tests.support.reviews import REVIEWS, full

LINKS = ReviewLinks(reports=("tide/report.html", "javascript:alert(1)", "../../etc/passwd", "//hostile.example"))


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def links(self) -> list[str | None]:
        return [attrs["href"] for tag, attrs in self.tags if tag == "a"]


def test_only_addresses_beside_the_page_are_links() -> None:
    assert _Page(review_html(full(), LINKS)).links == ["tide/report.html"]


@pytest.mark.parametrize("name", REVIEWS)
def test_every_model_is_on_the_page_and_in_the_document(name: str) -> None:
    shown = REVIEWS[name]
    page = " ".join(_Page(review_html(shown)).text)
    document = json.loads(review_json(shown))
    assert [each["name"] for each in document["models"]] == [each.bump.name for each in shown.judged]
    assert all(each.bump.name in page for each in shown.judged)
    assert [each["blocks"] for each in document["models"]] == [shown.blocks(each) for each in shown.judged]
    assert document["exit_code"] == shown.exit_code


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_text_is_text(text: str) -> None:
    honest = _Page(review_html(full(), LINKS))
    page = _Page(review_html(everywhere_in(full(), lambda _: text), LINKS))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in honest.tags}
    assert page.links == honest.links
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


@pytest.mark.parametrize("name", REVIEWS)
def test_the_document_is_what_its_schema_says(name: str) -> None:
    for shown in (REVIEWS[name], everywhere_in(REVIEWS[name], lambda old: f"{old}\udcff\n<b>")):
        jsonschema.Draft202012Validator(json_schema("review")).validate(json.loads(review_json(shown, LINKS)))


def test_the_published_schema_is_that_of_the_nouns() -> None:
    assert file_of("review").read_text("utf-8") == render("review"), (
        "python -m gatekeeper.report.schema review > gatekeeper/report/schema/review-1.0.json"
    )
