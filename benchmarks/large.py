"""What a large honest file costs beside reading and hashing it once: `python -m benchmarks.large`.

One file of 500 MB in each of the formats that weights come in. Time is that of a whole gate inside this process, whose
imports were done by then, over that of hashing the same file, measured in turn: on the clock, where the scanners'
process starts beside the hashing, and in CPU time, its own and that of its children. The time of a whole process and
the most memory that one had at once, children included, are told too. Exits with 1 when a bound is missed.
"""

from __future__ import annotations

import hashlib
import json
import math
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from benchmarks import scanning
from benchmarks.line import GATEKEEPER, RUNS, Figure, best, process_seconds
from tests.support.samples import legacy_streams, tensor_state

BYTES = 500 * 10**6 // 4 * 4
RATIO = 1.3
MEGABYTES = 200
_BLOCK = hashlib.shake_256(b"large").digest(2**20)


def _fill(stream: IO[bytes]) -> None:
    """Write the tensor: no zeros, which some readers treat apart."""
    for at in range(0, BYTES, len(_BLOCK)):
        stream.write(_BLOCK[: BYTES - at])


def _state() -> bytes:
    """The pickle of a state dict whose one tensor has as many elements as fit."""
    small = tensor_state("w", elements=4)
    return small.replace(b"K\x04", b"J" + struct.pack("<i", BYTES // 4))


def write_safetensors(path: Path) -> None:
    """One tensor of floats."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [BYTES // 4], "data_offsets": [0, BYTES]}}).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        _fill(stream)


def write_torch_zip(path: Path) -> None:
    """As `torch.save` writes it: stored members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", _state())
        archive.writestr("archive/byteorder", b"little")
        with archive.open("archive/data/0", "w") as member:
            _fill(member)
        archive.writestr("archive/version", b"3\n")


def write_torch_legacy(path: Path) -> None:
    """As `torch.save` wrote it before 1.6."""
    with path.open("wb") as stream:
        stream.write(b"".join(legacy_streams(_state())) + struct.pack("<Q", BYTES // 4))
        _fill(stream)


SUBJECTS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("model.safetensors", write_safetensors),
    ("pytorch_model.bin", write_torch_zip),
    ("weights.pth", write_torch_legacy),
)


def figures(name: str, write: Callable[[Path], None]) -> Iterator[Figure]:
    """Measure one file in a folder of its own."""
    run = scanning.gatekeeper()
    with tempfile.TemporaryDirectory(prefix="gatekeeper-large-") as temporary:
        folder = Path(temporary)
        write(folder / name)
        if (answer := run(folder))[0] != "silent":
            raise RuntimeError(f"{name}: {answer[1]}")
        pairs = [(cost(lambda: hash_file(folder / name)), cost(lambda: run(folder))) for _ in range(RUNS)]
        command = (*GATEKEEPER, "gate", "--no-cache", temporary)
        whole = best(lambda: process_seconds(command), 2)
        peak = tree_peak(command) / 10**6
    once, gated = (min(pair[side][0] for pair in pairs) for side in (0, 1))
    worked, worked_gated = (min(pair[side][1] for pair in pairs) for side in (0, 1))
    what = f"gate {BYTES // 10**6} MB, {name} / hashing"
    yield Figure(what=what, ratio=gated / once, bound=RATIO, detail=f"{once:.2f} s hashing")
    yield Figure(what="  in CPU time, with children", ratio=worked_gated / worked, bound=math.inf, detail="")
    yield Figure(what="  the whole process, start-up included", ratio=whole / once, bound=math.inf, detail="")
    yield Figure(what="  peak memory with children, MB", ratio=peak, bound=MEGABYTES, detail="")


def hash_file(path: Path) -> None:
    """Read and hash a file once."""
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Do something; give its seconds on the clock, and in CPU time with the children that ended."""
    started, before = time.perf_counter(), _cpu_seconds()
    work()
    return time.perf_counter() - started, _cpu_seconds() - before


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def tree_peak(command: tuple[str, ...]) -> int:
    """Give the most memory that a process and its children had at once, in bytes; shared pages are split."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(0.02):
                most = max(most, sum(map(proportional, family(process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        process.wait()
        done.set()
        watcher.join()
    return most


def family(pid: int) -> list[int]:
    """Give a process and all below it (Linux)."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for each in threads for child in (each / "children").read_text().split()]
    except OSError:
        children = []
    return [pid, *(each for child in children for each in family(child))]


def proportional(pid: int) -> int:
    """Give a process's proportional set size in bytes; 0 when it is gone or hides it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> int:
    """Print the table; exit with 1 when a bound is missed."""
    found = [figure for name, write in SUBJECTS for figure in figures(name, write)]
    print(*found, sep="\n")
    return int(any(figure.ratio > figure.bound for figure in found))


if __name__ == "__main__":
    sys.exit(main())
