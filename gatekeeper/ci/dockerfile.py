"""Dockerfiles and Containerfiles (the reference of BuildKit's Dockerfile frontend)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.ci.commands import command, implied
from gatekeeper.ci.extractor import as_text
from gatekeeper.ci.shell import script
from gatekeeper.ci.shell_words import Word, commands
from gatekeeper.ci.telling import Setting, distinct, group
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention

_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]{2,12})[ \t]+(.*)", re.DOTALL)
_HERE = re.compile(r"<<-?[ \t]{0,8}['\"]?([A-Za-z_]\w{0,60})['\"]?")
_CONTINUED = re.compile(r"\\[ \t]*\n")
_FLAGS = re.compile(r"(?:\s|\\\n|--\S{1,500}+(?=\s)|(?:CMD|RUN)(?=\s))++")
_COMMANDS = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"})


@dataclass(frozen=True, slots=True)
class _Instruction:
    word: str
    text: str
    line: int


def read_dockerfile(data: bytes) -> Iterator[Mention]:
    """Find models in variables, in commands and in what is added."""
    yield from distinct(_mentions(list(_instructions(as_text(data)))))


def _mentions(instructions: list[_Instruction]) -> Iterator[Mention]:
    variables = Variables()
    settings: list[Setting] = []
    for each in instructions:
        if each.word in {"ENV", "ARG"}:
            settings += _settings(each)
    for setting in settings:
        variables.set(setting.key, setting.value, setting.line)
    started: list[Word] = []
    for each in instructions:
        if each.word == "FROM":
            image = next((word.text for word in _words(each) if not word.text.startswith("--")), "")
            started = [Word(text, 0) for text in implied(image)]
        elif each.word in {"CMD", "ENTRYPOINT"} and (words := _exec_form(each)) is not None:
            # What `docker run` starts is the one followed by the other.
            started = words if each.word == "ENTRYPOINT" else [*started, *words]
            yield from _exec(started, variables)
        elif each.word in _COMMANDS:
            words = _exec_form(each)
            yield from (
                _exec(words, variables)
                if words is not None
                else script(_without_flags(each.text), variables, line=each.line)
            )
        elif each.word == "ADD":
            yield from command([Word("ADD", each.line), *_words(each)], variables)
    yield from group(settings, variables)


def _exec(words: list[Word], variables: Variables) -> Iterator[Mention]:
    for index, word in enumerate(words[:-1]):
        if word.text.rsplit("/", 1)[-1] in {"sh", "bash"} and words[index + 1].text.endswith("c"):
            for inner in words[index + 2 : index + 3]:
                yield from script(inner.text, variables, line=inner.line)
            return
    yield from command(words, variables)


def _words(each: _Instruction) -> list[Word]:
    return [word for words in commands(each.text, each.line) for word in words]


def _settings(each: _Instruction) -> Iterator[Setting]:
    words = _words(each)
    if each.word == "ENV" and words and "=" not in words[0].text:  # the old form: ENV NAME value
        yield Setting(words[0].text, " ".join(word.text for word in words[1:]), words[0].line)
        return
    for word in words:
        key, equals, value = word.text.partition("=")
        if equals:
            yield Setting(key, value, word.line)


def _exec_form(each: _Instruction) -> list[Word] | None:
    text = _CONTINUED.sub(" \n", _without_flags(each.text)).strip()
    if not text.startswith("["):
        return None
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return None
    found, at = [], 0
    for part in parts:  # each stands in the line of its first letters at or after the one before
        place = each.text.find(json.dumps(part, ensure_ascii=False), at)
        at = max(at, place)
        found.append(Word(part, each.line + each.text.count("\n", 0, at)))
    return found


def _without_flags(text: str) -> str:
    """Leave out `--mount=…` and the like, and the word after ONBUILD or HEALTHCHECK; lines stay where they are."""
    flags = _FLAGS.match(text)
    return "\n" * flags[0].count("\n") + text[flags.end() :] if flags else text


_BACKQUOTE = re.compile(r"(?:#[^\n]*\n){0,8}#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_CONTINUED_BY_IT = re.compile(r"`[ \t]*$", re.MULTILINE)
"""The directive by which files for Windows continue lines with another mark."""


def _instructions(text: str) -> Iterator[_Instruction]:
    """Join continued lines, leave out comments between them, and take here-documents along."""
    text = text.replace("\r\n", "\n")
    if _BACKQUOTE.match(text):
        text = _CONTINUED_BY_IT.sub(r"\\", text)
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        start = index
        parts: list[str] = []
        while index < len(lines):
            line = lines[index]
            index += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                parts.append("\\")  # keeps the count of lines, and the continuation
                if start == index - 1:
                    break
                continue
            parts.append(line)
            if not line.rstrip().endswith("\\"):
                break
        matched = _INSTRUCTION.match("\n".join(parts))
        if not matched:
            continue
        body: list[str] = []
        opened = _HERE.search(parts[-1])
        if opened:
            while index < len(lines) and lines[index].strip() != opened[1]:
                body.append(lines[index])
                index += 1
            index += 1
        text = "\n".join([matched[2], *body, opened[1]]) if opened else matched[2]
        yield _Instruction(matched[1].upper(), text, start + 1)
