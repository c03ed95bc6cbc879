"""The text of a script → mentions; scripts stand in files, in workflows, in container files and in notebooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from gatekeeper.ci.commands import command
from gatekeeper.ci.keys import Trust, claim_of
from gatekeeper.ci.python_code import source
from gatekeeper.ci.shell_words import Word, all_commands, assignments
from gatekeeper.ci.telling import Setting, group
from gatekeeper.ci.variables import Variables
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.mention import Mention

_HERE = re.compile(r"<<-?[ \t]{0,8}['\"]?([A-Za-z_]\w{0,60})['\"]?")
_MAKE = re.compile(r"^(?:export[ \t]+)?([A-Za-z_]\w{0,99})[ \t]*[:?+]{0,3}=[ \t]*([^\n]*)$", re.MULTILINE)
_RECIPE = re.compile(r"^\t[@+-]+", re.MULTILINE)


def script(
    text: str, variables: Variables, *, line: int = 1, make: bool = False, settings: bool = True
) -> Iterator[Mention]:
    """Find the models that a script loads.

    Args:
        text: Of a shell or Makefile.
        variables: Those that are known; the script's own are added.
        line: Of its first line.
        make: Whether variables are set as in a Makefile.
        settings: Whether variables with the names of models are told, too, where no command uses them.
    """
    if len(text.split()) > DEFAULT_LIMITS.source_words:
        why = f"the script has more than {DEFAULT_LIMITS.source_words:,} words (limit source_words)"
        yield Mention(line=line, unresolved=why)
        return
    if make:
        text = _RECIPE.sub("\t", text)
    set_here = [Setting(name, word.text, word.line) for name, word in _set(text, line, make=make)]
    for each in set_here:
        variables.set(each.key, each.value, each.line)
    for piece, start, program in pieces(text, line):
        if _is_python(program):
            yield from (replace(each, line=each.line + start - 1) for each in source(piece.encode("utf-8", "replace")))
            continue
        for words in all_commands(piece, start):
            before, rest = assignments(words)
            inner = _python(rest)
            if inner:
                found = source(inner.text.encode("utf-8", "replace"))
                yield from (replace(each, line=each.line + inner.line - 1) for each in found if each.name)
            else:
                yield from _with_environment(rest, before, variables)
    if settings:  # what can't be told is told where a command uses it
        promised = {each.key for each in set_here if (claim := claim_of(each.key)) and claim.trust > Trust.POSSIBLE}
        yield from (each for each in group(set_here, variables) if each.name or each.call in promised)


def _with_environment(words: list[Word], before: list[tuple[str, Word]], variables: Variables) -> Iterator[Mention]:
    """Read `docker run -e MODEL_ID=org/name image` as well as the command itself."""
    yield from command(words, variables)
    given = [
        pair
        for flag, word in pairwise(words)
        if flag.text in {"-e", "--env", "--build-arg", "--set", "--set-string"}
        for pair in assignments([word])[0] or _chart_value(word)
    ]
    given += [pair for word in words for flag in _GLUED if word.text.startswith(flag)
              for pair in assignments([Word(word.text.removeprefix(flag), word.line)])[0]]  # fmt: skip
    if given:
        yield from group([Setting(name, word.text, word.line) for name, word in given], variables)


_GLUED = ("--env=", "--build-arg=", "--set=")


def _chart_value(word: Word) -> list[tuple[str, Word]]:
    """Read `--set model.name=org/name`."""
    key, equals, value = word.text.partition("=")
    return [(key, Word(value, word.line))] if equals and len(key) <= 100 else []


def _set(text: str, line: int, *, make: bool) -> Iterator[tuple[str, Word]]:
    if make:
        begun, at = line, 0
        for found in _MAKE.finditer(text):
            begun += text.count("\n", at, found.start())
            at = found.start()
            yield found[1], Word(found[2].partition(" #")[0].strip().strip("\"'"), begun)
        return
    for piece, start, program in pieces(text, line):
        if not _is_python(program):
            for words in all_commands(piece, start):
                yield from assignments(words)[0]


def pieces(text: str, line: int = 1) -> Iterator[tuple[str, int, str]]:
    """Take the here-documents out of a script, so that no quote in them swallows what follows.

    Yields:
        A text, the line that it begins in, and the line that it is fed to; empty for the script itself.
    """
    if "<<" not in text:
        yield text, line, ""
        return
    lines = text.split("\n")
    kept: list[str] = []
    index = 0
    while index < len(lines):
        kept.append(lines[index])
        opened = _HERE.search(lines[index])
        index += 1
        if not opened or lines[index - 1].lstrip().startswith("#"):
            continue
        body: list[str] = []
        while index < len(lines) and lines[index].strip() != opened[1]:
            body.append(lines[index])
            index += 1
        yield "\n".join(body), line + len(kept), lines[index - len(body) - 1][:200]
        kept += [""] * (len(body) + 1)
        index += 1
    yield "\n".join(kept), line, ""


def _is_python(program: str) -> bool:
    words = program.split("<<")[0].split()
    return any(word.rsplit("/", 1)[-1].startswith("python") for word in words)


def _python(words: list[Word]) -> Word | None:
    """Give the program of `python -c '…'`."""
    for index, word in enumerate(words[:-2]):
        if word.text.rsplit("/", 1)[-1].startswith("python") and words[index + 1].text == "-c":
            return words[index + 2]
    return None
