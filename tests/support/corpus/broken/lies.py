"""Files that are cut off or whose headers lie."""

# ruff: noqa: E501 - tables of cases read best with a case a line

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import struct
import zipfile
import zlib
from typing import Any

from tests.support.corpus import protobuf as pb
from tests.support.corpus.case import Case, Label, Make, cases
from tests.support.samples import (
    gguf,
    gguf_pair,
    gguf_tensor,
    gguf_text,
    hdf5,
    honest_gguf,
    honest_safetensors,
    keras,
    legacy_streams,
    npy,
    safetensors,
    seven_zipped,
    tarred,
    tensor_state,
    torch_legacy,
    torch_zip,
    zipped,
)


def _noise(length: int) -> bytes:
    return b"\xf7" + hashlib.shake_256(b"noise").digest(length - 1)


def _torch(elements: int = 64, stored: int | None = None) -> bytes:
    size = 4 * elements if stored is None else stored
    return torch_zip(tensor_state("a", elements=elements), {"0": _noise(size)})


_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5" * 64 + b"\nsize 123456\n"


def _one(name: str, data: bytes) -> Make:
    return lambda: {"README.md": b"# model\n", name: data}


CUT: dict[str, Make] = {
    "torch-half": lambda: {"pytorch_model.bin": _torch()[: len(_torch()) // 2]},
    "torch-without-end": lambda: {"model.pt": _torch()[:-22]},
    "torch-without-pickle": lambda: {"model.pt": zipped({"archive/version": b"3\n", "archive/data/0": bytes(16)})},
    "torch-without-storage": lambda: {"model.pt": torch_zip(tensor_state("a", "b"), {"0": bytes(16)})},
    "torch-short-storage": lambda: {"model.pt": _torch(stored=12)},
    "legacy-half": lambda: {"model.pth": torch_legacy(legacy_streams(tensor_state("a")))[:150]},
    "legacy-without-storages": lambda: {"model.pth": torch_legacy(legacy_streams(tensor_state("a", elements=200)))},
    "pickle-half": lambda: {"model.pkl": pickle.dumps(list(range(900)))[:400]},
    "pickle-without-stop": lambda: {"model.pkl": pickle.dumps({"a": 1})[:-1]},
    "joblib-half": lambda: {"model.joblib": zlib.compress(_noise(9_000))[:3_000]},
    "gzip-half": lambda: {"model.pkl.gz": gzip.compress(pickle.dumps(list(range(900))))[:-40]},
    "safetensors-half": lambda: {"model.safetensors": honest_safetensors(a=600)[:900]},
    "safetensors-header-half": lambda: {"model.safetensors": honest_safetensors(a=4)[:30]},
    "gguf-half": lambda: {"model.gguf": honest_gguf()[:120]},
    "gguf-without-data": lambda: {"model.gguf": honest_gguf()[:-64]},
    "npy-half": lambda: {"a.npy": npy(bytes(400), "<f4", "(100,)")[:-33]},
    "npz-half": lambda: {"a.npz": zipped({"a.npy": npy(bytes(400), "<f4", "(100,)")})[:300]},
    "keras-half": lambda: {"m.keras": keras([])[:200]},
    "hdf5-half": lambda: {"m.h5": hdf5(bytes(64), claimed=9_999)},
    "onnx-half": lambda: {"m.onnx": pb.onnx()[:-30]},
    "tar-half": lambda: {"m.nemo": tarred({"model_weights.ckpt": bytes(5_000)})[:2_000]},
    "7z-half": lambda: {"m.7z": seven_zipped({"a.bin": _noise(4_000)})[:2_000]},
    "zip-half": lambda: {"m.zip": zipped({"a.bin": _noise(4_000)})[:2_000]},
    "saved-model-half": lambda: {"saved_model.pb": pb.saved_model(["Const"] * 30)[:-60]},
    "json-half": lambda: {"config.json": b'{"model_type": "bert", "hidden_size', "model.safetensors": honest_safetensors()},
    "tflite-half": _one("m.tflite", b"\x1c\0\0\0TFL3"),
    "xgboost-half": _one("model.ubj", b"{L\0\0\0\0\0\0\0\x07learner{"),
}  # fmt: skip

EMPTY: dict[str, Make] = {
    f"empty-{name}": _one(name, b"")
    for name in ("pytorch_model.bin", "model.safetensors", "model.gguf", "m.pkl", "m.onnx", "a.npy", "m.h5", "m.keras",
                 "m.joblib", "best.pt", "m.tflite", "model.ckpt", "flax_model.msgpack")
} | {
    f"noise-{name}": _one(name, _noise(4_096))
    for name in ("pytorch_model.bin", "model.safetensors", "model.gguf", "m.pkl", "m.onnx", "a.npy", "m.h5", "m.keras",
                 "best.pt", "config.json", "m.tflite", "README.md")
} | {
    "pointer": _one("model.safetensors", _POINTER),
    "pointer-bin": _one("pytorch_model.bin", _POINTER),
    "html-page": _one("pytorch_model.bin", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "error-text": _one("model.safetensors", b"Entry not found"),
}  # fmt: skip


def _entry(begin: int = 0, end: int = 16, dtype: Any = "F32", shape: Any = (4,), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def _st(header: Any, size: int = 16, length: int | None = None) -> Make:
    return lambda: {"model.safetensors": safetensors(header, bytes(size), length)}


_TWICE = (b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
          b'"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}')  # fmt: skip

SAFETENSORS: dict[str, Make] = {
    "header-length-huge": _st({"a": _entry()}, length=2**62),
    "header-length-past-end": _st({"a": _entry()}, length=5_000),
    "header-no-object": _st(b"[1, 2]"),
    "header-no-json": _st(b"{" + b"\xff" * 20 + b"}"),
    "header-duplicate": _st(_TWICE),
    "header-deep": _st(b'{"a":' + b"[" * 3_000 + b"]" * 3_000 + b"}"),
    "header-trailing-text": _st(json.dumps({"a": _entry()}).encode() + b"\0\0\0\0"),
    "dtype-unknown": _st({"a": _entry(dtype="F99")}),
    "dtype-number": _st({"a": _entry(dtype=7)}),
    "shape-negative": _st({"a": _entry(shape=(-4,))}),
    "shape-overflow": _st({"a": _entry(shape=(2**40, 2**40))}),
    "shape-float": _st({"a": _entry(shape=(4.0,))}),
    "span-wrong": _st({"a": _entry(shape=(7,))}),
    "span-backwards": _st({"a": _entry(16, 0)}),
    "span-past-end": _st({"a": _entry(0, 64, shape=(16,))}),
    "overlap": _st({"a": _entry(), "b": _entry(8, 24)}, 24),
    "hole": _st({"a": _entry(), "b": _entry(32, 48)}, 48),
    "trailing": _st({"a": _entry()}, 40),
    "metadata-number": _st({"__metadata__": {"a": 1}, "a": _entry()}),
    "extra-key": _st({"a": _entry(code="x")}),
}


def _kv(key: str, value: int) -> bytes:
    return gguf_pair(key, 4, struct.pack("<I", value))


def _gg(*given: Any, **named: Any) -> Make:
    return lambda: {"model.gguf": gguf(*given, **named)}


GGUF: dict[str, Make] = {
    "counts-huge": _gg(counts=(2**60, 2**60)),
    "pairs-missing": _gg(counts=(0, 9)),
    "string-huge": _gg([struct.pack("<Q", 2**62)], counts=(0, 1)),
    "array-huge": _gg([gguf_pair("a", 9, struct.pack("<IQ", 4, 2**60))]),
    "array-of-arrays": _gg([gguf_pair("a", 9, struct.pack("<IQ", 9, 1) * 2_000)]),
    "value-type": _gg([gguf_pair("a", 77, bytes(4))]),
    "bool-type": _gg([gguf_pair("a", 7, b"\x07")]),
    "key-twice": _gg([_kv("a", 1), _kv("a", 2)]),
    "tensor-twice": _gg([], [gguf_tensor("a", [8], 0, 0), gguf_tensor("a", [8], 0, 32)], bytes(64)),
    "alignment-odd": _gg([_kv("general.alignment", 7)]),
    "dimensions": _gg([], [gguf_tensor("a", [1] * 9, 0, 0)], bytes(32)),
    "shape-overflow": _gg([], [gguf_tensor("a", [2**33, 2**33], 0, 0)], bytes(32)),
    "offset-past-end": _gg([], [gguf_tensor("a", [8], 0, 2**40)], bytes(32)),
    "offset-odd": _gg([], [gguf_tensor("a", [8], 0, 5)], bytes(64)),
    "overlap": _gg([], [gguf_tensor("a", [16], 0, 0), gguf_tensor("b", [8], 0, 32)], bytes(64)),
    "hole": _gg([], [gguf_tensor("a", [8], 0, 0), gguf_tensor("b", [8], 0, 96)], bytes(128)),
    "trailing": _gg([], [gguf_tensor("a", [8], 0, 0)], bytes(320)),
    "version-unknown": _gg(version=77),
    "type-unknown": _gg([], [gguf_tensor("a", [8], 999, 0)], bytes(32)),
    "part-missing": lambda: {"m-00001-of-00002.gguf": gguf([
        gguf_pair("split.no", 2, b"\0\0"), gguf_pair("split.count", 2, b"\x02\0"),
        gguf_pair("general.architecture", 8, gguf_text("llama"))])},
}  # fmt: skip


def _npy_head(text: str, size: int | None = None) -> bytes:
    head = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) if size is None else size) + head


ARRAYS: dict[str, Make] = {
    "header-length": lambda: {"a.npy": _npy_head("{}", 65_535)},
    "header-code": lambda: {"a.npy": _npy_head("__import__('this')")},
    "header-deep": lambda: {"a.npy": _npy_head("(" * 3_000 + ")" * 3_000)},
    "header-keys": lambda: {"a.npy": _npy_head("{'descr': '<f4', 'shape': (1,)}") + bytes(4)},
    "shape-huge": lambda: {"a.npy": npy(bytes(8), "<f8", f"({2**60},)")},
    "shape-negative": lambda: {"a.npy": npy(bytes(8), "<f8", "(-1,)")},
    "type-unknown": lambda: {"a.npy": npy(bytes(8), "<q9", "(1,)")},
    "version-unknown": lambda: {"a.npy": b"\x93NUMPY\x09\x00" + bytes(64)},
    "trailing": lambda: {"a.npy": npy(bytes(80), "<f8", "(1,)")},
    "npz-member-half": lambda: {"a.npz": zipped({"a.npy": npy(bytes(9), "<f8", "(3,)")})},
    "npz-lying-member": lambda: {"a.npz": zipped({"a.npy": _npy_head("not a header")})},
}


def _index(weights: Any, **more: bytes) -> Make:
    return lambda: {
        "model.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": weights}).encode(),
        **more,
    }


