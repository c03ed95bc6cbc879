"""The job that unpacks 7z archives; in this process, since it is the job that is tried."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.seven_zip_child import unpack
from tests.fuzz import laws, seeds
from tests.fuzz.mutate import with_start_checksums
from tests.support.samples import seven_zipped

SEEDS = seeds.both(seeds.of(Format.SEVEN_ZIP), lambda: [seven_zipped({"a": b"x" * 50, "b/c": b""})])
TOKENS = (
    b"7z\xbc\xaf\x27\x1c",
    *(bytes([kind]) for kind in range(0x1A)),
    b"\x21\x01\x18",
    b"\x03\x01\x01",
    b"\xff" * 8,
    b"a\0",
    b"\0\0",
)
MEND = with_start_checksums
PATIENCE = 15
"""The child may take thirty CPU seconds, which its limits see to."""

_MOST = 1 << 20


def answer(data: bytes) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as root:
        archive, folder = Path(root, "a.7z"), Path(root, "members")
        archive.write_bytes(data)
        folder.mkdir()
        wanted = {"archive": str(archive), "folder": str(folder), "members": 1_000, "bytes": _MOST, "skip": []}
        said: list[bytes] = []
        for names in (True, False):
            unpack(json.dumps({**wanted, "names": names}).encode(), said.append)
        if sum(path.stat().st_size for path in folder.rglob("*")) > 2 * _MOST or len(list(Path(root).iterdir())) != 2:
            raise laws.LawError("more was written than was allowed")
        return [json.loads(each) for each in said]


def one_input(data: bytes) -> None:
    answer(data)
