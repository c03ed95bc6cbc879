"""What `fetch` costs beside hashing the same bytes and beside a client that only streams: `python -m benchmarks.fetch`.

2 GB in 200 files come from the loopback Hub in a process of its own, on the same machine: it takes processor time from
all of its clients alike. The bare client is a few lines around the same HTTP library, as the Hub's client sets it up,
with as many threads; it writes what comes to files and looks at nothing. The three are measured in turn, and of each
the best counts. The bound is the slower of hashing and the bare client over 0.8. A client that throws the bytes away
is told too, without a bound.
Exits with 1 when a bound is missed.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.line import GATEKEEPER, Figure, hash_all, process_peak
from gatekeeper.artifact import Kind, artifact_digest
from gatekeeper.decision import Action
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.lock import Lock, LockedFile, LockedModel
from gatekeeper.lockfile import write
from gatekeeper.sources import SourceOptions, materialise

FILES = 200
FILE_BYTES = 10 * 10**6
JOBS = 8
ROUNDS = 3
SHARE = 0.8
MEGABYTES = 200
_NAME = "bench/large"
_USUAL_BYTES = 64 * 1024
"""What the HTTP library reads at once as it comes; fetching sets it higher for its process, which is this one here."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A Hub with one model, and what a lock would say of it."""

    endpoint: str
    model: LockedModel
    sources: tuple[Path, ...]
    """The files that it serves."""


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Make the model and serve it from a process of its own."""
    for number in range(FILES):
        block = hashlib.shake_256(str(number).encode()).digest(10**6)
        (folder / f"model-{number:05}.safetensors").write_bytes(block * (FILE_BYTES // len(block)))
    command = (sys.executable, "-m", "benchmarks.fetch", "serve", str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdin is not None
        assert hub.stdout is not None
        told = json.loads(hub.stdout.readline())
        files = tuple(LockedFile(**file) for file in told["files"])
        yield Served(
            endpoint=told["endpoint"],
            sources=tuple(folder / file.path for file in files),
            model=LockedModel(
                id=_NAME,
                commit=told["commit"],
                digest=artifact_digest((file.path, file.sha256) for file in files),
                kind=Kind.MODEL,
                files=files,
                policy=f"sha256:{'0' * 64}",
                verdict=Action.ALLOW,
                decided_at=datetime(2026, 1, 1, tzinfo=UTC),
            ),
        )
        hub.stdin.close()


def serve(folder: Path) -> None:
    """Serve a folder as a model until the input ends."""
    repo = HubRepo.of(_NAME, {path.name: path for path in folder.iterdir()})
    tree = repo.trees[repo.head].values()
    files = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in tree]
    with LoopbackHub([repo]) as hub:
        print(json.dumps({"endpoint": hub.endpoint, "commit": repo.head, "files": files}), flush=True)
        sys.stdin.read()


def bare(hub: Served, folder: Path | None) -> None:
    """Stream every file, into a folder or to nowhere."""
    from httpcore2._sync.http11 import HTTP11Connection
    from huggingface_hub import get_session

    HTTP11Connection.READ_NUM_BYTES = _USUAL_BYTES

    def one(file: LockedFile) -> None:
        url = f"{hub.endpoint}/{hub.model.id}/resolve/{hub.model.commit}/{file.path}"
        with get_session().stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if folder is None:
                for _ in response.iter_raw():
                    pass
            else:
                with (folder / file.path).open("wb") as target:
                    for block in response.iter_raw():
                        target.write(block)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(one, hub.model.files))


def fetch(hub: Served, folder: Path, cache: Path) -> None:
    """Fetch the model as the command does."""
    result = materialise(hub.model, folder, SourceOptions(endpoint=hub.endpoint, cache_dir=cache, jobs=JOBS))
    if len(result.fetched) != FILES:
        raise RuntimeError(f"{len(result.fetched)} files were fetched")


def into_new(root: Path, work: Callable[[Path], None]) -> float:
    """Time something that fills a folder, and remove the folder."""
    folder = root / "new"
    folder.mkdir()
    started = time.perf_counter()
    work(folder)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return seconds


def figures(hub: Served, root: Path) -> Iterator[Figure]:
    """Measure hashing, streaming and fetching in turn, and take the best of each."""
    rounds = [
        (
            hash_all(hub.sources),
            into_new(root, lambda folder: bare(hub, folder)),
            into_new(root, lambda folder: fetch(hub, folder, root / "cache")),
        )
        for _ in range(ROUNDS)
    ]
    hashing, writing, fetching = (min(each[column] for each in rounds) for column in range(3))
    discarding = into_new(root, lambda folder: bare(hub, None))
    detail = f"{hashing:.2f} s hashing, {writing:.2f} s streaming, {fetching:.2f} s fetching"
    what = f"fetch {FILES * FILE_BYTES / 10**9:g} GB in {FILES} files"
    yield Figure(what=f"{what} / the slower", ratio=fetching / max(hashing, writing), bound=1 / SHARE, detail=detail)
    yield Figure(what="  / a client that keeps nothing", ratio=fetching / discarding, bound=math.inf, detail="")
    lock = root / "gatekeeper.lock"
    write(lock, Lock(models=(hub.model,)))
    command = (*GATEKEEPER, "fetch", "--locked", str(root / "model"), "--lock", str(lock), "--jobs", str(JOBS))
    peak = process_peak(("env", f"HF_ENDPOINT={hub.endpoint}", *command, "--cache-dir", str(root / "cache"))) / 10**6
    if len(list((root / "model").rglob("*.safetensors"))) != FILES:
        raise RuntimeError("the command did not fetch every file")
    yield Figure(what="  peak memory of the process, MB", ratio=peak, bound=MEGABYTES, detail="")


def main() -> int:
    """Print the table; exit with 1 when a bound is missed."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-fetch-") as temporary:
        source, root = Path(temporary, "source"), Path(temporary, "work")
        source.mkdir()
        root.mkdir()
        with served(source) as hub:
            found = list(figures(hub, root))
    print(*found, sep="\n")
    return int(any(figure.ratio > figure.bound for figure in found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
    else:
        sys.exit(main())
