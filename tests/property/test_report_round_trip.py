"""Laws of the document and of the page, for any attestation and any text."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console

from gatekeeper.attestation import Attestation
from gatekeeper.errors import GatekeeperError
from gatekeeper.report import from_json, json_schema, to_console, to_html, to_json
from tests.support.attestation_strategy import ATTESTATIONS
from tests.support.attestations import CASES
from tests.support.hostile import MARKUP, everywhere

_VALIDATOR = Draft202012Validator(json_schema())
_RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_HOSTILE = st.one_of(
    st.sampled_from(MARKUP),
    st.text(st.sampled_from("<>\"'&/=!`{}%#;:-\\ \nscripton"), min_size=1, max_size=40),
    st.text(st.characters(exclude_categories=[]), min_size=1, max_size=20),
)


@_RELAXED
@given(ATTESTATIONS)
def test_attestation_round_trips(attestation: Attestation) -> None:
    text = to_json(attestation)
    assert from_json(text) == attestation
    assert to_json(from_json(text.encode("ascii"))) == text
    _VALIDATOR.validate(json.loads(text))


@_RELAXED
@given(st.sampled_from(sorted(CASES)), st.data())
def test_reader_and_published_schema_accept_the_same_documents(case: str, data: st.DataObject) -> None:
    document = json.loads(to_json(CASES[case]()))
    changed = copy.deepcopy(document)
    _damage(changed, data)
    try:
        from_json(json.dumps(changed))
    except GatekeeperError:
        accepted = False
    else:
        accepted = True
    assert accepted == _VALIDATOR.is_valid(changed)


def _damage(document: Any, data: st.DataObject) -> None:
    """Replace, remove or add one value somewhere."""
    holder, key = data.draw(st.sampled_from(list(_slots(document))))
    what = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if what == "remove":
        del holder[key]
    elif what == "add" and isinstance(holder, dict):
        holder["surplus"] = data.draw(_VALUES)
    else:
        holder[key] = data.draw(_VALUES)


_VALUES = st.sampled_from(
    [None, True, 7, -1, "word", "medium", "discard", "2026-01-01", [], ["x"], [1], {}, {"a": "b"}]
)


def _slots(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _slots(item)


@_RELAXED
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_arbitrary_input_is_refused_with_an_error_of_ours(text: bytes | str) -> None:
    try:
        from_json(text)
    except GatekeeperError as error:
        assert error.message  # noqa: PT017 - the law is about the class, whichever it is
    else:
        raise AssertionError("accepted")


class _Skeleton(HTMLParser):
    """What of a page is markup: its tags with their attributes, without the values that quote somebody."""

    quoting = ("title", "datetime", "content")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [(name, None if name in self.quoting else value) for name, value in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.tags.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.tags.append(("unknown declaration", data))

    def handle_pi(self, data: str) -> None:
        self.tags.append(("instruction", data))


def _skeleton(page: str) -> list[Any]:
    parser = _Skeleton()
    parser.feed(page)
    parser.close()
    return parser.tags


@_RELAXED
@given(st.sampled_from(sorted(CASES)), _HOSTILE)
def test_no_text_changes_the_markup_of_the_page(case: str, text: str) -> None:
    benign = everywhere(CASES[case](), lambda value: value + "x")
    hostile = everywhere(CASES[case](), lambda value: value + text)
    page = to_html(hostile)
    assert _skeleton(page) == _skeleton(to_html(benign))
    page.encode("utf-8")


@_RELAXED
@given(ATTESTATIONS)
def test_every_attestation_has_its_page_without_handlers_or_foreign_addresses(attestation: Attestation) -> None:
    for tag, attributes in (entry for entry in _skeleton(to_html(attestation)) if isinstance(entry, tuple)):
        assert tag not in {"script", "iframe", "object", "embed", "base", "form", "img"}
        # Drawings are SVG of our own: shapes and text, and nothing of it that loads, links or moves.
        assert tag not in {"use", "image", "foreignobject", "animate", "animatetransform", "set"}
        for name, value in attributes if isinstance(attributes, list) else ():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "style", "action"}
            assert name != "href" or value == "data:," or value in _ANCHORS


_ANCHORS = {"#why", "#failure", "#adapter", "#evidence", "#table", "#not-checked", "#controls", "#record"}


@_RELAXED
@given(ATTESTATIONS, st.booleans(), st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_every_attestation_can_be_printed_on_any_terminal(
    attestation: Attestation, verbose: bool, encoding: str
) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, write_through=True) as file:
        to_console(attestation, Console(file=file, width=40, color_system=None), verbose=verbose)
        told = raw.getvalue().decode(encoding)
    assert all(character.isprintable() or character == "\n" or ord(character) > 0x7F for character in told)
    assert "\x1b" not in told