SETS: dict[str, Make] = {
    "shard-missing": _index({"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"},
                            **{"model-00001-of-00002.safetensors": honest_safetensors(a=4)}),
    "shard-outside": _index({"a": "../other/model.safetensors"}),
    "index-twice": lambda: {"model.safetensors.index.json": b'{"weight_map": {}, "weight_map": {"a": "x"}}'},
    "index-names": _index({"z": "m.safetensors"}, **{"m.safetensors": honest_safetensors(a=4)}),
    "config-twice": lambda: {"config.json": b'{"model_type": "bert", "model_type": "llama"}'},
    "config-no-object": lambda: {"config.json": b"[]", "model.safetensors": honest_safetensors()},
    "config-deep": lambda: {"config.json": b'{"a":' * 5_000 + b"1" + b"}" * 5_000},
    "config-null-bytes": lambda: {"config.json": b'{"model_type": "bert"}\0\0', "model.safetensors": honest_safetensors()},
    "template-broken": lambda: {"tokenizer_config.json": b'{"chat_template": "{% for x %}"}'},
    "storage-key-as-path": lambda: {"model.pt": torch_zip(
        tensor_state("a").replace(b"X\x01\x00\x00\x000", b"X\x0d\x00\x00\x00../../../../x"), {"0": bytes(16)})},
    "zip-of-nothing": lambda: {"model.pt": zipped({}, zipfile.ZIP_STORED)},
    "torch-as-safetensors": lambda: {"model.safetensors": _torch()},
    "safetensors-as-gguf": lambda: {"model.gguf": honest_safetensors()},
    "text-as-pickle": lambda: {"model.pkl": b"this is not a model\n"},
}  # fmt: skip

_LOADERS = "whichever library reads the format"
CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.BROKEN, "cut-off", CUT, loader=_LOADERS),
    cases(Label.BROKEN, "empty-or-noise", EMPTY, loader=_LOADERS),
    cases(Label.BROKEN, "safetensors-lies", SAFETENSORS, loader="safetensors", source="safetensors specification"),
    cases(Label.BROKEN, "gguf-lies", GGUF, loader="llama.cpp", source="GGUF specification", held_out=True),
    cases(Label.BROKEN, "array-lies", ARRAYS, loader="numpy", source="NEP 1"),
    cases(Label.BROKEN, "sets-and-configurations", SETS, loader="transformers", held_out=True),
)
