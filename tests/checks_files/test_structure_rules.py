"""Each way of breaking a format's promise has its own rule, and an honest near miss breaks none."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from gatekeeper.checks.files.structure import Structure
from gatekeeper.evidence import Status
from tests.support import samples
from tests.support.artifacts import look, slugs
from tests.support.samples import gguf, gguf_pair, gguf_tensor, gguf_text, npy, zipped
from tests.support.samples import safetensors as raw


def entry(begin: int = 0, end: int = 16, dtype: Any = "F32", shape: Any = None, **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [4] if shape is None else shape, "data_offsets": [begin, end], **more}


SAFETENSORS: list[tuple[str, bytes]] = [
    ("safetensors-truncated", b"\x08\x00"),
    ("safetensors-truncated", raw({"a": entry()}, bytes(15))),
    ("safetensors-truncated", raw({"a": entry()}, bytes(16), length=10_000)),
    ("safetensors-header", raw({"a": entry()}, bytes(16), length=2**40)),
    ("safetensors-header", raw(b"[]")),
    ("safetensors-header", raw(b" {}")),
    ("safetensors-header", raw(b"{}\n")),
    ("safetensors-header", raw(b'{"a": 1} {"b": 2}')),
    ("safetensors-header", raw(b'{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
                               b'"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}}')),
    ("safetensors-header", raw(b'{"a": NaN}')),
    ("safetensors-header", raw(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}")),
    ("safetensors-header", raw(b'{"\xff": 1}')),
    ("safetensors-metadata", raw({"__metadata__": {"a": 1}, "w": entry()}, bytes(16))),
    ("safetensors-metadata", raw({"__metadata__": "text", "w": entry()}, bytes(16))),
    ("safetensors-entry", raw({"a": entry(extra=1)}, bytes(16))),
    ("safetensors-entry", raw({"a": [1]}, bytes(16))),
    ("safetensors-entry", raw({"a": entry(shape=[-1])}, bytes(16))),
    ("safetensors-entry", raw({"a": entry(shape=[4.0])}, bytes(16))),
    ("safetensors-entry", raw({"a": entry(shape=[True, 4])}, bytes(16))),
    ("safetensors-entry", raw({"a": entry(16, 0)}, bytes(16))),
    ("safetensors-dtype", raw({"a": entry(dtype="F12")}, bytes(16))),
    ("safetensors-dtype", raw({"a": entry(dtype=None)}, bytes(16))),
    ("safetensors-span", raw({"a": entry(shape=[5])}, bytes(16))),
    ("safetensors-span", raw({"a": entry(shape=[2**33, 2**33, 0])}, bytes(16))),
    ("safetensors-span", raw({"a": entry(0, 1, dtype="F4", shape=[3])}, bytes(1))),
    ("safetensors-overlap", raw({"a": entry(0, 16), "b": entry(8, 24)}, bytes(24))),
    ("safetensors-hole", raw({"a": entry(0, 16), "b": entry(20, 36)}, bytes(36))),
    ("safetensors-hole", raw({"a": entry(4, 20)}, bytes(20))),
    ("safetensors-trailing", raw({"a": entry()}, bytes(17))),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "data"), SAFETENSORS)
def test_broken_safetensors_break_one_rule(slug: str, data: bytes) -> None:
    assert slugs(look(Structure(), {"m.safetensors": data})) == {slug}


@pytest.mark.parametrize(
    "data",
    [
        safetensors.numpy.save({"a": np.zeros((2, 3)), "empty": np.zeros((0, 4), np.int8)}, {"k": "v"}),
        safetensors.numpy.save({}),
        raw({"a": entry(0, 2, dtype="F4", shape=[4])}, bytes(2)),
        raw({"b": entry(16, 32), "a": entry(0, 16)}, bytes(32)),
        raw(json.dumps({"a": entry()}).encode() + b"      ", bytes(16)),
    ],
)
def test_sound_safetensors_break_none(data: bytes) -> None:
    assert look(Structure(), {"m.safetensors": data}).status is Status.PASS


def f32(*shape: int, name: str = "a", offset: int = 0) -> bytes:
    return gguf_tensor(name, shape, 0, offset)


GGUF: list[tuple[str, bytes]] = [
    ("gguf-truncated", samples.honest_gguf()[:30]),
    ("gguf-truncated", samples.honest_gguf()[:-33]),
    ("gguf-truncated", gguf(counts=(0, 5))),
    ("gguf-header", b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0)),
    ("gguf-header", b"GGUF" + struct.pack("<IQQ", 3_000_000, 0, 0)),
    ("gguf-string", gguf([struct.pack("<Q", 2**50)], counts=(0, 1))),
    ("gguf-string", gguf([], [gguf_tensor("n" * 300, [1], 0, 0)], bytes(32))),
    ("gguf-type", gguf([gguf_pair("k", 99, b"")])),
    ("gguf-type", gguf([gguf_pair("k", 7, b"\x05")])),
    ("gguf-type", gguf([gguf_pair("k", 9, struct.pack("<IQ", 42, 1))])),
    ("gguf-type", gguf([gguf_pair("k", 9, struct.pack("<IQ", 9, 1) * 5)])),
    ("gguf-duplicate", gguf([gguf_pair("k", 4, bytes(4))] * 2)),
    ("gguf-duplicate", gguf([], [f32(8), f32(8, offset=32)], bytes(64))),
    ("gguf-alignment", gguf([gguf_pair("general.alignment", 4, struct.pack("<I", 24))])),
    ("gguf-alignment", gguf([gguf_pair("general.alignment", 4, bytes(4))])),
    ("gguf-alignment", gguf([], [f32(1, offset=4)], bytes(32))),
    ("gguf-alignment", gguf([gguf_pair("general.alignment", 4, struct.pack("<I", 2**20))])),
    ("gguf-hole", gguf([], [f32(1)])[:57].ljust(64, b"x") + bytes(32)),
    ("gguf-hole", gguf()[:24] + b"anything"),
    ("gguf-shape", gguf([], [gguf_tensor("a", [1] * 5, 0, 0)], bytes(32))),
    ("gguf-shape", gguf([], [gguf_tensor("a", [2**40, 2**40], 0, 0)], bytes(32))),
    ("gguf-shape", gguf([], [gguf_tensor("a", [33], 2, 0)], bytes(32))),
    ("gguf-overlap", gguf([], [f32(16), f32(8, name="b", offset=32)], bytes(64))),
    ("gguf-hole", gguf([], [f32(8), f32(8, name="b", offset=64)], bytes(96))),
    ("gguf-trailing", gguf([], [f32(8)], bytes(33))),
]


@pytest.mark.parametrize(("slug", "data"), GGUF)
def test_broken_gguf_breaks_one_rule(slug: str, data: bytes) -> None:
    assert slugs(look(Structure(), {"m.gguf": data})) == {slug}


def big(value: str) -> bytes:
    return gguf_text(value, ">")


@pytest.mark.parametrize(
    "data",
    [
        samples.honest_gguf(),
        samples.honest_gguf()[:-12],  # the padding of the last tensor is often left out
        gguf([gguf_pair("k", 9, struct.pack("<IQ", 8, 2) + gguf_text("a") + gguf_text("b"))]),
        gguf([gguf_pair("k", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 4, 2) + bytes(8))]),
        gguf([gguf_pair("general.alignment", 4, struct.pack("<I", 64))], [f32(1)], bytes(64), alignment=64),
        gguf([gguf_pair("k", 8, big("v"), ">")], [gguf_tensor("a", [4], 0, 0, ">")], bytes(32), order=">"),
        gguf(version=2),
    ],
)
def test_sound_gguf_breaks_none(data: bytes) -> None:
    assert look(Structure(), {"m.gguf": data}).status is Status.PASS


@pytest.mark.parametrize("data", [gguf(version=4), gguf([], [gguf_tensor("a", [4], 99, 0)], bytes(32))])
def test_gguf_that_is_not_known_is_a_gap(data: bytes) -> None:
    result = look(Structure(), {"m.gguf": data})
    assert result.status is Status.UNKNOWN
    assert not result.findings


def split(number: int, count: int) -> bytes:
    pairs = [gguf_pair("split.no", 2, struct.pack("<H", number)), gguf_pair("split.count", 2, struct.pack("<H", count))]
    return gguf(pairs)


def test_a_split_model_needs_all_its_parts() -> None:
    parts = {f"m-{number + 1:05d}-of-00003.gguf": split(number, 3) for number in range(3)}
    assert look(Structure(), parts).status is Status.PASS
    del parts["m-00002-of-00003.gguf"]
    assert slugs(look(Structure(), parts)) == {"gguf-split"}
    assert slugs(look(Structure(), {"other.gguf": split(0, 2)})) == {"gguf-split"}


INDEX = "model.safetensors.index.json"


def sharded(**changes: Any) -> dict[str, bytes]:
    index = {
        "metadata": {"total_size": 32},
        "weight_map": {"a": "one.safetensors", "b": "two.safetensors"},
        **changes,
    }
    return {
        INDEX: json.dumps(index).encode(),
        "one.safetensors": samples.honest_safetensors(a=4),
        "two.safetensors": samples.honest_safetensors(b=4),
    }


def test_an_index_that_agrees_with_its_shards_is_sound() -> None:
    assert look(Structure(), sharded()).status is Status.PASS
    assert look(Structure(), sharded(metadata={})).status is Status.PASS


@pytest.mark.parametrize(
    ("slug", "files"),
    [
        ("index-missing", sharded(weight_map={"a": "one.safetensors", "b": "gone.safetensors"})),
        ("index-missing", sharded(weight_map={"a": "../one.safetensors"})),
        ("index-names", sharded(weight_map={"z": "one.safetensors", "b": "two.safetensors"})),
        ("index-names", sharded(weight_map={"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"})),
        ("index-size", sharded(metadata={"total_size": 3_200_000})),
        ("index-size", sharded(metadata={"total_size": "many"})),
        ("index-unreadable", sharded(weight_map=["a"])),
        ("index-unreadable", {INDEX: b"{}}"}),
        ("index-unreadable", {INDEX: b'{"weight_map": {}, "weight_map": {}}'}),
    ],
)
def test_an_index_that_lies_is_a_finding(slug: str, files: dict[str, bytes]) -> None:
    assert slugs(look(Structure(), files)) == {slug}


def twins() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"y")
    return out.getvalue()


def overlapping() -> bytes:
    """Two directory entries that lead to the same bytes, as flat zip bombs have them."""
    data = zipped({"a": b"x" * 40, "b": b"y" * 40})
    second = data.find(b"PK\x03\x04", 4)
    at = data.rfind(b"PK\x01\x02")
    changed = bytearray(data)
    changed[at + 42 : at + 46] = struct.pack("<I", 0)
    assert second > 0
    return bytes(changed)


ZIPS: list[tuple[str, bytes]] = [
    ("zip-truncated", zipped({"a": b"x" * 100})[:60]),
    ("zip-trailing", zipped({"a": b"x"}) + b"trailing"),
    ("zip-prefix", b"PK\x03\x04 no header" + zipped({"a": b"x"})),
    ("zip-header", samples.renamed_member()),
    ("zip-encrypted", samples.flagged_member()),
    ("zip-duplicate", twins()),
    ("zip-overlap", overlapping()),
    ("zip-bomb", zipped({"a": bytes(32 * 2**20)}, zipfile.ZIP_DEFLATED)),
    ("zip-appended", samples.SYSTEM + zipped({"a": b"x"})),
]


@pytest.mark.parametrize(("slug", "data"), ZIPS, ids=[slug for slug, _ in ZIPS])
def test_broken_zip_archives_break_their_rule(slug: str, data: bytes) -> None:
    assert slug in slugs(look(Structure(), {"m.bin": data}))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_sound_zip_archives_break_none(method: int) -> None:
    data = zipped({"a/": b"", "a/b": b"x" * 5000, "\u00fc": b"", "inner.zip": zipped({"c": b"d"})}, method)
    assert look(Structure(), {"m.zip": data}).status is Status.PASS


def test_zip_archives_written_to_a_pipe_break_none() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # sizes follow the data, in descriptors
        archive.writestr("a", b"x" * 100)
        archive.writestr("b", b"y" * 100)
    assert look(Structure(), {"m.zip": bytes(pipe.data)}).status is Status.PASS


@pytest.mark.parametrize(
    ("slug", "data"),
    [
        ("npy-truncated", npy(bytes(3), "<f4", "(1,)")),
        ("npy-truncated", npy(b"")[:20]),
        ("npy-trailing", npy(bytes(5), "<f4", "(1,)")),
        ("npy-header", npy(b"", "<f4", "(-1,)")),
        ("npy-header", npy(b"", "<f4", "__import__('os')")),
        ("npy-header", b"\x93NUMPY\x09\x00" + bytes(20)),
        ("npy-header", npy(b"", "<f4", "(" * 90 + ")" * 90)),
    ],
)
def test_broken_npy_breaks_one_rule(slug: str, data: bytes) -> None:
    assert slugs(look(Structure(), {"a.npy": data})) == {slug}


def test_thousands_of_problems_are_a_few_findings() -> None:
    pairs = [gguf_pair("k", 4, bytes(4))] * 5_000
    result = look(Structure(), {"m.gguf": gguf(pairs)})
    assert len(result.findings) == 5
    assert "4994 more" in result.findings[-1].message


def test_headers_are_judged_without_the_tensors() -> None:
    """A file of a hundred gigabytes costs its header: no byte behind it is asked for."""

    class Sparse(io.BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size >= 0
            Sparse.asked += size
            return super().read(size)

    from dataclasses import replace

    from tests.support.artifacts import MemoryContent, artifact

    length = 100 * 2**30
    header = json.dumps({"a": entry(0, length, dtype="U8", shape=[length])}).encode()
    data = struct.pack("<Q", len(header)) + header

    class Content(MemoryContent):
        def open(self) -> Sparse:
            return Sparse(self.data)

    subject = artifact({"m.safetensors": data})
    file = replace(subject.files[0], size=len(data) + length, content=Content(data))
    assert look(Structure(), replace(subject, files=(file,))).status is Status.PASS
    assert 0 < Sparse.asked < 2**20  # the header, and the end, where a zip archive would have its directory
