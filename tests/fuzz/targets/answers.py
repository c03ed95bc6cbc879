"""What comes back from children, caches and reports: read strictly, as if somebody hostile had written it."""

from __future__ import annotations

import atexit
import hmac
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from gatekeeper.checks.files.scanner import Report, from_json, to_json
from gatekeeper.confined.frames import whole
from gatekeeper.errors import InputError
from gatekeeper.report.document import from_json as read_document
from gatekeeper.report.document import to_json as to_document
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache
from tests.fuzz import laws
from tests.fuzz.judging import chosen
from tests.support.attestations import CASES

_REPORT = Report(scanner="s", gaps=("a",), truncated=True)


def _report(data: bytes) -> object:
    with suppress(ValueError, RecursionError):  # what the caller takes for nonsense
        report = from_json(json.loads(data))
        if from_json(to_json(report)) != report:
            raise laws.LawError("a report is not read as it was written")
        return report
    return None


def _document(data: bytes) -> object:
    with suppress(InputError):
        return read_document(data)
    return None


def _frames(data: bytes) -> object:
    found = list(whole(data))
    if sum(len(piece) for _, piece in found) > len(data):
        raise laws.LawError("more comes out than went in")
    return found


@cache
def _cache() -> tuple[SealedCache, Path]:
    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-fuzz-"))
    atexit.register(shutil.rmtree, folder)
    return SealedCache(folder, bytes(KEY_BYTES)), folder


def _entry(data: bytes) -> object:
    """Lay the bytes into a cache as an entry: only what its key sealed may be believed."""
    cache, folder = _cache()
    path = folder / _NAME
    path.write_bytes(data)
    path.chmod(0o600)
    value = cache.get(_NAME)
    if value is not None and data != _SEALED:
        raise laws.LawError("a forged entry is believed")
    return value


_NAME = "a" * 64
_SEALED = (
    hmac.digest(bytes(KEY_BYTES), b"gatekeeper sealed cache 1\0" + bytes.fromhex(_NAME) + b"value", "sha256") + b"value"
)

_READERS: tuple[Callable[[bytes], object], ...] = (_report, _document, _frames, _entry)


def SEEDS() -> list[bytes]:
    documents = [to_document(make()).encode() for make in CASES.values()]
    signal = {"rule": "r", "level": "high", "category": "c", "message": "m", "name": "n", "call": "c", "offset": 1}
    said = json.dumps({**to_json(_REPORT), "signals": [signal]}).encode()
    return [
        b"\0" + said,
        *(b"\1" + text for text in documents),
        b"\3" + _SEALED,
        b"\2" + b"A\0\0\0\3abcH\0\0\0\0E\0\0\0\1x",
    ]


TOKENS = (
    b'"scanner"', b'"signals"', b'"gaps"', b'"truncated"', b'"rule"', b'"level"', b'"offset"', b"true", b"null", b"-1",
    b"1e400", b"[", b"]", b"{", b"}",
    b'"schema"', b'"claims"', b'"findings"', b'"severity"', b'"decision"', b'"action"', b'"allow"', b"NaN", b"\\ud800",
    b"A\0\0\0\1", b"\xff\xff\xff\xff",
)  # fmt: skip


def answer(data: bytes) -> object:
    number, data = chosen(data, len(_READERS))
    return _READERS[number](data)


def one_input(data: bytes) -> None:
    laws.same_twice(lambda data: repr(answer(data)), data)
