"""`model.safetensors.index.json` and its kin: which tensor lies in which file (transformers' sharded checkpoints)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.safetensors_header import Header
from gatekeeper.endings import is_weights
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

INDEX = re.compile(r"\.index(\.[A-Za-z0-9_-]+)?\.json\Z")
"""Names of indexes, those of a variant (`model.safetensors.index.fp16.json`) among them."""

_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<total>\d{5})(?P<rest>\.[A-Za-z0-9_.-]+)\Z")
_MOST_SHARDS = 10_000
_SLACK = 2
"""Tied weights and quantisation move the declared total; twice as much or half can't come from that."""


def judge_index(
    data: bytes, folder: PurePosixPath, exists: Callable[[str], bool], headers: Mapping[str, Header], *, depth: int
) -> list[Problem]:
    """Hold a shard index against the files that are there.

    Args:
        data: The JSON.
        folder: Where the index lies; shards are named relative to it.
        exists: Whether the artifact has a file at a path.
        headers: Headers of the safetensors files by path, as far as they could be read.
        depth: Deepest nesting of the JSON.
    """
    try:
        index = load_json_object(data, depth=depth)
    except ParseError as error:
        return [Problem(slug="index-unreadable", message=f"the index can't be read: {error}")]
    weights = index.get("weight_map")
    if not isinstance(weights, dict) or not all(isinstance(shard, str) for shard in weights.values()):
        return [Problem(slug="index-unreadable", message="the index has no weight_map from names to files")]
    wanted: dict[str, set[str]] = {}
    for name, shard in weights.items():
        wanted.setdefault(shard, set()).add(name)
    if len(wanted) > _MOST_SHARDS:
        return [
            Problem(slug="index-unreadable", message=f"the index names {len(wanted)} files, more than any model has")
        ]
    problems = [problem for shard, names in wanted.items() for problem in _shard(shard, names, folder, exists, headers)]
    return problems or _total(index, [headers.get(str(folder / shard)) for shard in wanted])


def judge_shards(paths: Iterable[PurePosixPath]) -> Iterator[tuple[str, Problem]]:
    """Find weights that are split into numbered files of which some are not there, whether or not an index says so.

    Args:
        paths: Every file of the artifact.

    Yields:
        The first file of each incomplete set, and what is wrong.
    """
    sets: dict[tuple[str, str, int], dict[int, str]] = {}
    for path in paths:
        # The parts of a split GGUF say in their headers how many there are: `judge_splits` reads those.
        numbered = is_weights(str(path)) and path.suffix.lower() != ".gguf"
        found = _SHARD.match(path.name) if numbered else None
        if found:
            key = (str(path.parent / found["stem"]), found["rest"], int(found["total"]))
            sets.setdefault(key, {})[int(found["number"])] = str(path)
    for (_, _, total), there in sets.items():
        # Numbers begin with 1, in some old checkpoints with 0.
        first = 0 if 0 in there else 1
        if sorted(there) == list(range(first, first + min(total, _MOST_SHARDS))):
            continue
        message = f"{len(there)} of {total} numbered files are there"
        yield min(there.values()), Problem(slug="index-missing", message=message)


def _shard(
    shard: str, names: set[str], folder: PurePosixPath, exists: Callable[[str], bool], headers: Mapping[str, Header]
) -> list[Problem]:
    shown = printable(shard, 120)
    if "\\" in shard or shard.startswith("/") or ".." in PurePosixPath(shard).parts:
        message = f"the index names {shown!r}, which is outside the repo"
        return [Problem(slug="index-missing", message=message, detail=shard)]
    path = str(folder / shard)
    if not exists(path):
        message = f"the index names {shown!r}, which is not in the repo"
        return [Problem(slug="index-missing", message=message, detail=shard)]
    if path not in headers:
        return []
    held = {tensor.name for tensor in headers[path].tensors}
    odd = sorted(held ^ names)
    if not odd:
        return []
    example = printable(odd[0], 120)
    message = f"{shown!r} and the index disagree about {len(odd)} tensors, {example!r} among them"
    return [Problem(slug="index-names", message=message, detail=odd[0])]


def _total(index: Mapping[str, object], headers: list[Header | None]) -> list[Problem]:
    metadata = index.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if total is None or any(header is None for header in headers):
        return []
    held = sum(tensor.end - tensor.begin for header in headers if header for tensor in header.tensors)
    if type(total) in (int, float) and held <= total * _SLACK and total <= held * _SLACK:
        return []
    message = f"the index says {printable(str(total), 40)} bytes in total, the shards hold {held}"
    return [Problem(slug="index-size", message=message, detail="total_size")]
