"""What `pinned` costs where models are loaded: `python -m benchmarks.pins`.

Each figure is a whole Python process that has nothing but itself loaded, and its ratio to the start of a bare
interpreter in the same run: milliseconds say more about the machine than about the code. Exits with 1 when a ratio is
above its bound, or when a lock as this program writes it does not go the short way.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gatekeeper.lockfile import dump
from gatekeeper.lockfile.plain import scan
from tests.support.locks import large

MODELS, FILES, RUNS = 100, 15, 31
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
print(imported - start, first - imported, (end - first) / 100)
"""
_TOMLLIB = """
import time
start = time.perf_counter()
import tomllib
with open("gatekeeper.lock", "rb") as stream: tomllib.load(stream)
print(time.perf_counter() - start)
"""


def figures(script: str, folder: Path) -> list[float]:
    """Run a script in processes of their own and give the medians of what it prints, in seconds."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GATEKEEPER_", "PYTHON"))},
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    rows = []
    for _ in range(RUNS + 1):
        ran = subprocess.run(
            [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        rows.append([float(word) for word in ran.stdout.split()])
    return [statistics.median(column) for column in zip(*rows[1:], strict=True)]  # the first compiles the bytecode


def bare() -> float:
    """Give the median time of a bare interpreter's start and end, in seconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> int:
    """Measure and print."""
    lock = large(MODELS, FILES)
    text = dump(lock).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("gatekeeper.lock").write_bytes(text)
        imported, first, cached = figures(_FIRST.format(id=lock.models[MODELS // 2].id), folder)
        (parsed,) = figures(_TOMLLIB, folder)
    start = bare()
    ratio = (imported + first) / start
    plain = scan(text) is not None
    print(f"lock of {MODELS} models with {FILES} files each: {len(text) / 1000:.0f} KB, short way: {plain}")
    print(f"bare interpreter               {start * 1e3:8.2f} ms")
    print(f"import                         {imported * 1e3:8.2f} ms")
    print(f"first call                     {first * 1e3:8.2f} ms")
    print(
        f"import and first call          {(imported + first) * 1e3:8.2f} ms  {ratio:.2f} of a bare start (at most 0.5)"
    )
    print(f"each later call                {cached * 1e6:8.2f} µs")
    print(f"tomllib alone, for comparison  {parsed * 1e3:8.2f} ms")
    return int(not plain or ratio > 0.5)


if __name__ == "__main__":
    sys.exit(main())
