"""Whether a file can name a model at all, told by its bytes before anybody parses it.

Most files of a large change name none, and a syntax tree costs a thousand times what looking for words does. What is
passed over here holds no word that any extractor starts from; in case of doubt the answer is no.
"""

from __future__ import annotations

import re
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
_OTHERS = frozenset({".bash", ".env", ".json", ".sh", ".toml", ".yaml", ".yml", ".zsh"})
_MARKED = frozenset(
    {".c", ".cc", ".cpp", ".cs", ".css", ".cu", ".go", ".h", ".hpp", ".html", ".java", ".js", ".jsx", ".kt", ".mjs"}
    | {".php", ".proto", ".rb", ".rs", ".scala", ".scss", ".sql", ".svg", ".swift", ".ts", ".tsx", ".txt", ".vue"}
)
"""Languages that are read for our own comments alone."""

_SLASHED = re.compile(rb"[\"'][^\"'\n]*/|\\[xuUN0-7]|[\"']{3}")
"""A text with a slash, or one that may hold what is not seen."""

_LETTERS = bytes(
    ord(chr(each).lower()) if (chr(each).isalpha() and each < 128) or each in b"_-" else 32 for each in range(256)
)
"""Small letters for letters, blanks for what no word has."""

_UNSEEN = (b"\\u", b"\\x", b"\\U")
_UNTOLD = (b"/", b"$", b"{{", b"%", b"<", b"!")
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def names_nothing(path: str, data: bytes) -> bool:
    """Whether a file surely names no model.

    Args:
        path: Its name, by which it is read.
        data: All of it.
    """
    ending = splitext(path)[1].lower()
    if data.startswith(_MARKS):
        return False
    if ending in _CODE:
        return _of_code(data)
    if ending in _MARKED:
        return has_no_marker(data)
    return ending in _OTHERS and _of_settings(data)


def has_no_marker(data: bytes) -> bool:
    """Whether a file of no known kind has no comment by which a team marks a model."""
    return b"gatekeeper:" not in data and b"renovate:" not in data


def _of_code(data: bytes) -> bool:
    # Identifiers in other letters, or bytes in another encoding, may mean the same.
    if not data.isascii() or b"coding" in data[:200].lower():
        return False
    words = _distinct(data)
    if any(word in words for word in _LOADERS):
        return False
    if b"/" not in data and b"\\" not in data:
        return True
    return not any(word in words for word in (*_STRONG, *_WEAK)) or not _SLASHED.search(data)


def _of_settings(data: bytes) -> bool:
    if any(each in data for each in _UNSEEN):
        return False
    words = _distinct(data, b"\"'\\")  # a shell puts v"ll"m together
    if any(word in words for word in _STRONG):
        return False
    return not any(word in words for word in _WEAK) or not any(each in data for each in _UNTOLD)


def _distinct(data: bytes, without: bytes = b"") -> bytes:
    """Give each word of a text once, in small letters: a file has few, and each is then looked for in little."""
    return b" ".join(set(data.translate(_LETTERS, without).split()))
