"""Texts that a weight file carries in its header: no page shows them, and tools hand them on to whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import UnsupportedGgufError, read_gguf
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object

HEADED = frozenset({Format.SAFETENSORS, Format.GGUF})
"""Formats whose headers hold texts."""

_TEMPLATES = "tokenizer.chat_template"
"""Keys of GGUF whose text is a program, judged as such."""

_METADATA = b'"__metadata__"'
_PREFIX = 8
_LONGEST_NAME = 40
"""Characters of the names that tools give to their entries; longer ones are read as texts."""


class HeaderText(NamedTuple):
    """One text."""

    key: str
    text: str


def header_texts(reader: BinaryIO, size: int, found: Format, limits: Limits) -> Iterator[HeaderText]:
    """Give the texts in a header; nothing for one that can't be read, which `files/structure` says.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        found: One of `HEADED`.
        limits: `prose_bytes` bounds what is read of safetensors' metadata, `header_bytes` a GGUF header.
    """
    reader.seek(0)
    entries = _in_gguf(reader, size, limits) if found is Format.GGUF else _in_safetensors(reader, limits)
    for key, value in entries.items():
        if len(key) > _LONGEST_NAME:
            yield HeaderText(key, key)
        if isinstance(value, str):
            yield HeaderText(key, value)


def _in_gguf(reader: BinaryIO, size: int, limits: Limits) -> dict[str, object]:
    try:
        values = read_gguf(reader, size, limits).values
    except (StructureError, UnsupportedGgufError):
        return {}
    return {key: value for key, value in values.items() if not key.startswith(_TEMPLATES)}


def _in_safetensors(reader: BinaryIO, limits: Limits) -> dict[str, object]:
    """Read the metadata alone, wherever in the header it stands: tensors are most of it."""
    header = reader.read(min(int.from_bytes(reader.read(_PREFIX), "little"), limits.header_bytes))
    start = header.find(_METADATA)
    if start < 0:
        return _spelt_otherwise(header, limits) if b"\\u" in header else {}
    start = header.find(b"{", start + len(_METADATA))
    text = header[start : start + limits.prose_bytes].decode("utf-8", "replace")
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):  # cut off, or broken: what it holds is read as it stands
        return {"__metadata__": text}
    return value if isinstance(value, dict) else {}


def _spelt_otherwise(header: bytes, limits: Limits) -> dict[str, object]:
    """Read the metadata of a header that holds escapes, in which the key may stand as well."""
    try:
        value = load_json_object(header, depth=limits.json_depth, values=limits.json_values).get("__metadata__")
    except ParseError:
        return {}
    return value if isinstance(value, dict) else {}
