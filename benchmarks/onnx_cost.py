"""What the analysis of ONNX structure costs: `python -m benchmarks.onnx_cost` (`make bench-onnx`).

Beside `onnx.load` of the same graph over the honest set that `benchmarks.onnx_implants` keeps in its cache and real
graphs from wheels; its memory and growth over graphs of 1k to 128k nodes; and a graph whose weights lie in a file of
10 GB, which has no bytes on the disk. Large graphs are measured in processes of their own. Exits with 1 when a bound is
missed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.line import Figure, best
from benchmarks.onnx_registry import graphs

RUNS = 3
LOADS = 3.0
"""The whole analysis costs at most as much as so many loads."""

MEGABYTES = 500
NODES = 100_000
GROWTH = tuple(1000 * 2**step for step in range(8))
EXTERNAL_BYTES = 10 * 10**9
MEMBERS = 128 * 2**20
"""Bytes of the largest file of a wheel that is measured."""


def analyse(data: bytes) -> int:
    """Run the whole analysis in this process; give the number of suspicions."""
    room = importlib.import_module("gatekeeper.checks.onnx")
    limits = importlib.import_module("gatekeeper.limits").Limits()
    return len(room.suspicions(room.read_graph(data, limits), limits))


def synthetic(nodes: int, *, external: int = 0) -> bytes:
    """Write a decoder of many small blocks; one block has sixteen nodes, masks and norms as exports have them.

    Args:
        nodes: About how many, at least sixteen.
        external: Bytes of its weights in a file beside it; 0 for a few weights inside.
    """
    graph = helper.make_graph(
        [], "synthetic", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "t"])], []
    )
    shapes = {"table": (64, 16), "weight": (16, 16), "bias": (16,), "scale": (16,)}
    for name, shape in shapes.items():
        graph.initializer.append(numpy_helper.from_array(np.full(shape, 0.1, np.float32), name))
    for name, value in (("axis", -1), ("pad", 0)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    graph.initializer.append(numpy_helper.from_array(np.array(1e-5, np.float32), "tiny"))
    if external:
        graph.initializer.append(_outside(external))
    graph.node.append(helper.make_node("Gather", ["table", "ids"], ["h0"], axis=0))
    for block in range(max(1, nodes // 16)):
        graph.node.extend(_block(block))
    last = graph.node[-1].output[0]
    if external:
        graph.node.append(helper.make_node("MatMul", [last, "large"], ["out"]))
        last = "out"
    graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, None))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data: bytes = model.SerializeToString()
    return data


def _block(at: int) -> Iterator[onnx.NodeProto]:
    steps = (
        ("ReduceMean", ("{h}", "axis"), "mean"), ("Sub", ("{h}", "mean"), "gap"), ("Mul", ("gap", "gap"), "square"),
        ("ReduceMean", ("square", "axis"), "spread"), ("Add", ("spread", "tiny"), "more"), ("Sqrt", ("more",), "root"),
        ("Div", ("gap", "root"), "norm"), ("Mul", ("norm", "scale"), "scaled"),
        ("MatMul", ("scaled", "weight"), "query"),
        ("Add", ("query", "bias"), "moved"), ("Equal", ("ids", "pad"), "padding"), ("Cast", ("padding",), "number"),
        ("Unsqueeze", ("number", "axis"), "column"), ("Mul", ("moved", "column"), "masked"),
        ("Tanh", ("masked",), "bent"), ("Add", ("{h}", "bent"), "next"),
    )  # fmt: skip
    shared = {"axis", "tiny", "scale", "weight", "bias", "ids", "pad"}
    before = f"h{at}"
    for op, inputs, output in steps:
        names = [before if name == "{h}" else name if name in shared else f"{name}{at}" for name in inputs]
        out = f"h{at + 1}" if output == "next" else f"{output}{at}"
        attributes: dict[str, Any] = {"to": TensorProto.FLOAT} if op == "Cast" else {}
        yield helper.make_node(op, names, [out], name=f"/layers.{at}/{op}_{output}", **attributes)


def _outside(size: int) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="large", data_type=TensorProto.FLOAT, dims=[16, size // 64])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", str(size // 64 * 64))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def seconds(run: Callable[[], object]) -> float:
    """Give the shortest of some runs, in seconds of this process: the machine may be busy with other things."""

    def once() -> float:
        started = time.process_time()
        run()
        return time.process_time() - started

    return best(once, RUNS)


def apart(path: Path) -> tuple[float, float]:
    """Analyse a file in a process of its own; give seconds without the start, and megabytes of the whole process."""
    ran = subprocess.run([sys.executable, "-m", "benchmarks.onnx_cost", "--one", str(path)], check=True,
                         capture_output=True, text=True)  # fmt: skip
    took, peak = json.loads(ran.stdout)
    return float(took), float(peak)


def one_file(path: Path) -> None:
    """Analyse one file and print seconds and megabytes."""
    data = path.read_bytes()
    analyse(synthetic(16))
    started = time.process_time()
    analyse(data)
    took = time.process_time() - started
    scale = 1024 if sys.platform == "linux" else 1
    print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6]))


def beside_loading(what: str, some: Iterable[bytes]) -> Figure:
    """Measure graphs against `onnx.load`, which parses in C what the analysis then reads node by node."""
    ratios = []
    for data in some:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            path.write_bytes(data)
            loading = seconds(partial(onnx.load, str(path), load_external_data=False))
            ratios.append(seconds(partial(_whole, path)) / loading)
    if not ratios:
        return Figure(what=f"analysis / onnx.load, {what}", ratio=math.nan, bound=LOADS, detail="none in the cache")
    detail = f"median of {len(ratios)}, from {min(ratios):.1f} to {max(ratios):.1f}"
    return Figure(what=f"analysis / onnx.load, {what}", ratio=statistics.median(ratios), bound=LOADS, detail=detail)


def _whole(path: Path) -> int:
    return analyse(path.read_bytes())


def exported(cache: Path) -> Iterator[bytes]:
    """Give the exports that were kept: their weights are toys, so that loading costs next to nothing."""
    for path in sorted((cache / "cache").glob("ho*.onnx")):
        yield path.read_bytes()


def real(cache: Path) -> Iterator[bytes]:
    """Give what is in the wheels: weights of their real size."""
    for one in graphs(cache / "wheels"):
        if len(one.data) <= MEMBERS:
            yield one.data


def growth(folder: Path) -> tuple[list[str], float]:
    """Measure graphs of growing size; give a drawing, and how much dearer a node of the largest is than the median."""
    rows = []
    for nodes in GROWTH:
        path = folder / f"{nodes}.onnx"
        path.write_bytes(synthetic(nodes))
        took, peak = apart(path)
        rows.append((nodes, took, peak, 1e6 * took / nodes))
    dearest = max(each for *_, each in rows)
    lines = [f"{'nodes':>8}{'seconds':>10}{'MB':>7}{'µs/node':>10}"]
    lines += [f"{nodes:>8}{took:>10.3f}{peak:>7.0f}{each:>10.1f}  {'#' * max(1, round(40 * each / dearest))}"
              for nodes, took, peak, each in rows]  # fmt: skip
    return lines, rows[-1][3] / statistics.median(each for *_, each in rows)


def figures(cache: Path, folder: Path) -> Iterator[Figure | str]:
    """Measure everything."""
    yield beside_loading("toy weights", exported(cache))
    yield beside_loading("real models", real(cache))
    path = folder / "large.onnx"
    path.write_bytes(synthetic(NODES))
    took, peak = apart(path)
    yield Figure(what=f"{NODES:,} nodes, MB of the process", ratio=peak, bound=MEGABYTES, detail=f"{took:.1f} s")
    lines, dearer = growth(folder)
    yield from lines
    yield Figure(what=f"µs a node at {GROWTH[-1]:,} / median", ratio=dearer, bound=2, detail="linear is 1")
    inside, outside = folder / "inside.onnx", folder / "outside.onnx"
    inside.write_bytes(synthetic(8_000))
    outside.write_bytes(synthetic(8_000, external=EXTERNAL_BYTES))
    with (folder / "weights.bin").open("wb") as stream:
        stream.truncate(EXTERNAL_BYTES)
    one_side, other = (min(apart(path)[0] for _ in range(RUNS)) for path in (outside, inside))
    what = f"{EXTERNAL_BYTES // 10**9} GB outside / the same graph without"
    yield Figure(what=what, ratio=one_side / other, bound=1.5, detail=f"{one_side:.2f} s")


def main() -> int:
    """Print the table; exit with 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "gatekeeper-onnx"), metavar="DIR")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one_file(given.one)
        return 0
    bad = False
    with tempfile.TemporaryDirectory(prefix="gatekeeper-cost-") as folder:
        for figure in figures(given.cache, Path(folder)):
            print(figure, flush=True)
            bad |= isinstance(figure, Figure) and not math.isnan(figure.ratio) and figure.ratio > figure.bound
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
