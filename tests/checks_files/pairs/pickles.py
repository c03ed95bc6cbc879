"""Pairs of the rules about pickles and torch's containers."""

from __future__ import annotations

import pickle
import struct

import numpy as np

from tests.checks_files.pairs.pair import one
from tests.support import samples
from tests.support.samples import legacy_storage, legacy_streams, tensor_state, torch_legacy, torch_zip, zipped

STATE = tensor_state("w")
SHARED = [[1, 2]] * 40


def _legacy(tail: bytes) -> bytes:
    return torch_legacy(legacy_streams(STATE), tail)


def _members(**more: bytes) -> dict[str, bytes]:
    return {"a/data.pkl": STATE, "a/version": b"3\n", "a/data/0": bytes(16), **more}


def _memo_call() -> bytes:
    """A name whose module is the result of a call."""
    name = samples._text("collections") + samples._text("OrderedDict")
    return b"\x80\x04c__builtin__\nstr\n" + name[:16] + b"\x85R" + name[16:] + b"\x93."


PAIRS = {
    **{
        f"files/scanners/{slug}": pair
        for slug, pair in {
            "pickle-patch": one(
                "m.pkl",
                lambda: b"\x80\x02ccollections\nOrderedDict\nN}X\x03\x00\x00\x00popK\x01s\x86b.",
                lambda: b"\x80\x02ccollections\nOrderedDict\n)R}X\x03\x00\x00\x00popK\x01sb.",
            ),
            "pickle-computed": one(
                "m.pkl", _memo_call, lambda: samples.stack_call("collections", "OrderedDict")
            ),
            "pickle-greedy": one("m.pkl", samples.laughs, lambda: pickle.dumps([SHARED] * 40)),
            "pickle-broken": one("m.pkl", lambda: b"\x80\x04N\x94h\x07.", lambda: b"\x80\x04N\x940h\x00."),
            "pickle-odd": one(
                "m.pkl",
                lambda: b"\x80\x04\x95" + struct.pack("<Q", 5) + b"N\x95" + struct.pack("<Q", 2) + b"N.",
                lambda: b"\x80\x04\x95" + struct.pack("<Q", 1) + b"N\x95" + struct.pack("<Q", 2) + b"0" + b"N.",
            ),
            "pickle-outside": one("m.pkl", lambda: b"\x80\x02(X\x05\x00\x00\x00/etc/tQ.", lambda: STATE),
            "pickle-trailing": one(
                "m.pkl", lambda: pickle.dumps(1) + b"\xffmore", lambda: pickle.dumps(1) + pickle.dumps(2)
            ),
        }.items()
    },
    **{
        f"files/structure/{slug}": pair
        for slug, pair in {
            "torch-version": one(
                "m.pt", lambda: zipped({"a/data.pkl": STATE, "a/data/0": bytes(16)}), lambda: zipped(_members())
            ),
            "torch-pickle": one("m.pt", lambda: _other_method(), lambda: zipped(_members(), 8)),
            "torch-storage-missing": one(
                "m.pt",
                lambda: torch_zip(tensor_state("a", "b"), {"0": bytes(16)}),
                lambda: torch_zip(STATE, {"0": bytes(16)}),
            ),
            "torch-storage-size": one(
                "m.pt",
                lambda: torch_zip(STATE, {"0": bytes(15)}),
                lambda: torch_zip(tensor_state("w", storage="HalfStorage"), {"0": np.ones(4, "f2").tobytes()}),
            ),
            "torch-storage-extra": one(
                "m.pt",
                lambda: torch_zip(STATE, {"0": bytes(16), "1": bytes(4)}),
                lambda: torch_zip(STATE, {"0": bytes(16)}),
            ),
            "torch-member": one(
                "m.pt",
                lambda: zipped(_members(**{"a/notes.txt": b"x"})),
                lambda: zipped(_members(**{"a/byteorder": b"little", "a/.data/serialization_id": b"1"})),
            ),
            "torch-legacy-streams": one(
                "m.pth",
                lambda: torch_legacy(legacy_streams(b"\x80\x02h\x09.")),
                lambda: _legacy(legacy_storage(bytes(16))),
            ),
            "torch-legacy-truncated": one(
                "m.pth", lambda: _legacy(legacy_storage(bytes(16))[:-3]), lambda: _legacy(legacy_storage(bytes(16)))
            ),
            "torch-legacy-storage": one(
                "m.pth", lambda: _legacy(legacy_storage(bytes(20))), lambda: _legacy(legacy_storage(bytes(16)))
            ),
            "torch-legacy-trailing": one(
                "m.pth",
                lambda: _legacy(legacy_storage(bytes(16)) + b"more"),
                lambda: _legacy(legacy_storage(samples.SYSTEM[:16])),
            ),
        }.items()
    },
}  # fmt: skip


def _other_method() -> bytes:
    """A torch archive whose pickle claims a compression that does not exist."""
    data = bytearray(zipped(_members()))
    data[8] = 99
    at = data.find(b"PK\x01\x02")
    data[at + 10] = 99
    return bytes(data)
