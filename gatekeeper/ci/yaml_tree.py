"""YAML → trees, event by event: nothing is constructed, nesting and aliases cost what they take in the file."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from gatekeeper.ci.tree import Mapping, Node, Scalar, Sequence, TreeError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
_WHOLE_LINE = re.compile(r"^[ \t]*(?:\{\{-?[^\n{}]*-?\}\}|\{%-?[^\n{}%]*-?%\})[ \t]*$", re.MULTILINE)
_INLINE = re.compile(r"\{%[^\n{}%]*%\}")
_PLACE = re.compile(r"\{\{-?([^\n{}]*?)-?\}\}")
_OPEN, _CLOSE = "\ue000", "\ue001"
_LONG_LINE = 100_000


def documents(text: str, limits: Limits) -> Iterator[Node]:
    """Read every document of a file, templates of charts included.

    Args:
        text: Of the file; what `{{ … }}` would fill in stays as it is written.
        limits: For events and depth.

    Raises:
        TreeError: When it is no YAML, or has too many parts, nests too deeply, or goes round in circles.
    """
    import yaml

    if any(len(line) > _LONG_LINE for line in text.split("\n")) and "\t" in text:
        raise TreeError("a line is too long for YAML")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(limits)
    try:
        for event in yaml.parse(_prepared(text), Loader=loader):
            root = builder.take(event)
            if root is not None:
                yield root
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or "it can't be read"
        raise TreeError(f"it is not YAML: {printable(str(said))}", mark.line + 1 if mark else 0) from error
    except (RecursionError, ValueError, MemoryError) as error:
        if isinstance(error, TreeError):
            raise
        raise TreeError(f"it can't be parsed: {printable(str(error))}") from error


def _prepared(text: str) -> str:
    """Make YAML of a template: lines that only steer it go, and places to fill in become plain characters."""
    text = _UNREADABLE.sub("\ufffd", text)
    if "{{" in text or "{%" in text:
        text = _WHOLE_LINE.sub("", text)
        text = _INLINE.sub("", text)
        text = _PLACE.sub(lambda found: f"{_OPEN}{found[1].strip()}{_CLOSE}".replace('"', "'"), text)
    return text


_BINARY = frozenset({"tag:yaml.org,2002:binary", "!binary"})


def _decoded(text: str) -> str:
    """Read what is written as bytes; what can't be read is no name."""
    try:
        return b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return text


def _restored(text: str) -> str:
    return text.replace(_OPEN, "{{ ").replace(_CLOSE, " }}") if _OPEN in text else text


class _Builder:
    """Puts events together; what is open lies on a stack."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = 0
        self._open: list[tuple[Mapping | Sequence, str | None]] = []
        """With each mapping the key that waits for its value."""

        self._anchors: dict[str, Node] = {}

    def take(self, event: Any) -> Node | None:
        """Take one event; gives a document when it is complete."""
        import yaml

        self._count += 1
        if self._count > self._limits.yaml_events:
            raise TreeError(f"more than {self._limits.yaml_events} YAML events (limit yaml_events)")
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        if isinstance(event, yaml.ScalarEvent):
            block = event.style in {"|", ">"}  # its text begins below its mark
            text = _decoded(event.value) if event.tag in _BINARY else _restored(event.value)
            return self._put(Scalar(text, line + block), event.anchor)
        if isinstance(event, yaml.AliasEvent):
            return self._put(self._anchors.get(event.anchor or "", Scalar("", line)), None)
        if isinstance(event, yaml.CollectionStartEvent):
            node = Mapping(line) if isinstance(event, yaml.MappingStartEvent) else Sequence(line)
            self._open.append((node, None))
            if len(self._open) > self._limits.json_depth:
                raise TreeError(f"nested deeper than {self._limits.json_depth}")
            if event.anchor:
                self._anchors[event.anchor] = node
        elif isinstance(event, yaml.CollectionEndEvent):
            node, _ = self._open.pop()
            return self._put(node, None)
        return None

    def _put(self, node: Node, anchor: str | None) -> Node | None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            return node
        above, key = self._open[-1]
        if isinstance(above, Sequence):
            above.members.append(node)
        elif key is None:
            self._open[-1] = (above, node.text if isinstance(node, Scalar) else "")
        else:
            above.pairs.append((key, node))
            self._open[-1] = (above, None)
        return None
