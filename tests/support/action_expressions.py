"""The part of GitHub's expressions that `action.yml` uses, with the platform's rules for truth and equality.

Source: "Evaluate expressions in workflows and actions" in GitHub's documentation. What is not here is refused: a new
function in `action.yml` needs a new one here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||==|!=|[!().,]))"
)
_STATUS = re.compile(r"\b(always|cancelled|failure|success)\s*\(")

Functions = Mapping[str, Callable[[], Any]]


def asks_for_status(expression: str) -> bool:
    """Say whether an `if:` decides itself what a failure before it means."""
    return bool(_STATUS.search(expression))


def truth(value: Any) -> bool:
    """Say whether a value counts as true."""
    return value not in (None, False, 0, "")


def filled_in(text: Any, contexts: Mapping[str, Any], functions: Functions) -> str:
    """Replace every `${{ … }}` of a value by what it comes to, as text."""

    def one(found: re.Match[str]) -> str:
        return _text(evaluate(found[1], contexts, functions))

    return re.sub(r"\$\{\{(.*?)\}\}", one, _text(text))


def evaluate(expression: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """Evaluate one expression, with or without its braces."""
    inner = expression.strip()
    if inner.startswith("${{") and inner.endswith("}}"):
        inner = inner[3:-2]
    reader = _Reader(_tokens(inner), contexts, functions)
    value = reader.either()
    assert not reader.left, f"{expression!r} goes on after its end"
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        assert found is not None, f"{text!r} can't be read from {at} on"
        tokens.append((found.lastgroup or "", found[0].strip()))
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent; both sides of `&&` and `||` are read, one is given."""

    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Any], functions: Functions) -> None:
        self.left = tokens
        self._contexts = contexts
        self._functions = functions

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = other if truth(value) else value
        return value

    def _equal(self) -> Any:
        value = self._not()
        while self.left and self.left[0][1] in {"==", "!="}:
            wanted = self.left.pop(0)[1] == "=="
            value = _same(value, self._not()) is wanted
        return value

    def _not(self) -> Any:
        return not truth(self._not()) if self._take("!") else self._one()

    def _one(self) -> Any:
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        kind, text = self.left.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        assert kind == "name", text
        if text in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text]
        return self._call(text) if self._take("(") else self._path(text)

    def _call(self, name: str) -> Any:
        assert self._take(")"), f"{name} takes nothing"
        return self._functions[name]()

    def _path(self, name: str) -> Any:
        value: Any = self._contexts[name]
        while self._take("."):
            # What is not there is null, however deep.
            key = self.left.pop(0)[1]
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _take(self, sign: str) -> bool:
        if self.left and self.left[0] == ("sign", sign):
            self.left.pop(0)
            return True
        return False


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return _number(one) == _number(other) if type(one) is not type(other) else bool(one == other)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    try:
        return float(value) if value != "" else 0.0
    except (TypeError, ValueError):
        return float("nan")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
