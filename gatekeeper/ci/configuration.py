"""YAML, JSON and TOML files; and YAML that only its template engine can read, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.ci import json_tree, toml_tree, yaml_tree
from gatekeeper.ci.documents import mentions
from gatekeeper.ci.extractor import as_text, ending
from gatekeeper.ci.telling import distinct
from gatekeeper.ci.tree import Mapping, Node, Scalar, Sequence, TreeError
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention


def read_yaml(data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
    """Find models in settings, commands and scripts."""
    text = as_text(data)
    roots: list[Node] = []
    try:
        roots.extend(yaml_tree.documents(text, limits))
    except TreeError as error:
        found = list(mentions(_by_lines(text)))
        templated = "{{" in text or "{%" in text or ending(path) not in {".yaml", ".yml"}
        why = [] if templated else [Mention(line=error.line, unresolved=str(error))]
        yield from distinct([*why, *found])
        return
    yield from mentions(roots)


def read_json(data: bytes, limits: Limits) -> Iterator[Mention]:
    """Find models in the settings and commands of JSON, also with comments."""
    try:
        root = json_tree.document(as_text(data), limits)
    except TreeError as error:
        yield from distinct([Mention(line=error.line, unresolved=str(error)), *mentions(_by_lines(as_text(data)))])
        return
    yield from mentions([root])


def read_toml(data: bytes, limits: Limits) -> Iterator[Mention]:
    """Find models in the settings and commands of TOML."""
    try:
        root = toml_tree.document(as_text(data), limits)
    except TreeError as error:
        yield from distinct([Mention(line=error.line, unresolved=str(error)), *mentions(_by_lines(as_text(data)))])
        return
    yield from mentions([root])


_PAIR = re.compile(r"([ \t]*)(?:- +)?[\"']?([\w.-]{1,100})[\"']?[ \t]*[:=][ \t]+(\S[^\n]*)")
_MEMBER = re.compile(r"([ \t]*)- +(\S[^\n]*)")
_LINE = 2000


def _by_lines(text: str) -> Iterator[Node]:
    """Make small documents of lines: pairs that stand together at one depth, and lists of arguments."""
    mapping, depth = Mapping(1), -1
    arguments = Sequence(1)
    for number, line in enumerate(text.split("\n"), 1):
        pair = _PAIR.match(line[:_LINE])
        member = None if pair else _MEMBER.match(line[:_LINE])
        if member:
            arguments.members.append(Scalar(_plain(member[2]), number))
            continue
        if arguments.members and line.strip():
            yield Mapping(number, [("args", arguments)])
            arguments = Sequence(number)
        indent = len(line) - len(line.lstrip(" \t-"))
        if mapping.pairs and line.strip() and indent != depth and not line.lstrip().startswith(("{{", "{%", "#")):
            yield mapping
            mapping = Mapping(number)
        if pair:
            depth = indent
            mapping.pairs.append((pair[2], Scalar(_plain(pair[3]), number)))
    yield Mapping(1, [("args", arguments)])
    yield mapping


def _plain(text: str) -> str:
    text = re.split(r"[ \t]#", text, maxsplit=1)[0].strip().rstrip(",")
    return text.strip("\"'")
