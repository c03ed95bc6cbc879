"""A strict, streaming reader of GGUF headers: key-values and tensor entries, no tensor bytes.

Format: ggml/docs/gguf.md, versions 1 to 3, with the bounds that llama.cpp's own loader (`gguf_init_from_file_impl`)
puts on names, dimensions and offsets. Arrays are walked and not kept, so a vocabulary costs no memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.ggml_types import BLOCKS
from gatekeeper.checks.files.problem import Problem, StructureError, UnsupportedError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_SIZES = {kind: struct.calcsize("<" + code) for kind, code in _SCALARS.items()}
_STRING, _ARRAY, _BOOL, _UINT32 = 8, 9, 7, 4
_MOST_DIMENSIONS = 4
_MOST_ALIGNMENT = 1 << 16
"""The largest page of any machine; what is aligned to more hides that much between its tensors."""

_NAME_BYTES = 255  # llama.cpp is built for 64, stable-diffusion.cpp for 160
_KEY_BYTES = 65_535
_KEPT_STRING = 1 << 20
_NESTING = 3
_LAST_VERSION = 100  # far ahead of the format's third: a new version is news, a random number is not
_FIRST_READ = 1 << 16

Value = int | float | str


class UnsupportedGgufError(UnsupportedError):
    """A GGUF file of a kind that this reader does not judge; the message says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufHeader:
    """What the header says."""

    version: int
    values: Mapping[str, Value]
    """Scalar and string values by key."""

    dropped: tuple[str, ...]
    """Keys of arrays and of strings of more than a mebibyte, whose values were not kept."""

    tensors: int
    """Number of tensor entries."""

    problems: tuple[Problem, ...]
    unknown_types: tuple[int, ...]
    """ggml types whose sizes are not known, so that their spans could not be judged; sorted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    name: str
    offset: int
    length: int | None
    """Bytes; None when the type is unknown."""


@dataclass(kw_only=True, slots=True)
class _Cursor:
    """A growing buffer over the file: what was read stays, so that a remote file is asked rarely."""

    reader: BinaryIO
    size: int
    limit: int
    order: str = "<"
    wide: str = "Q"
    """`struct` code of counts and lengths: version 1 had them in 32 bits."""

    at: int = 0
    buffer: bytearray = field(default_factory=bytearray)

    def need(self, length: int) -> None:
        """Have `length` more bytes at hand."""
        end = self.at + length
        if end <= len(self.buffer):
            return
        if end > self.size:
            raise StructureError("gguf-truncated", f"the header needs byte {end}, the file has {self.size}")
        if end > self.limit:
            raise StructureError("gguf-header", f"the header is larger than header_bytes allows ({self.limit})")
        self.buffer += self.reader.read(max(end - len(self.buffer), len(self.buffer), _FIRST_READ))
        if end > len(self.buffer):
            raise StructureError("gguf-truncated", "the file ends within its header", offset=len(self.buffer))

    def number(self, code: str) -> int:
        """Read one integer of `struct` format `code`."""
        return int(self._unpack(code))

    def scalar(self, kind: int) -> Value:
        """Read one scalar value."""
        value: Value = self._unpack(_SCALARS[kind])
        return value

    def text(self, most: int, what: str) -> bytes:
        """Read one string of at most `most` bytes."""
        start = self.at
        length = self.number(self.wide)
        if length > most:
            raise StructureError("gguf-string", f"{what} of {length} bytes is longer than {most}", offset=start)
        self.need(length)
        self.at += length
        return bytes(self.buffer[self.at - length : self.at])

    def skip(self, length: int) -> None:
        """Pass over `length` bytes."""
        self.need(length)
        self.at += length

    def skip_strings(self, count: int) -> None:
        """Pass over `count` strings, fast."""
        layout = struct.Struct(self.order + self.wide)
        unpack, width = layout.unpack_from, layout.size
        for _ in range(count):
            at = self.at
            if at + width > len(self.buffer):
                self.need(width)
            (length,) = unpack(self.buffer, at)
            end = at + width + length
            if end > len(self.buffer):
                self.need(width + length)
            self.at = end

    def _unpack(self, code: str) -> int | float:
        layout = struct.Struct(self.order + code)
        self.need(layout.size)
        (value,) = layout.unpack_from(self.buffer, self.at)
        self.at += layout.size
        return value  # type: ignore[no-any-return]


def judge_gguf(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Give every deviation of a GGUF file from its format.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: As for `read_gguf`.

    Raises:
        UnsupportedError: On a version or a tensor type that is not judged here.
    """
    reader.seek(0)
    try:
        header = read_gguf(reader, size, limits)
    except StructureError as error:
        yield error.problem
        return
    yield from header.problems
    if header.unknown_types:
        kinds = ", ".join(str(kind) for kind in header.unknown_types[:10])
        raise UnsupportedGgufError(f"spans of unknown ggml types ({kinds}) were not judged")


