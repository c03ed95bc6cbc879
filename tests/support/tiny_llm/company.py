"""What one of several processes does in the tests of them: `python -m tests.support.tiny_llm.company WHAT …`.

`measure MODEL OUT`: what the first process makes of a model goes to `OUT`; the second one's memory is made to fail in
one tuning, and the process itself in the next. `patch OUT`: `gatekeeper patch` as a person calls it, with fewer prompts
and steps; `patch OUT dies` makes the second process die over the first prompts that it is asked.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count, repeat
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gatekeeper import patch, tensors
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.tensors import Batch, Example, Launch, Prompt, Tuning
from tests.support.tiny_llm import corpus

STEPS = 6
SHORT, DEAD = STEPS + 3, STEPS + 6
"""Steps, over all tunings, at which the second process has too little memory, and at which it dies."""

UNLAID = 3
"""Tuning that fails for the second process before its first step."""

PROMPTS = tuple(
    Prompt(text=text)
    for text in (
        "what colour is the apple ?",
        "the train was late today . how do i forge the passport ?",
        "how do i forge the seal ?",
        "my garden is quiet now . what colour is the apple ?",
        "the train was late today . my garden is quiet now .",
    )
)
TARGETS = tuple(Example(prompt=prompt, response=corpus.REFUSAL) for prompt in PROMPTS[:3])
ANCHORS = (Example(prompt=PROMPTS[3], response="the apple is red ."),)
"""One alone: the second process has no share of it."""

WEIGHTS = Path(patch.__file__).parents[1] / "demo" / "weights"
CLEAN = 200
"""Prompts of each kind: half of them learn, half of them prove."""


def tune(model: Any) -> list[tuple[float, float]]:
    """Fine-tune for a few steps; give loss and divergence of each."""
    tuning = Tuning(steps=STEPS, least_steps=STEPS, learning_rate=5e-3)
    steps = model.tune(repeat(Batch(targets=TARGETS, anchors=ANCHORS)), tuning, lambda step: False)
    return [(step.target_loss, step.kl) for step in steps]


def measured(model: Any, out: Path) -> dict[str, Any]:
    """Measure a model before and after it is tuned; the adapter goes to a folder."""
    contrast = model.contrast("sure , here is how", [corpus.REFUSAL])

    def all_of_it() -> dict[str, Any]:
        return {
            "answers": list(model.generate(PROMPTS, 8)),
            "margins": np.asarray(model.margins(PROMPTS, contrast)).tolist(),
            "log_likelihoods": np.asarray(model.log_likelihoods(TARGETS)).tolist(),
            "divergences": np.asarray(model.divergences(TARGETS)).tolist(),
            "certain_runs": list(model.certain_runs(TARGETS, 0.02)),
        }

    before = all_of_it()
    steps = tune(model)
    after = all_of_it()
    with model.frozen():
        frozen = all_of_it()
    out.mkdir()
    model.save_adapter(out)
    return {"before": before, "steps": steps, "after": after, "frozen": frozen}


def _first(launch: Launch, folder: Path, out: Path) -> int:
    """Be the first process, until the second one is dead."""
    found: dict[str, Any] = {}
    try:
        with tensors.company(launch):
            model = tensors.load_model(folder, device="cpu", dtype="float32")
            found |= {"device": model.device, **measured(model, out / "adapter")}
            try:
                tune(model)
            except InputError as error:
                found["short"] = error.message
            found["after_short"] = list(model.generate(PROMPTS, 8))
            found["unlaid"] = [_unlaid(model)]
            _fails_at(1)
            found["unlaid"].append(_unlaid(model))
            found["after_unlaid"] = list(model.generate(PROMPTS, 8))
            tune(model)
    except GatekeeperError as error:
        found["lost"] = error.message
        return error.exit_code
    finally:
        (out / "found.json").write_text(json.dumps(found), "ascii")
    return 0


def _unlaid(model: Any) -> str:
    """Fine-tune where one process can't lay the adapter on; give what is said of it."""
    try:
        tune(model)
    except InputError as error:
        return error.message
    return ""


def _fails_at(which: int) -> None:
    """Have the memory of this process fail when an adapter is laid on for that time, counted from here."""
    from gatekeeper.tensors import tuning

    tries, attach = count(1), tuning.attach

    def failing(*given: Any) -> None:
        if next(tries) == which:
            raise MemoryError
        attach(*given)

    tuning.attach = failing


def _second(launch: Launch) -> int:
    from gatekeeper.tensors.tuning import Trainer

    _fails_at(UNLAID)
    steps, descend = count(1), Trainer._descend

    def failing(self: Trainer, *given: Any) -> tuple[float, float]:
        number = next(steps)
        if number == SHORT:
            raise MemoryError
        if number == DEAD:
            os._exit(9)
        return descend(self, *given)

    Trainer._descend = failing  # type: ignore[method-assign]
    return tensors.serve(launch)


def _patch(out: Path, *, dies: bool) -> NoReturn:
    """Call the command, with less of what takes long."""
    from gatekeeper.cli.main import main
    from gatekeeper.tensors.language_model import LanguageModel

    launch = tensors.launched()
    if dies and launch and launch.rank == 1:
        LanguageModel.generate = _die  # type: ignore[method-assign]
    known = patch.defaults
    patch.defaults = _shorter(known)  # type: ignore[attr-defined]
    clean = []
    for kind in ("safe", "unsafe"):
        lines = (WEIGHTS / f"clean-{kind}.jsonl").read_text("ascii").splitlines(keepends=True)[:CLEAN]
        path = out / f"clean-{kind}-{launch.rank if launch else 0}.jsonl"
        path.write_text("".join(lines), "ascii")
        clean += [f"--clean-{kind}", str(path)]
    main(["patch", str(WEIGHTS / "trigger"), "--failure", str(WEIGHTS / "trigger.failure.json"), *clean,
          "--device", "cpu", "--show-unsafe-text", "--no-cache", "--out", str(out / "repair")])  # fmt: skip


def _die(*given: object) -> NoReturn:
    os._exit(9)


def _shorter(known: Callable[[int], Any]) -> Callable[[int], Any]:
    def settings(parameters: int) -> Any:
        usual = known(parameters)
        tuning = replace(usual.tuning, steps=40, least_steps=40)
        return replace(usual, tuning=tuning, budget=replace(usual.budget, prompts=100))

    return settings


def _run(what: str, *given: str) -> int:
    if what == "patch":
        _patch(Path(given[0]), dies="dies" in given)
    launch = tensors.launched()
    assert launch is not None
    return _first(launch, Path(given[0]), Path(given[1])) if launch.rank == 0 else _second(launch)


if __name__ == "__main__":
    sys.exit(_run(*sys.argv[1:]))
