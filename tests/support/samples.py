"""Inert files for tests: malicious, honest and broken. Payloads would run `true`, or evaluate `1+1`; none is ever run.

Everything is plain functions that give bytes; `MALICIOUS`, `HONEST` and `BROKEN` map a class to a name and bytes.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from tests.support.hdf5_samples import unpacked

TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def call(module: str, name: str, *arguments: Any, protocol: int = 2, end: bytes = b".") -> bytes:
    """A pickle that calls `module.name(*arguments)` when loaded."""
    head = bytes([0x80, protocol]) if protocol >= 2 else b""
    return head + f"c{module}\n{name}\n".encode() + _arguments(arguments) + b"R" + end


def stack_call(module: str, name: str, *arguments: Any) -> bytes:
    """The same in protocol 4, with the names as strings on the stack."""
    return b"\x80\x04" + _text(module) + _text(name) + b"\x93" + _arguments(arguments) + b"R."


def _text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _arguments(arguments: Iterable[Any]) -> bytes:
    parts = [_text(item) if isinstance(item, str) else item for item in arguments]
    return b"(" + b"".join(parts) + b"t"


SYSTEM = call("posix", "system", "true")
EVAL = call("builtins", "eval", "1+1")
GETATTR_CHAIN = (
    b"\x80\x02cbuiltins\ngetattr\n(cbuiltins\n__import__\n("
    + _text("os")
    + b"tR"
    + _text("system")
    + b"tR("
    + _text("true")
    + b"tR."
)


def tensor_state(*names: str, storage: str = "FloatStorage", elements: int = 4) -> bytes:
    """The pickle of an honest state dict, as `torch.save` writes it."""
    out = b"\x80\x02ccollections\nOrderedDict\n)R("
    for number, name in enumerate(names):
        pid = b"(" + _text("storage") + f"ctorch\n{storage}\n".encode() + _text(str(number)) + _text("cpu")
        pid += b"K" + bytes([elements]) + b"tQ"
        out += _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid
        out += b"K\x00K" + bytes([elements]) + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    return out + b"u."


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def torch_zip(data: bytes, storages: Mapping[str, bytes] | None = None, root: str = "archive") -> bytes:
    """A file as `torch.save` writes it since 1.6."""
    members = {f"{root}/data.pkl": data, f"{root}/byteorder": b"little", f"{root}/version": b"3\n"}
    members.update({f"{root}/data/{key}": value for key, value in (storages or {}).items()})
    return zipped(members)


def torch_legacy(streams: Iterable[bytes], tail: bytes = b"") -> bytes:
    """A file as `torch.save` wrote it before 1.6: five pickles, then bytes of storages."""
    return b"".join(streams) + tail


def legacy_streams(state: bytes) -> list[bytes]:
    """The five streams around a state dict."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return [
        pickle.dumps(TORCH_MAGIC, 2),
        pickle.dumps(1001, 2),
        pickle.dumps(system, 2),
        state,
        pickle.dumps(["0"], 2),
    ]