def read_gguf(reader: BinaryIO, size: int, limits: Limits) -> GgufHeader:
    """Read and judge the header of a GGUF file.

    Args:
        reader: At offset 0.
        size: Bytes of the whole file.
        limits: `header_bytes` and `tensors` bound the work.

    Raises:
        StructureError: When the header can't be read to its end.
        UnsupportedGgufError: On a version that is not judged here.
    """
    cursor = _Cursor(reader=reader, size=size, limit=limits.header_bytes)
    version = _read_version(cursor)
    tensor_count, value_count = cursor.number(cursor.wide), cursor.number(cursor.wide)
    if tensor_count > limits.tensors or value_count > limits.tensors:
        message = f"{tensor_count} tensors and {value_count} keys: more than tensors allows"
        raise StructureError("gguf-header", message, offset=8)
    problems: list[Problem] = []
    values = _read_values(cursor, value_count, problems)
    alignment = _alignment(values, problems)
    entries, unknown = _read_entries(cursor, tensor_count, problems)
    start = _padded(cursor.at, alignment)
    problems += _judge_padding(cursor, start)
    problems += _judge_spans(entries, start, alignment, size)
    return GgufHeader(
        version=version,
        values={key: value for key, (_, value) in values.items() if value is not None},
        dropped=tuple(key for key, (_, value) in values.items() if value is None),
        tensors=tensor_count,
        problems=tuple(problems),
        unknown_types=tuple(sorted(unknown)),
    )


def _read_version(cursor: _Cursor) -> int:
    cursor.need(8)
    if cursor.buffer[:4] != b"GGUF":
        raise StructureError("gguf-header", "the file does not begin with GGUF", offset=0)
    cursor.at = 4
    version = cursor.number("I")
    if version and not version & 0xFFFF:  # written by a big-endian machine: the same layout the other way round
        cursor.order, cursor.at = ">", 4
        version = cursor.number("I")
    cursor.wide = "I" if version == 1 else "Q"
    if version > _LAST_VERSION:
        raise StructureError("gguf-header", f"there is no version {version}", offset=4)
    if version not in (1, 2, 3):
        raise UnsupportedGgufError(f"GGUF version {version} is not known")
    return version


def _read_values(cursor: _Cursor, count: int, problems: list[Problem]) -> dict[str, tuple[int, Value | None]]:
    values: dict[str, tuple[int, Value | None]] = {}
    for _ in range(count):
        start = cursor.at
        key = _name(cursor.text(_KEY_BYTES, "a key"), start, problems)
        if key in values:
            message = f"key {printable(key, 80)!r} stands twice"
            problems.append(Problem(slug="gguf-duplicate", message=message, offset=start, detail=key))
        kind = cursor.number("I")
        values[key] = (kind, _read_value(cursor, kind, key, problems))
    return values


def _name(data: bytes, start: int, problems: list[Problem]) -> str:
    name = data.decode("utf-8", "backslashreplace")
    if b"\0" in data or name.encode("utf-8") != data:
        message = f"the name {printable(name, 80)!r} is no text"
        problems.append(Problem(slug="gguf-string", message=message, offset=start, detail=name))
    return name


def _read_value(cursor: _Cursor, kind: int, key: str, problems: list[Problem]) -> Value | None:
    if kind == _STRING:
        data = cursor.text(cursor.limit, "a value")
        return data.decode("utf-8", "backslashreplace") if len(data) <= _KEPT_STRING else None
    if kind == _ARRAY:
        _skip_array(cursor, key, _NESTING)
        return None
    if kind not in _SCALARS:
        raise StructureError("gguf-type", f"key {printable(key, 80)!r} has the unknown type {kind}", detail=key)
    start = cursor.at
    value = cursor.scalar(kind)
    if kind == _BOOL and value not in (0, 1):
        message = f"key {printable(key, 80)!r} is a truth value of {value}"
        problems.append(Problem(slug="gguf-type", message=message, offset=start, detail=key))
    return value


def _skip_array(cursor: _Cursor, key: str, nesting: int) -> None:
    start = cursor.at
    kind, count = cursor.number("I"), cursor.number(cursor.wide)
    if kind in _SIZES:
        cursor.skip(count * _SIZES[kind])
    elif kind == _STRING:
        cursor.skip_strings(count)
    elif kind == _ARRAY and nesting:
        for _ in range(count):
            _skip_array(cursor, key, nesting - 1)
    else:
        what = "nested too deeply" if kind == _ARRAY else f"of the unknown type {kind}"
        raise StructureError("gguf-type", f"key {printable(key, 80)!r} is an array {what}", offset=start, detail=key)


