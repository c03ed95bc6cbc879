"""Keys of configurations that came, went or have another value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.compare.side import Side, UnreadError
from gatekeeper.compare.templates import TEMPLATE_KEY
from gatekeeper.comparison import Attention, Change, ChangeKind, Topic
from gatekeeper.text import printable

_NAMES = frozenset(
    {
        *("adapter_config.json", "config.json", "config_sentence_transformers.json", "configuration.json"),
        *("generation_config.json", "model_index.json", "modules.json", "preprocessor_config.json"),
        *("processor_config.json", "quantize_config.json", "scheduler_config.json", "special_tokens_map.json"),
        *("tokenizer_config.json", "video_preprocessor_config.json"),
    }
)
"""Files whose keys are compared, wherever they lie; of other files it is only told that they changed."""

_ASKING_FOR_CODE = frozenset({"_target_", "auto_map", "custom_pipelines", "trust_remote_code"})
"""Keys by which a loader is led to run a repo's own code."""

_BASE = "base_model_name_or_path"
"""Key of an adapter's configuration that names what is loaded beside it."""

_BOOKKEEPING = frozenset({"_commit_hash", "_diffusers_version", "_name_or_path", "transformers_version"})
_VALUE_CHARACTERS = 120

Key = tuple[str, ...]


def compare_configurations(old: Side, new: Side, paths: set[str]) -> Iterator[Change]:
    """Tell of keys and values in those of the differing files that are configurations; templates are left out.

    A configuration that is new or gone is compared with an empty one: what it asks of a loader must be seen.
    """
    for path in sorted(path for path in paths if PurePosixPath(path).name in _NAMES):
        try:
            before, after = _leaves(old, path), _leaves(new, path)
        except UnreadError as error:
            yield Change(
                topic=Topic.CONFIGURATION,
                kind=ChangeKind.UNREAD,
                attention=Attention.FIRST,
                subject=path,
                words=f"the keys of {printable(path)} were not compared: {error}",
            )
            continue
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield _change(path, key, before.get(key), after.get(key))


def _change(path: str, key: Key, before: str | None, after: str | None) -> Change:
    shown = f"{printable(path)}: {printable('.'.join(key))}"
    if before is None:
        kind, words = ChangeKind.ADDED, f"{shown} = {_value(after)} is new"
    elif after is None:
        kind, words = ChangeKind.REMOVED, f"{shown} is gone (was {_value(before)})"
    else:
        kind, words = ChangeKind.CHANGED, f"{shown}: {_value(before)} → {_value(after)}"
    subject = f"{path}: {'.'.join(key)}"
    return Change(topic=Topic.CONFIGURATION, kind=kind, attention=_attention(key, kind), subject=subject, words=words)


def _attention(key: Key, kind: ChangeKind) -> Attention:
    if _BASE in key:
        return Attention.FIRST
    if _ASKING_FOR_CODE & set(key) and kind is not ChangeKind.REMOVED:
        return Attention.FIRST
    return Attention.NOTE if key and key[-1] in _BOOKKEEPING else Attention.LOOK


def _value(text: str | None) -> str:
    return printable(text or "", _VALUE_CHARACTERS)


def _leaves(side: Side, path: str) -> Mapping[Key, str]:
    """Give every value that is no object, by the keys that lead to it, as JSON text; 1, 1.0 and true stay three."""
    if path not in side.files:
        return {}
    found: dict[Key, str] = {}
    waiting: list[tuple[Key, Any]] = [((), side.json(path))]
    while waiting:  # a list is a value of its own: by position its items would all seem changed
        key, value = waiting.pop()
        if isinstance(value, dict) and (value or not key):
            waiting += [((*key, name), item) for name, item in value.items() if key or name != TEMPLATE_KEY]
        else:
            found[key] = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return found
