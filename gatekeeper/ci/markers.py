"""Comments that name a model for tools: our own marker, and Renovate's for repositories of the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.ci.extractor import as_text
from gatekeeper.ci.names import Kind, read
from gatekeeper.ci.telling import distinct
from gatekeeper.mention import Mention, Role
from gatekeeper.text import printable

_OURS = re.compile(r"(?:#|//|;|--|/\*|<!--)[ \t]*gatekeeper:[ \t]*hf=([^\s\"'<>]{1,300})(?:[ \t]+role=(\w{1,20}))?")
_RENOVATE = re.compile(r"(?:#|//|;|--|/\*|<!--)[ \t]*renovate:[ \t]*([^\n]{1,1000})")
_PACKAGE = re.compile(r"(?:^|[ \t])(?:packageName|depName|lookupName)=(\S{1,300})")
_COMMIT = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])")
_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'")
_VALUE = re.compile(r"[=:][ \t]*([\w./-]{1,200})[ \t]*$")
_LINE = 2000


def read_markers(data: bytes) -> Iterator[Mention]:
    """Find markers; the revision stands in the marker's line or the next one."""
    yield from distinct(_mentions(as_text(data).split("\n")))


def _mentions(lines: list[str]) -> Iterator[Mention]:
    for number, line in enumerate(lines, 1):
        told = _told(line[:_LINE]) if "gatekeeper:" in line or "renovate:" in line else None
        if not told:
            continue
        name, call, role, start = told
        reading = read(name, lax=True)
        if reading.kind is Kind.OTHER:
            yield Mention(line=number, call=call, unresolved=f"{printable(name)} is not org/name")
            continue
        before, following = line[:start], lines[number] if number < len(lines) else ""
        at, revision = next(
            ((each, found) for each, text in ((number, before), (number + 1, following)) if (found := _revision(text))),
            (number, ""),
        )
        yield Mention(line=at, name=reading.name, revision=reading.revision or revision, role=role, call=call)


def _told(line: str) -> tuple[str, str, Role, int] | None:
    ours = _OURS.search(line)
    if ours:
        role = Role(ours[2]) if ours[2] in set(Role) else Role.MODEL
        return ours[1], "gatekeeper: hf", role, ours.start()
    theirs = _RENOVATE.search(line)
    packages = (found[1].strip("\"'") for found in _PACKAGE.finditer(theirs[1])) if theirs else ()
    address = next((each for each in packages if read(each).address), "")
    return (address, "renovate", Role.MODEL, theirs.start()) if theirs and address else None


def _revision(line: str) -> str:
    """Find forty digits; else what is quoted; else what stands after a colon or an equals sign."""
    line = line[:_LINE]
    commit = _COMMIT.search(line)
    if commit:
        return commit[0]
    quoted = [found[1] or found[2] for found in _QUOTED.finditer(line)]
    if quoted:
        text = quoted[-1]
        return "" if read(text).kind is Kind.MODEL and "/" in text else printable(text)
    value = _VALUE.search(line.rstrip())
    return value[1] if value and "/" not in value[1] else ""
