"""YAML as plain mappings, lists and texts, without anything being built of its tags.

The events of the parser are read one by one (YAML 1.1, as PyYAML reads it): tags come with their handles resolved and
their escapes undone, aliases are counted for what they would unfold to. Keys that stand twice are kept both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from yaml.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """An explicit tag that is none of YAML's own."""

    uri: str
    """In full, as `tag:yaml.org,2002:python/name:os.system` or `!new:module.Class`."""

    value: str
    """The scalar that it stands before; empty before a mapping or a list."""


@dataclass(kw_only=True, slots=True)
class YamlTree:
    """What a file of YAML holds."""

    documents: list[Any] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    shadowed: list[Any] = field(default_factory=list)
    """Each `{key: value}` that a later value of the same key hides."""

    duplicates: list[str] = field(default_factory=list)
    """Keys that stand twice in one mapping."""

    unfolded: int = 0
    """Parts that a reader would see once aliases are unfolded."""


def read_yaml(data: bytes, limits: Limits) -> YamlTree:
    """Read every document of a file.

    Args:
        data: The file.
        limits: `yaml_events` and `json_depth` bound the work.

    Raises:
        ParseError: When it is no YAML, or larger or deeper than the limits.
    """
    import yaml

    try:
        text = data.decode("utf-8-sig")
        reader = _Reader(limits)
        # The C parser is ten times faster, but not every build of PyYAML has it.
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(event)
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 at byte {error.start}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ParseError(f"not YAML: {printable(str(error))}") from error
    return reader.tree


_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    value: Any
    anchor: str | None
    key: str | None = None
    size: int = 1


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self.tree = YamlTree()
        self._limits = limits
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._events = 0

    def take(self, event: Event) -> None:
        import yaml

        self._events += 1
        if self._events > self._limits.yaml_events:
            raise ParseError(f"more than {self._limits.yaml_events} YAML events")
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        elif isinstance(event, yaml.ScalarEvent):
            self._tag(event.tag, event.value)
            nothing = event.implicit[0] and event.value in _NOTHING
            self._give(None if nothing else event.value, 1, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            value, size = self._anchors.get(event.anchor or "", (None, 1))
            self._give(value, size, None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tag(event.tag, "")
            self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
            if len(self._open) > self._limits.json_depth:
                raise ParseError(f"nested deeper than {self._limits.json_depth}")
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._give(done.value, done.size, done.anchor)

    def _tag(self, tag: str | None, value: str) -> None:
        if tag and tag != "!" and not (tag.startswith("tag:yaml.org,2002:") and "python" not in tag):
            self.tree.tags.append(Tag(uri=tag, value=value))

    def _give(self, value: Any, size: int, anchor: str | None) -> None:
        """Put a finished value into what it belongs to."""
        if anchor:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.tree.documents.append(value)
            self.tree.unfolded += size
            return
        outer = self._open[-1]
        outer.size += size
        if isinstance(outer.value, list):
            outer.value.append(value)
        elif outer.key is None:
            outer.key = value if isinstance(value, str) else ""
        else:
            self._pair(outer.value, outer.key, value)
            outer.key = None

    def _pair(self, mapping: dict[str, Any], key: str, value: Any) -> None:
        if key in mapping:
            self.tree.shadowed.append({key: mapping[key]})
            if key not in ("<<", ""):
                self.tree.duplicates.append(key)
        mapping[key] = value


def names_of(tree: YamlTree) -> Iterator[tuple[str, str]]:
    """Give the tags that name something to import, each with that name.

    PyYAML's `python/…:name`, HyperPyYAML's `!new:`, `!name:`, `!apply:` and their kin.
    """
    for tag in tree.tags:
        _, _, name = tag.uri.partition(":python/")
        if name:
            name = name.partition(":")[2]
            if name:  # `python/tuple` and the like make plain data
                yield tag.uri, name
        elif tag.uri.startswith("!") and ":" in tag.uri:
            head, _, name = tag.uri[1:].partition(":")
            if head in _CALLING:
                yield tag.uri, name


_CALLING = frozenset({"new", "name", "apply", "applyref", "module"})
"""HyperPyYAML's tags that import; `!ref`, `!copy` and `!tuple` do not."""
