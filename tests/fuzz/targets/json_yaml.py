"""Strict JSON, and YAML at the head of model cards."""

from __future__ import annotations

import json
from typing import Any

from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, front_matter, load_json
from tests.fuzz import laws, seeds

SEEDS = seeds.named(".json", ".md", ".yaml")
TOKENS = (
    b"---\n", b"---", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u0000", b"\\ud83d\\ude00",
    b"\\ud800", b"NaN", b"Infinity",
    b"-Infinity", b"1e999", b"-0", b"true", b"null", b"&a ", b"*a", b"!!int ", b"!!timestamp ", b"<<: ", b"? ", b"- ",
    b"|\n", b">\n", b": ",
    b"1:2:3", b"2001-99-99", b"0o7", b".inf", b"\r\n", b"\xff", b"# ", b"%YAML 1.1\n", b"...\n", b"\x85", b"9" * 5000,
)  # fmt: skip


def answer(data: bytes) -> tuple[Any, Any]:
    return _json(data), _card(data)


def _json(data: bytes) -> Any:
    try:
        value = load_json(data, depth=DEFAULT_LIMITS.json_depth)
    except ParseError as error:
        laws.showable(str(error))
        return str(error)
    if json.loads(data) != value:
        raise laws.LawError("another value than Python's own reader gives")
    return value


def _card(data: bytes) -> Any:
    try:
        return front_matter(data, limit=DEFAULT_LIMITS.card_bytes)
    except ParseError as error:
        laws.showable(str(error))
        return str(error)


def one_input(data: bytes) -> None:
    laws.same_twice(lambda data: repr(answer(data)), data)
