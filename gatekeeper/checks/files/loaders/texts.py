"""Names of the small files that transformers reads from a folder: configurations, tokenizers, templates."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.loaders.layout import Layout

CONFIGS = frozenset(
    {
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "video_preprocessor_config.json",
        "processor_config.json",
        "audio_tokenizer_config.json",
        "chat_template.json",
        "chat_template.jinja",
        "tokenizer_config.json",
        "tokenizer.json",
        "special_tokens_map.json",
        "added_tokens.json",
    }
)
"""transformers `utils/__init__.py`, `utils/hub.py` and `tokenization_utils_base.py`."""

VOCABULARIES = frozenset(
    {
        *("vocab.txt", "vocab.json", "vocab.bpe", "merges.txt", "bpe.codes", "dict.txt", "encoder.json"),
        *("tokenizer.model", "spiece.model", "spm.model", "sentencepiece.bpe.model", "sentencepiece.model"),
        *("source.spm", "target.spm", "spm_char.model", "normalizer.json", "target_vocab.json", "tekken.json"),
        *("vocab-src.json", "vocab-tgt.json", "emoji.json", "entity_vocab.json", "prophetnet.tokenizer"),
    }
)
"""`vocab_files_names` of transformers' tokenizers; some of old versions are among them."""

_TEMPLATES = "additional_chat_templates"


def texts(layout: Layout, folder: PurePosixPath) -> list[str]:
    """Give the paths of these files in a folder."""
    here = [
        str(folder / name)
        for name in layout.names(folder)
        if name in CONFIGS or name in VOCABULARIES or name.endswith(".tiktoken")
    ]
    templates = folder / _TEMPLATES
    return here + [str(templates / name) for name in layout.names(templates) if name.endswith(".jinja")]
