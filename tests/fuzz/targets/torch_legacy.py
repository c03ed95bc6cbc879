"""Files of torch's old format, from the first pickle to the last storage."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.torch_legacy import judge_torch_legacy
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, judged
from tests.fuzz.targets.pickle_walk import TOKENS as TOKENS

SEEDS = seeds.of(Format.TORCH_LEGACY)


def answer(data: bytes) -> Answer:
    return judged(judge_torch_legacy, "m.pth", data, STRUCTURE)


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    laws.cut_is_told(answer, data, found)
