"""What `pinned` costs where models are loaded: `python -m benchmarks.pins`.

Each figure is a whole Python process that has nothing but itself loaded: the least and the median of many, timed from
within, and once more from outside as what such a process takes beyond a bare interpreter. Milliseconds say more about
the machine than about the code, so the bound is a ratio to that bare start in the same run. Exits with 1 when it is
passed, or when a lock as this program writes it does not go the short way.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gatekeeper.lockfile import dump
from gatekeeper.lockfile.plain import look_up
from tests.support.locks import large

MODELS, FILES, RUNS = 100, 15, 31
MOST = 0.25
"""Import and first call, as a part of the start of a bare interpreter."""

ROOT = Path(__file__).parents[1]

_FIRST = """
import time
start = time.perf_counter()
from gatekeeper import pinned
imported = time.perf_counter()
pinned({id!r})
first = time.perf_counter()
for _ in range(100): pinned({id!r})
end = time.perf_counter()
print(imported - start, first - imported, first - start, (end - first) / 100)
"""
_TOMLLIB = """
import time
start = time.perf_counter()
import tomllib
with open("gatekeeper.lock", "rb") as stream: tomllib.load(stream)
print(time.perf_counter() - start)
"""


Times = tuple[float, float]
"""Least and median, in seconds."""


def inside(script: str, folder: Path) -> list[Times]:
    """Run a script in processes of its own; give the times that it prints, column by column."""
    rows = [[float(word) for word in _run(script, folder).split()] for _ in range(RUNS + 1)]
    return [_times(column) for column in zip(*rows[1:], strict=True)]  # the first compiles the bytecode


def outside(script: str, folder: Path) -> tuple[Times, Times]:
    """Time whole processes of a bare interpreter and of a script, turn by turn."""
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(RUNS):
        for times, each in ((bare, "pass"), (whole, script)):
            started = time.perf_counter()
            _run(each, folder)
            times.append(time.perf_counter() - started)
    return _times(bare), _times(whole)


def _run(script: str, folder: Path) -> str:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GATEKEEPER_", "PYTHON"))},
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout


def _times(seconds: Sequence[float]) -> Times:
    return min(seconds), statistics.median(seconds)


def _line(name: str, times: Times, note: str = "") -> None:
    print(f"{name:<31}{times[0] * 1e3:8.2f}{times[1] * 1e3:8.2f} ms  {note}".rstrip())


def main() -> int:
    """Measure and print."""
    lock = large(MODELS, FILES)
    text = dump(lock).encode()
    id = lock.models[MODELS // 2].id
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("gatekeeper.lock").write_bytes(text)
        imported, first, both, cached = inside(_FIRST.format(id=id), folder)
        (parsed,) = inside(_TOMLLIB, folder)
        bare, whole = outside(f"from gatekeeper import pinned; pinned({id!r})", folder)
    ratio = both[1] / bare[1]
    plain = all(look_up(text, model.id.encode()) for model in lock.models)
    print(f"lock of {MODELS} models with {FILES} files each: {len(text) / 1000:.0f} KB, short way: {plain}")
    print(f"{'':<31}{'least':>8}{'median':>8}")
    _line("bare interpreter", bare)
    _line("import", imported)
    _line("first call", first)
    _line("import and first call", both, f"{ratio:.2f} of a bare start (at most {MOST})")
    _line("the same, from outside", (whole[0] - bare[0], whole[1] - bare[1]), "process less bare process")
    _line("each later call", cached)
    _line("tomllib alone, for comparison", parsed)
    return int(not plain or ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
