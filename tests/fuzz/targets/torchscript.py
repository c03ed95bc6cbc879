"""The code of TorchScript archives, as text and in an archive."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.torchscript_code import judge_listing, judge_torchscript
from gatekeeper.limits import Limits
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer, Judge, chosen, judged


def _listing(reader: BinaryIO, _name: PurePosixPath, size: int, _limits: Limits) -> Answer:
    return tuple(judge_listing(reader.read(size).decode("utf-8", "replace"), "code/m.py"))


_JUDGES: tuple[Judge, ...] = (judge_torchscript, _listing)

SEEDS = seeds.chosen_by_first_byte(seeds.both(seeds.of(Format.TORCHSCRIPT), seeds.named(".py")), len(_JUDGES))
TOKENS = (
    b"torch.from_file(", b"ops.image.read_file(", b"ops.", b"__torch__.torch.classes.", b"^print", b'"', b"'", b"#",
    b"\\", b"\n",
    b" . ", b"code/__torch__.py",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_JUDGES))
    return judged(_JUDGES[number], "m.pt", data, MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    if not answer(b"\1" + b"x = ops.image.read_file(y)\n" + data[1:]):
        raise laws.LawError("a call is not seen for what follows it")
