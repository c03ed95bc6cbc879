"""Payloads inside archives and compressed streams, under names that say something else, and archives that lie."""

# ruff: noqa: E501 - tables of cases read best with a case a line

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable

from tests.support.corpus.assembly import PLAIN, SYSTEM, checkpoint, in_state, legacy, pickled
from tests.support.corpus.case import Case, Label, Make, cases
from tests.support.samples import seven_zipped, tarred, torch_zip, zipped

TORCH = checkpoint(SYSTEM)


def _one(name: str, data: Callable[[], bytes]) -> Make:
    return lambda: {name: data()}


def zstandard(data: bytes) -> bytes:
    """A zstd frame of raw blocks, as RFC 8878 has them: no library needed."""
    blocks = [data[at : at + 65_536] for at in range(0, len(data), 65_536)] or [b""]
    out = b"\x28\xb5\x2f\xfd" + bytes([0x80]) + bytes([0x58]) + struct.pack("<I", len(data))
    for number, block in enumerate(blocks):
        out += struct.pack("<I", len(block) << 3 | (number == len(blocks) - 1))[:3] + block
    return out


def lz4_frame(data: bytes) -> bytes:
    """An LZ4 frame with one uncompressed block; the header's check byte is xxHash32 of its two bytes."""
    header = bytes([0x60, 0x70])
    return b"\x04\x22\x4d\x18" + header + bytes([0x73]) + struct.pack("<I", len(data) | 0x80000000) + data + bytes(4)


def rar5(data: bytes) -> bytes:
    """The signature and main header of a RAR 5 archive, and bytes: enough to be recognised."""
    return b"Rar!\x1a\x07\x01\x00" + b"\x33\x92\xb5\xe5\x0a\x01\x05\x06\x00\x05\x01\x01\x80\x80\x00" + data


WRAPPED: dict[str, Make] = {
    "gzip": _one("model.pkl.gz", lambda: gzip.compress(PLAIN)),
    "bzip2": _one("model.pkl.bz2", lambda: bz2.compress(PLAIN)),
    "xz": _one("model.pkl.xz", lambda: lzma.compress(PLAIN)),
    "lzma-alone": _one("model.pkl.lzma", lambda: lzma.compress(PLAIN, format=lzma.FORMAT_ALONE)),
    "zlib": _one("model.joblib", lambda: zlib.compress(PLAIN)),
    "joblib-gzip": _one("model.joblib", lambda: gzip.compress(PLAIN)),
    "joblib-bz2": _one("model.joblib", lambda: bz2.compress(PLAIN)),
    "joblib-xz": _one("model.joblib", lambda: lzma.compress(PLAIN)),
    "zstd": _one("model.pkl.zst", lambda: zstandard(PLAIN)),
    "lz4": _one("model.joblib", lambda: lz4_frame(PLAIN)),
    "7z": _one("model.7z", lambda: seven_zipped({"model.pkl": PLAIN})),
    "7z-as-bin": _one("pytorch_model.bin", lambda: seven_zipped({"data.pkl": PLAIN})),
    "7z-as-pt": _one("best.pt", lambda: seven_zipped({"archive/data.pkl": pickled(SYSTEM, 2, b"\xff")})),
    "rar-as-bin": _one("pytorch_model.bin", lambda: rar5(PLAIN)),
    "tar": _one("model.tar", lambda: tarred({"model.pkl": PLAIN})),
    "tar-gz": _one("model.tar.gz", lambda: gzip.compress(tarred({"model/weights.pth": TORCH}))),
    "tar-xz": _one("model.tar.xz", lambda: lzma.compress(tarred({"model.bin": legacy(SYSTEM)}))),
    "tar-zst": _one("model.tar.zst", lambda: zstandard(tarred({"model.pkl": PLAIN}))),
    "nemo": _one("asr.nemo", lambda: tarred({"model_config.yaml": b"a: 1\n", "model_weights.ckpt": TORCH})),
    "mar": _one("model.mar", lambda: zipped({"MAR-INF/MANIFEST.json": b"{}", "model.pth": TORCH})),
    "zip": _one("model.zip", lambda: zipped({"model.pkl": PLAIN})),
    "zip-in-zip": _one("model.zip", lambda: zipped({"a.zip": zipped({"b.zip": zipped({"m.pt": TORCH})})})),
    "zip-in-tar-gz": _one("all.tar.gz", lambda: gzip.compress(tarred({"a.zip": zipped({"m.pkl": PLAIN})}))),
    "gzip-twice": _one("model.gz", lambda: gzip.compress(gzip.compress(PLAIN))),
    "gzip-in-zip": _one("model.zip", lambda: zipped({"m.joblib": gzip.compress(PLAIN)})),
    "7z-in-zip": _one("model.zip", lambda: zipped({"m.7z": seven_zipped({"m.pkl": PLAIN})})),
}


