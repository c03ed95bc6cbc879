"""A file is judged as everything that a loader could take it for, and an honest file is taken for one thing only."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import wave
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.pickle_probe import Probe, probe
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.evidence import Hazard, Status
from tests.support import samples
from tests.support.artifacts import look, slugs

TEXT_PAYLOAD = b"cos\nsystem\n(S'true'\ntR."
ZIP = samples.torch_zip(samples.SYSTEM)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


def safetensors_over(data: bytes, low_byte: int | None = None) -> bytes:
    """A sound safetensors file whose one tensor is `data`, with a header of a length that ends in `low_byte`."""
    entry = {"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}
    header = json.dumps(entry)[:-1] + "\n}"
    while low_byte is not None and len(header) % 256 != low_byte:
        header = header[:-2] + " \n}"
    return struct.pack("<Q", len(header)) + header.encode() + data


def gguf_over(data: bytes) -> bytes:
    pair = samples.gguf_pair("general.architecture", 8, samples.gguf_text("llama"))
    return samples.gguf([pair], [samples.gguf_tensor("a", [len(data)], 24, 0)], data)


def zip_of(length: int) -> bytes:
    """A torch archive padded by its comment to a multiple of `length`."""
    out = io.BytesIO(ZIP)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"x" * (-len(ZIP) % length)
    return out.getvalue()


HIDDEN: dict[str, Callable[[], tuple[str, bytes]]] = {
    "zip in a tensor": lambda: ("pytorch_model.bin", safetensors_over(ZIP)),
    "zip in a gguf tensor": lambda: ("m.gguf", gguf_over(zip_of(32))),
    "zip after an image": lambda: ("logo.png", PNG + ZIP),
    "zip after a document": lambda: ("paper.pdf", b"%PDF-1.4\n" + ZIP),
    "zip after text": lambda: ("notes.md", b"hello\n" * 20_000 + ZIP),
    "zip after a tar": lambda: ("m.nemo", samples.tarred({"a.txt": b"x"}) + ZIP),
    "safetensors that unpickles": lambda: ("pytorch_model.bin", safetensors_over(TEXT_PAYLOAD, ord("V"))),
    "sound by its magic": lambda: ("weights", b"\x80\x02U\x08aaaaWAVE0" + TEXT_PAYLOAD),
    "image by its magic": lambda: ("model.dat", b"\x80\x02U\x08aaaaWEBP0" + TEXT_PAYLOAD),
    "padded opcodes": lambda: ("weights", b"N0" * 5_000 + TEXT_PAYLOAD),
    "more opcodes than are looked at": lambda: ("weights.dat", b"N0" * 40_000 + TEXT_PAYLOAD),
    "one long line": lambda: ("notes.txt", b"V" + b"a" * 70_000 + b"\n0" + TEXT_PAYLOAD),
    "a number in another base": lambda: ("notes.txt", b"I0x10\n0" + TEXT_PAYLOAD),
    "text in another encoding": lambda: ("weights", "S'é'\n0".encode() + TEXT_PAYLOAD),
    "a member's name": lambda: ("weights", samples.tarred({TEXT_PAYLOAD.decode(): b"x"})),
    "in an archive": lambda: ("m.zip", samples.zipped({"a": b"N0" * 6_000 + TEXT_PAYLOAD})),
    "behind a neighbour": lambda: ("w.data", b"N0" * 5_000 + b"\x8c\x01a0" + TEXT_PAYLOAD),
    "second gzip stream": lambda: ("m.gz", gzip.compress(b"") + gzip.compress(samples.SYSTEM)),
    "second bzip2 stream": lambda: ("m.bz2", bz2.compress(b"") + bz2.compress(samples.SYSTEM)),
    "second xz stream": lambda: ("m.xz", lzma.compress(b"") + bytes(4) + lzma.compress(samples.SYSTEM)),
    "split over gzip streams": lambda: (
        "m.gz", gzip.compress(samples.SYSTEM[:9]) + gzip.compress(samples.SYSTEM[9:])),
    "lzma alone": lambda: ("m.data", lzma.compress(samples.SYSTEM, format=lzma.FORMAT_ALONE)),
    "objects after an array": lambda: ("a.npy", samples.npy(bytes(8), "<f4", "(2,)") + samples.npy(samples.SYSTEM)),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_what_another_loader_would_run_is_found(name: str) -> None:
    path, data = HIDDEN[name]()
    structure, scanned = look(Structure(), {path: data}), look(Scanners(), {path: data})
    hazards = {finding.hazard for result in (structure, scanned) for finding in result.findings}
    # Where the scanners can't follow an unpickler's leniency, what they could not read is unknown.
    assert Hazard.PAYLOAD in hazards or slugs(structure) & {"npy-trailing"} or scanned.status is Status.UNKNOWN


def test_an_unknown_size_of_items_hides_no_second_array() -> None:
    header = b"{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,), }\n"
    first = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)
    assert look(Structure(), {"a.npy": first}).status is Status.PASS
    assert slugs(look(Structure(), {"a.npy": first + samples.npy(samples.SYSTEM)})) == {"npy-trailing"}


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8_000)
        writer.writeframes(bytes(4_000))
    return out.getvalue()


HONEST: dict[str, Callable[[], tuple[str, bytes]]] = {
    "image": lambda: ("logo.png", PNG),
    "sound": lambda: ("a.wav", sound()),
    "safetensors, first byte V": lambda: ("model.safetensors", safetensors_over(bytes(range(256)) * 300, ord("V"))),
    "safetensors, first byte P": lambda: ("model.safetensors", safetensors_over(bytes(300_000), ord("P"))),
    "safetensors, zip magic in a tensor": lambda: ("model.safetensors", safetensors_over(b"PK\x05\x06" + bytes(90))),
    "tar, zip as its last member": lambda: (
        "m.tar", samples.tarred({"a.zip": samples.zipped({"a.txt": b"x"})})),
    "text in capitals": lambda: ("notes.txt", b"VALUES ARE PLAIN\nNONE 0\n" * 9_000),
    "one long line": lambda: ("vocab.txt", b"Vw" * 60_000),
    "two gzip streams": lambda: ("a.txt.gz", gzip.compress(b"a\n") + gzip.compress(b"b\n")),
    "padded gzip": lambda: ("a.txt.gz", gzip.compress(b"a\n") + bytes(512)),
    "zlib": lambda: ("m.z", __import__("zlib").compress(b"hello " * 100)),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_file_is_one_thing(name: str) -> None:
    path, data = HONEST[name]()
    for check in (Structure(), Scanners(), Formats()):
        result = look(check, {path: data})
        assert (slugs(result), result.gaps) == (set(), ()), check.id


def test_bytes_after_a_packed_stream_are_said() -> None:
    assert slugs(look(Scanners(), {"a.txt.gz": gzip.compress(b"a") + b"not a stream"})) == {"broken-archive"}


def test_label_files_of_tflite_are_no_finding() -> None:
    model = b"\x1c\0\0\0TFL3" + bytes(64) + samples.zipped({"labels.txt": b"cat\n"})
    assert slugs(look(Structure(), {"m.tflite": model})) == set()


@given(st.lists(st.sampled_from([b"N0", b"]0", b"}0", b"K\x010", b"I1_0\n0", b"(1", b"Va b\n0"]), max_size=40))
def test_no_sound_opcodes_hide_what_follows(padding: list[bytes]) -> None:
    data = b"".join(padding) + TEXT_PAYLOAD
    assert probe(data, complete=True) is Probe.RUNS
    assert probe(data[: len(data) // 2], complete=False) is not Probe.RUNS or len(padding) == 0


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_text_is_rarely_more_than_text(text: str) -> None:
    if "c" not in text and "i" not in text and "\x93" not in text:  # nothing in it could name an import
        assert probe(text.encode(), complete=True) is Probe.NO
