"""Every judge that follows a file from its beginning to where it ends: 7z, HDF5, protobuf, msgpack, tables, JSON."""

from __future__ import annotations

import json

from gatekeeper.checks.files.formats import ZIPS, Format
from gatekeeper.checks.files.problem import Problem, UnsupportedError
from gatekeeper.checks.files.structure_judges import JUDGES
from tests.checks_files.test_structure_ends import SAMPLES
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, chosen, judged
from tests.fuzz.mutate import with_start_checksums

_OWN_TARGET = ZIPS | {Format.SAFETENSORS, Format.GGUF, Format.NPY}
_KINDS = tuple(kind for kind in JUDGES if kind not in _OWN_TARGET)
_SLUGS = {*STRUCTURE, "unsupported"}


def SEEDS() -> list[bytes]:
    found = []
    for number, kind in enumerate(_KINDS):
        own = [make() for sample, (_, make) in SAMPLES.items() if sample is kind]
        found += [bytes([number]) + data for data in (*own, *seeds.of(kind)())]
    return found


TOKENS = (
    b"\x89HDF\r\n\x1a\n", b"7z\xbc\xaf\x27\x1c", b"PAR1", b"ARROW1\0\0", b"SQLite format 3\0", b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff", b"\xc7", b"\x81",
    b"\xa5dtype", b"\xff" * 9 + b"\x01", b"\x0a\x00", b"\x08\x07", b"\x12", b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", b"{",
    b"}", b"\xc1", b"\xc4",
    json.dumps({"a": [1]}).encode(),
)  # fmt: skip


def MEND(data: bytes) -> bytes:
    return data[:1] + with_start_checksums(data[1:]) if data[1:3] == b"7z" else data


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_KINDS))
    name = "m.index" if _KINDS[number] is Format.TF_CHECKPOINT else "m"
    try:
        return judged(JUDGES[_KINDS[number]], name, data, _SLUGS)
    except UnsupportedError as error:
        laws.showable(str(error))
        return (Problem(slug="unsupported", message=str(error)),)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
