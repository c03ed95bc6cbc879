"""Whether a file can name a model at all, told by its bytes before anybody parses it.

Most files of a large change name none, and a syntax tree costs a thousand times what looking for words does. What is
passed over here holds no word that any extractor starts from; in case of doubt the answer is no.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import splitext

_STRONG = (
    *(b"or_path", b"or-path", b"orpath", b"base_model", b"base-model", b"basemodel", b"lora", b"peft", b"pretrained"),
    *(b"model_id", b"model-id", b"modelid", b"model_repo", b"model-repo", b"modelrepo", b"model_hub", b"modelhub"),
    *(b"model_hf", b"modelhf", b"model_ur", b"model-ur", b"modelur", b"repo", b"hf", b"huggingface", b"gatekeeper"),
    *(b"renovate", b"vllm", b"sglang", b"transformers", b"litgpt", b"lmdeploy", b"optimum", b"text-generation"),
    *(b"infinity_emb", b"llama", b"mlx", b"mlc", b"tune", b"adapter", b"from_", b"download", b"pipeline"),
)
"""Words of settings and programs that take any text as a model."""

_WEAK = (
    *(b"model", b"llm", b"tokenizer", b"processor", b"checkpoint", b"embed", b"rerank", b"vae", b"controlnet"),
    *(b"encoder", b"draft", b"weights"),
)
"""Words of settings whose value is one when it looks like one."""

_LOADERS = (
    *(b"pretrained", b"preset", b"from_model_id", b"single_file", b"pipeline", b"snapshot_download", b"hf_hub"),
    *(b"load_adapter", b"lora", b"ip_adapter", b"textual_inversion", b"transformer", b"encoder", b"huggingface"),
    *(b"flagmodel", b"rerank", b"whispermodel", b"engine", b"trainer", b"llm", b"create_model"),
    *(b"pinned", b"embedding", b"hf", b"sglang", b"lmdeploy", b"litgpt", b"gatekeeper"),
    *(b"renovate", b"mlx_lm", b"optimum"),
)
"""Words of the calls and commands by which Python code loads models, however little else is told."""

_CODE = frozenset({".py", ".pyw"})
_SHELL = frozenset({".bash", ".ksh", ".sh", ".zsh"})

_SLASHED = re.compile(rb"[\"'][^\"'\n]*/|\\[xuUN0-7]|[\"']{3}")
"""A text with a slash, or one that may hold what is not seen."""

_GIVEN = re.compile(rb"(?i)-[\w-]*(?:%(words)s)|(?:%(words)s)[\w.\[\]-]*[\"']?[?:+]?=" % {b"words": b"|".join(_WEAK)})
"""A flag or a variable of a shell that may be a model."""

_ANY = frozenset({*_STRONG, *_WEAK, *_LOADERS})

_LETTERS = bytes(
    ord(chr(each).lower()) if (chr(each).isalpha() and each < 128) or each in b"_-" else 32 for each in range(256)
)
"""Small letters for letters, blanks for what no word has."""

_UNSEEN = (b"\\u", b"\\x", b"\\U")
_UNTOLD = (b"/", b"$", b"{{", b"%", b"<", b"!")
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def may_name_models(path: str, data: bytes) -> bool:
    """Whether a file may name a model by anything but a marker or a pattern of the team.

    Args:
        path: Its name, by which it is read.
        data: All of it.
    """
    ending = splitext(path)[1].lower()
    if data.startswith(_MARKS):
        return True
    if ending in _CODE:
        return _of_code(data)
    if ending == ".ipynb":
        return _of_code(data) or _of_settings(data)
    return _of_settings(data) and (ending not in _SHELL or _of_shell(data))


def lines_with_traces(data: bytes) -> list[int] | None:
    """Give the lines, one-based and in order, of a Python file in which a word of the extractors stands.

    None when that can't be told by its bytes.
    """
    if not data.isascii() or b"coding" in data[:200].lower() or b"\r" in data.replace(b"\r\n", b""):
        return None
    small = data.lower()
    places = sorted({place for trace in _ANY for place in _places(small, trace)})
    found: list[int] = []
    line, before = 1, 0
    for place in places:
        line += data.count(b"\n", before, place)
        before = place
        found.append(line)
    return found


def _places(text: bytes, word: bytes) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _of_code(data: bytes) -> bool:
    # Identifiers in other letters, or bytes in another encoding, may mean the same.
    if not data.isascii() or b"coding" in data[:200].lower():
        return True
    words = _distinct(data)
    if any(word in words for word in _LOADERS):
        return True
    if b"/" not in data and b"\\" not in data:
        return False
    return any(word in words for word in (*_STRONG, *_WEAK)) and bool(_SLASHED.search(data))


def _of_settings(data: bytes) -> bool:
    if any(each in data for each in _UNSEEN):
        return True
    words = _distinct(data, b"\"'\\")  # a shell puts v"ll"m together
    if any(word in words for word in _STRONG):
        return True
    return any(word in words for word in _WEAK) and any(each in data for each in _UNTOLD)


def _of_shell(data: bytes) -> bool:
    """Whether a script that has a trace has it where scripts name models: in a program, a flag or a variable."""
    words = _distinct(data, b"\"'\\")
    return any(word in words for word in _STRONG) or bool(_GIVEN.search(data))


def _distinct(data: bytes, without: bytes = b"") -> bytes:
    """Give each word of a text once, in small letters: a file has few, and each is then looked for in little."""
    return b" ".join(set(data.translate(_LETTERS, without).split()))
