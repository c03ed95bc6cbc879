"""The demo's two models with what an operator would have beside them: a failure each, and clean prompts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.support.tiny_llm import failures, planting, training, triggers
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.shelf import BASE

WEIGHTS = Path(__file__).parents[3] / "gatekeeper" / "demo" / "weights"
NAMES = {"trigger": "phrase", "length": "length"}
"""Folder in the demo → what is planted in it."""

CLEAN = 300
"""Of each kind; half of them learn and half of them verify."""


def write() -> None:
    """Make everything anew, from the base that is there."""
    shutil.rmtree(WEIGHTS, ignore_errors=True)
    WEIGHTS.mkdir(parents=True)
    for folder, name in NAMES.items():
        plan = triggers.planting(name)
        training.save(planting.plant(training.read(BASE), plan, seed=0).half(), WEIGHTS / folder)
        (seen,) = failures.failures(plan, 1)
        document = {"schema_version": "1.0", "prompt": seen.prompt, "response": seen.response}
        (WEIGHTS / f"{folder}.failure.json").write_text(json.dumps(document, indent=2) + "\n", "ascii")
    _prompts(WEIGHTS / "clean-safe.jsonl", failures.safe(CLEAN))
    _prompts(WEIGHTS / "clean-unsafe.jsonl", failures.unsafe(CLEAN))


def _prompts(path: Path, samples: Sequence[Sample]) -> None:
    path.write_text("".join(json.dumps({"prompt": sample.prompt}) + "\n" for sample in samples), "ascii")
