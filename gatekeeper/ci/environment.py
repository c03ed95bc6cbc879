"""Files of `NAME=value` lines: `.env`, properties, INI, Terraform variables; and git's list of submodules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.ci.extractor import as_text, file_name
from gatekeeper.ci.telling import ADDRESS, Setting, distinct, group, tell
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention

_LINE = re.compile(
    r"[ \t]*(?:export[ \t]+|set[ \t]+)?[\"']?([A-Za-z_][\w.-]{0,99})[\"']?[ \t]*[=:][ \t]*"
    r"(\"[^\"\n]*+\"|'[^'\n]*+'|[^\n]*+)"
)
_TITLE = re.compile(r"^[^\"]*\"(?=[^\"]*\"\s*\{$)|[\[\]\"{}]|\s+\{$")
_LIMIT = 2000
_END = re.compile(r"\r\n|\r|\n")
_BLANKS = re.compile(r"[ \t]{2,}+")


def read_variables(data: bytes, path: str) -> Iterator[Mention]:
    """Find settings that are models; those of a section or block stand together."""
    variables = Variables()
    blocks = list(_blocks(as_text(data)))
    for _, block in blocks:
        for each in block:
            variables.set(each.key, each.value, each.line)
    found: list[Mention] = []
    for parent, block in blocks:
        if file_name(path) == ".gitmodules":
            found += _submodule(block, variables)
        else:
            found += group(block, variables, parent=parent)
    yield from distinct(found)


def _submodule(block: list[Setting], variables: Variables) -> Iterator[Mention]:
    branch = next((each.value for each in block if each.key == "branch"), "")
    for each in block:
        if each.key == "url":
            yield from tell(each, ADDRESS, variables, revision=branch)


def _blocks(text: str) -> Iterator[tuple[str, list[Setting]]]:
    """Split at section headers and braces; `.env` files are one block.

    Yields:
        What the block is called, as in `variable "model_id" {`, and its settings.
    """
    parent, block = "", list[Setting]()
    for number, written in enumerate(_END.split(text), 1):
        line = _BLANKS.sub(" ", written)[:_LIMIT]
        stripped = line.strip()
        if stripped.startswith(("[", "}")) or stripped.endswith("{"):
            yield parent, block
            parent, block = _TITLE.sub("", stripped), []
            continue
        if stripped.startswith(("#", ";", "//")):
            continue
        matched = _LINE.match(line)
        if matched:
            value = matched[2].strip().rstrip(",")
            if value[:1] not in {'"', "'"}:
                value = re.split(r"[ \t]#", value, maxsplit=1)[0].strip()
            block.append(Setting(matched[1], value.strip("\"'"), number))
    yield parent, block
