"""Whether a file can name a model at all, told by its bytes before anybody parses it.

Most files of a large change name none, and a syntax tree costs a thousand times what looking for words does. What is
passed over here holds no word that any extractor starts from; in case of doubt the answer is no.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_KEYS = (
    *(b"model", b"llm", b"adapter", b"lora", b"peft", b"tokenizer", b"processor", b"checkpoint", b"pretrained"),
    *(b"embed", b"rerank", b"vae", b"controlnet", b"encoder", b"draft", b"or_path", b"or-path", b"orpath", b"repo"),
    *(b"huggingface", b"hf", b"sglang", b"lmdeploy", b"litgpt", b"transformers", b"tune", b"gatekeeper", b"renovate"),
    *(b"weights", b"image", b"ollama"),
)
"""Words of settings, programs and addresses, in small letters."""

_LOADERS = (
    *(b"pretrained", b"preset", b"from_model_id", b"single_file", b"pipeline", b"snapshot_download", b"hf_hub"),
    *(b"load_adapter", b"lora", b"ip_adapter", b"textual_inversion", b"transformer", b"encoder(", b"huggingface"),
    *(b"flagmodel", b"rerank", b"whispermodel", b"engine(", b"engineargs", b"trainer(", b"llm", b"create_model"),
    *(b"pinned", b"embedding", b"hf:", b"hf.co", b"hf-", b"hf_", b"transformers", b"sglang", b"lmdeploy", b"litgpt"),
    *(b"gatekeeper:", b"renovate:", b"mlx_lm", b"optimum"),
)
"""Words of the calls and commands by which Python code loads models."""

_DATA = frozenset({".json", ".toml", ".yaml", ".yml"})
_CODE = frozenset({".py", ".pyw"})
_SLASHED = re.compile(rb"[\"'][^\"'\n]*/|\\[xuUN0-7]|[\"']{3}")
"""A text with a slash, or one that may hold what is not seen."""

_ESCAPED = (b"\\u", b"\\x", b"\\U")
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def names_nothing(path: str, data: bytes) -> bool:
    """Whether a file surely names no model.

    Args:
        path: Its name, by which it is read.
        data: All of it.
    """
    ending = PurePosixPath(path).suffix.lower()
    if data.startswith(_MARKS) or (ending not in _DATA and ending not in _CODE):
        return False
    small = data.lower()
    if ending in _DATA:
        return not any(each in data for each in _ESCAPED) and not any(word in small for word in _KEYS)
    # Identifiers in other letters, or bytes in another encoding, may mean the same.
    if not data.isascii() or b"coding" in data[:200] or any(word in small for word in _LOADERS):
        return False
    return not any(word in small for word in _KEYS) or not _SLASHED.search(data)
