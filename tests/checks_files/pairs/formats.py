"""Pairs of `files/formats`."""

from __future__ import annotations

from tests.checks_files.pairs.pair import one
from tests.support import samples

_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"


def _torch() -> bytes:
    return samples.torch_zip(samples.tensor_state("a"), {"0": bytes(16)})


PAIRS = {
    "files/formats/disguised": one("model.safetensors", _torch, samples.honest_safetensors),
    "files/formats/not-weights": one("model.bin", lambda: samples.BROKEN["random-bin"]()[1], _torch),
    "files/formats/binary-text": one("README.md", lambda: b"\x00\x01\xfe" * 99, lambda: "# Mod\u00e8le\n".encode()),
    "files/formats/empty-weights": one("model.bin", lambda: b"", _torch),
    "files/formats/lfs-pointer": one("model.safetensors", lambda: _POINTER, samples.honest_safetensors),
}
