"""Parsing is strict and bounded: what it accepts is what the usual parsers accept, less what is ambiguous."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.parsing import ParseError, front_matter, load_json, load_json_object

DEPTH = 64
LIMIT = 10_000

clean_text = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | clean_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(clean_text, inner, max_size=4),
    max_leaves=20,
)
json_like = st.lists(
    st.sampled_from(
        ["[", "]", "{", "}", ",", ":", '"', "\\", '"a"', '"b"', "1", "-0", "1e9", "true", "null", " ", "NaN", "\\u00e9"]
    ),
    max_size=12,
).map("".join)


def load(data: bytes | str) -> object:
    return load_json(data.encode() if isinstance(data, str) else data, depth=DEPTH)


def card(yaml_text: str | bytes) -> dict[str, object]:
    block = yaml_text.encode() if isinstance(yaml_text, str) else yaml_text
    return dict(front_matter(b"---\n" + block + b"\n---\n# Title\n", limit=LIMIT))


# JSON


@given(json_values, st.booleans())
def test_json_round_trips(value: object, ascii_only: bool) -> None:
    assert load(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(json_like)
def test_what_is_accepted_is_what_json_accepts(text: str) -> None:
    try:
        value = load(text)
    except ParseError:
        return
    assert value == json.loads(text)


@given(json_like)
def test_what_is_refused_is_refused_by_json_or_ambiguous(text: str) -> None:
    try:
        value = json.loads(text, object_pairs_hook=_pairs)
    except ValueError:
        with pytest.raises(ParseError):
            load(text)
        return
    if "NaN" not in text and not _repeats(value):
        assert load(text) == json.loads(text)


def _pairs(pairs: list[tuple[str, object]]) -> tuple[str, list[tuple[str, object]]]:
    return ("object", pairs)


def _repeats(value: object) -> bool:
    if isinstance(value, tuple):
        keys = [key for key, _ in value[1]]
        return len(set(keys)) < len(keys) or any(_repeats(item) for _, item in value[1])
    return isinstance(value, list) and any(map(_repeats, value))


@given(st.binary())
def test_any_bytes_are_json_or_a_parse_error(data: bytes) -> None:
    said = ""
    try:
        load(data)
    except ParseError as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "'a' stands twice"),
        (b'{"a\\u202e": 1, "a\\u202e": 2}', "stands twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "too large"),
        (b"[-1e999]", "too large"),
        (b"1" * 5000, "digits"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'["\x00"]', "not JSON"),
        (b"[" * 1_000_000, "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_what_json_refuses_and_says(data: bytes, says: str) -> None:
    with pytest.raises(ParseError, match=says) as caught:
        load(data)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("data", [b'"\\ud83d\\ude00"', b'"\\\\ud800"', b'"\xf0\x9f\x98\x80"', b"1e308", b"1e-999"])
def test_near_misses_are_json(data: bytes) -> None:
    assert load(data) == json.loads(data)


@given(st.integers(1, 12), st.integers(0, 12), st.booleans())
def test_depth_counts_open_brackets_alone(depth: int, nesting: int, objects: bool) -> None:
    text = '{"[[[":' * nesting + '"]]"' + "}" * nesting if objects else "[" * nesting + '"[[{{\\"[["' + "]" * nesting
    if nesting <= depth:
        assert load_json(text.encode(), depth=depth) == json.loads(text)
    else:
        with pytest.raises(ParseError, match="deeper"):
            load_json(text.encode(), depth=depth)


def test_brackets_side_by_side_are_not_deep() -> None:
    assert load(b"[" + b"[],{}," * 1000 + b"[]]") is not None


@pytest.mark.parametrize("data", [b"[]", b"1", b'"a"', b"null", b"true"])
def test_an_object_is_asked_for_and_nothing_else_given(data: bytes) -> None:
    with pytest.raises(ParseError, match="object"):
        load_json_object(data, depth=DEPTH)
    assert load_json_object(b'{"a": []}', depth=DEPTH) == {"a": []}


# Front matter


@given(
    st.dictionaries(
        st.text("abcdefg", min_size=1, max_size=6), st.text("abc: é'\"", max_size=20) | st.integers(0), max_size=5
    )
)
def test_front_matter_reads_what_yaml_wrote(value: dict[str, object]) -> None:
    assert card(yaml.safe_dump(value, allow_unicode=True)) == value


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_the_ways_to_fence(newline: bytes, before: bytes) -> None:
    data = before + newline.join([b"---", b"license: mit", b"---", b"text: no"])
    assert front_matter(data, limit=LIMIT) == {"license": "mit"}


@pytest.mark.parametrize("data", [b"", b"\n", b"# Title\n---\na: 1\n---\n", b"--- \na: 1\n---\n", b"----\na: 1\n---\n"])
def test_a_card_without_front_matter_has_none(data: bytes) -> None:
    assert front_matter(data, limit=LIMIT) == {}


@pytest.mark.parametrize("data", [b"---\n---\n", b"---\n\n---", b"---\n# nothing\n---\n"])
def test_empty_front_matter_is_empty(data: bytes) -> None:
    assert front_matter(data, limit=LIMIT) == {}


def test_a_fence_inside_a_text_does_not_end_the_block() -> None:
    assert card("a: |\n  ---\n  b: 2\nlicense: mit") == {"a": "---\nb: 2\n", "license": "mit"}


def test_the_limit_holds_for_the_block_and_not_for_the_card() -> None:
    block = b"---\na: '" + b"x" * 50 + b"'\n---\n"
    assert front_matter(block + b"y" * 10_000, limit=60)["a"] == "x" * 50
    with pytest.raises(ParseError, match="within 40 bytes"):
        front_matter(block, limit=40)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("license: mit\nlicense: gpl-3.0", "'license' stands twice"),
        ("a: {b: 1, b: 2}", "'b' stands twice"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/name:os.system", "tags"),
        ("a: !!int ''", "tags"),
        ("a: !!bool x", "tags"),
        ("a: !!timestamp x", "tags"),
        ("!!set {a, b}", "tags"),
        ("a: 0x" + "f" * 101, "number"),
        ("? 0x" + "f" * 8000 + "\n: 1", "number"),
        ("a: 1" + ":0" * 4000, "number"),
        ("a: 0x_", "not YAML"),
        ("a: 2001-99-99", "not YAML"),
        ("a: " + "[" * 8000, "deeper"),
        ("- " * 4000, "deeper"),
        ("- a\n- b", "no mapping|not a mapping"),
        ("just text", "not a mapping"),
        ("a: b: c", "not YAML"),
        ("a: \x1b[31m", "not YAML"),
        ("? {a: 1}\n: 2", "not YAML"),
        ("a: 1\n...\n%TAG ! !\n", "not YAML"),
    ],
    ids=lambda value: value[:20],
)
def test_what_front_matter_refuses_and_says(text: str, says: str) -> None:
    with pytest.raises(ParseError, match=says) as caught:
        card(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_block_of_very_many_parts_is_refused() -> None:
    with pytest.raises(ParseError, match="events"):
        front_matter(b"---\na: [" + b"a," * 300_000 + b"]\n---\n", limit=2**20)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(ParseError, match="not UTF-8"):
        card("a: 1".encode("utf-16"))


def test_an_open_block_is_refused() -> None:
    with pytest.raises(ParseError, match="not closed"):
        front_matter(b"---\nlicense: mit\n", limit=LIMIT)


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_a_mapping_or_a_parse_error(data: bytes, fenced: bool) -> None:
    _mapping_or_parse_error(b"---\n" + data + b"\n---\n" if fenced else data)


@given(st.text("abc012:-_.{}[],&*!?|>'\"%@`#~=<\n \t\xe9", max_size=60))
def test_any_yaml_like_text_is_a_mapping_or_a_parse_error(text: str) -> None:
    _mapping_or_parse_error(b"---\n" + text.encode() + b"\n---\n")


def _mapping_or_parse_error(data: bytes) -> None:
    value, said = {}, ""
    try:
        value = front_matter(data, limit=LIMIT)
    except ParseError as error:
        said = str(error)
    assert said.isprintable()
    assert all(isinstance(key, str) for key in value)
