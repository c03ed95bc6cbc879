"""Formats are told by their bytes; names only decide what bytes leave open."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import zlib
from pathlib import PurePosixPath

import numpy as np
import pytest
import safetensors.numpy

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.identify import identify
from gatekeeper.checks.files.names import expected
from gatekeeper.checks.files.pickle_probe import imports_names
from gatekeeper.evidence import Status
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import samples
from tests.support.artifacts import look, slugs


def told(name: str, data: bytes) -> Format:
    return identify(io.BytesIO(data), PurePosixPath(name), len(data), DEFAULT_LIMITS)


def npz() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3))
    return out.getvalue()


SENTENCEPIECE = b"".join(b"\x0a\x0e\x0a\x05" + piece + b"\x15\x00\x00\x00\x00\x18\x02" for piece in [b"<unk>"] * 10)

KNOWN: list[tuple[Format, str, bytes]] = [
    (Format.EMPTY, "a", b""),
    (Format.SAFETENSORS, "a", safetensors.numpy.save({"w": np.zeros(3)})),
    (Format.GGUF, "a", samples.honest_gguf()),
    (Format.GGML, "ggml-base.bin", b"lmgg" + bytes(60)),
    (Format.PICKLE, "a", pickle.dumps({"a": 1}, 4)),
    (Format.PICKLE, "a.bin", b"cbuiltins\ncomplex\n(I1\nI2\ntR."),
    (Format.TORCH_LEGACY, "a", samples.torch_legacy(samples.legacy_streams(samples.tensor_state("w")))),
    (Format.TORCH_ZIP, "a", samples.torch_zip(samples.tensor_state("w"))),
    (Format.TORCHSCRIPT, "a", samples.zipped({"m/data.pkl": b"", "m/constants.pkl": b"", "m/code/a.py": b""})),
    (Format.TORCH_PACKAGE, "a", samples.zipped({"m/.data/extern_modules": b"", "m/a.py": b""})),
    (Format.PT2, "a", samples.zipped({"m/archive_format": b"pt2", "m/models/model.json": b"{}"})),
    (Format.NPY, "a", samples.npy(b"", "<f4", "(0,)")),
    (Format.NPZ, "a", npz()),
    (Format.KERAS_ZIP, "a", samples.keras([samples.DENSE])),
    (Format.HDF5, "a", samples.hdf5(b"")),
    (Format.ONNX, "a", samples.onnx_model()),
    (Format.TFLITE, "a", b"\x1c\x00\x00\x00TFL3" + bytes(20)),
    (Format.SAVED_MODEL, "saved_model.pb", b"\x08\x01\x12\x02\x0a\x00"),
    (Format.MSGPACK, "flax_model.msgpack", b"\x81\xa6params\x80" + bytes([0xC4, 1, 0])),
    (Format.CTRANSLATE2, "model.bin", b"\x06\x00\x00\x00\x10\x00TransformerSpec\x00" + bytes(20)),
    (Format.SENTENCEPIECE, "tokenizer.model", SENTENCEPIECE),
    (Format.RAW_TENSORS, "model.onnx_data", b"\xf7" * 100),
    (Format.TAR, "a", samples.tarred({"x": b"y"})),
    (Format.SEVEN_ZIP, "a", samples.seven_zipped({"x": b"y"})),
    (Format.RAR, "a", b"Rar!\x1a\x07\x01\x00" + bytes(20)),
    (Format.GZIP, "a", gzip.compress(b"x")),
    (Format.BZIP2, "a", bz2.compress(b"x")),
    (Format.XZ, "a", lzma.compress(b"x")),
    (Format.ZLIB, "a", zlib.compress(bytes(100))),
    (Format.ZSTD, "a", b"\x28\xb5\x2f\xfd" + bytes(20)),
    (Format.LZ4, "a", b"\x04\x22\x4d\x18" + bytes(20)),
    (Format.EXECUTABLE, "a", b"\x7fELF" + bytes(60)),
    (Format.EXECUTABLE, "a", b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00"),
    (Format.LFS_POINTER, "a", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
    (Format.JSON, "config.json", b"{}"),
    (Format.NOTEBOOK, "a.ipynb", b"{}"),
    (Format.PYTHON, "modeling.py", b"import torch\n"),
    (Format.JINJA, "chat_template.jinja", b"{{ bos_token }}"),
    (Format.SCRIPT, "run", b"#!/bin/sh\n"),
    (Format.OPENVINO_XML, "model.xml", b'<?xml version="1.0"?><net name="m"></net>'),
    (Format.IMAGE, "a.png", b"\x89PNG\r\n\x1a\n" + bytes(20)),
    (Format.AUDIO, "a.wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)),
    (Format.TABLE, "a.parquet", b"PAR1" + bytes(20)),
    (Format.TENSORBOARD, "events.out.tfevents.1.host", b"\x18\x00\x00\x00\x00\x00\x00\x00" + bytes(20)),
    (Format.IMATRIX, "imatrix.dat", b"\xe1\x00\x00\x00" + bytes(20)),
    (Format.UNKNOWN, "a.mnn", b"\xf7\x00\x01\x02" * 20),
]


@pytest.mark.parametrize(("expected_format", "name", "data"), KNOWN, ids=[str(format) for format, _, _ in KNOWN])
def test_every_format_is_told(expected_format: Format, name: str, data: bytes) -> None:
    assert told(name, data) is expected_format


TEXTS = [
    ".gitattributes", ".gitignore", "LICENSE", "LICENSE.md", "NOTICE", "README.md", "vocab.txt", "merges.txt",
    "spiece.vocab", "a.tiktoken", "vocab.bpe", "config.yaml", "a.yml", "a.toml", "a.cfg", "labels.csv", "a.tsv",
    "a.jinja", "a.jsonl", "Makefile", "a.html", "MODEL_CARD", "special",
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "text", [b"plain words\n", "mod\u00e8le \u4f60\u597d\n".encode(), "\ufeffwith a mark".encode(), b"caf\xe9\n"]
)
def test_honest_text_is_never_unknown(name: str, text: bytes) -> None:
    result = look(Formats(), {name: text})
    assert result.status is Status.PASS
    assert not result.gaps


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("model.safetensors", "disguised"), ("model.gguf", "disguised"), ("model.onnx", "disguised"),
        ("model.npz", "disguised"), ("logo.png", "disguised"), ("config.json", "binary-text"),
        ("vocab.txt", "binary-text"), ("modeling.py", "binary-text"), ("LICENSE", "binary-text"),
    ],
)  # fmt: skip
def test_a_pickle_under_another_name_is_a_finding(name: str, slug: str) -> None:
    assert slugs(look(Formats(), {name: samples.SYSTEM})) == {slug}


def test_an_archive_under_a_weight_name_is_a_finding() -> None:
    assert slugs(look(Formats(), {"pytorch_model.bin": samples.zipped({"a.txt": b"x"})})) == {"disguised"}
    assert slugs(look(Formats(), {"model.gguf": samples.torch_zip(samples.tensor_state("w"))})) == {"disguised"}


def test_an_unknown_format_is_a_gap_and_not_silent() -> None:
    result = look(Formats(), {"model.mnn": b"\xf7\x00\x01\x02" * 20})
    assert result.status is Status.UNKNOWN
    assert result.gaps[0].path == "model.mnn"


def test_weights_that_a_neighbour_describes_are_known() -> None:
    assert look(Formats(), {"m.xml": b"<net ></net>", "m.bin": b"\xf7\x00" * 50}).status is Status.PASS
    assert slugs(look(Formats(), {"m.bin": b"\xf7\x00" * 50})) == {"not-weights"}


def test_an_unreadable_file_hides_no_other() -> None:
    class Broken:
        def open(self) -> io.BytesIO:
            raise OSError("gone")

    from dataclasses import replace

    from tests.support.artifacts import artifact

    subject = artifact({"a.bin": b"x", "b.safetensors": samples.SYSTEM})
    first = replace(subject.files[0], content=Broken())
    result = look(Formats(), replace(subject, files=(first, subject.files[1])))
    assert slugs(result) == {"disguised"}
    assert [gap.path for gap in result.gaps] == ["a.bin"]


def test_formats_are_a_sorted_fact() -> None:
    result = look(Formats(), {"b.json": b"{}", "a.gguf": samples.honest_gguf(), "c.json": b"[]"})
    assert result.facts == {"artifact.formats": ("gguf", "json")}


@pytest.mark.parametrize(
    "text", [b"in\nthe\nof\n", b"cat\ndog\n", b"(a\nb\n)", b"I1\n.", b"N.", b"cos\nsystem\n", b"{}[]"]
)
def test_text_that_only_resembles_a_pickle_is_text(text: bytes) -> None:
    assert not imports_names(text)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_that_imports_is_told_without_its_mark(protocol: int) -> None:
    data = pickle.dumps(PurePosixPath("a"), protocol)
    assert imports_names(data)
    assert imports_names(b"N0" + data)


def test_a_json_list_is_json() -> None:
    assert told("a.json", json.dumps([1] * 50_000).encode()) is Format.JSON


def test_names_promise_what_their_tables_say() -> None:
    assert expected(PurePosixPath("a/LICENSE")) == expected(PurePosixPath("README.md"))
    assert expected(PurePosixPath("a.unheard")) is None