def _alignment(values: Mapping[str, tuple[int, Value | None]], problems: list[Problem]) -> int:
    kind, value = values.get("general.alignment", (_UINT32, 32))
    if kind == _UINT32 and isinstance(value, int) and 0 < value <= _MOST_ALIGNMENT and not value & (value - 1):
        return value
    message = f"general.alignment must be a 32-bit power of two up to {_MOST_ALIGNMENT}, not {value!r}"
    problems.append(Problem(slug="gguf-alignment", message=message, detail="general.alignment"))
    return 32


def _read_entries(cursor: _Cursor, count: int, problems: list[Problem]) -> tuple[list[_Entry], set[int]]:
    entries: list[_Entry] = []
    names: set[str] = set()
    unknown: set[int] = set()
    for _ in range(count):
        start = cursor.at
        name = _name(cursor.text(_NAME_BYTES, "a tensor's name"), start, problems)
        if name in names:
            message = f"tensor {printable(name, 80)!r} stands twice"
            problems.append(Problem(slug="gguf-duplicate", message=message, offset=start, detail=name))
        names.add(name)
        dimensions = cursor.number("I")
        if dimensions > _MOST_DIMENSIONS:
            message = f"tensor {printable(name, 80)!r} has {dimensions} dimensions"
            raise StructureError("gguf-shape", message, offset=start, detail=name)
        shape = [cursor.number(cursor.wide) for _ in range(dimensions)]
        kind, offset = cursor.number("I"), cursor.number("Q")
        if kind not in BLOCKS:
            unknown.add(kind)
        length = _length(shape, kind, name, start, problems)
        entries.append(_Entry(name=name, offset=offset, length=length))
    return entries, unknown


def _length(shape: list[int], kind: int, name: str, start: int, problems: list[Problem]) -> int | None:
    elements = 1
    for extent in shape:
        elements *= extent
        if not 0 < extent < 2**63 or elements >= 2**63:
            message = f"tensor {printable(name, 80)!r} has an impossible shape"
            problems.append(Problem(slug="gguf-shape", message=message, offset=start, detail=name))
            return None
    if kind not in BLOCKS:
        return None
    block, width = BLOCKS[kind]
    if shape and shape[0] % block:
        message = f"tensor {printable(name, 80)!r} has rows of {shape[0]}, which is no multiple of {block}"
        problems.append(Problem(slug="gguf-shape", message=message, offset=start, detail=name))
        return None
    return elements // block * width


def _padded(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _judge_padding(cursor: _Cursor, start: int) -> Iterator[Problem]:
    """See that nothing but zeros stands between the header and the tensors (gguf.md, "File Structure")."""
    at, end = cursor.at, min(start, cursor.size)
    cursor.need(end - at)
    if any(cursor.buffer[at:end]):
        message = "other bytes than zeros stand between the header and the tensors"
        yield Problem(slug="gguf-hole", message=message, offset=at)


def _judge_spans(entries: list[_Entry], start: int, alignment: int, size: int) -> list[Problem]:
    problems = []
    end: int | None = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        problem = _judge_span(entry, end, alignment)
        if problem:
            slug, message = problem
            text = f"tensor {printable(entry.name, 80)!r} {message}"
            problems.append(Problem(slug=slug, message=text, offset=start + entry.offset, detail=entry.name))
        if start + entry.offset + (entry.length or 0) > size:
            text = f"tensor {printable(entry.name, 80)!r} ends after the file does ({size} bytes)"
            problems.append(Problem(slug="gguf-truncated", message=text, offset=size, detail=entry.name))
            return problems
        end = None if entry.length is None else max(end or 0, entry.offset + entry.length)
    if end is not None and size > _padded(start + end, alignment):
        message = f"{size - start - end} bytes follow the last tensor"
        problems.append(Problem(slug="gguf-trailing", message=message, offset=start + end))
    return problems


def _judge_span(entry: _Entry, end: int | None, alignment: int) -> tuple[str, str] | None:
    if entry.offset % alignment:
        return "gguf-alignment", f"begins at {entry.offset}, which is no multiple of {alignment}"
    if end is None:
        return None
    if entry.offset < end:
        return "gguf-overlap", "overlaps the one before"
    if entry.offset != _padded(end, alignment):
        return "gguf-hole", f"leaves a hole of {entry.offset - end} bytes before it"
    return None
