"""What the line costs: `python -m benchmarks.line`.

Every figure is a ratio to something measured in the same run on the same machine, because seconds say more about the
machine than about the code. Exits with 1 when a ratio is above its bound.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.demo.builders import tiny_model
from gatekeeper.gate import gate
from gatekeeper.report import to_json
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache

RUNS = 5
GIB = 2**30
BARE = (sys.executable, "-c", "import click; from rich.console import Console")
GATEKEEPER = (sys.executable, "-m", "gatekeeper")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured ratio and its bound."""

    what: str
    ratio: float
    bound: float
    detail: str

    def __str__(self) -> str:
        """Give one line of the table."""
        mark = "BAD" if self.ratio > self.bound else "ok " if math.isfinite(self.bound) else "   "
        bound = f"(at most {self.bound:g})" if math.isfinite(self.bound) else ""
        return f"{mark} {self.what:<42} {self.ratio:7.2f}  {bound:<14}  {self.detail}".rstrip()


def best(run: Callable[[], float], runs: int = RUNS) -> float:
    """Give the shortest of several runs, in seconds: the one that the machine disturbed least."""
    return min(run() for _ in range(runs))


def process_seconds(command: Sequence[str]) -> float:
    """Time a whole process, whatever its exit code."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def process_peak(command: Sequence[str]) -> int:
    """Give a process's largest resident set in bytes."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    return usage.ru_maxrss * 1024


def start_up() -> list[Figure]:
    """Measure help and a small local repo against a bare Python that imports click and rich."""
    bare = best(lambda: process_seconds(BARE))
    shown = best(lambda: process_seconds((*GATEKEEPER, "--help")))
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder), dict(tiny_model("bench")))
        small = best(lambda: process_seconds((*GATEKEEPER, "gate", folder)))
    detail = f"{bare * 1000:.0f} ms bare"
    return [
        Figure(what="--help / bare Python", ratio=shown / bare, bound=4, detail=detail),
        Figure(what="gate a small folder / bare Python", ratio=small / bare, bound=25, detail=detail),
    ]


def gibibyte(parts: int) -> list[Figure]:
    """Measure gating 1 GiB of safetensors, in so many files, against hashing the same files one by one.

    Both are timed inside this process, whose imports were done by then: start-up has figures of its own above. The
    whole process is told too, without a bound, for people who gate one small model at a time.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lay_out(root, {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n"})
        files = [root / f"model-{number:05}.safetensors" for number in range(parts)]
        for number, path in enumerate(files):
            write_safetensors(path, GIB // parts, seed=number)
        command = (*GATEKEEPER, "gate", folder)
        digest, gated = paired(lambda: hash_all(files), lambda: gate_all(root))
        whole = best(lambda: process_seconds(command))
        peak = process_peak(command) / 2**20
    name = f"gate 1 GiB in {parts} file{'s' * (parts > 1)}"
    return [
        Figure(what=f"{name} / file_digest", ratio=gated / digest, bound=1.3, detail=f"{digest:.2f} s hashing"),
        Figure(what="  the whole process, start-up included", ratio=whole / digest, bound=math.inf, detail=""),
        Figure(what="  peak memory, MiB", ratio=peak, bound=1000, detail=""),
    ]


def again() -> list[Figure]:
    """Measure a second gate of a repo of pickles, whose answers were kept, against the first."""
    pickles = {f"part-{number:03}.pkl": pickle.dumps(list(range(number, number + 2_000)), 2) for number in range(16)}
    firsts: list[float] = []
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "model")
        root.mkdir()
        lay_out(root, {"config.json": b"{}", **pickles})
        for number in range(RUNS):
            place = Path(folder, f"answers-{number}")
            for times in (firsts, seconds):
                with SealedCache(place, bytes(KEY_BYTES)) as results:
                    started = time.perf_counter()
                    gate(str(root), results=results)
                    times.append(time.perf_counter() - started)
    first, second = min(firsts), min(seconds)
    detail = f"{first * 1000:.0f} ms the first time"
    return [Figure(what="gate 16 pickles again / the first time", ratio=second / first, bound=0.5, detail=detail)]


def gate_all(root: Path) -> float:
    """Gate a folder by the default policy, from its path to the rendered report, in seconds."""
    started = time.perf_counter()
    to_json(gate(str(root)))
    return time.perf_counter() - started


def paired(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """Run two things in turn, so that a change of the machine's speed meets both, and give the best of each."""
    pairs = [(first(), second()) for _ in range(RUNS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def hash_all(files: Sequence[Path]) -> float:
    """Hash files one after the other with the standard library, in seconds."""
    started = time.perf_counter()
    for path in files:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
    return time.perf_counter() - started


def write_safetensors(path: Path, size: int, seed: int) -> None:
    """Write one tensor of `size` bytes."""
    header = json.dumps({f"weight.{seed}": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    block = hashlib.shake_256(str(seed).encode()).digest(2**20)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        for _ in range(size // len(block)):
            stream.write(block)


def lay_out(root: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        (root / name).write_bytes(data)


def main() -> int:
    """Print the table."""
    figures = [*start_up(), *again(), *gibibyte(4), *gibibyte(1)]
    for figure in figures:
        print(figure)
    return int(any(figure.ratio > figure.bound for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
