"""Chat templates: what every prompt goes through, shown as a difference of their texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.compare.side import Side, UnreadError
from gatekeeper.comparison import Attention, Change, ChangeKind, Topic
from gatekeeper.limits import Limits
from gatekeeper.text import plural, printable

TEMPLATE_KEY = "chat_template"
"""Key of a tokenizer's or processor's configuration that holds one template, or a list of named ones."""

_HOLDERS = frozenset(
    {"chat_template.json", "processor_config.json", "tokenizer_config.json", "preprocessor_config.json"}
)
_SUFFIX = ".jinja"
_LINE_CHARACTERS = 160
_SHOWN_LINES = 60

# Templates are often one line; a reader sees a change in it where statements and outputs end.
_PIECES = re.compile(r"(?<=%\})|(?<=\}\})|\n")


def compare_templates(old: Side, new: Side, paths: set[str]) -> Iterator[Change]:
    """Tell of templates in the differing files, each with the difference of its text."""
    for path in sorted(path for path in paths if _holds_templates(path)):
        try:
            before, after = _templates(old, path), _templates(new, path)
        except UnreadError as error:
            yield _told(path, ChangeKind.UNREAD, f"the templates in {printable(path)} were not compared: {error}")
            continue
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield _change(name, before.get(name), after.get(name), new.limits)


def _holds_templates(path: str) -> bool:
    return path.lower().endswith(_SUFFIX) or PurePosixPath(path).name in _HOLDERS


def _change(name: str, before: str | None, after: str | None, limits: Limits) -> Change:
    kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED if after is None else ChangeKind.CHANGED
    verb = {ChangeKind.ADDED: "is new", ChangeKind.REMOVED: "is gone"}.get(kind, "changed")
    words = f"{printable(name)} {verb}"
    longest = max(len(before or ""), len(after or ""))
    if longest > limits.template_characters:
        return _told(name, kind, f"{words}; its {longest:,} characters are too many to show what")
    old, new = _lines(before or ""), _lines(after or "")
    if max(len(old), len(new)) > limits.compare_lines:
        return _told(name, kind, f"{words}; it has too many lines to show what (limit compare_lines)")
    return _told(name, kind, words, _difference(old, new))


def _told(name: str, kind: ChangeKind, words: str, detail: tuple[str, ...] = ()) -> Change:
    return Change(topic=Topic.TEMPLATE, kind=kind, attention=Attention.FIRST, subject=name, words=words, detail=detail)


def _difference(old: list[str], new: list[str]) -> tuple[str, ...]:
    """Give a unified difference, every line printable and whole; of a long one the beginning, and how much follows."""
    # The first two lines name the files, which the words do.
    lines = [printable(line, 12 * _LINE_CHARACTERS) for line in list(difflib.unified_diff(old, new, lineterm="", n=1))]
    shown = lines[2 : 2 + _SHOWN_LINES]
    left = len(lines) - 2 - len(shown)
    return (*shown, f"… and {plural(left, 'more line')}") if left > 0 else tuple(shown)


def _lines(text: str) -> list[str]:
    pieces = [piece for piece in _PIECES.split(text) if piece]
    return [
        piece[start : start + _LINE_CHARACTERS] for piece in pieces for start in range(0, len(piece), _LINE_CHARACTERS)
    ]


def _templates(side: Side, path: str) -> Mapping[str, str]:
    """Give the templates of one file by a name for people; nothing when the artifact has no such file."""
    if path not in side.files:
        return {}
    if not path.lower().endswith(_SUFFIX):
        document = side.json(path)
        value = document.get(TEMPLATE_KEY) if isinstance(document, dict) else None
        return dict(_named(path, value))
    try:
        return {path: side.read(path, 4 * side.limits.template_characters).decode("utf-8")}
    except UnicodeDecodeError as error:
        raise UnreadError(f"it is not UTF-8 at byte {error.start}") from error


def _named(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Read the forms that loaders take: a text, or a list of objects with `name` and `template`, or a mapping."""
    match value:
        case None:
            return
        case str():
            yield f"{TEMPLATE_KEY} of {path}", value
        case dict():
            for name, template in value.items():
                yield from _one(path, name, template)
        case list():
            for each in value:
                if not isinstance(each, dict):
                    raise UnreadError("a template in it has a form that no loader takes")
                yield from _one(path, each.get("name"), each.get("template"))
        case _:
            raise UnreadError("a template in it has a form that no loader takes")


def _one(path: str, name: Any, template: Any) -> tuple[tuple[str, str]]:
    if not isinstance(name, str) or not isinstance(template, str):
        raise UnreadError("a template in it has a form that no loader takes")
    return ((f"{TEMPLATE_KEY} {name!r} of {path}", template),)