def _noted(data: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("not-a-model.txt", "wb", fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


_NAMES = ("model.safetensors", "logo.png", "model.onnx", "notes.txt", "weights", "model.gguf", "model.h5", "config.json",
          "vocab.txt", "README.md", "model.tflite", "data.parquet", "audio.wav", "spiece.model")  # fmt: skip

DISGUISED: dict[str, Make] = {
    **{f"pickle-as-{name}": _one(name, lambda: PLAIN) for name in _NAMES},
    "text-pickle-as-txt": _one("notes.txt", lambda: b"cposix\nsystem\n(S'true'\ntR."),
    "torch-as-safetensors": _one("adapter_model.safetensors", lambda: TORCH),
    "torch-as-png": _one("sample.png", lambda: TORCH),
    "zip-as-json": _one("tokenizer.json", lambda: zipped({"m.pkl": PLAIN})),
    "gzip-as-text": _one("merges.txt", lambda: _noted(PLAIN)),
    "upper-case": _one("MODEL.PKL", lambda: PLAIN),
    "two-endings": _one("model.pkl.txt", lambda: PLAIN),
    "odd-ending": _one("model.ckpt-0007", lambda: TORCH),
}


def _entries(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


_HONEST = in_state(b"N")
_SIDE = (("archive/version", b"3\n"), ("archive/byteorder", b"little"), ("archive/data/0", bytes(16)))


def _central(data: bytes, member: bytes) -> int:
    return data.rfind(b"PK\x01\x02", 0, data.rfind(member))


def _patched(offset: int, value: bytes, *, local: bool = False) -> bytes:
    """A torch archive with some bytes of the directory entry (or the local header) of `data.pkl` changed."""
    data = bytearray(TORCH)
    at = data.find(b"PK\x03\x04") if local else _central(TORCH, b"archive/data.pkl")
    data[at + offset : at + offset + len(value)] = value
    return bytes(data)


def _dropped() -> bytes:
    """A local entry with a payload that the directory does not list."""
    hidden, listed = _entries(("archive/data.pkl", PLAIN)), _entries(("archive/data.pkl", _HONEST), *_SIDE)
    body = hidden[: hidden.find(b"PK\x01\x02")]
    return _moved(listed, body)


def _moved(data: bytes, front: bytes) -> bytes:
    """An archive behind other bytes, with its offsets put right."""
    out = bytearray(data)
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        offset = struct.unpack_from("<I", out, at + 42)[0]
        struct.pack_into("<I", out, at + 42, offset + len(front))
        at = data.find(b"PK\x01\x02", at + 4)
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<I", out, end + 16, struct.unpack_from("<I", out, end + 16)[0] + len(front))
    return front + bytes(out)


def _commented() -> bytes:
    """An archive with a payload within the comment of an honest one."""
    honest = bytearray(_entries(("archive/data.pkl", _HONEST), *_SIDE))
    honest[-2:] = struct.pack("<H", len(TORCH))
    return bytes(honest) + _moved(TORCH, bytes(honest))[len(honest) :]


_PKL = "archive/data.pkl"

ZIP_TRICKS: dict[str, Make] = {
    "local-name-differs": _one("m.pt", lambda: TORCH.replace(b"archive/data.pkl", b"archive/read.txt", 1)),
    "central-name-differs": _one(
        "m.pt", lambda: TORCH[: TORCH.find(b"PK\x01\x02")]
        + TORCH[TORCH.find(b"PK\x01\x02") :].replace(b"archive/data.pkl", b"archive/data.txt")),
    "claims-encryption": _one("m.pt", lambda: _patched(8, b"\x01")),
    "claims-masked-header": _one("m.pt", lambda: _patched(9, b"\x20")),
    "wrong-crc": _one("m.pt", lambda: _patched(16, b"\xde\xad\xbe\xef")),
    "wrong-version": _one("m.pt", lambda: _patched(6, b"\xff")),
    "wrong-method": _one("m.pt", lambda: _patched(10, b"\x63")),
    "local-method-differs": _one("m.pt", lambda: _patched(8, b"\x08", local=True)),
    "size-too-small": _one("m.pt", lambda: _patched(20, struct.pack("<II", 8, 8))),
    "size-zero-locally": _one("m.pt", lambda: _patched(18, bytes(8), local=True)),
    "twice-first": _one("m.pt", lambda: _entries((_PKL, PLAIN), *_SIDE, (_PKL, _HONEST))),
    "twice-last": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, (_PKL, PLAIN))),
    "unlisted-member": _one("m.pt", _dropped),
    "bytes-before": _one("m.pt", lambda: b"GIF89a" + TORCH),
    "archive-in-comment": _one("m.pt", _commented),
    "second-pickle": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, ("archive/extra/data.pkl", PLAIN))),
    "two-roots": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, ("other/data.pkl", PLAIN))),
    "case-of-name": _one("m.pt", lambda: _entries(("archive/DATA.PKL", PLAIN), *_SIDE)),
    "backslash-name": _one("m.pt", lambda: _entries(("archive\\data.pkl", PLAIN), *_SIDE)),
    "pickle-as-storage": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, ("archive/data/1.pkl", PLAIN))),
    "pickle-as-version": _one("m.pt", lambda: _entries((_PKL, _HONEST), ("archive/version", PLAIN))),
    "constants": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, ("archive/constants.pkl", PLAIN))),
    "deflated": _one("m.pt", lambda: zipped({_PKL: in_state(SYSTEM), "archive/version": b"3\n"}, zipfile.ZIP_DEFLATED)),
    "end-record-later": _one("m.pt", lambda: torch_zip(in_state(SYSTEM)) + b"\0" * 30),
}  # fmt: skip


