"""What a large honest file costs beside reading and hashing it once: `python -m benchmarks.large`.

One file of 500 MB in each of the formats that weights come in. Exits with 1 when a bound is missed.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from benchmarks import scanning
from tests.support.samples import legacy_streams, tensor_state

BYTES = 500 * 10**6 // 4 * 4
RATIO = 1.3
PEAK_BYTES = 200 * 10**6
RUNS = 3
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


def hashing(path: Path) -> float:
    """Read and hash a file once; give the seconds."""
    started = time.perf_counter()
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")
    return time.perf_counter() - started


def main() -> int:
    """Measure each format; exit with 1 when one is over a bound."""
    run = scanning.gatekeeper()
    bad = 0
    for name, write in SUBJECTS:
        with tempfile.TemporaryDirectory(prefix="gatekeeper-large-") as folder:
            path = Path(folder, name)
            write(path)
            once = min(hashing(path) for _ in range(RUNS))
            answers = [scanning.one(run, path.parent) for _ in range(RUNS)]
        seconds = min(float(str(answer["seconds"])) for answer in answers)
        peak = max(int(str(answer["peak_bytes"])) for answer in answers)
        wrong = seconds > RATIO * once or peak > PEAK_BYTES or {answer["word"] for answer in answers} != {"silent"}
        bad += wrong
        ratio = f"{seconds / once:5.2f} times hashing ({once:.2f} s), at most {RATIO}"
        memory = f"{peak / 1e6:4.0f} MB, at most {PEAK_BYTES / 1e6:.0f}"
        print(f"{'BAD' if wrong else 'ok '} {name:<20} {ratio}  {memory}  {answers[0]['said']}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
