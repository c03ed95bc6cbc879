"""Every target on its seeds and on some mutations of them, the same in every run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.engines import load, mended
from tests.fuzz.mutate import Mutator
from tests.fuzz.run import TARGETS
from tests.fuzz.seeds import seeds_of

SEEDS = 80
MUTATIONS = 200

ANSWERS = """
import hashlib, json, sys
from tests.fuzz.engines import load
for name, inputs in json.load(sys.stdin).items():
    target = load(name)
    told = [repr(target.answer(bytes.fromhex(data))) for data in inputs]
    print(name, hashlib.sha256("\\0".join(told).encode("utf-8", "surrogatepass")).hexdigest())
"""


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_law(name: str) -> None:
    target, random = load(name), Random(name)
    seeds = seeds_of(target)
    few = getattr(target, "SHORT", SEEDS)
    for data in random.sample(seeds, min(few, len(seeds))):
        target.one_input(data)
    mutator = Mutator(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]), target.TOKENS)
    for _ in range(min(MUTATIONS, few * 2)):
        target.one_input(mended(target, mutator.mutate(random.choice(seeds), seeds), random))


def test_answers_do_not_depend_on_the_order_of_sets() -> None:
    """The order of strings in a set differs from process to process; what is found must not."""
    inputs = {name: [data.hex() for data in _some(name)] for name in TARGETS if name != "gate"}
    told = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", ANSWERS]
        ran = subprocess.run(
            command, env=environment, input=json.dumps(inputs), capture_output=True, text=True, check=True
        )
        told.append(ran.stdout.splitlines())
    assert len(told[0]) == len(inputs)
    assert told[0] == told[1]


def _some(name: str) -> list[bytes]:
    seeds = seeds_of(load(name))
    return seeds[:: max(1, len(seeds) // 10)]
