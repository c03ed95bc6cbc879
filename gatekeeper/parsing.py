"""Strict, bounded parsing of JSON and of YAML front matter that come from a model repo."""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gatekeeper.text import printable

if TYPE_CHECKING:
    from yaml.nodes import Node

_FENCE = b"---"
_YAML_DEPTH = 32
_YAML_EVENTS = 250_000
_NUMBER_CHARACTERS = 100
_JSON_COMMAS = 1_500_000
"""A parsed value takes some three hundred bytes; indexes of the largest models have a tenth of this."""

_NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class ParseError(ValueError):
    """The text is not what its name promises; the message says how, in printable words."""


def load_json(data: bytes, *, depth: int, values: int = _JSON_COMMAS, half_pairs: bool = False) -> Any:
    """Parse JSON the strict way (RFC 8259, with the interoperability advice of I-JSON, RFC 7493).

    Args:
        data: UTF-8 text, already bounded by the caller.
        depth: Deepest nesting to accept.
        values: Most commas to accept, which bound the values and so the work.
        half_pairs: Whether to accept half of a surrogate pair: our own documents name files so whose names are no
            Unicode, and of a Hub's listing one bad path must not hide the others.

    Raises:
        ParseError: On malformed UTF-8 or JSON, a duplicate key, NaN or Infinity, a number too large for a double,
            half of a surrogate pair, very many values, or deeper nesting.
    """
    if data.count(b",") > values:
        raise ParseError(f"more than {values} values")
    _refuse_deep(data, depth)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except ParseError:
        raise
    except ValueError as error:  # an integer of more digits than int() takes
        raise ParseError(str(error)) from error
    if not half_pairs:
        _refuse_half_pairs(data, value)
    return value


def load_json_object(
    data: bytes, *, depth: int, values: int = _JSON_COMMAS, half_pairs: bool = False
) -> dict[str, Any]:
    """Parse JSON whose top level must be an object; arguments as for `load_json`.

    Raises:
        ParseError: As `load_json`, or when the top level is something else.
    """
    value = load_json(data, depth=depth, values=values, half_pairs=half_pairs)
    if not isinstance(value, dict):
        raise ParseError(f"an object was expected, not {type(value).__name__}")
    return value


def front_matter(data: bytes, *, limit: int) -> Mapping[str, Any]:
    """Read the YAML block between two `---` lines at the start of a model card.

    Args:
        data: The card, or at least its beginning.
        limit: Most bytes of YAML to parse.

    The fences are found as the Hub's client finds them: blank lines may come before the first, and a fence has
    nothing but its three hyphens in its line. So nothing counts as metadata there that is text here, or the reverse.

    Returns:
        The mapping; empty when the card has no front matter.

    Raises:
        ParseError: When the block is not closed within `limit`, is not UTF-8 or YAML, is no mapping, names a key
            twice, nests deeply, has very many parts, or uses aliases, tags or numbers of more than a hundred
            characters.
    """
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[: limit + 64]
    opening, *lines = start.splitlines(keepends=True) or [b""]
    if opening.rstrip(b"\r\n") != _FENCE:
        return {}
    size = 0
    for number, line in enumerate(lines):
        if line.rstrip(b"\r\n") == _FENCE:
            return _load_yaml_mapping(b"".join(lines[:number]))
        size += len(line)
        if size > limit:
            break
    raise ParseError(f"front matter is not closed within {limit} bytes")


def _load_yaml_mapping(data: bytes) -> Mapping[str, Any]:
    import yaml

    # The C parser is ten times faster, but not every build of PyYAML has it.
    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = data.decode("utf-8")
        _refuse_costly(text, loader_class)
        loader = loader_class(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return {}
            _refuse_ambiguous(node)
            value = loader.construct_document(node)
        finally:
            loader.dispose()
    except ParseError:
        raise
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 at byte {error.start} of the front matter") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: an impossible date
        raise ParseError(f"not YAML: {printable(str(error))}") from error
    if not isinstance(value, dict):
        raise ParseError("front matter is not a mapping")
    return {str(key): item for key, item in value.items()}


def _refuse_costly(text: str, loader: Any) -> None:
    """Look at the events, which cost little, before anything is built of them.

    Aliases can blow up and make circles, deep nesting costs quadratic time in the C parser, and explicit tags lead to
    constructors that raise whatever they trip over.
    """
    import yaml

    level = 0
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if number > _YAML_EVENTS:
            raise ParseError(f"more than {_YAML_EVENTS} YAML events")
        if isinstance(event, yaml.AliasEvent):
            raise ParseError("YAML aliases are not accepted")
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > _YAML_DEPTH:
            raise ParseError(f"nested deeper than {_YAML_DEPTH}")
        if getattr(event, "tag", None) is not None:
            raise ParseError("YAML tags are not accepted")


def _refuse_ambiguous(root: Node) -> None:
    """Refuse keys that stand twice, which readers resolve differently, and numbers that are costly to build.

    A number with colons is read in base sixty (YAML 1.1), in time that is quadratic in its length.
    """
    import yaml

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            _unique_keys([(str(key.value), None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif node.tag in _NUMBER_TAGS and len(node.value) > _NUMBER_CHARACTERS:
            raise ParseError(f"a number of more than {_NUMBER_CHARACTERS} characters")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ParseError(f"key {printable(key, 80)!r} stands twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ParseError(f"{printable(text, 40)} is too large for a double")
    return number


def _refuse_half_pairs(data: bytes, value: Any) -> None:
    """Refuse text that can't be written as UTF-8 again (RFC 7493, section 2.1), which only escapes can produce."""
    if _SURROGATE.search(data) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ParseError("half of a surrogate pair in a text") from error


def _refuse_deep(data: bytes, depth: int) -> None:
    """Bound nesting before the parser recurses; brackets inside strings do not count."""
    marks = _STRING.sub(b"", data).translate(_STEPS, _NO_BRACKETS)
    if max(accumulate(array("b", marks)), default=0) > depth:
        raise ParseError(f"nested deeper than {depth}")


# Possessive quantifiers and an optional closing quote: linear time, whatever the text.
_STRING = re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"?)++', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
