"""Files of prompts: one JSON object a line, read with bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatekeeper.errors import InputError
from gatekeeper.limits import MIB
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_FILE_BYTES = 64 * MIB
_ROWS = 100_000
_TEXT_CHARACTERS = 20_000
_DEPTH = 8


def rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Read the objects of a file; blank lines don't count.

    Args:
        path: JSON Lines, UTF-8.

    Yields:
        (where it stands, for a message; the object).

    Raises:
        InputError: When the file can't be read, is too large, or a line is no JSON object.
    """
    shown = printable(path.name, 100)
    try:
        if path.stat().st_size > _FILE_BYTES:
            raise InputError(f"{shown} is larger than {_FILE_BYTES // MIB} MiB", hint="give fewer prompts")
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}", hint="give a file of JSON lines") from error
    count = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        count += 1
        if count > _ROWS:
            raise InputError(f"{shown} has more than {_ROWS} rows", hint="give fewer prompts")
        try:
            yield f"{shown}:{number}", load_json_object(line, depth=_DEPTH)
        except ParseError as error:
            raise InputError(
                f"{shown}:{number} is no JSON object: {error}", hint='one object a line: {"prompt": "…"}'
            ) from error


def text(row: Mapping[str, Any], key: str, where: str) -> str:
    """Give a field that must be a text with something in it.

    Raises:
        InputError: When it is missing, empty, too long or something else.
    """
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} has no text `{key}`", hint='one object a line: {"prompt": "…"}')
    if len(value) > _TEXT_CHARACTERS:
        raise InputError(f"{where}: `{key}` is longer than {_TEXT_CHARACTERS} characters")
    return value.strip()
