"""Ollama's templates, in the language of Go's text/template: read as far as the rules need it, and never rendered.

Source: Ollama's documentation of templates and Modelfiles; Go's package text/template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_text import judge_characters, judge_text
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_INSTRUCTION = re.compile(r"^[ \t]*(?:TEMPLATE|SYSTEM|MESSAGE[ \t]+\w+)[ \t]+", re.MULTILINE | re.IGNORECASE)
_QUOTES = '"""'
_REST = re.compile(r"""(?:"(?:[^"\\]|\\.)*+"|`[^`]*+`|[^"`}]|\}(?!\}))*+\}\}""", re.DOTALL)
_LONGEST = 2_000
"""Characters of one action."""

_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`')
_CONTENT = re.compile(r"\.(?:Content|Prompt|Response|System|Thinking|Suffix)\b")
_VARIABLE = re.compile(r"(\$\w+)\s*:?=\s*(.*)", re.DOTALL)
_COMPARES = re.compile(r"\b(?:eq|ne|lt|le|gt|ge|contains|hasPrefix|hasSuffix|match)\b")
_NUMBER = re.compile(r"(?<![\w.$])\d+(?![\w.])")
_NAME = re.compile(r"(?<![\w.$\"])([A-Za-z]\w*)")
_KNOWN = frozenset(
    {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "true", "false", "nil",
     "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println",
     "json", "currentDate", "yesterdayDate", "toTypeScriptType", "contains", "hasPrefix", "hasSuffix", "join", "trim",
     "lower", "upper", "split", "replace"}
)  # fmt: skip
_MOST_TURNS = 100_000


def is_go(name: PurePosixPath) -> bool:
    """Whether a file is one in which Ollama reads a template.

    Args:
        name: The file's path.
    """
    lowered = name.name.lower()
    return lowered in ("modelfile", "template") or lowered.endswith((".modelfile", ".gotmpl", ".tmpl"))


def judge_go(source: str, name: PurePosixPath, limits: Limits) -> Iterator[Problem]:
    """Judge a Modelfile or a Go template.

    Args:
        source: The file's text.
        name: The file's path: in a Modelfile the templates stand in `TEMPLATE` and `SYSTEM` instructions.
        limits: `template_characters` bounds the work.
    """
    if len(source) > limits.template_characters:
        message = f"{len(source)} characters are more than template_characters allows"
        yield Problem(slug="unreadable", message=message)
        return
    whole = "modelfile" not in name.name.lower()
    parts = [source] if whole else list(_instructions(source))
    yield from judge_characters([source])
    for part in parts:
        yield from _judge_part(part)


def _instructions(source: str) -> Iterator[str]:
    """Give the texts of a Modelfile's instructions, as Ollama's parser ends them."""
    for match in _INSTRUCTION.finditer(source):
        start, mark = match.end(), "\n"
        if source.startswith(_QUOTES, start):
            start, mark = start + len(_QUOTES), _QUOTES
        end = source.find(mark, start)
        yield source[start : end if end >= 0 else len(source)]
        if end < 0:
            return


def _actions(template: str) -> tuple[list[str], list[str], bool]:
    """Split a template into text and actions, and say whether every action is closed."""
    texts: list[str] = []
    actions: list[str] = []
    at = 0
    while (start := template.find("{{", at)) >= 0:
        texts.append(template[at:start])
        found = _REST.match(template, start + 2)
        if found is None or found.end() - start > _LONGEST:
            return texts, actions, False
        actions.append(template[start + 2 : found.end() - 2].strip("- \t\r\n"))
        at = found.end()
    return [*texts, template[at:]], actions, True


def _judge_part(template: str) -> Iterator[Problem]:
    outside, actions, closed = _actions(template)
    if not closed:
        yield Problem(slug="unreadable", message="an action is too long, or Ollama can't compile it: it is not closed")
    literals = [found[0] or found[1] for action in actions for found in _LITERAL.findall(action)]
    yield from judge_text((0, text) for text in [*outside, *literals])
    spoken: set[str] = set()
    for action in actions:
        yield from _judge_action(action, spoken)


def _judge_action(action: str, spoken: set[str]) -> Iterator[Problem]:
    """Judge one action; variables that hold something said are added to `spoken`."""
    if action.startswith("/*"):
        return
    shown = repr(printable(" ".join(action.split()), 120))
    bare = _LITERAL.sub('""', action)
    said = bool(_CONTENT.search(bare)) or any(re.search(re.escape(name) + r"\b", bare) for name in spoken)
    assigned = _VARIABLE.search(bare)
    if assigned and said:
        spoken.add(assigned.group(1))
    literals = [text for found in _LITERAL.findall(action) if (text := found[0] or found[1]).strip()]
    if _COMPARES.search(bare) and said and _held_against(bare, literals):
        yield Problem(slug="trigger-text", message=f"what it writes hangs on what was said: {shown}")
    if _COMPARES.search(bare) and re.search(r"\b(?:currentDate|yesterdayDate)\b", bare):
        yield Problem(slug="date-trigger", message=f"what it writes hangs on the date: {shown}")
    if bare.startswith("range") and any(int(number[:20]) > _MOST_TURNS for number in _NUMBER.findall(bare)):
        yield Problem(slug="greedy", message=f"a loop of very many turns: {shown}")
    for name in sorted(set(_NAME.findall(bare)) - _KNOWN):
        message = f"Ollama offers no function {printable(name, 60)!r}: {shown}"
        yield Problem(slug="unknown-name", message=message, detail=name)


def _held_against(bare: str, literals: list[str]) -> bool:
    """Whether content itself, and not a role beside it, is held against a text or a number."""
    for compare in re.findall(
        r"\(?\b(?:eq|ne|lt|le|gt|ge|contains|hasPrefix|hasSuffix|match)\b[^()]*(?:\([^()]*\)[^()]*)*", bare
    ):
        on_content = _CONTENT.search(compare) or "$" in compare
        numbers = [number for number in _NUMBER.findall(compare) if number not in ("0", "1", "2")]
        if on_content and not re.search(r"\.Role\b", compare) and ((literals and '""' in compare) or numbers):
            return True
    return False
