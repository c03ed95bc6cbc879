"""Files that are made to cost time or memory: small on disk, large for whoever believes them."""

# ruff: noqa: E501 - tables of cases read best with a case a line

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib

from tests.support.corpus.assembly import found, pickled, text
from tests.support.corpus.case import Case, Label, Make, cases
from tests.support.samples import gguf, gguf_pair, nested_zip, npy, safetensors, tarred, zipped

_MIB = 2**20


def _one(name: str, data: bytes) -> dict[str, bytes]:
    return {name: data}


def _laughs(levels: int, width: int) -> bytes:
    body = b"]q\x00" + b"".join(
        b"]q" + bytes([level]) + b"(" + (b"h" + bytes([level - 1])) * width + b"e" for level in range(1, levels)
    )
    return pickled(body)


def _doubling() -> bytes:
    """Tuples of the one before, twice: 2**60 leaves for whoever follows them."""
    return pickled(b")q\x00" + b"".join(b"h\x00h\x00\x86q\x00" for _ in range(60)))


PICKLES: dict[str, Make] = {
    "laughs": lambda: _one("m.pkl", _laughs(30, 10)),
    "doubling": lambda: _one("m.pkl", _doubling()),
    "marks": lambda: _one("m.pkl", pickled(b"(" * 1_000_000)),
    "deep-lists": lambda: _one("m.pkl", pickled(b"]" * 200_000 + b"a" * 199_999)),
    "deep-tuples": lambda: _one("m.pkl", pickled(b")" + b"\x85" * 300_000)),
    "memo-index": lambda: _one("m.pkl", pickled(b"Nr\xff\xff\xff\x7f")),
    "memo-index-text": lambda: _one("m.pkl", pickled(b"Np4294967290\n")),
    "memo-many": lambda: _one("m.pkl", pickled(b"N" + b"\x94" * 2_000_000, 4)),
    "dup-many": lambda: _one("m.pkl", pickled(b"N" + b"2" * 2_000_000)),
    "length-huge": lambda: _one("m.pkl", pickled(b"\x8e" + struct.pack("<Q", 2**62) + b"x", 4)),
    "frame-huge": lambda: _one("m.pkl", b"\x80\x04\x95" + struct.pack("<Q", 2**63 - 1) + b"N."),
    "number-long": lambda: _one("m.pkl", pickled(b"I" + b"9" * 1_000_000 + b"\n")),
    "long-huge": lambda: _one("m.pkl", pickled(b"\x8b" + struct.pack("<i", 2**31 - 1) + b"x")),
    "globals-many": lambda: _one("m.pkl", pickled(b"".join(found("torch", f"a{at}") + b"0" for at in range(60_000)) + b"N")),
    "streams-many": lambda: _one("m.pkl", b"\x80\x02N." * 400_000),
    "strings-in-memo": lambda: _one("m.pkl", pickled(text("a" * 1_000) + b"q\x00" + b"h\x00" * 1_000_000)),
}  # fmt: skip


