"""A user's own questions with expected answers: where a domain's accuracy is measured before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import InputError
from gatekeeper.patch.rows import rows, text
from gatekeeper.patch.words import words

_LEAST = 20
"""Questions below which a share says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A prompt whose right answers are known."""

    prompt: str
    expected: tuple[str, ...]
    """Any of them, as words of the answer that stand together, case aside."""

    def right(self, answer: str) -> bool:
        """Whether an answer holds what is expected."""
        said = _spaced(answer)
        return any(_spaced(one) in said for one in self.expected)


def load_questions(path: Path) -> tuple[Question, ...]:
    """Read questions.

    Args:
        path: JSON Lines; `prompt`, and `expected`: a text, or a list of texts of which each will do.

    Raises:
        InputError: When the file is not such, or has too few questions.
    """
    found: dict[str, Question] = {}
    for where, row in rows(path):
        prompt = text(row, "prompt", where)
        wanted = row.get("expected")
        several = wanted if isinstance(wanted, list) else [wanted]
        expected = tuple(text({"expected": one}, "expected", where) for one in several)
        if not expected:
            raise InputError(f"{where} expects no answer", hint='{"prompt": "…", "expected": "…"}')
        found.setdefault(prompt, Question(prompt=prompt, expected=expected))
    if len(found) < _LEAST:
        raise InputError(f"{len(found)} questions are too few to measure accuracy", hint=f"give at least {_LEAST}")
    return tuple(found.values())


def _spaced(answer: str) -> str:
    """Give a text's words between single spaces, without the signs around them."""
    bare = ("".join(sign for sign in word.text.casefold() if sign.isalnum()) for word in words(answer))
    return f" {' '.join(word for word in bare if word)} "


def marks(questions: Sequence[Question], answers: Sequence[str]) -> tuple[bool, ...]:
    """Say of each answer whether it is right."""
    return tuple(question.right(answer) for question, answer in zip(questions, answers, strict=True))
