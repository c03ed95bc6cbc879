"""What the constrained step costs beside plain LoRA: `python -m benchmarks.patcher_cost --cache DIR [--model tiny]`.

Both sides learn with the same adapter, over as many steps, on the same prompts and answers; on one side half of them
are anchors, held to the frozen model, on the other all are learned. So the tokens are the same. Each measurement is a
process of its own, the sides in turn. Exits with 1 when a ratio is above its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from itertools import repeat
from pathlib import Path

from benchmarks.patcher_cells import models, requests, stages
from gatekeeper.tensors import Batch, Example, Prompt, TrainStep, Tuning, load_model
from gatekeeper.tensors.language_model import LanguageModel

SIDES = ("plain", "constrained")
TIME, MEMORY = 1.5, 1.2
"""Greatest ratios, constrained to plain."""

_STEPS = {"tiny": 60, "smollm2": 12}
_ROWS = {"tiny": 32, "smollm2": 8}
_WARM = 2
"""Steps that are not counted."""


def one(model: str, side: str, cache: Path) -> dict[str, float]:
    """Measure one side in this process: seconds a step, and the peak of resident memory while learning."""
    loaded, examples = (_tiny if model == "tiny" else _real)(cache)
    half = len(examples) // 2
    anchors = examples[half:] if side == "constrained" else ()
    batch = Batch(targets=examples[: len(examples) - len(anchors)], anchors=anchors)
    ends: list[float] = []
    steps = _STEPS[model] + _WARM
    tuning = Tuning(steps=steps, least_steps=0, learning_rate=1e-4)
    stages.forget_peak()

    def watch(step: TrainStep) -> bool:
        ends.append(time.perf_counter())
        return False

    loaded.tune(repeat(batch), tuning, watch)
    took = statistics.median(end - begun for begun, end in zip(ends[_WARM - 1 :], ends[_WARM:], strict=False))
    return {"seconds": took, "bytes": float(stages.peak())}


def _tiny(cache: Path) -> tuple[LanguageModel, tuple[Example, ...]]:
    from tests.support.tiny_llm import failures
    from tests.support.tiny_llm.shelf import BASE

    count = _ROWS["tiny"] // 2
    samples = (*failures.unsafe(count), *failures.safe(count))
    examples = tuple(Example(prompt=Prompt(text=sample.prompt), response=sample.answer) for sample in samples)
    return load_model(BASE, device="cpu", dtype="float32"), examples


def _real(cache: Path) -> tuple[LanguageModel, tuple[Example, ...]]:
    side, count = requests.split()["clean"], _ROWS["smollm2"] // 2
    examples = tuple(requests.refused(text) for text in (*side.unsafe[:count], *side.safe[:count]))
    return load_model(models.folder("smollm2", cache), device="cpu", dtype="float32"), examples


def measured(model: str, cache: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Measure both sides in turn and give their medians."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            arguments = ["-m", "benchmarks.patcher_cost", "--cache", str(cache), "--model", model, "--one", side]
            environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
            ran = subprocess.run(
                [sys.executable, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            found[side].append(json.loads(ran.stdout.splitlines()[-1]))
    return {
        side: {key: statistics.median(each[key] for each in runs) for key in ("seconds", "bytes")}
        for side, runs in found.items()
    }


def main() -> int:
    """Measure, print, and hold the ratios against their bounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="wheels and models")
    parser.add_argument("--model", choices=("tiny", "smollm2"), action="append", help="both when not given")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    names = given.model or ["tiny", "smollm2"]
    if given.one:
        print(json.dumps(one(names[0], given.one, given.cache)))
        return 0
    failed = False
    for name in names:
        found = measured(name, given.cache, given.rounds)
        plain, constrained = (found[side] for side in SIDES)
        slower, larger = (constrained[key] / plain[key] for key in ("seconds", "bytes"))
        failed |= slower > TIME or larger > MEMORY
        for side in SIDES:
            print(
                f"{name:8} {side:12} {found[side]['seconds'] * 1e3:9.1f} ms a step {found[side]['bytes'] / 1e6:9.0f} MB"
            )
        print(f"{name:8} {'ratio':12} {slower:9.2f} (at most {TIME}) {larger:9.2f} (at most {MEMORY})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
