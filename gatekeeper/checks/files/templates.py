"""Chat templates, wherever a loader would read one: configuration files, `.jinja` files and GGUF headers."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import UnsupportedGgufError, read_gguf
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object

CONFIGS = frozenset(
    {
        "tokenizer_config.json",
        "chat_template.json",
        "processor_config.json",
        "preprocessor_config.json",
        "config.json",
        "generation_config.json",
        "special_tokens_map.json",
    }
)
"""Files in which transformers looks for `chat_template`."""

_KEY = "chat_template"
_GGUF_KEY = "tokenizer.chat_template"


def templates_in(
    reader: BinaryIO, name: PurePosixPath, size: int, found: Format, limits: Limits
) -> tuple[dict[str, str], str]:
    """Find the templates in one file.

    Args:
        reader: The file, seekable.
        name: Its name.
        size: Its size in bytes.
        found: JSON, JINJA or GGUF.
        limits: Bounds on JSON and headers.

    Returns:
        Templates by name, and why some could not be read (empty when all could).
    """
    reader.seek(0)
    if found is Format.GGUF:
        return _in_gguf(reader, size, limits)
    if found is Format.JSON and name.name not in CONFIGS:
        return {}, ""
    if size > limits.json_bytes:
        return {}, f"{size} bytes are more than json_bytes allows, so its templates were not looked at"
    data = reader.read(limits.json_bytes)
    if found is Format.JINJA:
        return {name.name: data.decode("utf-8", "replace")}, ""
    try:
        config = load_json_object(data, depth=limits.json_depth)
    except ParseError as error:
        return {}, f"its templates were not looked at: {error}"
    return _in_config(config.get(_KEY)), ""


def _in_gguf(reader: BinaryIO, size: int, limits: Limits) -> tuple[dict[str, str], str]:
    try:
        header = read_gguf(reader, size, limits)
    except (StructureError, UnsupportedGgufError) as error:
        return {}, f"its templates were not looked at: {error}"
    # A template of more than the reader keeps would otherwise go by unseen.
    templates = {
        key: value for key, value in header.values.items() if key.startswith(_GGUF_KEY) and isinstance(value, str)
    }
    dropped = [key for key in header.dropped if key.startswith(_GGUF_KEY)]
    return templates, "its templates are too long to be looked at" if dropped else ""


def _in_config(value: Any) -> dict[str, str]:
    """Give the template, or the named templates in both forms that transformers writes."""
    if isinstance(value, str):
        return {"default": value}
    if isinstance(value, dict):
        return {str(name): text for name, text in value.items() if isinstance(text, str)}
    if not isinstance(value, list):
        return {}
    texts = [entry.get("template") if isinstance(entry, dict) else entry for entry in value]
    return {str(number): text for number, text in enumerate(texts) if isinstance(text, str)}
