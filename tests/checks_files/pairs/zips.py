"""Pairs of the zip rules."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile

from tests.checks_files.pairs.pair import one
from tests.support import samples
from tests.support.samples import zipped


def _twins() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        archive.writestr("a", b"x")
        archive.writestr("a", b"y")
    return out.getvalue()


def _overlapping() -> bytes:
    """Two directory entries that lead to the same bytes, as flat zip bombs have them."""
    data = bytearray(zipped({"a": b"x" * 40, "b": b"y" * 40}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 42 : at + 46] = struct.pack("<I", 0)
    return bytes(data)


def _two_ends() -> bytes:
    """An archive within the comment of another's end record."""
    inner = zipped({"b": b"y"})
    data = bytearray(zipped({"a": b"x"}))
    data[-2:] = struct.pack("<H", len(inner))
    return bytes(data) + inner


def _noted(comment: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = comment
    return out.getvalue()


def _honest_torch() -> bytes:
    """Its tensor is the bytes of a pickle and of a zip archive."""
    storage = (samples.SYSTEM + zipped({"a": b"x"})).ljust(256, b"\0")
    return samples.torch_zip(samples.tensor_state("w", elements=64), {"0": storage})


def _safetensors_over(data: bytes, opcode: str) -> bytes:
    """A sound safetensors file with one tensor of bytes, and a header of a length that begins with an opcode."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}})[:-1]
    header += " " * (-(len(header) + 2 - ord(opcode)) % 256) + "\n}"
    return samples.safetensors(header.encode(), data)


PAIRS = {
    f"files/structure/{slug}": pair
    for slug, pair in {
        "zip-truncated": one("m.zip", lambda: zipped({"a": b"x" * 100})[:60], lambda: zipped({"a": b"x" * 100})),
        "zip-header": one("m.pt", samples.renamed_member, _honest_torch),
        "zip-duplicate": one("m.zip", _twins, lambda: zipped({"a": b"x", "b/a": b"y"})),
        "zip-overlap": one("m.zip", _overlapping, lambda: zipped({"a": b"x" * 40, "b": b"x" * 40})),
        "zip-prefix": one("m.zip", lambda: b"PK\x03\x04 no header" + zipped({"a": b"x"}), lambda: zipped({"a": b"x"})),
        "zip-trailing": one("m.zip", lambda: zipped({"a": b"x"}) + b"trailing", lambda: _noted(b"a comment")),
        "zip-ambiguous": one("m.zip", _two_ends, lambda: _noted(b"PK stands for Phil Katz")),
        "zip-appended": one("m.bin", lambda: samples.SYSTEM + zipped({"a": b"x"}), _honest_torch),
        # The low byte of the header's length is an opcode; an unpickler skips the header as one line of text.
        "pickle-hidden": one(
            "model.bin", lambda: _safetensors_over(samples.SYSTEM[2:], "V"), lambda: _safetensors_over(bytes(99), "V")
        ),
        "zip-encrypted": one("m.pt", samples.flagged_member, _honest_torch),
        "zip-bomb": one(
            "m.zip",
            lambda: zipped({"a": bytes(32 * 2**20)}, zipfile.ZIP_DEFLATED),
            lambda: zipped({"a": bytes(2**20)}, zipfile.ZIP_DEFLATED),
        ),
    }.items()
}
