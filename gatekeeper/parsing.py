"""Strict, bounded parsing of JSON and of YAML front matter that come from a model repo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gatekeeper.text import printable

_FENCE = b"---"


class ParseError(ValueError):
    """The text is not what its name promises; the message says how, in printable words."""


def load_json(data: bytes, *, depth: int) -> Any:
    """Parse JSON the strict way (RFC 8259, with the interoperability advice of I-JSON, RFC 7493).

    Args:
        data: UTF-8 text, already bounded by the caller.
        depth: Deepest nesting to accept.

    Raises:
        ParseError: On malformed UTF-8 or JSON, a duplicate key, NaN or Infinity, or deeper nesting.
    """
    _refuse_deep(data, depth)
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except ValueError as error:  # an integer of more digits than int() takes
        raise ParseError(str(error)) from error


def load_json_object(data: bytes, *, depth: int) -> dict[str, Any]:
    """Parse JSON whose top level must be an object.

    Raises:
        ParseError: As `load_json`, or when the top level is something else.
    """
    value = load_json(data, depth=depth)
    if not isinstance(value, dict):
        raise ParseError(f"an object was expected, not {type(value).__name__}")
    return value


def front_matter(data: bytes, *, limit: int) -> Mapping[str, Any]:
    """Read the YAML block between two `---` lines at the start of a model card.

    Args:
        data: The card, or at least its beginning.
        limit: Most bytes of YAML to parse.

    Returns:
        The mapping; empty when the card has no front matter.

    Raises:
        ParseError: When the block is not closed within `limit`, is not YAML, uses aliases, or is no mapping.
    """
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    if not lines or lines[0].strip() != _FENCE:
        return {}
    size = 0
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == _FENCE:
            return _load_yaml_mapping(b"".join(lines[1:number]))
        size += len(line)
        if size > limit:
            break
    raise ParseError(f"front matter is not closed within {limit} bytes")


def _load_yaml_mapping(data: bytes) -> Mapping[str, Any]:
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, Loader=yaml.CSafeLoader)):
            raise ParseError("YAML aliases are not accepted")
        value = yaml.load(data, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ParseError(f"not YAML: {printable(str(error))}") from error
    except (ValueError, RecursionError, OverflowError) as error:  # an impossible date, endless nesting
        raise ParseError(f"not YAML: {printable(str(error))}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParseError("front matter is not a mapping")
    return {str(key): item for key, item in value.items()}


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ParseError(f"key {printable(twice, 80)!r} stands twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON")


def _refuse_deep(data: bytes, depth: int) -> None:
    """Bound nesting before the parser recurses; brackets inside strings do not count."""
    level = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        level += 1 if bracket in b"[{" else -1
        if level > depth:
            raise ParseError(f"nested deeper than {depth}")


# Possessive quantifiers and an optional closing quote: linear time, whatever the text.
_STRING = re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"?)++', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
