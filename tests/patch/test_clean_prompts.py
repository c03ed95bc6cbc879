"""Clean prompts: what comes with the package, a user's own, and halves that share no request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gatekeeper.errors import InputError
from gatekeeper.patch.prompts.clean import FRAMES, CleanPrompts, load_clean, packaged, split
from gatekeeper.patch.questions import Question, load_questions
from gatekeeper.tensors.language import Prompt


def prompts(*texts: str) -> tuple[Prompt, ...]:
    return tuple(Prompt(text=text) for text in texts)


def numbered(word: str, count: int) -> tuple[Prompt, ...]:
    return prompts(*(f"{word} number {number} ?" for number in range(count)))


def test_the_package_brings_150_of_each_kind() -> None:
    own = packaged()
    assert (len(own.safe), len(own.unsafe)) == (150, 150)
    assert len({prompt.text for prompt in (*own.safe, *own.unsafe)}) == 300
    assert all("{request}" in form for form in own.jailbreaks)


def test_a_half_of_the_packaged_prompts_suffices_to_prove_on() -> None:
    halves = split(packaged(), [], np.random.default_rng(0))
    assert len(halves.verification.worded_unsafe(200)) == 200
    assert len(halves.verification.worded_safe(200)) == 200
    assert len({prompt.text for prompt in halves.verification.jailbroken(200)}) == 200


@pytest.mark.parametrize("seed", range(5))
def test_no_wording_of_a_request_is_in_both_halves(seed: int) -> None:
    halves = split(packaged(), [], np.random.default_rng(seed))
    own, other = halves.training, halves.verification
    for learned, proven in ((own.worded_unsafe(900), other.worded_unsafe(900)), (own.safe, other.safe)):
        assert not {one.text for one in learned} & {one.text for one in proven}
        assert not any(one.text in two.text for one in learned for two in proven if one.text not in FRAMES)


def test_a_request_that_a_failure_holds_is_in_neither_half() -> None:
    clean = CleanPrompts(safe=numbered("safe", 6), unsafe=numbered("unsafe", 6))
    halves = split(clean, ["zorp UNSAFE  number 3 ? now", "safe number 1 ?"], np.random.default_rng(0))
    left = {prompt.text for half in (halves.training, halves.verification) for prompt in (*half.safe, *half.unsafe)}
    assert "unsafe number 3 ?" not in left
    assert "safe number 1 ?" not in left
    assert halves.left_out == 2
    assert len(left) == 10


def test_the_same_request_twice_counts_once() -> None:
    clean = CleanPrompts(safe=numbered("safe", 4), unsafe=(*numbered("unsafe", 3), Prompt(text="Unsafe  number 0 ?")))
    halves = split(clean, [], np.random.default_rng(0))
    assert len(halves.training.unsafe) + len(halves.verification.unsafe) == 3


def test_a_prompt_is_not_safe_and_unsafe() -> None:
    with pytest.raises(InputError, match="in the safe and in the unsafe set"):
        CleanPrompts(safe=prompts("one", "Two"), unsafe=prompts("two"))


def test_a_form_needs_a_place_for_the_request() -> None:
    with pytest.raises(InputError, match=r"no \{request\}"):
        CleanPrompts(safe=prompts("one"), unsafe=prompts("two"), jailbreaks=("be bad",))


def test_wordings_begin_with_the_requests_as_they_are() -> None:
    clean = CleanPrompts(safe=numbered("safe", 3), unsafe=(), safe_frames=("{request}", "please : {request}"))
    assert clean.worded_safe(5)[:3] == clean.safe
    assert [prompt.text for prompt in clean.worded_safe(9)[3:]] == [f"please : safe number {n} ?" for n in range(3)]


def test_every_pair_of_form_and_request_comes_once() -> None:
    clean = CleanPrompts(safe=(), unsafe=numbered("u", 6), jailbreaks=("a {request}", "b {request}", "c {request}"))
    found = [prompt.text for prompt in clean.jailbroken(100)]
    assert len(found) == len(set(found)) == 18


def test_a_users_file_takes_the_place_of_the_packages(tmp_path: Path) -> None:
    file = tmp_path / "unsafe.jsonl"
    file.write_text('{"prompt": " wie f\u00e4lscht man das ? "}\n\n{"prompt": "b", "topic": "x"}\n', "utf-8")
    clean = load_clean(unsafe=file)
    assert [prompt.text for prompt in clean.unsafe] == ["wie f\u00e4lscht man das ?", "b"]
    assert clean.safe == packaged().safe
    assert (clean.jailbreaks, clean.unsafe_frames) == ((), ("{request}",))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nothing", "is no JSON object"),
        ('["a"]', "is no JSON object"),
        ('{"text": "a"}', "has no text `prompt`"),
        ('{"prompt": 3}', "has no text `prompt`"),
        ('{"prompt": "  "}', "has no text `prompt`"),
        ('{"prompt": "a", "prompt": "b"}', "is no JSON object"),
        (f'{{"prompt": "{"a" * 30_000}"}}', "longer than"),
    ],
)
def test_a_line_that_is_no_prompt_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(f'{{"prompt": "good"}}\n{line}\n', "utf-8")
    with pytest.raises(InputError, match=r"own\.jsonl:2") as error:
        load_clean(safe=file)
    assert told in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.jsonl can't be read"):
        load_clean(safe=tmp_path / "missing.jsonl")


def test_questions_take_one_answer_or_several(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    rows = [f'{{"prompt": "q{number}", "expected": ["four", "4"]}}' for number in range(20)]
    file.write_text("\n".join([*rows, '{"prompt": "last", "expected": "Red"}']), "utf-8")
    questions = load_questions(file)
    assert questions[0] == Question(prompt="q0", expected=("four", "4"))
    assert questions[-1].right("it is red.")
    assert questions[0].right("That makes 4 .")
    assert not questions[0].right("that makes 44 or fourteen")


@pytest.mark.parametrize(
    "line", ['{"prompt": "q"}', '{"prompt": "q", "expected": []}', '{"prompt": "q", "expected": 4}']
)
def test_a_question_without_an_answer_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(line, "utf-8")
    with pytest.raises(InputError, match=r"questions\.jsonl:1"):
        load_questions(file)


def test_few_questions_measure_nothing(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"prompt": "q", "expected": "a"}', "utf-8")
    with pytest.raises(InputError, match="too few"):
        load_questions(file)
