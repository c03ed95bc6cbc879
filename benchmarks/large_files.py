"""What 500 MB files cost: `python -m benchmarks.large_files`.

Each figure is the time of a whole gate in this process over that of reading and hashing the same file once, measured in
turn; and the largest memory of a gate in a process of its own, children included. Exits with 1 above a bound.
"""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.line import GATEKEEPER, Figure, gate_all, hash_all, paired, write_safetensors

SIZE = 500 * 10**6
RATIO = 1.3
MEGABYTES = 200
_STORAGE = (
    "ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI{0}\ntQ"
    "I0\n(I{0}\nt(I1\ntI00\n"
)
_ENDING = "ccollections\nOrderedDict\n(tRtR"


def state(elements: int) -> bytes:
    """Give the pickle of `{"weight": tensor}` as torch writes it, without torch."""
    tensor = (_STORAGE.format(elements) + _ENDING).encode()
    return b"\x80\x02}S'weight'\n" + tensor + b"s."


def block() -> bytes:
    """Give a mebibyte that does not compress."""
    return os.urandom(2**20)


def write_torch_zip(path: Path) -> None:
    """Write what `torch.save` writes: stored members, the tensor's bytes aligned to 64."""
    data = block() * (SIZE >> 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", state(len(data) // 4))
        info = zipfile.ZipInfo("archive/data/0")
        start = archive.start_dir + 30 + len(info.filename) + 4
        info.extra = struct.pack("<2sH", b"FB", -start % 64) + bytes(-start % 64)
        archive.writestr(info, data)
        archive.writestr("archive/version", b"3\n")


def write_torch_legacy(path: Path) -> None:
    """Write what `torch.save` wrote before 1.6: five pickles, then each storage with its length."""
    data = block() * (SIZE >> 20)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    legacy = state(len(data) // 4).replace(f"I{len(data) // 4}\ntQ".encode(), f"I{len(data) // 4}\nNtQ".encode())
    with path.open("wb") as stream:
        for head in (0x1950A86A20F9469CFC6C, 1001, system):
            stream.write(pickle.dumps(head, 2))
        stream.write(legacy + pickle.dumps(["0"], 2))
        stream.write(struct.pack("<q", len(data) // 4) + data)


FILES: dict[str, Callable[[Path], None]] = {
    "model.safetensors": lambda path: write_safetensors(path, SIZE, seed=1),
    "pytorch_model.bin": write_torch_zip,
    "legacy.pt": write_torch_legacy,
}


def figures(name: str, write: Callable[[Path], None]) -> list[Figure]:
    """Measure one file in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / name)
        (root / "config.json").write_bytes(b"{}")
        digest, gated = paired(lambda: hash_all([root / name]), lambda: gate_all(root))
        peak = tree_peak((*GATEKEEPER, "gate", "--no-cache", folder)) / 1e6
    detail = f"{digest:.2f} s hashing"
    return [
        Figure(what=f"gate {SIZE // 10**6} MB, {name} / hashing", ratio=gated / digest, bound=RATIO, detail=detail),
        Figure(what="  peak memory with children, MB", ratio=peak, bound=MEGABYTES, detail=""),
    ]


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
    """Print the table."""
    found = [figure for name, write in FILES.items() for figure in figures(name, write)]
    for figure in found:
        print(figure)
    return int(any(figure.ratio > figure.bound for figure in found))


if __name__ == "__main__":
    sys.exit(main())
