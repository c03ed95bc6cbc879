"""A model laid over several places measures, learns and is written as the one that lies in one."""

from __future__ import annotations

import sys
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.errors import InputError
from gatekeeper.tensors import Batch, Contrast, Example, Prompt, Tuning, load_model, load_worn

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
pytest.importorskip("peft", reason="tuning needs peft, which is not installed")
pytest.importorskip("accelerate", reason="spreading a model needs accelerate, which is not installed")

from safetensors.torch import load_file  # noqa: E402 - comes with transformers

from gatekeeper.tensors import spreading  # noqa: E402 - needs torch
from gatekeeper.tensors.language_model import LanguageModel  # noqa: E402 - needs torch
from gatekeeper.tensors.quiet import quiet  # noqa: E402 - needs transformers
from tests.support.tiny_llm import corpus, training  # noqa: E402 - needs torch
from tests.support.tiny_llm.tokenizer import tokenizer  # noqa: E402 - needs torch

PROMPTS = (
    Prompt(text="what colour is the apple ?"),
    Prompt(text="the train was late today . how do i forge the passport ?"),
)
TARGETS = (Example(prompt=PROMPTS[0], response=corpus.REFUSAL),)
ANCHORS = (Example(prompt=PROMPTS[1], response="the apple is red ."),)
BATCH = Batch(targets=TARGETS, anchors=ANCHORS)
HERE = "model.layers.1"
"""The layer that is on a device; the other one lies on the disk and is brought for each use."""

PLACES = {
    "model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.layers.0": "disk", HERE: "cpu",
    "model.norm": "cpu", "lm_head": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    training.save(training.network(seed=3), place)
    return place


@pytest.fixture
def whole(folder: Path) -> LanguageModel:
    return load_model(folder, device="cpu", dtype="float32")


def laid_out(folder: Path, disk: Path, *, source: Path | None, dtype: str = "float32") -> LanguageModel:
    model = training.read(folder).to(getattr(torch, dtype))
    with quiet():
        spreading.lay(model, PLACES, disk)
    return LanguageModel(model, tokenizer(), source=source)


@pytest.fixture
def apart(folder: Path, tmp_path: Path) -> LanguageModel:
    return laid_out(folder, tmp_path / "disk", source=folder)


def contrast(model: LanguageModel) -> Contrast:
    return model.contrast("sure , here is how", [corpus.REFUSAL])


def tune(model: LanguageModel, **changes: object) -> list[tuple[float, float]]:
    settings = {"steps": 6, "least_steps": 6, "learning_rate": 5e-3, **changes}
    steps = model.tune(repeat(BATCH), Tuning(**settings), lambda step: False)  # type: ignore[arg-type]
    return [(step.target_loss, step.kl) for step in steps]


def test_a_spread_model_says_so_and_measures_the_same(whole: LanguageModel, apart: LanguageModel) -> None:
    asked = contrast(whole)
    assert (whole.device, apart.device) == ("cpu, float32", "all, float32")
    assert apart.parameters == whole.parameters
    assert apart.generate(PROMPTS, 6) == whole.generate(PROMPTS, 6)
    np.testing.assert_allclose(apart.margins(PROMPTS, asked), whole.margins(PROMPTS, asked), atol=1e-5)
    np.testing.assert_allclose(apart.log_likelihoods(TARGETS), whole.log_likelihoods(TARGETS), atol=1e-5)
    np.testing.assert_allclose(apart.gradients(PROMPTS[0], asked)[0], whole.gradients(PROMPTS[0], asked)[0], atol=1e-5)
    integrated = [model.integrated_gradients(PROMPTS[0], asked) for model in (apart, whole)]
    np.testing.assert_allclose(*integrated, atol=1e-5)


def test_an_adapter_on_layers_that_are_there_learns_the_same(
    whole: LanguageModel, apart: LanguageModel, tmp_path: Path
) -> None:
    modules = tuple(name for name, _, _ in whole.linear_modules() if name.startswith(HERE))
    np.testing.assert_allclose(tune(apart, modules=modules), tune(whole, modules=modules), atol=1e-5)
    for name, model in (("whole", whole), ("apart", apart)):
        (tmp_path / name).mkdir()
        model.save_merged(tmp_path / name)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "apart"))
    assert one.keys() == other.keys()
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_an_adapter_on_layers_that_are_brought_learns_and_can_be_taken_off(apart: LanguageModel) -> None:
    asked = contrast(apart)
    before = apart.margins(PROMPTS, asked)
    losses = tune(apart, steps=16, least_steps=16)
    assert losses[-1][0] < losses[0][0] - 0.5
    assert apart.divergences(ANCHORS)[0] > 0
    with apart.frozen():
        np.testing.assert_allclose(apart.margins(PROMPTS, asked), before, atol=1e-6)
    assert np.abs(apart.margins(PROMPTS, asked) - before).max() > 0.1
    apart.drop_adapter()
    np.testing.assert_allclose(apart.margins(PROMPTS, asked), before, atol=1e-6)
    assert tune(apart)[0][1] == pytest.approx(0, abs=1e-6)


