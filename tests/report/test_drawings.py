"""Drawings on the page: boxes never lie on each other, wires lead to the right, and nothing in a document breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.attestation import Attestation
from gatekeeper.evidence import Box, Drawing, Wire
from gatekeeper.report import from_json, to_html, to_json
from gatekeeper.report.drawing import Layout, lay_out
from tests.support import chromium
from tests.support.attestations import discarded
from tests.support.chromium import Browser
from tests.support.hostile import MARKUP

WIRES = st.builds(Wire, source=st.integers(-2, 14), target=st.integers(-2, 14), indirect=st.booleans())
BOXES = st.builds(Box, label=st.text(max_size=9), role=st.sampled_from(["", "gate", "added", "x"]))
DRAWINGS = st.builds(
    Drawing,
    boxes=st.lists(BOXES, max_size=12).map(tuple),
    wires=st.lists(WIRES, max_size=30).map(tuple),
    words=st.text(max_size=9),
)
CHAIN = Drawing(
    boxes=(
        Box(label="input", name="ids", role="input"),
        *(Box(label=f"Step{at}", name=f"value_{at}") for at in range(30)),
        Box(label="Add", name="logits", role="gate"),
    ),
    wires=tuple(Wire(source=at, target=at + 1, indirect=at == 3) for at in range(31)),
    words="input ids → gate Add logits",
)


def drawn(drawing: Drawing) -> Attestation:
    """Put a drawing into a finding."""
    attestation = discarded()
    result = next(result for result in attestation.results if result.findings)
    finding = replace(result.findings[0], drawing=drawing)
    changed = replace(result, findings=(finding, *result.findings[1:]))
    return replace(attestation, results=tuple(changed if one is result else one for one in attestation.results))


def points(layout: Layout) -> Iterator[list[float]]:
    for wire in layout.wires:
        yield [float(number) for number in re.findall(r"-?[\d.e+]+", wire.path)]


@given(DRAWINGS)
def test_boxes_stand_apart_and_inside_and_wires_lead_to_the_right(drawing: Drawing) -> None:
    layout = lay_out(drawing)
    assert len(layout.boxes) == len(drawing.boxes)
    for one in layout.boxes:
        assert one.x >= 0 <= one.y
        assert one.x + one.width <= layout.width
        assert one.y + one.height <= layout.height
    for one, other in combinations(layout.boxes, 2):
        aside = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert aside or one.y + one.height <= other.y or other.y + other.height <= one.y
    for numbers in points(layout):
        assert numbers[0::2] == sorted(numbers[0::2])
        assert max(numbers[1::2]) <= layout.height


@given(DRAWINGS)
def test_a_wire_that_makes_sense_is_drawn_from_its_source_to_its_target(drawing: Drawing) -> None:
    layout, count = lay_out(drawing), len(drawing.boxes)
    sensible = [wire for wire in drawing.wires if 0 <= wire.source < wire.target < count]
    assert len(layout.wires) == len(sensible)
    for wire, numbers in zip(sensible, points(layout), strict=True):
        source, target = layout.boxes[wire.source], layout.boxes[wire.target]
        assert numbers[:2] == [source.x + source.width, source.y + source.height / 2]
        assert numbers[-1] == target.y + target.height / 2
        assert source.x + source.width < numbers[-2] < target.x


def test_what_is_not_drawn_is_counted() -> None:
    many = Drawing(boxes=tuple(Box(label="Add") for _ in range(100)))
    assert lay_out(many).more == 40
    assert "40 further nodes not drawn" in to_html(drawn(many))


def test_the_page_has_boxes_wires_and_the_way_in_words() -> None:
    page = to_html(drawn(CHAIN))
    assert 'aria-label="input ids → gate Add logits"' in page
    assert page.count('class="box ') == 32
    assert page.count('class="wire"') == 30
    assert page.count('class="wire indirect"') == 1
    assert "further nodes lie between" in page
    assert "<figure" not in to_html(discarded())


def test_a_drawing_survives_the_document() -> None:
    attestation = drawn(CHAIN)
    assert from_json(to_json(attestation)) == attestation


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_names_stay_text(text: str) -> None:
    page = to_html(drawn(Drawing(boxes=(Box(label=text, name=text, role=f"r{text}"),), words=text)))
    plain = to_html(drawn(Drawing(boxes=(Box(label="a", name="a", role="b"),), words="a")))
    assert re.findall(r"<[a-z/][^\s>]*", page) == re.findall(r"<[a-z/][^\s>]*", plain)


@pytest.fixture
def tab() -> Iterator[Browser]:
    with chromium.opened() as browser:
        yield browser


@pytest.mark.browser
def test_a_long_drawing_scrolls_in_its_own_box(tab: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(to_html(drawn(CHAIN)), "utf-8")
    tab.open((tmp_path / "page.html").as_uri())
    for width in (1280, 390, 320):
        tab.resize(width)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("(each => each.scrollWidth > each.clientWidth)(document.querySelector('.scroll'))")
