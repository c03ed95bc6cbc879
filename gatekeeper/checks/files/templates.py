"""Chat templates, wherever a loader would read one: configuration files, `.jinja` files and GGUF headers.

transformers reads `chat_template.jinja`, `additional_chat_templates/*.jinja` and the key `chat_template` of
`tokenizer_config.json` and `chat_template.json` (tokenization_utils_base.py, processing_utils.py); llama.cpp reads
`tokenizer.chat_template` and `tokenizer.chat_template.<name>` of a GGUF header; vLLM and SGLang read what
transformers reads, or any file that they are pointed to.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import UnsupportedGgufError, read_gguf
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

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
"""Files in which loaders look for `chat_template`; in other JSON files the key is looked for as well."""

_KEY = "chat_template"
_GGUF_KEY = "tokenizer.chat_template"
_SETS = "chat_templates"
"""The key of GGUF files that lists the names of further templates; not a template itself."""


def templates_in(
    reader: BinaryIO, name: PurePosixPath, size: int, found: Format, limits: Limits
) -> tuple[dict[str, str], str]:
    """Find the templates in one file.

    Args:
        reader: The file, seekable.
        name: Its name.
        size: Its size in bytes.
        found: Its format; only JSON, JINJA, GGUF and files named `chat_template…` hold any.
        limits: Bounds on JSON and headers.

    Returns:
        Templates by name, and why some could not be read (empty when all could).
    """
    reader.seek(0)
    if found is Format.GGUF:
        return _in_gguf(reader, size, limits)
    is_config = name.name.lower() in CONFIGS
    is_text = found is Format.JINJA or (found is Format.TEXT and name.stem.lower() == _KEY)
    if found is not Format.JSON and not is_config and not is_text:
        return {}, ""
    if size > limits.json_bytes:
        too_large = f"{size} bytes are more than json_bytes allows, so its templates were not looked at"
        return {}, too_large if is_config or is_text else ""
    data = reader.read(limits.json_bytes)
    if is_text and not is_config:
        return _in_text(data, name)
    if not is_config and _KEY.encode() not in data:
        return {}, ""
    try:
        config = load_json_object(data, depth=limits.json_depth, values=limits.json_values)
    except ParseError as error:
        return {}, f"its templates were not looked at: {error}" if is_config else ""
    return _in_config(config)


def _in_text(data: bytes, name: PurePosixPath) -> tuple[dict[str, str], str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return {name.name: data.decode("utf-8", "replace")}, f"transformers can't read it: no UTF-8 at {error.start}"
    return {"default" if name.stem == _KEY else name.stem: text}, ""


def _in_gguf(reader: BinaryIO, size: int, limits: Limits) -> tuple[dict[str, str], str]:
    try:
        header = read_gguf(reader, size, limits)
    except (StructureError, UnsupportedGgufError) as error:
        return {}, f"its templates were not looked at: {error}"
    # A template of more than the reader keeps would otherwise go by unseen.
    templates = {
        key.removeprefix(_GGUF_KEY).lstrip(".") or "default": value
        for key, value in header.values.items()
        if key.startswith(_GGUF_KEY) and isinstance(value, str)
    }
    dropped = [key for key in header.dropped if key.startswith(_GGUF_KEY) and not key.endswith(_SETS)]
    return templates, "its templates are too long to be looked at" if dropped else ""


def _in_config(config: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Give the template, or the named templates in both forms that transformers writes."""
    if _KEY not in config or config[_KEY] is None:
        return {}, ""
    value = config[_KEY]
    if isinstance(value, str):
        return {"default": value}, ""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(entry.get("name"), entry.get("template")) if isinstance(entry, dict) else (None, entry)
                 for entry in value]  # fmt: skip
    else:
        return {}, f"its {_KEY} is {type(value).__name__}, and neither a text nor named texts"
    texts: dict[str, str] = {}
    for number, (name, text) in enumerate(pairs):
        if isinstance(text, str):
            key = name if isinstance(name, str) else str(number)
            texts[key if key not in texts else f"{key} ({number})"] = text
    strange = sum(1 for _, text in pairs if not isinstance(text, str))
    return texts, f"{strange} of its named templates are no texts" if strange else ""


def label(name: str) -> str:
    """Give the name of a template as reports show it."""
    return f"template {printable(name, 80)!r}"