def legacy_storage(data: bytes, item: int = 4) -> bytes:
    """A storage as it stands in the old format: its number of elements, and their bytes."""
    return struct.pack("<q", len(data) // item) + data


def npy(data: bytes, descr: str = "|O", shape: str = "(1,)") -> bytes:
    """An `.npy` file of version 1."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def safetensors(header: Mapping[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with whatever header is given."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def honest_safetensors(**tensors: int) -> bytes:
    """A sound safetensors file with one-dimensional float tensors of the lengths given."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, length in (tensors or {"weight": 4}).items():
        header[name] = {"dtype": "F32", "shape": [length], "data_offsets": [at, at + 4 * length]}
        at += 4 * length
    return safetensors(header, bytes(at))


def gguf_text(value: str | bytes, order: str = "<") -> bytes:
    """A GGUF string."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(order + "Q", len(data)) + data


def gguf_pair(key: str, kind: int, value: bytes, order: str = "<") -> bytes:
    """A GGUF key-value."""
    return gguf_text(key, order) + struct.pack(order + "I", kind) + value


def gguf_tensor(name: str, shape: Iterable[int], kind: int, offset: int, order: str = "<") -> bytes:
    """A GGUF tensor entry."""
    extents = list(shape)
    dims = struct.pack(order + "I", len(extents)) + b"".join(struct.pack(order + "Q", extent) for extent in extents)
    return gguf_text(name, order) + dims + struct.pack(order + "IQ", kind, offset)


def gguf(
    pairs: Iterable[bytes] = (), tensors: Iterable[bytes] = (), data: bytes = b"", *, version: int = 3,
    alignment: int = 32, counts: tuple[int, int] | None = None, order: str = "<",
) -> bytes:  # fmt: skip
    """A GGUF file; the data section begins at the next multiple of `alignment`."""
    pairs, tensors = list(pairs), list(tensors)
    counted = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack(order + "IQQ", version, *counted) + b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + data


def honest_gguf(*pairs: bytes) -> bytes:
    """A sound GGUF file with two tensors."""
    name = gguf_pair("general.architecture", 8, gguf_text("llama"))
    entries = [gguf_tensor("a", [4], 0, 0), gguf_tensor("b", [32], 2, 32)]
    return gguf([name, *pairs], entries, bytes(32 + 32))


def tarred(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """An uncompressed tar archive, with symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def seven_zipped(members: Mapping[str, bytes]) -> bytes:
    """A 7z archive."""
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return out.getvalue()


def keras(layers: Iterable[Mapping[str, Any]]) -> bytes:
    """A `.keras` archive."""
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}}
    return zipped(
        {"metadata.json": b"{}", "config.json": json.dumps(config).encode(), "model.weights.h5": unpacked("soft-link")}
    )


LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}},
}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 3}}


def hdf5(content: bytes, claimed: int | None = None) -> bytes:
    """An HDF5 superblock of version 0 and bytes; `claimed` is the length that the superblock tells."""
    total = 96 + len(content)
    block = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
    block += struct.pack("<QQQQ", 0, 2**64 - 1, total if claimed is None else claimed, 2**64 - 1)
    return block.ljust(96, b"\0") + content


def onnx_model(location: str = "") -> bytes:
    """A small model, made by the onnx library; its weight lies at `location` when one is given."""
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if location:
        del weight.float_data[:]
        weight.data_location = TensorProto.EXTERNAL
        for key, text in (("location", location), ("length", "8")):
            weight.external_data.add(key=key, value=text)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "g", [value("x", TensorProto.FLOAT, [2])], [value("y", TensorProto.FLOAT, [2])], [weight]
    )
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


SSTI = "{% for m in messages %}{{ m.__class__.__mro__[1].__subclasses__() }}{% endfor %}"
HONEST_TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"


TRAINING_ARGUMENTS = (
    b"\x80\x02ctransformers.training_args\nTrainingArguments\n)\x81}("
    + _text("output_dir") + _text("./out; rm | x")
    + _text("optim") + b"ctransformers.training_args\nOptimizerNames\n" + _text("adamw_torch") + b"\x85R"
    + _text("save_strategy") + b"ctransformers.trainer_utils\nSaveStrategy\n" + _text("steps") + b"\x85R"
    + _text("device") + b"ctorch\ndevice\n" + _text("cuda") + b"\x85R"
    + _text("state") + b"caccelerate.state\nPartialState\n)\x81}b" + b"ub."
)  # fmt: skip
"""What transformers' trainer leaves beside the weights."""


def renamed_member() -> bytes:
    """A torch zip whose `data.pkl` has another name in its local header, of the same length."""
    data = torch_zip(SYSTEM)
    return data.replace(b"archive/data.pkl", b"archive/read.txt", 1)


def flagged_member() -> bytes:
    """A torch zip whose directory claims encryption, which torch does not look at."""
    data = bytearray(torch_zip(SYSTEM))
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"archive/data.pkl"))
    data[at + 8] |= 1
    return bytes(data)


def nested_zip(levels: int, core: bytes) -> bytes:
    """Zip archives within each other."""
    for _ in range(levels):
        core = zipped({"inner.zip": core}, zipfile.ZIP_DEFLATED)
    return core


