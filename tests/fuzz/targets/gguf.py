"""GGUF headers, and models that are split over several files."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import GgufHeader, UnsupportedGgufError, read_gguf
from gatekeeper.checks.files.gguf_split import judge_splits
from gatekeeper.checks.files.problem import Problem, StructureError
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer
from tests.support.samples import gguf_pair, gguf_text

SEEDS = seeds.both(seeds.of(Format.GGUF), seeds.named(".gguf"))
TOKENS = (
    b"GGUF", b"FUGG", b"\x02\0\0\0", b"\x03\0\0\0", *(bytes([kind, 0, 0, 0]) for kind in range(14)),
    b"\x09\0\0\0\x08\0\0\0",
    gguf_text("general.alignment"), gguf_text("split.count"), gguf_text("split.no"), gguf_text(""),
    gguf_pair("general.alignment", 4, b"\x20\0\0\0"), gguf_pair("split.count", 2, b"\x02\0"), gguf_pair("a", 9,
    bytes(12)),
)  # fmt: skip


def answer(data: bytes) -> Answer:
    try:
        header = read_gguf(laws.Counted(data), len(data), DEFAULT_LIMITS)
    except StructureError as error:
        return laws.well_said([error.problem], STRUCTURE)
    except UnsupportedGgufError as error:
        laws.showable(str(error))
        return (Problem(slug="unsupported", message=str(error)),)
    return laws.well_said([*header.problems, *_splits(header), *_unjudged(header)], {*STRUCTURE, "unsupported"})


def _splits(header: GgufHeader) -> list[Problem]:
    return [problem for _, problem in judge_splits({"m-00001-of-00002.gguf": header})]


def _unjudged(header: GgufHeader) -> list[Problem]:
    return [Problem(slug="unsupported", message="unknown types")] if header.unknown_types else []


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    laws.cut_is_told(answer, data, found, spare=_alignment(data))


def _alignment(data: bytes) -> int:
    """Give the bytes that may pad the end, and may be missing."""
    try:
        value = read_gguf(laws.Counted(data), len(data), DEFAULT_LIMITS).values.get("general.alignment", 32)
    except (StructureError, UnsupportedGgufError):
        return 32
    return value if isinstance(value, int) and value > 0 else 32
