"""Where the tensors of a base lie in its files, by headers that agree with each other and with the index."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"

TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Types that can be added to, as safetensors and as torch spell them."""

_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}
_LENGTH = 8


class MergeRefusedError(ValueError):
    """The two can't be merged; the message, printable, says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Where a tensor of the base lies."""

    name: str
    file: str
    dtype: str
    """As safetensors spells it."""

    shape: tuple[int, ...]
    begin: int
    """Byte offset in the file."""

    end: int


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """Say where each tensor of a model lies, as loaders find it: by the index, or in `model.safetensors`.

    Args:
        folder: Of a model whose files were checked.

    Raises:
        MergeRefusedError: When it has no such files, has both, or they contradict each other.
    """
    indexed = (folder / INDEX).is_file()
    if indexed and (folder / _SINGLE).is_file():
        # transformers takes the one, other servers the other: a merge of either would not be what runs.
        raise MergeRefusedError(f"the base has both {_SINGLE} and {INDEX}: loaders differ in which they take")
    if not indexed and not (folder / _SINGLE).is_file():
        kind = "it is a GGUF file, whose numbers are packed" if any(folder.glob("*.gguf")) else "it holds none"
        raise MergeRefusedError(f"the base's weights have to be safetensors: {kind}")
    places = _index(folder) if indexed else {}
    found: dict[str, Stored] = {}
    for file in sorted(set(places.values())) if indexed else [_SINGLE]:
        for tensor in _header(folder, file):
            if tensor.name in found:
                raise MergeRefusedError(f"two files of the base hold {printable(tensor.name, 120)!r}")
            found[tensor.name] = tensor
    there = {name: tensor.file for name, tensor in found.items()}
    if indexed and places != there:
        name = min(dict(places.items() ^ there.items()))
        raise MergeRefusedError(f"the base's index does not tell the truth about {printable(name, 120)!r}")
    return found


def _index(folder: Path) -> Mapping[str, str]:
    path = folder / INDEX
    if path.stat().st_size > DEFAULT_LIMITS.json_bytes:
        raise MergeRefusedError("the base's index is too large")
    try:
        weights = load_json_object(path.read_bytes(), depth=DEFAULT_LIMITS.json_depth).get("weight_map")
    except ParseError as error:
        raise MergeRefusedError(f"the base's index can't be read: {printable(str(error))}") from error
    if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights.values()):
        raise MergeRefusedError("the base's index has no weight_map from names to files")
    strange = next((name for name in weights.values() if not _is_shard(folder, name)), None)
    if strange is not None:
        raise MergeRefusedError(f"the base's index names {printable(strange, 120)!r}, which is not there")
    return weights


def _is_shard(folder: Path, name: str) -> bool:
    """Whether an index names a safetensors file of the same folder, and by nothing but its name."""
    return name == Path(name).name and name.endswith(".safetensors") and (folder / name).is_file()


def _header(folder: Path, file: str) -> list[Stored]:
    shown = printable(file, 120)
    size = (folder / file).stat().st_size
    with (folder / file).open("rb") as reader:
        length = int.from_bytes(reader.read(_LENGTH), "little")
        if length > DEFAULT_LIMITS.header_bytes:
            raise MergeRefusedError(f"the header of {shown} is too large")
        try:
            header = load_json_object(reader.read(length), depth=DEFAULT_LIMITS.json_depth)
            header.pop("__metadata__", None)
            found = [
                Stored(
                    name=name, file=file, dtype=str(each["dtype"]), shape=tuple(map(int, each["shape"])),
                    begin=_LENGTH + length + int(each["data_offsets"][0]),
                    end=_LENGTH + length + int(each["data_offsets"][1]),
                )
                for name, each in header.items()
            ]  # fmt: skip
        except (ParseError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise MergeRefusedError(f"the header of {shown} can't be read") from error
    wrong = next((tensor for tensor in found if not _fits(tensor, _LENGTH + length, size)), None)
    if wrong is not None:
        raise MergeRefusedError(f"the header of {shown} gives {printable(wrong.name, 120)!r} a false place")
    return found


def _fits(tensor: Stored, start: int, size: int) -> bool:
    """Whether a tensor lies within its file, and is as long as its shape; of other types, the former alone."""
    width = _WIDTHS.get(tensor.dtype)
    told = tensor.end - tensor.begin if width is None else width * math.prod(tensor.shape)
    return (
        start <= tensor.begin <= tensor.end <= size
        and min(tensor.shape, default=0) >= 0
        and (tensor.end - tensor.begin == told)
    )
