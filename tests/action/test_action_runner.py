"""The runner that the other tests here stand on does what the platform's does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.action_expressions import evaluate
from tests.support.action_runner import Job, pairs, run_action

CONTEXTS = {"inputs": {"mode": "Enforce", "none": ""}, "steps": {"gate": {"outputs": {"verdict": "allow"}}}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.mode == 'enforce'", True),
        ("inputs.mode != 'enforce'", False),
        ("inputs.none == ''", True),
        ("steps.gate.outputs.verdict", "allow"),
        ("steps.gone.outputs.verdict", None),
        ("steps.gone.outputs.verdict == ''", True),
        ("inputs.none || 'other'", "other"),
        ("inputs.mode == 'enforce' && 'yes' || 'no'", "yes"),
        ("(!cancelled()) && inputs.none == ''", True),
        ("!(always() && inputs.none)", True),
        ("'it''s'", "it's"),
    ],
)
def test_expressions_come_to_what_the_platform_makes_of_them(expression: str, value: object) -> None:
    functions = {"always": lambda: True, "cancelled": lambda: False}
    assert evaluate(expression, CONTEXTS, functions) == value


def test_outputs_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("a=1\nb<<END\nx=1\n<<y\nEND\na=2\nc=x<<y\n")
    assert pairs(path) == {"a": "2", "b": "x=1\n<<y", "c": "x<<y"}


@pytest.mark.parametrize("text", ["a\n", "a<<END\nx\n"])
def test_what_is_no_output_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "out"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"no output|never closed"):
        pairs(path)


ACTION = """
inputs: {word: {default: "x"}}
outputs: {said: {value: "${{ steps.say.outputs.said }}"}}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      env: {WORD: "${{ inputs.word }}"}
      run: |
        echo "said=$WORD" >> "$GITHUB_OUTPUT"
        echo "LATER=$WORD" >> "$GITHUB_ENV"
        echo "::add-mask::secret"
    - id: fail
      continue-on-error: true
      shell: bash
      run: exit 4
    - id: stop
      shell: bash
      run: echo "$LATER secret"; exit 5
    - {id: never, shell: bash, run: "true"}
    - {id: last, if: "always()", shell: bash, run: 'echo summary > "$GITHUB_STEP_SUMMARY"'}
    - {if: "failure() && steps.fail.outcome == 'failure'", uses: "a/b@c", with: {k: "${{ steps.stop.outcome }}"}}
"""


def test_steps_are_run_skipped_and_recorded(tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text(ACTION)
    ran = run_action(
        tmp_path, Job(workspace=tmp_path, temp=tmp_path / "temp", event_name="push"), {"word": "$(exit 9)"}
    )
    assert ran.outputs == {"said": "$(exit 9)"}
    assert [step.outcome for step in ran.steps] == ["success", "failure", "failure", "skipped", "success", "success"]
    assert ran.code == 5
    assert ran.log == "$(exit 9) ***\n"
    assert ran.summary == "summary\n"
    assert ran.step("a/b").given == {"k": "failure"}
