"""Every parser of containers and weight formats as a plain function of bytes, for fuzzers and mutation tests.

Each takes anything and returns; only an error that is not one of the parser's own comes out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath

from gatekeeper.checks.files.budget import BudgetError
from gatekeeper.checks.files.engines import UnpackError
from gatekeeper.checks.files.formats import COMPRESSED, Format
from gatekeeper.checks.files.identify import identify
from gatekeeper.checks.files.inflate import BombError, inflate
from gatekeeper.checks.files.problem import UnsupportedError
from gatekeeper.checks.files.runtimes.judges import JUDGES as RUNTIME_JUDGES
from gatekeeper.checks.files.structure_judges import JUDGES
from gatekeeper.checks.files.tar_members import TarError, tar_members
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.unpacking import outputs

_MOST = 1 << 22


def _judge(kind: Format, data: bytes) -> None:
    with suppress(UnsupportedError):
        for _ in JUDGES[kind](io.BytesIO(data), PurePosixPath("m"), len(data), DEFAULT_LIMITS):
            pass


def _judge_runtime(kind: Format, data: bytes) -> None:
    name = PurePosixPath("m.index" if kind is Format.TF_CHECKPOINT else "m")
    for _ in RUNTIME_JUDGES[kind](io.BytesIO(data), name, len(data), DEFAULT_LIMITS):
        pass


def _inflate(kind: Format, data: bytes) -> None:
    with suppress(UnpackError, BombError):
        for _ in inflate(io.BytesIO(data), kind, packed=len(data), most=_MOST, limits=DEFAULT_LIMITS):
            pass


def _tar(data: bytes) -> None:
    with suppress(TarError, BudgetError):
        for _ in tar_members(io.BytesIO(data), DEFAULT_LIMITS):
            pass


def _identify(data: bytes) -> None:
    identify(io.BytesIO(data), PurePosixPath("m.bin"), len(data), DEFAULT_LIMITS)


def _unpack(data: bytes) -> None:
    outputs("m.bin", data)


PARSERS: Mapping[str, Callable[[bytes], None]] = {
    **{f"judge {kind.value}": partial(_judge, kind) for kind in JUDGES},
    **{f"judge {kind.value} of a runtime": partial(_judge_runtime, kind) for kind in RUNTIME_JUDGES},
    **{f"inflate {kind.value}": partial(_inflate, kind) for kind in sorted(COMPRESSED)},
    "tar": _tar,
    "identify": _identify,
    "unpack": _unpack,
}
"""Name → parser. "unpack" walks whatever the bytes are; 7z archives start a confined child there."""
