"""What fuzzing begins with: files of the corpus and of the samples, by what they are. Nothing binary is committed."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from unittest import mock

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import identify
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz.mutate import MOST
from tests.support import samples
from tests.support.corpus import CASES

Seeds = Callable[[], list[bytes]]
"""Gives what a target begins with, the same in every run."""


_NOON = 1_795_348_800.0
"""The time that archives made here bear: 2026-11-22, 12:00 UTC."""


def seeds_of(target: ModuleType) -> list[bytes]:
    """Give what a target begins with, never nothing."""
    with mock.patch("time.time", return_value=_NOON):  # zip and gzip write it down
        found: list[bytes] = target.SEEDS()
    return found or [b""]


@cache
def files() -> tuple[tuple[PurePosixPath, bytes], ...]:
    """Give every small file that can be made without other libraries, and the small members of zip archives."""
    found: dict[tuple[str, bytes], None] = {}
    for table in (samples.HONEST, samples.MALICIOUS, samples.BROKEN):
        for name, make in table.items():
            if "bomb" not in name:
                path, data = make()
                found[path, data] = None
    with tempfile.TemporaryDirectory() as root:
        for case in CASES:
            if case.needs or case.family.startswith("greedy"):
                continue
            folder = Path(root, case.id)
            folder.mkdir(parents=True)
            case.write(folder)
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST:
                    found[path.relative_to(folder).as_posix(), path.read_bytes()] = None
    for _, data in list(found):
        found |= dict.fromkeys(_members(data))
    return tuple((PurePosixPath(path), data) for path, data in found if len(data) <= MOST)


def of(*formats: Format) -> Seeds:
    """Give the files of some formats."""

    def chosen() -> list[bytes]:
        return _distinct(
            data
            for path, data in files()
            if identify(io.BytesIO(data), path, len(data), DEFAULT_LIMITS) in formats
        )  # fmt: skip

    return chosen


def named(*endings: str) -> Seeds:
    """Give the files with some endings, whatever they are."""
    return lambda: _distinct(data for path, data in files() if path.name.endswith(endings))


def both(*several: Seeds) -> Seeds:
    """Join."""
    return lambda: _distinct(data for each in several for data in each())


def chosen_by_first_byte(seeds: Seeds, choices: int) -> Seeds:
    """Put each number below `choices` before each file, for targets that go by it."""
    return lambda: [bytes([number]) + data for number in range(choices) for data in seeds()]


def _members(data: bytes) -> Iterable[tuple[str, bytes]]:
    """Give the small members of a zip archive, as far as Python's own reader gets at them."""
    if not data.startswith(b"PK"):
        return
    # The reader raises errors of many kinds on archives that are broken on purpose.
    with suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist()[:50]:
            if member.file_size <= MOST:
                with suppress(Exception):
                    yield member.filename, archive.read(member)


def _distinct(several: Iterable[bytes]) -> list[bytes]:
    return list(dict.fromkeys(several))
