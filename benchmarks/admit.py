"""What admitting 1 GB costs beside hashing it: `python -m benchmarks.admit`.

Every figure is a ratio to `hashlib.file_digest` over the same files, one after the other, in the same run: the whole of
`admit` (verdict, signature, folder and digests) to the same work inside this process, and the process that a deployment
starts to a bare Python that does nothing else. Exits with 1 when a bound is missed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.line import (
    GATEKEEPER,
    GIB,
    Figure,
    hash_all,
    lay_out,
    paired,
    process_peak,
    process_seconds,
    write_safetensors,
)
from gatekeeper import attest
from gatekeeper.admission import admit
from gatekeeper.attest import Expectations
from gatekeeper.decision import Action
from gatekeeper.gate import gate
from gatekeeper.report import to_json
from gatekeeper.signing import generate, load_public_key, load_signer

BOUND = 1.3
MEGABYTES = 200
HASHING = "import hashlib, sys; [hashlib.file_digest(open(each, 'rb'), 'sha256') for each in sys.argv[1:]]"


def admitted(parts: int) -> list[Figure]:
    """Measure admitting 1 GiB of safetensors in so many files."""
    with tempfile.TemporaryDirectory() as folder:
        model, verdict = Path(folder, "model"), Path(folder, "verdict")
        model.mkdir()
        lay_out(model, {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n"})
        files = [model / f"model-{number:05}.safetensors" for number in range(parts)]
        for number, path in enumerate(files):
            write_safetensors(path, GIB // parts, seed=number)
        public = decide(model, verdict)
        key = load_public_key(public.read_bytes())

        def once() -> float:
            started = time.perf_counter()
            answer = admit(model, documents(verdict), Expectations(keys=(key,)))
            if not answer.admitted:
                raise SystemExit(answer.reason)
            return time.perf_counter() - started

        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        command = (*GATEKEEPER, "admit", str(model), "--attestation", str(verdict), "--key", str(public))
        digest, inside = paired(lambda: hash_all(files), once)
        process_seconds(command)  # bytecode is there wherever a package was installed
        bare = (sys.executable, "-c", HASHING, *map(str, files))
        again, whole = paired(lambda: process_seconds(bare), lambda: process_seconds(command))
        peak = process_peak(command) / 2**20
    name = f"admit 1 GiB in {parts} file{'s' * (parts > 1)}"
    return [
        Figure(what=f"{name} / file_digest", ratio=inside / digest, bound=BOUND, detail=f"{digest:.2f} s hashing"),
        Figure(what="  as processes, start-up included", ratio=whole / again, bound=BOUND, detail=""),
        Figure(what="  peak memory, MiB", ratio=peak, bound=MEGABYTES, detail=""),
    ]


def decide(model: Path, verdict: Path) -> Path:
    """Write a signed verdict of allow on a folder, whatever the table would say of it, and give the public key."""
    attestation = gate(str(model), now=datetime.now(UTC))
    allowed = replace(attestation, decision=replace(attestation.verdict, action=Action.ALLOW))
    private, public = generate()
    beside = verdict.parent
    (beside / "key").write_bytes(private)
    (beside / "key.pub").write_bytes(public)
    report = hashlib.sha256(to_json(allowed).encode()).hexdigest()
    attest.write(allowed, verdict, load_signer(str(beside / "key")), report_sha256=report)
    return beside / "key.pub"


def documents(verdict: Path) -> dict[str, list[bytes]]:
    """Read the verdict, as the command does."""
    return {"verdict": [(verdict / attest.VERDICT_FILE).read_bytes()]}


def main() -> int:
    """Print the table."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    figures = [*admitted(1), *admitted(8)]
    for figure in figures:
        print(figure)
    return int(any(figure.ratio > figure.bound for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
