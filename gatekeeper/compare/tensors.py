"""Tensors by name, type and shape, from the headers of safetensors files alone.

Shards of one folder count as one whole, so that cutting the same tensors into other files is no change of tensors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.compare.side import Side, UnreadError
from gatekeeper.comparison import Attention, Change, ChangeKind, Topic
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_SUFFIX = ".safetensors"
_LENGTH = 8
_DEPTH = 4
_METADATA = "__metadata__"


@dataclass(frozen=True, order=True, slots=True)
class Form:
    """What a header says of a tensor besides where it lies."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Write it as `BF16 [4096, 64]`, printable."""
        return f"{printable(self.dtype, 20)} {printable(str(list(self.shape)), 80)}"


Tensors = Mapping[str, frozenset[Form]]
"""Name → its forms; more than one where several files of a folder have the name."""


def compare_tensors(old: Side, new: Side, paths: set[str]) -> Iterator[Change]:
    """Tell of tensors that came, went or have another type or shape.

    Args:
        old: The one before.
        new: The one after.
        paths: The files that differ; a folder of which none does is not read.
    """
    for folder in sorted({PurePosixPath(path).parent for path in paths if is_read(path)}):
        read: list[Tensors] = []
        for side, name in ((old, "older"), (new, "newer")):
            try:
                read.append(_read_folder(side, folder))
            except UnreadError as error:
                yield _unread(folder, f"the tensors of the {name} one are not known: {error}")
        if len(read) == 2:
            yield from _compare(read[0], read[1], folder)


def is_read(path: str) -> bool:
    """Whether tensors of such a file are compared."""
    return path.lower().endswith(_SUFFIX)


def _compare(old: Tensors, new: Tensors, folder: PurePosixPath) -> Iterator[Change]:
    within = "" if folder == PurePosixPath() else f" (in {printable(str(folder))})"
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        shown = f"{printable(name, 120)}{within}"
        if before is None:
            kind, words = ChangeKind.ADDED, f"{shown} is new: {_forms(after)}"
        elif after is None:
            kind, words = ChangeKind.REMOVED, f"{shown} is gone: {_forms(before)}"
        else:
            kind, words = ChangeKind.CHANGED, f"{shown}: {_forms(before)} → {_forms(after)}"
        yield Change(topic=Topic.TENSORS, kind=kind, attention=Attention.FIRST, subject=name, words=words)


def _forms(forms: frozenset[Form] | None) -> str:
    return " and ".join(str(form) for form in sorted(forms or ()))


def _unread(folder: PurePosixPath, words: str) -> Change:
    return Change(
        topic=Topic.TENSORS, kind=ChangeKind.UNREAD, attention=Attention.FIRST, subject=str(folder), words=words
    )


def _read_folder(side: Side, folder: PurePosixPath) -> Tensors:
    found: defaultdict[str, set[Form]] = defaultdict(set)
    for path, file in side.files.items():
        if file.path.parent != folder or not is_read(path):
            continue
        try:
            for name, entry in _read_header(side, path).items():
                if name != _METADATA:
                    found[name].add(_form(entry))
        except UnreadError as error:
            raise UnreadError(f"{printable(path)}: {error}") from error
        if len(found) > side.limits.tensors:
            raise UnreadError(f"there are more than {side.limits.tensors} (limit tensors)")
    return {name: frozenset(forms) for name, forms in found.items()}


def _read_header(side: Side, path: str) -> dict[str, Any]:
    """Read eight bytes of length and as many of JSON; what follows is never asked for.

    The gate judges whether the file keeps to its format; here only what it says of its tensors counts.
    """
    file = side.files[path]
    side.take(_LENGTH)
    with file.content.open() as reader:
        length = int.from_bytes(reader.read(_LENGTH), "little")
        if length > side.limits.header_bytes or _LENGTH + length > file.size:
            raise UnreadError(f"its header claims {length} bytes")
        side.take(length)
        data = reader.read(length)
    if len(data) != length:
        raise UnreadError("it ends within its header")
    try:
        return load_json_object(data, depth=_DEPTH)
    except ParseError as error:
        raise UnreadError(f"its header can't be read: {error}") from error


def _form(entry: Any) -> Form:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape)} if all(type(side) is int for side in shape):
            return Form(dtype, tuple(shape))
    raise UnreadError("its header has an entry that is no tensor")
