"""Whether a file may name a model at all, told by its bytes: most files of a change do not, and need no parser."""

from __future__ import annotations

import re

_TRACES = (
    *(b"model", b"hf", b"hugg", b"llm", b"llama", b"pretrained", b"or_path", b"repo_id", b"tokenizer", b"processor"),
    *(b"adapter", b"lora", b"peft", b"embed", b"encoder", b"rerank", b"vae", b"controlnet", b"draft", b"checkpoint"),
    *(b"pipeline", b"preset", b"snapshot", b"pinned", b"trainer", b"engine", b"transformer", b"litgpt", b"lmdeploy"),
    *(b"tune ", b'tune"', b"tune'", b"ip_adapter", b"textual_inversion", b"from_single_file"),
)
"""One of them is in every key, flag, call and command that the extractors know; a test holds them to it."""

_ESCAPED = re.compile(rb"\\[uUxN0-7]")


def may_name_models(data: bytes) -> bool:
    """Whether a file has a trace of a model.

    Args:
        data: All of it. What is not ASCII, or has escapes by number, may hide a trace, and counts as one: Python reads
            letters of other widths in a name as the usual ones, and JSON and YAML have escapes in keys.
    """
    if not data.isascii() or _ESCAPED.search(data):
        return True
    lowered = data.lower()
    return any(trace in lowered for trace in _TRACES)
