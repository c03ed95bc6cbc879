"""Files beside an adapter: code, templates, tokenizers, other weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.adapter.layout import Layout
from gatekeeper.endings import is_weights
from gatekeeper.errors import LimitError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object

_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_TOKENIZER_CONFIG = "tokenizer_config.json"
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "spiece.model")
_ADDED = "added_tokens.json"
_CONFIGS = ("config.json", "adapter_config.json", _TOKENIZER_CONFIG, "processor_config.json")
# What trainers of transformers, accelerate and DeepSpeed leave to go on from.
_LEFTOVER = re.compile(
    r"optimizer\.(?:pt|bin|pth|safetensors)|scheduler\.(?:pt|bin)|scaler\.pt|rng_state.*\.pth|training_args\.bin"
    r"|trainer_state\.json|random_states.*\.pkl|.*_optim_states\.pt|.*_model_states\.pt",
    re.IGNORECASE,
)


def code(artifact: Artifact, limits: Limits) -> Iterator[str]:
    """Give the configurations that ask for code of the repo, and its Python files.

    Args:
        artifact: Where to look.
        limits: `json_*` bound the work.
    """
    for file in artifact.files:
        if file.path.name in _CONFIGS and "auto_map" in _values(file, limits):
            yield f"{file.path} (auto_map)"
    yield from (str(file.path) for file in artifact.files if file.path.suffix == ".py")


def templates(artifact: Artifact, limits: Limits) -> dict[str, Any]:
    """Give the chat templates of an artifact's root by where each stands.

    Args:
        artifact: Where to look.
        limits: `json_*` and `template_characters` bound the work.
    """
    found: dict[str, Any] = {}
    for name in _TEMPLATES:
        file = artifact.file(name)
        if file is not None:
            found[name] = _text(file, limits) if name.endswith(".jinja") else _values(file, limits).get("chat_template")
    file = artifact.file(_TOKENIZER_CONFIG)
    template = _values(file, limits).get("chat_template") if file else None
    if template is not None:
        found[_TOKENIZER_CONFIG] = template
    return found


def vocabularies(artifact: Artifact) -> dict[str, str]:
    """Give the digests of the files that say what the tokens are, by name.

    Args:
        artifact: Where to look, in its root.
    """
    files = ((name, artifact.file(name)) for name in _VOCABULARIES)
    return {name: file.sha256 or "" for name, file in files if file is not None}


def added_tokens(artifact: Artifact, limits: Limits) -> tuple[str, ...]:
    """Give the tokens that were added to the vocabulary.

    Args:
        artifact: Where to look, in its root.
        limits: `json_*` bound the work.
    """
    file = artifact.file(_ADDED)
    return tuple(_values(file, limits)) if file else ()


def other_weights(artifact: Artifact, layout: Layout) -> tuple[list[str], list[str]]:
    """Give weights that belong to no adapter, and what a training left.

    Args:
        artifact: Where to look.
        layout: Its adapters.
    """
    known = {file.path for adapter in layout.adapters for file in (*adapter.files, *adapter.pickled)}
    weights, leftovers = [], []
    for file in artifact.files:
        if file.path in known:
            continue
        if _LEFTOVER.fullmatch(file.path.name):
            leftovers.append(str(file.path))
        # A tokenizer of SentencePiece ends as some weights do.
        elif is_weights(str(file.path)) and PurePosixPath(file.path).name not in _VOCABULARIES:
            weights.append(str(file.path))
    return weights, leftovers


def _values(file: ArtifactFile, limits: Limits) -> Mapping[str, Any]:
    """Read a JSON object; what can't be read is empty, and told by other checks."""
    try:
        data = file.content.read(limits.json_bytes)
        return load_json_object(data, depth=limits.json_depth, values=limits.json_values)
    except (ParseError, LimitError):
        return {}


def _text(file: ArtifactFile, limits: Limits) -> str:
    try:
        return file.content.read(limits.template_characters * 4).decode("utf-8", "replace")
    except LimitError:
        return f"more than {limits.template_characters} characters: {file.sha256}"
