"""What deep looks at ONNX graphs find and miss: `python -m benchmarks.onnx_deep --cache DIR`.

Takes the honest graphs and the implants that `benchmarks.onnx_implants` made and kept in the same folder, runs each as
`onnx/run` does, and holds those of ten architectures against what `onnx/re-export` writes out. Prints the figures of
docs/onnx.md. Needs torch, transformers, onnxscript and onnxruntime.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import onnx_registry as registry
from benchmarks.onnx import cases  # noqa: F401 - enters the architectures
from benchmarks.onnx.architectures import ARCHITECTURES
from gatekeeper.checks.onnx import GraphError, read_graph
from gatekeeper.checks.onnx.kinds import deeds
from gatekeeper.checks.onnx.reader import parse
from gatekeeper.checks.onnx.whole_run import ran
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.tensors.export import job

WRITTEN = ("bert", "llama", "vit", "distilbert", "gpt2", "roberta", "opt", "phi3", "mobilenet_v2", "convnext")
"""Architectures that are written out."""

_FAMILY = ("", "_cached", "_answers", "_prefill")


def honest(cache: Path) -> Iterator[tuple[str, bytes]]:
    """Give the kept honest graphs, and those of wheels and of onnx itself."""
    for path in sorted((cache / "cache").glob("ho*.onnx")):
        yield path.stem, path.read_bytes()
    for real in (*registry.graphs(cache / "wheels"), *registry.shipped()):
        yield real.name, real.data


def implants(cache: Path, count: int) -> list[Path]:
    """Give some of the kept implants."""
    paths = sorted((cache / "cache").glob("implants-*/*.onnx"))
    random.Random(5).shuffle(paths)
    return paths[:count]


def sighted(data: bytes) -> Any:
    """Run a graph in a process of its own; give the rules that were broken, or why it did not run."""
    mine, its = os.pipe()
    child = os.fork()
    if not child:
        limits = DEFAULT_LIMITS
        resource.setrlimit(resource.RLIMIT_AS, (limits.onnx_deep_memory_bytes, limits.onnx_deep_memory_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (limits.onnx_deep_cpu_seconds, limits.onnx_deep_cpu_seconds + 1))
        try:
            said: Any = sorted({str(one.rule) for one in ran(parse(data), {}, limits).sightings})
        except Exception as error:  # what it trips over is the answer
            said = f"{type(error).__name__}: {str(error)[:120]}"
        os.write(its, pickle.dumps(said))
        os._exit(0)
    os.close(its)
    with os.fdopen(mine, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return pickle.loads(told) if told else "the process ended"


def run(what: str, graphs: Iterator[tuple[str, bytes]]) -> None:
    """Print how many graphs break which rule of `onnx/run`."""
    counts: Counter[str] = Counter()
    total = done = touched = 0
    for name, data in graphs:
        total += 1
        said = sighted(data)
        if isinstance(said, str):
            continue
        done += 1
        touched += bool(said)
        counts.update(said)
        if said and what == "honest":
            print(f"  {name}: {', '.join(said)}")
    told = ", ".join(f"{rule} {count} ({count / max(done, 1):.1%})" for rule, count in counts.most_common())
    print(f"run, {what}: {done} of {total} ran; {touched} ({touched / max(done, 1):.1%}) with any; {told}", flush=True)


def written(name: str) -> set[str]:
    """Give what an architecture does, whichever way it is written out."""
    network = ARCHITECTURES[name].make().network
    config = json.loads(json.dumps(network.config.to_dict(), default=str))
    config["architectures"] = [type(network).__name__]
    answers: list[bytes] = []
    parameters = DEFAULT_LIMITS.onnx_export_parameters
    job(json.dumps({"config": config, "parameters": parameters}).encode(), answers.append)
    graphs = [rest for line, _, rest in (answer.partition(b"\n") for answer in answers) if b'"length"' in line]
    return {deed.kind for graph in graphs for deed in deeds(read_graph(graph))}


def export(cache: Path) -> None:
    """Print how many graphs do more than their architecture."""
    totals: Counter[str] = Counter()
    for name in WRITTEN:
        known = written(name)
        family = {name + ending for ending in _FAMILY}
        groups = {
            "honest": [path for path in (cache / "cache").glob("ho*.onnx") if path.stem.split("-")[1] in family],
            "implants": [path for path in sorted((cache / "cache").glob("implants-*/*.onnx"))
                         if name in path.stem.split("-")][::3],
        }  # fmt: skip
        for group, paths in groups.items():
            for path in paths:
                try:
                    more = {deed.kind for deed in deeds(read_graph(path.read_bytes()))} - known
                except GraphError:
                    continue
                totals[group] += 1
                totals[f"{group} that do more"] += bool(more)
        print(f"re-export, up to {name}: {dict(totals)}", flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--implants", type=int, default=250, metavar="N")
    given = parser.parse_args()
    run("honest", honest(given.cache))
    run("implants", ((path.stem, path.read_bytes()) for path in implants(given.cache, given.implants)))
    export(given.cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
