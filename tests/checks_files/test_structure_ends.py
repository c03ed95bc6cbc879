"""No known format is silent about having lost its end, wherever it was cut."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import lz4.frame
import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.formats import INERT, UNJUDGED, Format
from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.npy_header import read_npy
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.checks.files.protobuf_ends import judge_protobuf
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.checks.files.structure_judges import JUDGES
from gatekeeper.limits import DEFAULT_LIMITS
from tests.checks_files.pairs.containers import FLAX, PARQUET, SENTENCEPIECE, sqlite
from tests.support import samples
from tests.support.artifacts import look, slugs
from tests.support.samples import seven_zipped, tarred, zipped
from tests.support.unpacking import outputs

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STATE = pickle.dumps({"a": [1, 2.5, "x"] * 50})
SAMPLES: dict[Format, tuple[str, Callable[[], bytes]]] = {
    Format.SAFETENSORS: ("m.safetensors", lambda: samples.honest_safetensors(a=20)),
    Format.GGUF: ("m.gguf", lambda: samples.gguf([], [samples.gguf_tensor("a", [64], 0, 0)], bytes(256))),
    Format.PICKLE: ("m.pkl", lambda: STATE),
    Format.TORCH_ZIP: ("m.bin", lambda: samples.torch_zip(samples.tensor_state("a"), {"0": bytes(16)})),
    Format.NPY: ("a.npy", lambda: samples.npy(bytes(80), "<f4", "(20,)")),
    Format.NPZ: ("a.npz", lambda: zipped({"a.npy": samples.npy(bytes(80), "<f4", "(20,)")})),
    Format.KERAS_ZIP: ("m.keras", lambda: samples.keras([samples.DENSE])),
    Format.HDF5: ("m.h5", lambda: samples.hdf5(bytes(200))),
    Format.ONNX: ("m.onnx", samples.onnx_model),
    Format.SENTENCEPIECE: ("tokenizer.model", lambda: SENTENCEPIECE),
    Format.MSGPACK: ("m.msgpack", lambda: FLAX),
    Format.JSON: ("config.json", lambda: b'{"model_type": "bert", "sizes": [1, 2, {"a": "b"}]}'),
    Format.TABLE: ("a.parquet", lambda: PARQUET),
    Format.ZIP: ("a.zip", lambda: zipped({"a.txt": b"text\n" * 40}, zipfile.ZIP_DEFLATED)),
    Format.TAR: ("a.tar", lambda: tarred({"a.txt": b"text\n" * 200})[: 512 * 5]),
    Format.SEVEN_ZIP: ("a.7z", lambda: seven_zipped({"a.txt": b"text\n" * 40})),
    Format.GZIP: ("a.txt.gz", lambda: gzip.compress(b"text\n" * 400)),
    Format.BZIP2: ("a.txt.bz2", lambda: bz2.compress(b"text\n" * 400)),
    Format.XZ: ("a.txt.xz", lambda: lzma.compress(b"text\n" * 400)),
    Format.ZLIB: ("a.joblib", lambda: zlib.compress(STATE)),
    Format.LZ4: ("a.txt.lz4", lambda: lz4.frame.compress(b"text\n" * 400)),
    Format.ZSTD: ("a.txt.zst", lambda: zstd.compress(b"text\n" * 400)),
}  # fmt: skip
"""Format → an honest file of it. Formats that `files/coverage` calls unjudged say so whether they are whole or not."""

SUBTYPES = {Format.TORCHSCRIPT, Format.TORCH_PACKAGE, Format.PT2, Format.SKOPS}
"""Zip archives under other names: the same judge reads them."""

PROTOBUF = {Format.SAVED_MODEL, Format.FROZEN_GRAPH, Format.KERAS_METADATA, Format.COREML}
ELSEWHERE = {Format.TORCH_LEGACY, Format.RAR, Format.PMML, Format.JINJA, Format.TFLITE}
"""Read by other checks, or unjudged."""


def silent(name: str, data: bytes) -> bool:
    results = [look(check, {name: data}) for check in (Formats(), Structure(), Coverage())]
    if any(result.findings or result.gaps for result in results):
        return False
    scanned = look(Scanners(), {name: data})
    return not scanned.findings and not scanned.gaps


def test_every_loadable_format_has_somebody_who_sees_its_end() -> None:
    seen = set(SAMPLES) | SUBTYPES | PROTOBUF | ELSEWHERE | set(UNJUDGED)
    assert set(JUDGES) <= seen
    assert set(Format) - INERT <= seen


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_whole_file_is_sound(kind: Format) -> None:
    name, make = SAMPLES[kind]
    assert slugs(look(Structure(), {name: make()})) | slugs(look(Scanners(), {name: make()})) == set()


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_that_was_cut_is_never_silent(kind: Format) -> None:
    name, make = SAMPLES[kind]
    data = make()
    # The first bytes of a sentencepiece model are blank text, and its name promises nothing.
    first = set() if kind is Format.SENTENCEPIECE else {1, 2, 7, 8}
    cuts = first | {9, 24, len(data) // 4, len(data) // 2, len(data) * 3 // 4, len(data) - 9, len(data) - 1}
    assert [cut for cut in sorted(cuts) if 0 < cut < len(data) and silent(name, data[:cut])] == []


def test_a_database_that_lost_pages_is_cut_off() -> None:
    assert slugs(look(Structure(), {"a.db": sqlite()})) == set()
    assert slugs(look(Structure(), {"a.db": sqlite()[:-100]})) == {"table-truncated"}


def test_a_graph_without_its_last_field_is_cut_off() -> None:
    graph = b"\x08\x08" + b"\x3a\x02\x12\x00"
    whole = graph + b"\x42\x02\x10\x11"
    for data, told in ((whole, []), (graph, ["protobuf-truncated"]), (whole[:-1], ["protobuf-truncated"])):
        found = judge_protobuf(io.BytesIO(data), PurePosixPath(), len(data), DEFAULT_LIMITS, kind=Format.ONNX)
        assert [problem.slug for problem in found] == told


def test_more_fields_than_are_looked_at_are_a_gap() -> None:
    assert "more fields" in look(Structure(), {"tokenizer.model": SENTENCEPIECE}, fields=50).reason


NPY: list[tuple[bytes, bool]] = [
    (samples.npy(bytes(8), "<f4", "(2,)"), True),
    (samples.npy(bytes(8), "<f4", "(2L,)"), True),  # as Python 2 wrote it
    (samples.npy(bytes(8), "d", "(1,)"), True),
    (samples.npy(bytes(3), "<f3", "(1,)"), False),
    (samples.npy(bytes(8), "<f4", "(1+1,)"), False),
    (samples.npy(bytes(8), "<f4", "(2**1,)"), False),
    (samples.npy(bytes(8), "<f4", "(len('ab'),)"), False),
    (samples.npy(bytes(8), "<f4", "(-2, -1)"), False),
    (samples.npy(bytes(8), "<f4", "(True, 2)"), False),
    (samples.npy(b"", "<f4", f"({2**62}, 4)"), False),
    (samples.npy(bytes(4), "<f4", "(" + "1," * 70 + ")"), False),
]


@pytest.mark.parametrize(("data", "honest"), NPY)
@pytest.mark.filterwarnings("ignore")
def test_npy_headers_against_numpy(data: bytes, honest: bool) -> None:
    assert (slugs(look(Structure(), {"a.npy": data})) == set()) == honest
    if honest:
        np.load(io.BytesIO(data))


def test_what_numpy_refuses_to_read_is_refused() -> None:
    long = "(" + "1," * 6_000 + ")"
    with pytest.raises(ValueError, match="Header info length"):
        np.load(io.BytesIO(samples.npy(bytes(4), "<f4", long)))
    with pytest.raises(StructureError):
        read_npy(io.BytesIO(samples.npy(bytes(4), "<f4", long)))


def test_objects_within_a_structure_are_a_pickle() -> None:
    header = b"{'descr': [('a', '<f4'), ('b', [('c', '|O')])], 'fortran_order': False, 'shape': (1,), }\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + samples.SYSTEM
    assert slugs(look(Scanners(), {"a.npy": data})) == {"payload"}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_gguf_of_every_version(version: int) -> None:
    wide = "I" if version == 1 else "Q"

    def text(value: bytes) -> bytes:
        return len(value).to_bytes(4 if version == 1 else 8, "little") + value

    head = b"GGUF" + struct.pack(f"<I2{wide}", version, 1, 1)
    head += text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
    head += text(b"a") + struct.pack(f"<I{wide}IQ", 1, 8, 0, 0)
    data = head + bytes(-len(head) % 32) + bytes(32)
    assert slugs(look(Structure(), {"m.gguf": data})) == set()
    assert slugs(look(Structure(), {"m.gguf": data + bytes(33)})) == {"gguf-trailing"}
    assert slugs(look(Structure(), {"m.gguf": data.replace(b"llama", b"ll\xff\x00a")})) == set()
    assert slugs(look(Structure(), {"m.gguf": data.replace(b"general.", b"gener\xffl.")})) == {"gguf-string"}


def test_unaligned_starts_are_what_the_library_takes() -> None:
    header = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]}, "b": _bytes(0, 1)}
    for data in (samples.safetensors(header, bytes(5)), samples.safetensors(b'{"a":1}  ', b"")):
        try:
            safetensors.deserialize(data)
            taken = True
        except safetensors.SafetensorError:
            taken = False
        assert (slugs(look(Structure(), {"m.safetensors": data})) == set()) <= taken


def _bytes(begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]}


WHOLE = {kind: make() for kind, (_, make) in SAMPLES.items()}


@given(st.sampled_from(sorted(JUDGES.keys() & SAMPLES.keys() | {Format.TAR, Format.GZIP, Format.ZSTD, Format.LZ4})),
       st.data())  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_a_byte_that_changed_never_ends_in_a_crash(kind: Format, data: st.DataObject) -> None:
    """A check that raises is unknown with the error's name as its reason: here every reason is one of our own."""
    name, _ = SAMPLES[kind]
    content = bytearray(WHOLE[kind])
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "Error:" not in look(Structure(), {name: bytes(content)}).reason
    if kind is not Format.SEVEN_ZIP:  # a child for each example would be slow
        assert isinstance(outputs(name, bytes(content)), list)
