"""What the name of a setting promises: that its value is a model, and which setting beside it holds the revision."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

from gatekeeper.mention import Role


class Trust(IntEnum):
    """How much a name says of its value."""

    ADDRESS = 0
    """Nothing: only a value that says itself that it is on the Hub counts."""

    POSSIBLE = 1
    """It may be a model: `org/name` counts, unless it looks like something else."""

    PROMISED = 2
    """It is a model on the Hub: what can't be told is worth a line."""

    LOADER = 3
    """Loaders take it as it is: names without an organisation count, too."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a setting is said to be."""

    role: Role
    trust: Trust
    main: bool = True
    """Whether a plain `revision` beside it is its own, rather than that of the model it helps."""


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OUTPUTS = frozenset(
    {"alias", "export", "hub", "merged", "new", "output", "push", "registered", "save", "saved", "served", "upload"}
    | {"dataset", "data", "view", "response", "request", "domain", "metadata", "display"}
)
"""Words of settings that say where a result goes, or that name something else than a model that is loaded."""

_ADAPTERS = frozenset({"adapter", "adapters", "lora", "loras", "peft"})
_TOKENIZERS = frozenset({"tokenizer", "processor", "feature_extractor"})
_HELPERS = frozenset(
    {"assistant", "draft", "embedder", "embedding", "embeddings", "guard", "judge", "rerank", "reranker", "reward"}
    | {"ref", "reference", "speculative", "teacher", "controlnet", "encoder", "vae", "clip"}
)

_LOADER = re.compile(
    r"(?:.*_)?name_or_path|lora_model_dir|peft_model(?:_id|_path|_dir)?|pretrained_model(?:_name|_path)?"
)
_PROMISED = re.compile(
    r"(?:.*_)?base_model(?:_config|_id|_name|_path)?|(?:.*_)?model_(?:id|repo|repo_id|hub_id|hf_id)|(?:.*_)?model_ur[il]|(?:.*_)?(?:hf|huggingface)_(?:model(?:_name)?"
    r"|repo|repo_id|repo_name|id|hub_id|path|model_path)|(?:.*_)?repo_id|(?:adapter|lora|tokenizer)_repo(?:_id)?"
)
_POSSIBLE = re.compile(
    r"(?:.*_)?model(?:_name|_path|_dir|_source|_ref|_checkpoint|_uri|_url|_key|_slug)?|(?:.*_)?llm(?:_name)?"
    r"|(?:.*_)?(?:adapter|lora)(?:_model)?(?:_id|_name|_path|_dir|_weights|_source)?|(?:.*_)?(?:tokenizer|processor)"
    r"(?:_id|_name|_path|_model|_dir|_config)?|(?:.*_)?(?:checkpoint|pretrained)(?:_path|_name)?|embedder|reranker|vae"
    r"|controlnet|text_encoder|embeddings?|draft"
)
_PLURAL = re.compile(r"(?:.*_)?(?:models|adapters|loras|lora_modules|lora_adapters|tokenizers|rerankers|model_names)")
_REVISIONS = ("revision", "hf_revision", "revision_id", "rev", "commit", "commit_hash", "commit_sha", "sha")
_PARTS = frozenset(
    {"name", "id", "path", "repo", "repo_id", "hf_id", "source", "uri", "url", "value", "default", "checkpoint"}
    | {"pretrained", "identifier", "hf_repo", "weights"}
)
_STEMS = re.compile(r"_(?:name_or_path|repo_id|model_id|id|name|path|repo|dir|url|uri)$")


@lru_cache(maxsize=4096)
def normalised(key: str) -> str:
    """Write a key in one way: `modelURL`, `model-url` and `MODEL_URL` are `model_url`."""
    if len(key) > 100:
        return ""
    return _CAMEL.sub("_", key).lower().replace("-", "_").replace(".", "_").strip("_ ")


@lru_cache(maxsize=4096)
def claim_of(key: str, parent: str = "") -> Claim | None:
    """Tell what a setting promises.

    Args:
        key: As written.
        parent: The setting that it is a part of, for `model: {name: …}`.

    Returns:
        None when it says nothing of models.
    """
    word = normalised(key)
    claim = _by_name(word)
    if claim:
        return claim
    above = _by_name(normalised(parent)) or list_claim(parent)
    return replace(above, trust=Trust.POSSIBLE) if above and word in _PARTS else None


def list_claim(key: str) -> Claim | None:
    """Tell what a setting with a list promises of its members."""
    word = normalised(key)
    if _PLURAL.fullmatch(word) and not _OUTPUTS & set(word.split("_")):
        return Claim(_role(word), Trust.POSSIBLE)
    return _by_name(word)


def _by_name(word: str) -> Claim | None:
    parts = set(word.split("_"))
    if not word or _OUTPUTS & parts:
        return None
    for form, trust in ((_LOADER, Trust.LOADER), (_PROMISED, Trust.PROMISED), (_POSSIBLE, Trust.POSSIBLE)):
        if form.fullmatch(word):
            role = _role(word)
            return Claim(role, trust, main=role is Role.MODEL and not _HELPERS & parts)
    return None


def _role(word: str) -> Role:
    parts = set(word.split("_"))
    if parts & _ADAPTERS:
        return Role.ADAPTER
    return Role.TOKENIZER if parts & _TOKENIZERS else Role.MODEL


def revision_of(key: str, claim: Claim, settings: Mapping[str, str], *, alone: bool) -> str:
    """Find the revision that goes with a setting.

    Args:
        key: Of the model, as written.
        claim: What it promises.
        settings: Those beside it, by normalised key.
        alone: Whether no other model stands beside it, so that a plain `revision` can only be its own.

    Returns:
        As written; empty when there is none.
    """
    word = normalised(key)
    stem = _STEMS.sub("", word)
    own = [f"{word}_revision", f"{stem}_revision", f"{word}_commit", f"{stem}_commit", f"{stem}_sha", f"{stem}_rev"]
    if claim.role is not Role.MODEL:
        first = "tokenizer" if claim.role is Role.TOKENIZER else "adapter"
        own += [f"{first}_revision", *(["lora_revision", "peft_revision"] if first == "adapter" else [])]
    elif claim.main:
        own += ["model_revision", "revision_of_model", "hf_model_revision", "model_commit", "base_model_revision"]
    if claim.main or alone:
        prefix = word.rsplit("_model", 1)[0] if "_model" in word else ""
        own += [f"{prefix}_revision"] if prefix else []
        own += _REVISIONS
    return next((settings[each] for each in own if settings.get(each)), "")


def is_true(text: str) -> bool:
    """Whether a switch that lets remote code run is on; what can't be told counts as on."""
    return text.strip().lower() not in {"", "false", "0", "no", "off", "none", "null", "n", "f"}
