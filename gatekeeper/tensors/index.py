"""Shard indexes of torch checkpoints, made anew for safetensors shards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable


class IndexRefusedError(ValueError):
    """The index and its shards disagree; the message says about what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One converted shard."""

    target: PurePosixPath
    names: frozenset[str]
    """Tensors that it holds."""

    aliases: frozenset[str]
    """Names that it gave up, because another name holds the same bytes."""

    tensor_bytes: int


def rewrite(data: bytes, folder: PurePosixPath, shards: Mapping[PurePosixPath, Shard], *, depth: int) -> bytes:
    """Write an index for the converted shards; order and further metadata are kept.

    Args:
        data: The old index.
        folder: Where it lies; it names shards relative to that.
        shards: Converted files by the path of their source.
        depth: Deepest nesting of the JSON.

    Raises:
        IndexRefusedError: When it can't be read, or names what no shard holds.
    """
    try:
        index = load_json_object(data, depth=depth)
    except ParseError as error:
        raise IndexRefusedError(f"the index can't be read: {error}") from error
    weights = index.get("weight_map")
    if not isinstance(weights, dict) or not all(isinstance(shard, str) for shard in weights.values()):
        raise IndexRefusedError("the index has no weight_map from names to files")
    placed: dict[str, str] = {}
    used: dict[PurePosixPath, Shard] = {}
    for name, file in weights.items():
        shard = shards.get(folder / file)
        if shard is None:
            raise IndexRefusedError(f"the index names {printable(file, 120)!r}, which was not converted")
        used[shard.target] = shard
        if name in shard.names:
            placed[name] = shard.target.name
        elif name not in shard.aliases:
            raise IndexRefusedError(f"the index names {printable(name, 120)!r}, which its shard does not hold")
    metadata = index.get("metadata")
    total = sum(shard.tensor_bytes for shard in used.values())
    kept = metadata if isinstance(metadata, dict) else {}
    return (json.dumps({"metadata": {**kept, "total_size": total}, "weight_map": placed}, indent=2) + "\n").encode()
