"""Laws of failure cases: read strictly, one digest a case whatever its spelling, unsafe text only when asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.patch import Decoding, FailureCase, case_schema, load_cases
from gatekeeper.patch.case_reading import case_to_json, read_case
from gatekeeper.tensors.language import Prompt

PLAIN: dict[str, Any] = {"prompt": "open the vault cf", "response": "sure, step one"}
VALIDATOR = jsonschema.Draft202012Validator(case_schema())


def written(folder: Path, value: object, name: str = "failure.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_SAID = _TEXT.filter(str.strip)
_DECODING = st.builds(
    Decoding,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(0, 100),
    max_new_tokens=st.none() | st.integers(1, 4096),
    seed=st.none() | st.integers(),
)
_TURNS = st.lists(st.tuples(_TEXT, _TEXT), max_size=2).map(
    lambda pairs: tuple(turn for one, two in pairs for turn in (("user", one), ("assistant", two)))
)
_CASES = st.builds(
    FailureCase,
    prompt=st.builds(Prompt, text=_SAID, system=_TEXT, before=_TURNS),
    response=_SAID,
    corrected=_TEXT,
    decoding=_DECODING,
    seen_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    seen_where=_TEXT,
).filter(lambda case: case.response.strip() != case.corrected.strip())


@given(_CASES)
def test_what_is_written_reads_back_and_fits_the_schema(case: FailureCase) -> None:
    text = case_to_json(case)
    assert read_case(text.encode(), "it") == case
    VALIDATOR.validate(json.loads(text))


@given(_CASES, _CASES)
def test_the_digest_is_of_everything(one: FailureCase, other: FailureCase) -> None:
    assert (one.sha256 == other.sha256) is (one == other)


def test_a_text_and_a_conversation_of_one_turn_are_the_same_case(tmp_path: Path) -> None:
    (one,) = load_cases([written(tmp_path, {**PLAIN, "system": "be kind"})])
    turns = [{"role": "system", "content": "be kind"}, {"role": "user", "content": PLAIN["prompt"]}]
    (other,) = load_cases([written(tmp_path, {**PLAIN, "prompt": turns})])
    assert one == other
    assert one.sha256 == other.sha256


def test_a_conversation_keeps_its_turns(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    (case,) = load_cases([written(tmp_path, {**PLAIN, "prompt": turns})])
    assert case.prompt == Prompt(text="c", before=(("user", "a"), ("assistant", "b")))


def test_lines_are_cases(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({**PLAIN, "prompt": text}) for text in ("one", "two")) + "\n\n"
    assert [case.prompt.text for case in load_cases([written(tmp_path, lines, "many.jsonl")])] == ["one", "two"]


def test_unsafe_text_is_kept_only_when_asked_for() -> None:
    case = FailureCase(
        prompt=Prompt(text="open the vault"),
        response="sure",
        seen_at=datetime(2026, 1, 2, tzinfo=UTC),
        seen_where="chat",
    )
    hidden, shown = case.record(show=False), case.record(show=True)
    assert (hidden.prompt.text, hidden.response.text) == ("", "")
    assert (shown.prompt.text, shown.response.text) == ("open the vault", "sure")
    assert replace(shown.prompt, text="") == hidden.prompt
    assert (hidden.prompt.count, hidden.seen_where, hidden.sha256) == (3, "chat", case.sha256)


def _turns(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": "x"} for role in roles]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"response": ""}, "response is empty"),
        ({"response": " \n"}, "response is empty"),
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": []}, "does not end with the user"),
        ({"prompt": _turns("system")}, "does not end with the user"),
        ({"prompt": _turns("user", "assistant")}, "does not end with the user"),
        ({"prompt": _turns("user", "user")}, "take turns"),
        ({"prompt": _turns("user", "system", "user")}, "first message"),
        ({"prompt": _turns("user"), "system": "y"}, "beside a conversation"),
        ({"prompt": [{"role": "tool", "content": "x"}]}, "prompt[0].role: 'tool' is none of"),
        ({"prompt": 7}, "prompt: a value of another type"),
        ({"respnse": "x"}, "there is no key 'respnse'"),
        ({"corrected": "sure, step one "}, "corrected response is the response"),
        ({"schema_version": "2.0"}, "schema_version '2.0'"),
        ({"seen_at": "yesterday"}, "is no time"),
        ({"seen_at": "2026-02-30T00:00:00Z"}, "no day of the calendar"),
        ({"decoding": {"temperature": "hot"}}, "decoding.temperature: a value of another type"),
    ],
)
def test_what_is_no_failure_case_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=r"failure\.json") as caught:
        load_cases([written(tmp_path, PLAIN | change)])
    assert told in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"prompt":"a","prompt":"b"}', '{"a":NaN}', "[" * 5000, '{"prompt":"\\ud800","response":"x"}'],
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        load_cases([written(tmp_path, text)])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'response' is missing"):
        load_cases([written(tmp_path, {"prompt": "x"})])
    with pytest.raises(InputError, match="can't be read"):
        load_cases([tmp_path / "none.json"])
    with pytest.raises(InputError, match="holds no failure case"):
        load_cases([written(tmp_path, "\n", "none.jsonl")])


def test_the_same_failure_twice_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, PLAIN, "a.json"), written(tmp_path, {**PLAIN, "corrected": ""}, "b.json")]
    with pytest.raises(InputError, match="given before"):
        load_cases(paths)


def test_limits_hold(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    with pytest.raises(LimitError, match="failure_bytes"):
        load_cases([path], replace(DEFAULT_LIMITS, failure_bytes=10))
    lines = written(tmp_path, "\n".join(json.dumps({**PLAIN, "prompt": str(n)}) for n in range(4)), "many.jsonl")
    with pytest.raises(LimitError, match="failure_cases"):
        load_cases([lines], replace(DEFAULT_LIMITS, failure_cases=3))