def _flat(members: int, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(members):
            archive.writestr(f"{at}.txt", bytes(size))
    return out.getvalue()


def _shared() -> bytes:
    """Every directory entry leads to the one compressed stream: the flat bomb of 2019, in small."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("00000", bytes(8 * _MIB))
    data = out.getvalue()
    start, end = data.find(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry[:46] + f"{at:05d}".encode() + entry[51:] for at in range(2_000))
    count = struct.pack("<HHII", 2_000, 2_000, len(entries), start)
    return data[:start] + entries + data[end : end + 8] + count + data[-2:]


def _gzip_again(levels: int) -> bytes:
    data = bytes(64 * _MIB)
    for _ in range(levels):
        data = gzip.compress(data)
    return data


ARCHIVES: dict[str, Make] = {
    "zip-one-member": lambda: _one("m.zip", _flat(1, 200 * _MIB)),
    "zip-many-members": lambda: _one("m.zip", _flat(200, 2 * _MIB)),
    "zip-nested": lambda: _one("m.zip", nested_zip(8, _flat(1, 64 * _MIB))),
    "zip-sixty-levels": lambda: _one("m.zip", nested_zip(60, zipped({"a": b"x"}))),
    "zip-shared": lambda: _one("m.zip", _shared()),
    "zip-many-empty": lambda: _one("m.zip", zipped({str(at): b"" for at in range(120_000)})),
    "torch-pickle": lambda: _one("m.pt", zipped(
        {"archive/data.pkl": bytes(200 * _MIB), "archive/version": b"3\n"}, zipfile.ZIP_DEFLATED)),
    "npz": lambda: _one("a.npz", zipped({"a.npy": npy(bytes(100 * _MIB), "|O", "(1,)")}, zipfile.ZIP_DEFLATED)),
    "keras": lambda: _one("m.keras", zipped(
        {"config.json": b" " * (100 * _MIB), "metadata.json": b"{}"}, zipfile.ZIP_DEFLATED)),
    "gzip": lambda: _one("m.joblib", gzip.compress(bytes(300 * _MIB))),
    "gzip-again": lambda: _one("m.gz", _gzip_again(4)),
    "bzip2": lambda: _one("m.joblib", bz2.compress(bytes(300 * _MIB))),
    "xz": lambda: _one("m.pkl.xz", lzma.compress(bytes(300 * _MIB), preset=0)),
    "zlib": lambda: _one("m.joblib", zlib.compress(bytes(300 * _MIB))),
    "tar-gz": lambda: _one("m.tar.gz", gzip.compress(tarred({"a.bin": bytes(200 * _MIB)}))),
    "xz-dictionary": lambda: _one("m.pkl.xz", lzma.compress(bytes(2 * _MIB), filters=[
        {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}])),
}  # fmt: skip


def _wide() -> dict[str, object]:
    return {f"t{at}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for at in range(250_000)}


HEADERS: dict[str, Make] = {
    "safetensors-many": lambda: _one("m.safetensors", safetensors(_wide())),
    "safetensors-spaces": lambda: _one("m.safetensors", safetensors(b"{" + b" " * (60 * _MIB) + b"}")),
    "gguf-many": lambda: _one("m.gguf", gguf([gguf_pair(f"k{at}", 4, bytes(4)) for at in range(300_000)])),
    "gguf-array": lambda: _one("m.gguf", gguf([gguf_pair("k", 9, struct.pack("<IQ", 0, 40 * _MIB) + bytes(40 * _MIB))])),
    "json-large": lambda: _one("config.json", b'{"a": [' + b"0," * (20 * _MIB) + b"0]}"),
    "json-number": lambda: _one("config.json", b'{"a": ' + b"9" * 500_000 + b"}"),
    "yaml-laughs": lambda: _one("config.yaml", b"".join(
        [b"a0: &a0 [x,x]\n", *(f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 9)}]\n".encode() for at in range(1, 12))])),
    "template-loops": lambda: _one("chat_template.jinja", b"{% for i in range(999999999) %}" * 4 + b"x" + b"{% endfor %}" * 4),
    "template-deep": lambda: _one("chat_template.jinja", b"{% if a %}" * 20_000 + b"{% endif %}" * 20_000),
    "template-multiplies": lambda: _one("chat_template.jinja", b"{{ 'a' * 10**9 }}{{ 'x'|center(999999999) }}"),
    "xml-laughs": lambda: _one("model.pmml", b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">'.encode() for at in range(9)) + b"]><PMML>&j;</PMML>"),
}  # fmt: skip

CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.BROKEN, "greedy-pickles", PICKLES, loader="pickle.load", source="arXiv 2508.19774"),
    cases(Label.BROKEN, "greedy-archives", ARCHIVES, loader="whatever unpacks it", source="CWE-409"),
    cases(Label.BROKEN, "greedy-headers", HEADERS, loader="whichever library reads the format", source="CWE-400",
          held_out=True),
)  # fmt: skip