MALICIOUS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "system": lambda: ("model.pkl", SYSTEM),
    "os-system": lambda: ("model.pkl", call("os", "system", "true")),
    "eval": lambda: ("model.pkl", EVAL),
    "protocol-0": lambda: ("model.pkl", b"cos\nsystem\n(S'true'\ntR."),
    "protocol-4": lambda: ("model.pkl", stack_call("os", "system", "true")),
    "runpy": lambda: ("model.pkl", call("runpy", "_run_code", "1+1")),
    "subprocess": lambda: ("model.pkl", call("subprocess", "check_output", "true")),
    "getattr-chain": lambda: ("model.pkl", GETATTR_CHAIN),
    "dotted-name": lambda: ("model.pkl", stack_call("torch.serialization", "os.system", "true")),
    "unlisted-gadget": lambda: ("model.pkl", call("logging.config", "_resolve", "os.system")),
    "unlisted-callable": lambda: ("model.pkl", call("somelibrary.tools", "start", "x")),
    "broken-after-payload": lambda: ("model.pkl", call("os", "system", "true", end=b"\xff\xff")),
    "torch-zip": lambda: ("pytorch_model.bin", torch_zip(SYSTEM)),
    "torch-zip-side-member": lambda: ("m.pt", zipped(
        {"a/data.pkl": tensor_state("w"), "a/extra/x": EVAL, "a/data/0": bytes(16)})),
    "torch-zip-odd-storage": lambda: ("m.pt", zipped({"a/data.pkl": tensor_state("w"), "a/data/x": EVAL})),
    "torch-zip-renamed": lambda: ("m.pt", renamed_member()),
    "torch-zip-flagged": lambda: ("m.pt", flagged_member()),
    "legacy-first": lambda: ("m.pth", torch_legacy([SYSTEM, *legacy_streams(tensor_state("w"))[1:]])),
    "legacy-state": lambda: ("m.pth", torch_legacy(legacy_streams(SYSTEM), bytes(16))),
    "legacy-last": lambda: ("m.pth", torch_legacy([*legacy_streams(tensor_state("w"))[:4], SYSTEM], bytes(16))),
    "npy-objects": lambda: ("a.npy", npy(SYSTEM)),
    "npz-objects": lambda: ("a.npz", zipped({"a.npy": npy(EVAL)}, zipfile.ZIP_DEFLATED)),
    "joblib-zlib": lambda: ("m.joblib", zlib.compress(SYSTEM)),
    "joblib-gzip": lambda: ("m.joblib", gzip.compress(SYSTEM)),
    "joblib-bz2": lambda: ("m.joblib", bz2.compress(SYSTEM)),
    "as-safetensors": lambda: ("model.safetensors", SYSTEM),
    "as-image": lambda: ("logo.png", SYSTEM),
    "as-onnx": lambda: ("model.onnx", SYSTEM),
    "as-text": lambda: ("notes.txt", b"cos\nsystem\n(S'true'\ntR."),
    "no-extension": lambda: ("weights", SYSTEM),
    "7z": lambda: ("m.7z", seven_zipped({"m.pkl": SYSTEM})),
    "7z-as-bin": lambda: ("pytorch_model.bin", seven_zipped({"m.pkl": SYSTEM})),
    "zip-in-zip": lambda: ("m.zip", zipped({"inner.zip": torch_zip(SYSTEM)})),
    "tar": lambda: ("m.nemo", tarred({"model_weights.ckpt": torch_zip(SYSTEM)})),
    "tar-gz": lambda: ("m.tar.gz", gzip.compress(tarred({"m.pkl": SYSTEM}))),
    "zip-escape": lambda: ("m.zip", zipped({"../../evil.txt": b"x"})),
    "tar-escape": lambda: ("m.tar", tarred({"../evil.txt": b"x"})),
    "tar-link": lambda: ("m.tar", tarred({"a.txt": b"x"}, {"up": "/etc"})),
    "pickle-before-zip": lambda: ("m.bin", SYSTEM + torch_zip(tensor_state("w"))),
    "keras-lambda": lambda: ("m.keras", keras([LAMBDA])),
    "h5-lambda": lambda: (
        "m.h5",
        hdf5(b"model_config\0" + json.dumps({"class_name": "Model", "config": {"layers": [LAMBDA]}}).encode() + b"\0"),
    ),
    "gguf-template": lambda: ("m.gguf", honest_gguf(gguf_pair("tokenizer.chat_template", 8, gguf_text(SSTI)))),
    "gguf-named-template": lambda: (
        "m.gguf", honest_gguf(gguf_pair("tokenizer.chat_template.tool_use", 8, gguf_text(SSTI)))),
    "json-template": lambda: ("tokenizer_config.json", json.dumps({"chat_template": SSTI}).encode()),
    "json-template-escaped": lambda: (
        "tokenizer_config.json", b'{"chat\\u005ftemplate": ' + json.dumps(SSTI).encode() + b"}"),
    "json-template-list": lambda: (
        "tokenizer_config.json", json.dumps({"chat_template": [{"name": "default", "template": SSTI}]}).encode()),
    "jinja": lambda: ("chat_template.jinja", SSTI.encode()),
    "onnx-external": lambda: ("m.onnx", onnx_model("../../../etc/passwd")),
    "auto-map-foreign": lambda: ("config.json", b'{"auto_map": {"AutoModel": "other/repo--modeling.Model"}}'),
    "peft-library": lambda: ("adapter_config.json", b'{"auto_mapping": {"parent_library": "antigravity"}}'),
    "program": lambda: ("weights.bin", b"\x7fELF\x02\x01\x01" + bytes(57)),
}  # fmt: skip
"""Class of attack → file name and bytes. None may pass without a finding of at least medium, or a gap."""

