"""Pairs of the rules about archives and what is in them, and of the formats that are judged by how they end."""

from __future__ import annotations

import io
import sqlite3
import struct
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.checks_files.pairs.pair import one
from tests.support import samples
from tests.support.samples import seven_zipped, tarred, zipped

FLAX = b"\x81\xa6params\x81\xa1w\xc4\x04" + bytes(4)
"""A msgpack map with one tensor's bytes."""

PIECES = b"".join(b"\x0a\x0a\x0a\x03ab" + bytes([97 + number]) + b"\x15" + bytes(4) for number in range(9)) * 99
SENTENCEPIECE = PIECES + b"\x12\x02\x18\x01" + b"\x1a\x05\x0a\x03nmt"
"""A tokenizer: pieces, then the settings of its trainer and normaliser."""

PARQUET = b"PAR1" + bytes(20) + struct.pack("<I", 8) + b"PAR1"


def _tar(mode: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("run.txt")
        info.size, info.mode = 5, mode
        archive.addfile(info, io.BytesIO(b"text\n"))
    return out.getvalue()


def _gapped() -> bytes:
    """A zip archive with bytes between its last member and its directory, which says so."""
    data = zipped({"a": b"text\n"})
    at = data.rfind(b"PK\x01\x02")
    end = bytearray(data[at:])
    end[-6:-2] = struct.pack("<I", at + 7)
    return data[:at] + b"nothing" + bytes(end)


def sqlite() -> bytes:
    """A small database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        connection = sqlite3.connect(path)
        connection.execute("create table t (a)")
        connection.commit()
        connection.close()
        return path.read_bytes()


def _cut(data: Callable[[], bytes], length: int = 3) -> Callable[[], bytes]:
    return lambda: data()[:-length]


def _7z() -> bytes:
    return seven_zipped({"a.txt": b"text\n"})


def _wrong_7z() -> bytes:
    data = _7z()
    return data[:12] + bytes([data[12] ^ 1]) + data[13:]


_ONNX = samples.onnx_model
_HOLE = {"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}

PAIRS = {
    "files/scanners/broken-member": one(
        "m.tar",
        lambda: tarred({"model.safetensors": samples.safetensors(_HOLE, bytes(8))}),
        lambda: tarred({"model.safetensors": samples.honest_safetensors(a=2)}),
    ),
    "files/scanners/archive-program": one(
        "m.zip",
        lambda: zipped({"tool": b"\x7fELF\x02\x01\x01" + bytes(57)}),
        lambda: zipped({"tool": b"ELF is the name of a format.\n"}),
    ),
    "files/scanners/archive-special": one("m.tar", lambda: _tar(0o4755), lambda: _tar(0o755)),
    "files/scanners/archive-collision": one(
        "m.zip",
        lambda: zipped({"Model.txt": b"a\n", "model.txt": b"b\n"}),
        lambda: zipped({"Model.txt": b"a\n", "model/model.txt": b"b\n"}),
    ),
    "files/structure/zip-gap": one("m.zip", _gapped, lambda: zipped({"a": b"text\n"})),
    "files/structure/7z-header": one("m.7z", _wrong_7z, _7z),
    "files/structure/7z-truncated": one("m.7z", _cut(_7z), _7z),
    "files/structure/7z-trailing": one("m.7z", lambda: _7z() + b"x", _7z),
    "files/structure/protobuf-header": one(
        "tokenizer.model", lambda: SENTENCEPIECE * 9 + b"\x03\x00", lambda: SENTENCEPIECE * 9
    ),
    "files/structure/protobuf-truncated": one(
        "tokenizer.model", _cut(lambda: SENTENCEPIECE), lambda: SENTENCEPIECE
    ),
    "files/structure/json-truncated": one(
        "config.json", lambda: b'{"a": [1, 2], "b": "[{', lambda: b'{"a": [1, 2], "b": "[{"}'
    ),
    "files/structure/table-truncated": one("data.parquet", _cut(lambda: PARQUET), lambda: PARQUET),
}  # fmt: skip
"""Rule id → pair."""
