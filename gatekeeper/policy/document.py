"""A YAML file read strictly and within bounds, in which every value knows its line and column.

Accepted is the plain part of YAML: mappings with unique string keys, sequences and scalars. Aliases (the way to
blow up a small file), tags, several documents, numbers that are not plain decimals, and the bare words `yes`, `no`,
`on`, `off` (booleans to YAML 1.1, words to everybody else) are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from gatekeeper.errors import PolicyError
from gatekeeper.policy.positions import written_at
from gatekeeper.text import printable

MAX_BYTES = 256 * 1024
"""Bytes of one policy or test file."""

MAX_DEPTH = 12
"""Nesting of mappings and sequences."""

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top of a document to a value."""

_PREFIX = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed file."""

    source: str
    """Name or path, as shown in errors."""

    raw: bytes
    """As read."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    """Plain Python: dicts, lists, strings, ints, floats, bools, dates and None."""

    _values: dict[Path, yaml.Node] = field(default_factory=dict)
    _keys: dict[Path, yaml.Node] = field(default_factory=dict)

    def position(self, path: Path, offset: int | None = None) -> tuple[int, int]:
        """Find a value.

        Args:
            path: Which; when nothing stands there, the nearest value around it.
            offset: Character of a scalar's value to point at; None for its beginning.

        Returns:
            Line and column, from 1.
        """
        node = self._values.get(path)
        while node is None and path:
            path = path[:-1]
            node = self._values.get(path)
        if node is None:
            return 1, 1
        start = node.start_mark.index
        if offset is not None and isinstance(node, yaml.ScalarNode):
            raw = self.text[start : node.end_mark.index]
            start += written_at(raw, node.style or "", node.value, offset)
        return _line_column(self.text, start)

    def error(
        self, message: str, path: Path = (), *, offset: int | None = None, key: bool = False, hint: str = ""
    ) -> PolicyError:
        """Make an error that points into this file.

        Args:
            message: What is wrong.
            path: Which value is to blame.
            offset: Which character of it.
            key: Whether its key is to blame rather than the value.
            hint: What to change.
        """
        line, column = self.position(path, offset)
        if key and path in self._keys:
            line, column = _line_column(self.text, self._keys[path].start_mark.index)
        return PolicyError(message, source=self.source, line=line, column=column, hint=hint)


def parse(raw: bytes, source: str) -> Document:
    """Read a YAML document whose top level is a mapping.

    Args:
        raw: The file's bytes.
        source: Its name, for errors.

    Raises:
        PolicyError: With line and column, when it is too large, not UTF-8, not YAML, or outside the accepted part.
    """
    text = _decode(raw, source)
    document = Document(source=source, raw=raw, text=text)
    try:
        _refuse_tricks(document)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _not_yaml(document, error) from error
    if not isinstance(root, yaml.MappingNode):
        raise PolicyError("a mapping is expected", source=source, line=1, column=1)
    document.data.update(_Builder(document).mapping(root, ()))
    return document


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _decode(raw: bytes, source: str) -> str:
    if len(raw) > MAX_BYTES:
        raise PolicyError(f"larger than {MAX_BYTES} bytes", source=source)
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line, column = _line_column(raw[: error.start].decode("utf-8", "replace"), error.start)
        raise PolicyError("not UTF-8", source=source, line=line, column=column, hint="save it as UTF-8") from error


def _refuse_tricks(document: Document) -> None:
    """Look at the events before anything is built from them."""
    depth = 0
    for event in yaml.parse(document.text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _at(document, event, f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _at(document, event, "YAML anchors and aliases are not accepted", "write the value out")
        if getattr(event, "tag", None):
            raise _at(document, event, "YAML tags are not accepted")


def _at(document: Document, event: yaml.Event, message: str, hint: str = "") -> PolicyError:
    line, column = _line_column(document.text, event.start_mark.index if event.start_mark else 0)
    return PolicyError(message, source=document.source, line=line, column=column, hint=hint)


def _not_yaml(document: Document, error: yaml.YAMLError) -> PolicyError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    context = getattr(error, "context", None)
    message = f"not YAML: {problem}" + (f" {context}" if context else "")
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    else:  # a character that YAML forbids
        index = getattr(error, "position", 0)
        line, column = _line_column(document.text, index if isinstance(index, int) else 0)
    tab = "\t" in "".join(document.text.split("\n")[line - 1 : line])
    hint = "indent with spaces, not with tabs" if tab else ""
    return PolicyError(printable(message), source=document.source, line=line, column=column, hint=hint)


def _line_column(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Builder:
    """Turns nodes into plain Python and notes where each stands."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._document._values[path] = node
        result: dict[str, Any] = {}
        for key, value in node.value:
            name = self._key(key, path)
            if name in result:
                raise self._wrong(key, f"key `{printable(name, 80)}` stands twice")
            self._document._keys[(*path, name)] = key
            result[name] = self.value(value, (*path, name))
        return result

    def value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        self._document._values[path] = node
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _key(self, node: yaml.Node, path: Path) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._wrong(node, "a key must be a word")
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind, text = node.tag.removeprefix(_PREFIX), str(node.value)
        if kind == "bool":
            if text not in {"true", "false"}:
                raise self._wrong(node, f"{text!r} without quotes is ambiguous", f'write true, false or "{text}"')
            return text == "true"
        if kind == "int":
            if not _DECIMAL.fullmatch(text):
                raise self._wrong(node, f"{printable(text, 40)!r} is not a plain decimal number")
            return int(text)
        if kind == "timestamp":
            try:
                return date.fromisoformat(text)
            except ValueError as error:
                raise self._wrong(node, f"{text!r} is not a date", "write it as 2026-12-31") from error
        return {"float": self._float, "null": lambda _: None}.get(kind, lambda scalar: str(scalar.value))(node)

    def _float(self, node: yaml.ScalarNode) -> float:
        text = str(node.value)
        try:
            return float(text)
        except ValueError as error:  # .nan, .inf, 1_0.5 and sexagesimals
            raise self._wrong(node, f"{printable(text, 40)!r} is not a plain decimal number") from error

    def _wrong(self, node: yaml.Node, message: str, hint: str = "") -> PolicyError:
        line, column = _line_column(self._document.text, node.start_mark.index)
        return PolicyError(message, source=self._document.source, line=line, column=column, hint=hint)