HONEST: dict[str, Callable[[], tuple[str, bytes]]] = {
    "torch-zip": lambda: ("pytorch_model.bin", torch_zip(tensor_state("a", "b"), {"0": bytes(16), "1": bytes(16)})),
    "torch-zip-pickle-like-tensor": lambda: (
        "m.pt", torch_zip(tensor_state("a", elements=16), {"0": SYSTEM.ljust(64, b"\0")})),
    "torch-zip-half": lambda: ("m.pt", torch_zip(tensor_state("a", storage="HalfStorage"), {"0": bytes(8)})),
    "torch-legacy": lambda: ("m.pth", torch_legacy(legacy_streams(tensor_state("a")), legacy_storage(bytes(16)))),
    "torch-legacy-pickle-like-tensor": lambda: (
        "m.pth", torch_legacy(
            legacy_streams(tensor_state("a", elements=16)), legacy_storage(SYSTEM.ljust(64, b"\0")))),
    "safetensors": lambda: ("model.safetensors", honest_safetensors(a=3, b=5)),
    "gguf": lambda: ("m.gguf", honest_gguf()),
    "gguf-template": lambda: (
        "m.gguf", honest_gguf(gguf_pair("tokenizer.chat_template", 8, gguf_text(HONEST_TEMPLATE)))),
    "npy": lambda: ("a.npy", npy(bytes(8), "<f4", "(2,)")),
    "npy-pickle-like": lambda: ("a.npy", npy(SYSTEM, "|u1", f"({len(SYSTEM)},)")),
    "npz": lambda: ("a.npz", zipped({"a.npy": npy(bytes(8), "<f4", "(2,)")}, zipfile.ZIP_DEFLATED)),
    "keras": lambda: ("m.keras", keras([DENSE])),
    "training-args": lambda: ("training_args.bin", TRAINING_ARGUMENTS),
    "plain-pickle": lambda: ("m.pkl", pickle.dumps({"a": [1, 2.5, "x"], "b": (None, True, b"y")})),
    "config": lambda: ("config.json", b'{"model_type": "bert", "auto_class": null}'),
    "template": lambda: ("tokenizer_config.json", json.dumps({"chat_template": HONEST_TEMPLATE}).encode()),
    "readme": lambda: ("README.md", "---\nlicense: mit\n---\n# Mod\u00e8le\nIt runs `os.system`? No.\n".encode()),
    "vocabulary": lambda: ("vocab.txt", b"in\nthe\ncat\ndog\n.\nR\n(\n"),
    "text-lz4": lambda: ("notes.txt.lz4", lz4.frame.compress(b"Honest text.\n")),
    "text-zstd": lambda: ("notes.txt.zst", zstd.compress(b"Honest text.\n")),
    "licence": lambda: ("LICENSE", b"Permission is hereby granted.\n"),
}  # fmt: skip
"""Class of honest file → file name and bytes. None may give a finding above information, nor a gap."""

