"""Shell text → commands, each a list of words; a reader of quotes and continuations, not a shell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# One alternative for each thing that can begin at a place, all of them without backtracking into each other.
_TOKEN = re.compile(
    r"(?P<join>\\\r?\n)|(?P<escape>\\.)|(?P<single>'[^']*+')|(?P<double>\"(?:[^\"\\]|\\.)*+\")"
    r"|(?P<here>\$\{\{[^\n}]{0,200}+\}\}|\{\{[^\n}]{0,200}+\}\}|\$\{[^\n}]{0,200}+\})"
    r"|(?P<end>\r?\n|;|&&|&|\|\||\|)|(?P<blank>[ \t\r\f\v]+)"
    r"|(?P<comment>(?<![^\s;&|(])\#[^\n]*)|(?P<plain>[^\s\\'\"$;&|#{]+|.)",
    re.DOTALL,
)
_SUBSTITUTED = re.compile(r"\$\(([^()\n]{1,1000}+)\)|`([^`\n]{1,1000}+)`")
_ESCAPED = re.compile(r"\\(\r?\n|[\"\\$`])")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w{0,99})[?:+]?=(.*)", re.DOTALL)
_BEFORE = frozenset({"export", "local", "readonly", "declare", "typeset", "env", "set", "-x", "-e", "-r", "-gx"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash", "ksh"})
_NESTING = 4


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, without its quotes; variables are not filled in."""

    text: str
    line: int
    """One-based."""


def commands(text: str, line: int = 1) -> Iterator[list[Word]]:
    """Split a script into commands, in time linear in its length.

    Args:
        text: Of a shell, a Makefile's recipe, or an instruction of a container file.
        line: Of its first line.
    """
    words: list[Word] = []
    parts: list[str] = []
    begun = line
    for token in _TOKEN.finditer(text):
        kind, piece = token.lastgroup, token[0]
        if kind in {"blank", "end", "comment"}:
            if parts:
                words.append(Word("".join(parts), begun))
                parts = []
            if kind == "end" and words:
                yield words
                words = []
        elif kind != "join":
            if not parts:
                begun = line
            parts.append(_unquoted(kind or "", piece))
        line += piece.count("\n")
    if parts:
        words.append(Word("".join(parts), begun))
    if words:
        yield words


def _unquoted(kind: str, piece: str) -> str:
    if kind == "single":
        return piece[1:-1]
    if kind == "double":
        return _ESCAPED.sub(lambda found: "" if "\n" in found[1] else found[1], piece[1:-1])
    return piece[1:] if kind == "escape" else piece


def assignments(words: list[Word]) -> tuple[list[tuple[str, Word]], list[Word]]:
    """Take `NAME=value` from the front of a command, also after `export` and its like.

    Returns:
        Names with values, and the words that are left.
    """
    found: list[tuple[str, Word]] = []
    for index, word in enumerate(words):
        matched = _ASSIGNMENT.fullmatch(word.text)
        if matched:
            found.append((matched[1], Word(matched[2], word.line)))
        elif word.text not in _BEFORE:
            return found, words[index:]
    return found, []


def inner_script(words: list[Word]) -> Word | None:
    """Give the script of `bash -c '…'`; None for other commands."""
    for index, word in enumerate(words[:-1]):
        if word.text.rsplit("/", 1)[-1] in _SHELLS:
            for flag, script in zip(words[index + 1 :], words[index + 2 :], strict=False):
                if flag.text.startswith("-") and not flag.text.startswith("--") and flag.text.endswith("c"):
                    return script
            return None
    return None


def all_commands(text: str, line: int = 1, nesting: int = _NESTING) -> Iterator[list[Word]]:
    """Split a script into commands, with those inside `bash -c '…'`, `eval`, `$(…)` and backquotes."""
    for words in commands(text, line):
        script = inner_script(words) if nesting else None
        if words[0].text == "eval" and nesting:
            yield from all_commands(" ".join(word.text for word in words[1:]), words[0].line, nesting - 1)
        elif script:
            yield from all_commands(script.text, script.line, nesting - 1)
        else:
            yield words
    if "$(" in text or "`" in text:
        for number, each in enumerate(text.split("\n"), line):
            for found in _SUBSTITUTED.finditer(each) if not each.lstrip().startswith("#") else ():
                yield from commands(found[1] or found[2], number)
