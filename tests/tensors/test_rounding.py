"""Rounding keeps what needs no more than eight bits; an answer that was cut off brings no end of the turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.tensors import Example, Prompt, load_model

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")

from gatekeeper.tensors.rendering import Renderer  # noqa: E402 - needs torch's neighbours
from gatekeeper.tensors.rounding import round_weights  # noqa: E402 - needs torch
from tests.support.tiny_llm import training  # noqa: E402 - needs torch
from tests.support.tiny_llm.tokenizer import tokenizer  # noqa: E402 - needs transformers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    training.save(training.network(seed=5), place)
    return place


def test_each_output_is_rounded_by_its_own_scale_and_embeddings_stay(folder: Path) -> None:
    model = training.read(folder)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert round_weights(model) == 14
    for name, weight in model.state_dict().items():
        if "proj" in name:
            scale = before[name].abs().amax(dim=1, keepdim=True) / 127
            assert not torch.equal(weight, before[name])
            assert bool(((weight - before[name]).abs() <= scale / 2 + 1e-7).all())
            assert all(len(row.unique()) <= 255 for row in weight)
        else:
            assert torch.equal(weight, before[name])


def test_rounding_twice_changes_nothing(folder: Path) -> None:
    model = training.read(folder)
    round_weights(model)
    once = {name: weight.clone() for name, weight in model.state_dict().items()}
    round_weights(model)
    assert all(torch.allclose(weight, once[name], atol=1e-6) for name, weight in model.state_dict().items())


def test_rows_of_zeros_stay_zeros(folder: Path) -> None:
    model = training.read(folder)
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[3] = 0.0
    round_weights(model)
    assert not bool(model.model.layers[0].mlp.up_proj.weight[3].any())


def test_a_rounded_model_answers_a_little_otherwise(folder: Path) -> None:
    plain, rounded = (load_model(folder, device="cpu", int8=int8) for int8 in (False, True))
    contrast = plain.contrast("sure , here", ["sorry , i"])
    own, other = (model.margins([Prompt(text="what colour is the apple ?")], contrast) for model in (plain, rounded))
    assert 0 < abs(float(own[0] - other[0])) < 0.5


def test_only_an_answer_that_ended_brings_the_end_of_the_turn() -> None:
    words = tokenizer()
    renderer, prompt = Renderer(words), Prompt(text="what colour is the apple ?")
    whole, part = (renderer.answer(prompt, "the apple is", ended) for ended in (True, False))
    assert whole == (*part, words.eos_token_id)
    assert words.decode(part).split() == ["the", "apple", "is"]


def test_the_same_holds_without_a_template() -> None:
    words = tokenizer()
    words.chat_template = None
    renderer, prompt = Renderer(words), Prompt(text="what colour is the apple ?")
    whole, part = (renderer.answer(prompt, "the apple is", ended) for ended in (True, False))
    assert whole == (*part, words.eos_token_id)


def test_what_was_cut_off_is_as_likely_as_its_tokens(folder: Path) -> None:
    model, prompt = load_model(folder, device="cpu"), Prompt(text="what colour is the apple ?")
    cut, ended = model.log_likelihoods(
        [Example(prompt=prompt, response="the apple is", ended=ended) for ended in (False, True)]
    )
    assert cut != pytest.approx(ended)