BROKEN: dict[str, Callable[[], tuple[str, bytes]]] = {
    "empty-bin": lambda: ("pytorch_model.bin", b""),
    "empty-safetensors": lambda: ("model.safetensors", b""),
    "empty-gguf": lambda: ("m.gguf", b""),
    "random-bin": lambda: ("pytorch_model.bin", _noise(4096)),
    "random-pt": lambda: ("m.pt", _noise(4096)),
    "random-safetensors": lambda: ("model.safetensors", _noise(4096)),
    "random-gguf": lambda: ("m.gguf", b"GGUF" + _noise(4096)),
    "random-json": lambda: ("config.json", _noise(512)),
    "random-onnx": lambda: ("m.onnx", _noise(4096)),
    "half-safetensors": lambda: ("model.safetensors", honest_safetensors(a=64)[:-100]),
    "half-gguf": lambda: ("m.gguf", honest_gguf()[:100]),
    "half-torch-zip": lambda: ("pytorch_model.bin", torch_zip(tensor_state("a"), {"0": bytes(4096)})[:2048]),
    "half-torch-legacy": lambda: ("m.pth", torch_legacy(legacy_streams(tensor_state("a")))[:200]),
    "half-pickle": lambda: ("m.pkl", pickle.dumps(list(range(500)))[:300]),
    "half-npy": lambda: ("a.npy", npy(bytes(64), "<f4", "(16,)")[:-20]),
    "half-npz": lambda: ("a.npz", zipped({"a.npy": npy(bytes(4096), "<f4", "(1024,)")})[:2000]),
    "half-joblib": lambda: ("m.joblib", zlib.compress(pickle.dumps(list(range(5000))))[:-50]),
    "half-h5": lambda: ("m.h5", hdf5(bytes(64), claimed=10_000)),
    "half-onnx": lambda: ("m.onnx", onnx_model()[:-20]),
    "half-tar": lambda: ("m.nemo", tarred({"a.ckpt": bytes(4096)})[:2048]),
    "lfs-pointer": lambda: (
        "model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"),
    "zip-bomb": lambda: ("m.zip", zipped({"a.txt": bytes(64 * 2**20)}, zipfile.ZIP_DEFLATED)),
    "nested-zip-bomb": lambda: ("m.zip", nested_zip(6, zipped({"a": bytes(32 * 2**20)}, zipfile.ZIP_DEFLATED))),
    "gzip-bomb": lambda: ("m.joblib", gzip.compress(bytes(64 * 2**20))),
    "npz-bomb": lambda: ("a.npz", zipped({"a.npy": npy(bytes(64 * 2**20), "|O", "(1,)")}, zipfile.ZIP_DEFLATED)),
}  # fmt: skip
"""Class of breakage → file name and bytes. Each gives a finding of at least medium."""


def marks(count: int = 1_000_000) -> bytes:
    """A pickle that opens a million marks."""
    return b"\x80\x02" + b"(" * count + b"."


def laughs(levels: int = 20) -> bytes:
    """A pickle whose lists double at every level through the memo."""
    body = b"".join(
        b"]q" + bytes([level]) + b"(" + (b"h" + bytes([level - 1])) * 10 + b"e" for level in range(1, levels)
    )
    return b"\x80\x02]q\x00" + body + b"."


def deep(levels: int = 200_000) -> bytes:
    """A pickle of lists in lists."""
    return b"\x80\x02" + b"]" * levels + b"a" * (levels - 1) + b"."


def memo_bomb() -> bytes:
    """A pickle that writes the memo at an absurd index."""
    return b"\x80\x02Nr\xff\xff\xff\x7f."


GREEDY: dict[str, Callable[[], bytes]] = {"marks": marks, "laughs": laughs, "deep": deep, "memo": memo_bomb}
"""Pickles that are made to cost time or memory."""


def _noise(length: int) -> bytes:
    import hashlib

    blocks = (hashlib.sha256(f"noise {number}".encode()).digest() for number in range(length // 32 + 1))
    return b"\xf7" + b"".join(blocks)[: length - 1]
