"""Pairs of `files/scanners`."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile

from tests.checks_files.pairs.pair import one
from tests.support import samples
from tests.support.samples import tarred, zipped


def _template(text: str) -> bytes:
    return json.dumps({"chat_template": text}).encode()


def _lists(size: int) -> bytes:
    return pickle.dumps(list(range(500)))[: size or None]


def _dtype() -> bytes:
    return b"\x80\x02ctorch\nfloat16\n."


PAIRS = {
    f"files/scanners/{slug}": pair
    for slug, pair in {
        # A vocabulary may hold any word: text in a pickle calls nothing.
        "payload": one(
            "m.pkl", lambda: samples.SYSTEM, lambda: pickle.dumps({"os": 1, "system": 2, "cposix\nsystem\n": 3})
        ),
        "archive-escape": one(
            "m.zip", lambda: zipped({"../../a.txt": b"x"}), lambda: zipped({"dots..in/a..name.txt": b"x"})
        ),
        "unknown-global": one("m.pkl", lambda: samples.call("somelibrary.tools", "start", "x"), _dtype),
        "scanner-finding": one(
            "m.onnx",
            lambda: samples.onnx_model("../../secret.bin"),
            samples.onnx_model,
        ),
        "truncated-pickle": one("m.pkl", lambda: _lists(300), lambda: _lists(0)),
        "decompression-bomb": one(
            "m.joblib", lambda: gzip.compress(bytes(64 * 2**20)), lambda: gzip.compress(_lists(0))
        ),
        "broken-archive": one("m.joblib", lambda: gzip.compress(_lists(0))[:-9], lambda: gzip.compress(_lists(0))),
        "archive-link": one(
            "m.tar", lambda: tarred({"a.txt": b"x"}, {"up": "a.txt"}), lambda: tarred({"a.txt": b"x", "up": b"a.txt"})
        ),
        "nested-archives": one(
            "m.zip",
            lambda: samples.nested_zip(9, zipped({"a.txt": b"x"}, zipfile.ZIP_DEFLATED)),
            lambda: samples.nested_zip(1, zipped({"a.txt": b"x"}, zipfile.ZIP_DEFLATED)),
        ),
    }.items()
}  # fmt: skip