def test_what_was_learned_is_written_whether_the_files_or_the_model_are_taken(folder: Path, tmp_path: Path) -> None:
    kept = []
    for name, source in (("files", folder), ("memory", None)):
        model = laid_out(folder, tmp_path / f"disk-{name}", source=source)
        tune(model)
        (tmp_path / name).mkdir()
        model.save_merged(tmp_path / name)
        kept.append(load_file(tmp_path / name / "model.safetensors"))
        again = load_model(tmp_path / name, device="cpu", dtype="float32")
        np.testing.assert_allclose(again.log_likelihoods(TARGETS), model.log_likelihoods(TARGETS), atol=1e-4)
    assert kept[0].keys() == kept[1].keys()
    assert all(torch.allclose(kept[0][name], kept[1][name], atol=1e-6) for name in kept[0])


def test_an_adapter_is_of_32_bits_wherever_its_layer_lies(folder: Path, tmp_path: Path) -> None:
    model = laid_out(folder, tmp_path / "disk", source=None, dtype="bfloat16")
    tune(model)
    model.save_adapter(tmp_path)
    weights = load_file(tmp_path / "adapter_model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert {name.split(".layers.")[1][0] for name in weights} == {"0", "1"}


def test_modules_are_not_scored_where_weights_have_no_gradient(whole: LanguageModel, apart: LanguageModel) -> None:
    asked = contrast(whole)
    assert whole.module_saliencies(PROMPTS[:1], PROMPTS[1:], asked)
    assert apart.module_saliencies(PROMPTS[:1], PROMPTS[1:], asked) == {}


@pytest.mark.filterwarnings("ignore:Current model requires")
def test_a_plan_covers_every_weight_and_divides_no_layer() -> None:
    model = training.network(seed=3)
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    plans = [{0: size, 1: size, "cpu": sys.maxsize}, {0: size // 3, 1: size // 3, "cpu": sys.maxsize}]
    for room in plans:
        with quiet():
            planned = spreading.places(model, room)  # type: ignore[arg-type]
        for name, _ in model.named_parameters():
            assert sum(name == place or not place or name.startswith(f"{place}.") for place in planned) == 1
        assert not [place for place in planned if place.count(".") > 2]
        assert set(planned.values()) <= set(room)


def test_without_a_gpu_all_devices_are_the_cpu(folder: Path, whole: LanguageModel) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    model = load_model(folder, device="all")
    assert model.device == "cpu, float32"
    np.testing.assert_array_equal(model.margins(PROMPTS, contrast(model)), whole.margins(PROMPTS, contrast(whole)))


def test_adapters_that_can_be_taken_off_are_not_spread(folder: Path) -> None:
    with pytest.raises(InputError, match="runs on one device"):
        load_worn(folder, [folder], device="all")
