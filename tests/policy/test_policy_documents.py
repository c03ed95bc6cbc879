"""A policy file is read strictly: each way to get it wrong has its own error, with line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import PolicyError
from gatekeeper.policy.document import MAX_BYTES, parse


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "not YAML"),
        ("a: 1\nb: [1\n", 3, 1, "not YAML"),
        ("a: 1\na: 2\n", 2, 1, "key `a` stands twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 3, "key `b` stands twice"),
        ("a: &x [1]\n", 1, 4, "anchors and aliases"),
        ("a: *x\n", 1, 4, "anchors and aliases"),
        ("a: !!python/object/apply:os.system [x]\n", 1, 4, "tags"),
        ("a: !!str 1\n", 1, 4, "tags"),
        ("a: yes\n", 1, 4, "ambiguous"),
        ("a: 0x10\n", 1, 4, "plain decimal"),
        ("a: 010\n", 1, 4, "plain decimal"),
        ("a: 1:30\n", 1, 4, "plain decimal"),
        ("a: .nan\n", 1, 4, "plain decimal"),
        ("a: -.inf\n", 1, 4, "plain decimal"),
        (f"a: {'9' * 5000}\n", 1, 4, "plain decimal"),
        ("a: 2026-13-45\n", 1, 4, "not a date"),
        ("a: 2026-12-01 10:00:00\n", 1, 4, "not a date"),
        ("[1]: 2\n", 1, 1, "a key must be a word"),
        ("- 1\n", 1, 1, "a mapping is expected"),
        ("", 1, 1, "a mapping is expected"),
        ("a: 1\n---\nb: 2\n", 2, 1, "not YAML"),
        ("a: " + "[" * 50 + "]" * 50, 1, 15, "nested deeper"),
        ("a: " + "[" * 100_000, 1, 15, "nested deeper"),
        ("a: x\nb: \x07\n", 2, 4, "not YAML"),
    ],
)
def test_each_mistake_is_found_where_it_is(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as caught:
        parse(text.encode(), "p.yaml")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"p.yaml:{line}:{column}: ")


def test_a_tab_is_named_in_the_hint() -> None:
    with pytest.raises(PolicyError) as caught:
        parse(b"a:\n\t- 1\n", "p.yaml")
    assert "tabs" in caught.value.hint


def test_bytes_that_are_not_utf8_are_located() -> None:
    with pytest.raises(PolicyError, match="not UTF-8") as caught:
        parse(b"a: 1\nb: \xff\n", "p.yaml")
    assert (caught.value.line, caught.value.column) == (2, 4)


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(PolicyError, match="larger than"):
        parse(b"a: 1\n" + b"#" * MAX_BYTES, "p.yaml")


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(PolicyError, match="aliases"):
        parse("\n".join(lines).encode(), "p.yaml")


def test_a_byte_order_mark_and_crlf_are_harmless() -> None:
    document = parse(b"\xef\xbb\xbfa: 1\r\nb: true\r\n", "p.yaml")
    assert document.data == {"a": 1, "b": True}
    assert document.position(("b",)) == (2, 4)


STYLES = {
    "plain": "a:\n  - w: {0}\n",
    "plain over lines": "a:\n  - w: {1}\n      {2}\n",
    "single": "a:\n  - w: '{0}'\n",
    "double": 'a:\n  - w: "{0}"\n',
    "double over lines": 'a:\n  - w: "{1} \\\n      {2}"\n',
    "literal": "a:\n  - w: |  # why\n      {1}\n      {2}\n",
    "folded": "a:\n  - w: >-\n      {1}\n\n      {2}\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_a_character_of_a_value_is_found_where_it_was_written(style: str) -> None:
    first, second = "one && two", "three || fouré"
    text = STYLES[style].format(f"{first} {second}", first, second)
    document = parse(text.encode(), "p.yaml")
    value = document.data["a"][0]["w"]
    for word in ("one", "&&", "two", "three", "fouré"):
        line, column = document.position(("a", 0, "w"), value.index(word))
        assert text.split("\n")[line - 1][column - 1 :].startswith(word)


def test_escapes_do_not_shift_the_place() -> None:
    text = 'w: "a \\"b\\" \\u00e9 \\t c"\n'
    document = parse(text.encode(), "p.yaml")
    assert document.position(("w",), document.data["w"].index("c")) == (1, text.index("c") + 1)
    text = "w: 'it''s here'\n"
    document = parse(text.encode(), "p.yaml")
    assert document.position(("w",), document.data["w"].index("here")) == (1, text.index("here") + 1)


def test_the_end_of_a_value_is_behind_its_last_character() -> None:
    document = parse(b"w: a ||\nx: 1\n", "p.yaml")
    assert document.position(("w",), 4) == (1, 8)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_the_bytes_there_is_a_document_or_a_policy_error(raw: bytes) -> None:
    problem = None
    try:
        assert isinstance(parse(raw, "p.yaml").data, dict)
    except PolicyError as error:
        problem = error
    assert problem is None or problem.source == "p.yaml"


@given(st.text(alphabet="ab :-[]{}'\"|>\n\t#&*!%@0.1~?,\\", max_size=120))
def test_text_that_is_nearly_yaml_is_a_document_or_a_policy_error(text: str) -> None:
    problem = None
    try:
        parse(text.encode(), "p.yaml")
    except PolicyError as error:
        problem = error
    lines = text.split("\n")
    assert problem is None or 1 <= problem.line <= len(lines) + 1
    assert problem is None or problem.column >= 1
