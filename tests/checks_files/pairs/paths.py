"""Pairs of `files/paths` and `files/unchanged`."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.artifact import Artifact, Irregularity, IrregularityKind
from tests.checks_files.pairs.pair import Pair
from tests.support.artifacts import MemoryContent, artifact


def _tripped(kind: IrregularityKind) -> Pair:
    """The source noted something, against an artifact of which it noted that a file could not be had."""

    def noted(what: IrregularityKind) -> Artifact:
        return artifact({"a": b"x"}, irregularities=(Irregularity(kind=what, path="b", detail="It was left out."),))

    return Pair(fires=lambda: noted(kind), near=lambda: noted(IrregularityKind.MISSING))


def _changed(*, same: bool) -> Artifact:
    subject = artifact({"a": b"x"})
    return replace(subject, files=(replace(subject.files[0], content=MemoryContent(b"x", same=same)),))


PAIRS = {
    "files/paths/escape": _tripped(IrregularityKind.PATH_ESCAPE),
    "files/paths/link-escape": _tripped(IrregularityKind.SYMLINK_ESCAPE),
    "files/paths/special": _tripped(IrregularityKind.SPECIAL_FILE),
    "files/paths/collision": _tripped(IrregularityKind.CASE_COLLISION),
    "files/paths/deceptive": Pair(
        fires=lambda: {"model\u202eslp.nib": b"x"}, near=lambda: {"mod\u00e8le-\u6a21\u578b.txt": b"x"}
    ),
    "files/paths/look-alike": Pair(
        fires=lambda: {"c\u043enfig.json": b"{}"},
        near=lambda: {"\u043c\u043e\u0434\u0435\u043b\u044c/lora_\u03b116-\u30e2\u30c7\u30ebv2.txt": b"x"},
    ),
    "files/paths/unportable": Pair(
        fires=lambda: {"aux.json": b"{}"},
        near=lambda: {"auxiliary/console.log": b"x", "onnx::MatMul_1.txt": b"x", "read:0": b"x", "10:30.log": b"x"},
    ),
    "files/unchanged/changed": Pair(fires=lambda: _changed(same=False), near=lambda: _changed(same=True)),
}
