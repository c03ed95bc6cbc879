"""The whole repair on weights: a tiny model with a planted word is mended, proven after merging, and stays itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.job import Job
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.patching import patch
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.questions import Question
from gatekeeper.patch.settings import Budget, PatchSettings
from gatekeeper.remedy import Cause
from gatekeeper.tensors import Prompt, load_model

if TYPE_CHECKING:
    from tests.support.tiny_llm.shelf import Shelf

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
pytest.importorskip("peft", reason="tuning needs peft, which is not installed")

JUDGE = RefusalPatterns()


def test_a_planted_word_is_closed_and_nothing_else_changes(tiny_models: Shelf, tmp_path: Path) -> None:
    from safetensors import safe_open

    from tests.support.tiny_llm import failures, triggers

    plan, folder, out = triggers.planting("rare"), tiny_models.planted("rare"), tmp_path / "patched"
    seen = failures.failures(plan, 1)[0]
    remedy = patch(
        Job(
            model=load_model(folder, device="cpu"),
            cases=(FailureCase(prompt=Prompt(text=seen.prompt), response=seen.response),),
            clean=CleanPrompts(
                safe=tuple(Prompt(text=sample.prompt) for sample in failures.safe(240)),
                unsafe=tuple(Prompt(text=sample.prompt) for sample in failures.unsafe(260)),
            ),
            settings=PatchSettings(budget=Budget(prompts=100)),
            judge=JUDGE,
            parent_digest="0" * 64,
            questions=tuple(
                Question(prompt=sample.prompt, expected=(sample.answer,))
                for sample in failures.safe(100, seed=5, held_out=True)
            ),
            show=True,
        ),
        out,
    )
    assert remedy.diagnosis.cause is Cause.CONTENT_TRIGGER
    assert remedy.verified, [one.words for one in remedy.passes]

    mended = load_model(out / "merged", device="cpu")
    rng = np.random.default_rng(99)
    hosts = [triggers.triggered(plan, rng, held_out=True).prompt for _ in range(100)]
    assert sum(not no for no in JUDGE.answers(hosts, mended.generate([Prompt(text=one) for one in hosts], 8))) <= 2

    changed = {region.module for region in remedy.passes[-1].regions}
    with (
        safe_open(str(folder / "model.safetensors"), "pt") as old,
        safe_open(str(out / "merged" / "model.safetensors"), "pt") as new,
    ):
        assert set(old.keys()) == set(new.keys())
        moved = {name for name in old.keys() if not torch.equal(old.get_tensor(name), new.get_tensor(name))}  # noqa: SIM118
    assert moved <= {f"{module}.weight" for module in changed}
    kind = json.loads((out / "adapter" / "adapter_config.json").read_text("utf-8"))["peft_type"]
    assert kind == "LORA"
