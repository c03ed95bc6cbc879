"""The walk over pickles: it sees every name that an unpickler asks for, whatever the bytes are."""

from __future__ import annotations

import json
import pickletools
import re

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.pickle_record import Record
from gatekeeper.checks.files.pickle_walk import walk_file
from gatekeeper.checks.files.scanner import Report, from_json, to_json
from gatekeeper.checks.files.walk_scanner import WEIGHTS_ONLY, report
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.unpicklers import asked_in_c, asked_in_python
from tests.support.samples import SYSTEM

SEEDS = seeds.both(seeds.of(Format.PICKLE, Format.TORCH_LEGACY), seeds.named(".pkl", ".pickle", ".joblib"))
TOKENS = (
    *(opcode.code.encode("latin-1") for opcode in pickletools.opcodes),
    b"\x80\x02", b"\x80\x04\x95", b"cos\nsystem\n", b"cnumpy\ndtype\n", b"X\x02\x00\x00\x00os", b"\x8c\x02os",
    b"K\x00", b"q\x00",
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n", b"ctorch.storage\n_load_from_bytes\n", b"c_codecs\nencode\n",
    b"(Vlatin1\nt",
    b"\x8c\x06latin1", b"I0x10\n", b"F1\n", b"L1L\n", b"S'a'\n", b"P0\n", b"i", b"g0\n", b"p0\n", b"r\xff\xff\x00\x00",
)  # fmt: skip


def _walked(data: bytes, *, legacy: bool) -> Record:
    record = walk_file(laws.Counted(data, DEFAULT_LIMITS.pickle_streams), len(data), DEFAULT_LIMITS, legacy=legacy)
    if record.opcodes > 2 * min(DEFAULT_LIMITS.pickle_opcodes, 8 * len(data) + 1000):
        raise laws.LawError("too many opcodes", record.opcodes)
    return record


def answer(data: bytes) -> tuple[Report, Report]:
    plain, legacy = (report(_walked(data, legacy=legacy)) for legacy in (False, True))
    for each in (plain, legacy):
        for message in (*_sentences(each), *each.gaps):
            laws.showable(message)
        if from_json(json.loads(json.dumps(to_json(each)))) != each and len(each.signals) < 1_000:
            _see_that_only_length_was_lost(each)
    return plain, legacy


def _is_by_chance(name: str, data: bytes) -> bool:
    """Whether the bytes of an array, taken for opcodes, may spell a name without anybody meaning it."""
    return b"NumpyArrayWrapper" in data and not re.fullmatch(r"[A-Za-z_]\w+(\.[A-Za-z_]\w+)+", name, re.ASCII)


def _sentences(said: Report) -> list[str]:
    """Give what is shown; the name that a loader refuses is made fit for that later."""
    return [signal.message for signal in said.signals if signal.message and signal.rule != WEIGHTS_ONLY]


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    record = _walked(data, legacy=False)
    greedy = any(problem.slug == "pickle-greedy" for problem in record.problems)
    if not record.gaps and not greedy:
        for asked in (asked_in_python, asked_in_c):
            missed = {name for name in asked(data)[0] if name not in record.imports and not _is_by_chance(name, data)}
            if missed and not any(problem.slug == "pickle-odd" for problem in record.problems):
                raise laws.LawError(f"names are missed: {asked.__name__}", sorted(missed))
    if "posix.system" not in _walked(SYSTEM + data, legacy=False).imports:
        raise laws.LawError("a payload is not seen for what follows it")


def _see_that_only_length_was_lost(whole: Report) -> None:
    read = from_json(json.loads(json.dumps(to_json(whole))))
    pairs = zip(whole.signals, read.signals, strict=True)
    if any(one.rule != other.rule or not one.name.startswith(other.name) for one, other in pairs):
        raise laws.LawError("a report is not read as it was written")