def _tar_with(*infos: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in infos:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _tar_link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def _zip_link(name: str, target: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, target)
        archive.writestr(f"{name}/config.json", b"{}")
    return out.getvalue()


TRAVERSAL: dict[str, Make] = {
    "zip-dots": _one("m.zip", lambda: zipped({"../../x.txt": b"x"})),
    "zip-absolute": _one("m.zip", lambda: zipped({"/tmp/x.txt": b"x"})),
    "zip-backslash": _one("m.zip", lambda: _entries(("..\\..\\x.txt", b"x"))),
    "zip-drive": _one("m.zip", lambda: _entries(("C:/x.txt", b"x"))),
    "zip-link": _one("m.zip", lambda: _zip_link("a", "../../..")),
    "zip-middle-dots": _one("m.mar", lambda: zipped({"a/b/../../../x.py": b"x"})),
    "keras-dots": _one("m.keras", lambda: zipped({"config.json": b"{}", "metadata.json": b"{}", "../x": b"x"})),
    "torch-dots": _one("m.pt", lambda: _entries((_PKL, _HONEST), *_SIDE, ("archive/../../x", b"x"))),
    "npz-dots": _one("m.npz", lambda: zipped({"../x.npy": b"\x93NUMPY"})),
    "tar-dots": _one("m.tar", lambda: tarred({"../x.txt": b"x"})),
    "tar-absolute": _one("m.tar", lambda: tarred({"/tmp/x.txt": b"x"})),
    "tar-link": _one("m.tar", lambda: _tar_with(_tar_link("a", "/etc"), (tarfile.TarInfo("a/x"), b"x"))),
    "tar-hard-link": _one("m.tar", lambda: _tar_with(_tar_link("a", "../../etc/hostname", tarfile.LNKTYPE))),
    "tar-device": _one("m.tar", lambda: _tar_with(_tar_link("null", "", tarfile.CHRTYPE))),
    "tar-link-chain": _one(
        "m.tar.gz", lambda: gzip.compress(_tar_with(_tar_link("a", "b"), _tar_link("b", "../.."),
                                                    (tarfile.TarInfo("a/x"), b"x")))),
    "nemo-dots": _one("m.nemo", lambda: tarred({"model_config.yaml": b"a: 1\n", "../x.py": b"x"})),
    "7z-dots": _one("m.7z", lambda: _seven_dots()),
    "inner-dots": _one("m.zip", lambda: zipped({"a.tar": tarred({"../../x": b"x"})})),
}  # fmt: skip


def _seven_dots() -> bytes:
    """py7zr refuses to write such names: a name of the same length is replaced, and the header's checksums put right."""
    data = bytearray(seven_zipped({"ab/cdefgh": b"x"}))
    start = 32 + struct.unpack_from("<Q", data, 12)[0]
    size = struct.unpack_from("<Q", data, 20)[0]
    header = bytes(data[start : start + size]).replace("ab/cdefgh".encode("utf-16-le"), "../../xyz".encode("utf-16-le"))
    data[start : start + size] = header
    struct.pack_into("<I", data, 28, zlib.crc32(header))
    struct.pack_into("<I", data, 8, zlib.crc32(bytes(data[12:32])))
    return bytes(data)


CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.MALICIOUS, "wrapped", WRAPPED, loader="joblib.load, NeMo, TorchServe, by hand", source="nullifAI"),
    cases(Label.MALICIOUS, "disguised", DISGUISED, loader="pickle.load, torch.load", source="CVE-2025-10155"),
    cases(Label.MALICIOUS, "zip-tricks", ZIP_TRICKS, loader="torch.load", source="CVE-2025-1944, -1945, -10156"),
    cases(Label.MALICIOUS, "traversal", TRAVERSAL, loader="whatever unpacks it", source="zip slip; CVE-2007-4559",
          held_out=True),
)  # fmt: skip
