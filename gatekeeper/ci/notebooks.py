"""Notebooks: the code of their cells, and the shell commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gatekeeper.ci.python_code import parses, source
from gatekeeper.ci.shell import script
from gatekeeper.ci.telling import distinct
from gatekeeper.ci.variables import Variables
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention
from gatekeeper.parsing import ParseError, load_json_object

_MAGIC = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)
_SHELL = re.compile(r"^[ \t]*(?:!+|%(?:sx|system|sh|bash)\b)[ \t]*", re.MULTILINE)
_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|script[ \t]+(?:ba)?sh)\b[^\n]*")
_FILE_CELL = re.compile(r"\s*%%(?:writefile|file)[ \t][^\n]*\.py[\"']?[ \t]*(?=\n)")
_TIMED = re.compile(
    r"^[ \t]*(?:%%(?:capture|memit|prun|time|timeit)\b[^\n]*|%(?:memit|prun|time)\b[ \t]*)", re.MULTILINE
)
"""Magic commands that run the Python that follows them, in their cell or in their line."""


def read_notebook(data: bytes, limits: Limits) -> Iterator[Mention]:
    """Read the code cells as one program, as a kernel runs them; lines are counted within their cell."""
    try:
        cells = _cells(load_json_object(data, depth=limits.json_depth))
    except ParseError as error:
        yield Mention(line=0, unresolved=f"it is no notebook: {error}")
        return
    texts: list[str] = []
    starts: list[tuple[int, int]] = []
    line = 1
    for number, cell in enumerate(cells, 1):
        written = _source(cell)
        yield from distinct(replace(each, cell=number) for each in _commands(written))
        text = _code(written)
        if text and not parses(text):
            yield Mention(line=1, cell=number, unresolved="the cell is not Python")
        elif text:
            starts.append((line, number))
            texts.append(text)
            line += text.count("\n") + 1
    at = 0
    for mention in source("\n".join(texts).encode("utf-8", "replace")):
        while at + 1 < len(starts) and starts[at + 1][0] <= mention.line:
            at += 1
        start, number = starts[at] if starts else (1, 0)
        yield replace(mention, line=mention.line - start + 1, cell=number)


def _cells(notebook: dict[str, Any]) -> list[Any]:
    """Give the cells; before version 4 of the format they stand in worksheets."""
    sheets = notebook.get("worksheets", [])
    holders = [notebook, *(sheets if isinstance(sheets, list) else [])]
    found = (holder.get("cells") for holder in holders if isinstance(holder, dict))
    return [cell for cells in found if isinstance(cells, list) for cell in cells]


def _source(cell: object) -> str:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return ""
    source = cell.get("source", cell.get("input"))  # the latter before version 4
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _code(written: str) -> str:
    """Give the code of a cell without its magic commands; empty for cells in another language."""
    written = _TIMED.sub("", written)
    return "" if written.lstrip().startswith("%%") else _MAGIC.sub("", written)


def _commands(written: str) -> Iterator[Mention]:
    """Find what the shell commands of a cell load."""
    head = _SHELL_CELL.match(written)
    file = _FILE_CELL.match(written)
    if file:
        below = 1 + written.count("\n", 0, file.end())
        found = source(written[file.end() :].encode("utf-8", "replace"))
        yield from (replace(each, line=each.line + below - 1) for each in found)
    elif head:
        yield from script(written[head.end() :], Variables(), line=1 + written.count("\n", 0, head.end()))
    elif "!" in written or "%" in written:
        for number, line in enumerate(written.split("\n"), 1):
            marked = _SHELL.match(line)
            if marked:  # `{name}` is a variable of Python there
                yield from script(line[marked.end() :].replace("{", "${"), Variables(), line=number, settings=False)
