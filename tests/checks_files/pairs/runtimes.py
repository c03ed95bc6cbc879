"""Pairs of `files/runtime-models`."""

from __future__ import annotations

from tests.checks_files.pairs.pair import Pair, one
from tests.support import runtime_samples as made

PAIRS = {
    f"files/runtime-models/{slug}": pair
    for slug, pair in {
        "cut-off": one("model.bin", lambda: made.ctranslate2()[:-3], made.ctranslate2),
        "malformed": one("lid.bin", lambda: made.fasttext(rows=4), made.fasttext),
        "spans": Pair(fires=lambda: made.checkpoint(gap=b"between"), near=made.checkpoint),
        "trailing": one("ggml.bin", lambda: made.fasttext() + b"\0", made.fasttext),
        "checksum": Pair(fires=lambda: made.checkpoint(sound=False), near=made.checkpoint),
        "missing-part": Pair(
            fires=lambda: {"m.xml": made.openvino()}, near=lambda: {"m.xml": made.openvino(), "m.bin": bytes(24)}
        ),
        "reaches-out": one(
            "m.pmml",
            lambda: made.pmml().replace(b"<PMML", b'<!DOCTYPE PMML SYSTEM "http://example.com/a.dtd"><PMML'),
            lambda: made.pmml().replace(b"<PMML", b"<!-- DOCTYPE --><PMML"),
        ),
        "own-operator": one(
            "m.tflite",
            lambda: made.tflite({0: ("b", 32), 1: "Mine", 3: 32}),
            lambda: made.tflite({0: ("b", 32), 1: "TFLite_Detection_PostProcess", 3: 32}),
        ),
        "own-values": Pair(
            fires=lambda: made.checkpoint({"a": made.entry([], 0, 40, dtype=21)}),
            near=lambda: made.checkpoint({"a": made.entry([10], 0, 40)}),
        ),
        "texts": Pair(
            fires=lambda: made.checkpoint({"a": made.entry([2], 0, 40, dtype=7)}),
            near=lambda: made.checkpoint({"_CHECKPOINTABLE_OBJECT_GRAPH": made.entry([], 0, 40, dtype=7)}),
        ),
    }.items()
}
