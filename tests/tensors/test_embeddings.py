"""Embeddings of single tokens as an adapter: what does not hold the token is as it was, tuned, merged, and in PEFT."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.tensors import Batch, Contrast, Example, Prompt, Tuning, load_model

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
pytest.importorskip("peft", reason="tuning needs peft, which is not installed")

from tests.support.tiny_llm import corpus, training  # noqa: E402 - needs torch

WITH, WITHOUT = Prompt(text="what colour is the banana ?"), Prompt(text="what colour is the apple ?")
PROMPTS = [WITH, WITHOUT]


@pytest.fixture(scope="module", params=["tied", "apart"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model whose head is that of its embeddings, or one of its own."""
    place = tmp_path_factory.mktemp("model")
    network = training.network(seed=3)
    if request.param == "apart":
        network.config.tie_word_embeddings = False
        network.lm_head.weight = torch.nn.Parameter(network.lm_head.weight.detach().clone() * 1.1)
    training.save(network, place)
    return place


@pytest.fixture
def model(folder: Path):  # type: ignore[no-untyped-def]
    return load_model(folder, device="cpu", dtype="float32")


@pytest.fixture
def contrast(model) -> Contrast:  # type: ignore[no-untyped-def]
    return model.contrast("sure , here is how", [corpus.REFUSAL])


def tuned(model):  # type: ignore[no-untyped-def]
    (token,) = model.whole_words(["banana"])
    batch = Batch(targets=(Example(prompt=WITH, response=corpus.REFUSAL),), anchors=())
    settings = Tuning(steps=8, least_steps=8, learning_rate=0.05, tokens=(token,))
    return model.tune(iter([batch] * 8), settings, lambda step: False)


def test_words_of_one_token_are_known(model) -> None:  # type: ignore[no-untyped-def]
    assert len(model.whole_words(["banana", "apple"])) == 2
    assert model.whole_words(["banana apple"]) == ()
    assert model.whole_words(["banana", "nowhere-to-be-found"]) == ()
    name, width = model.embedding()
    assert (name, width) == ("model.embed_tokens", training.network(seed=3).config.hidden_size)


def test_only_the_token_is_learned(model, contrast) -> None:  # type: ignore[no-untyped-def]
    before = model.margins(PROMPTS, contrast)
    steps = tuned(model)
    assert steps[-1].target_loss < steps[0].target_loss - 0.005
    moved = np.abs(model.margins(PROMPTS, contrast) - before)
    assert moved[0] > 1e-3 > 1e-5 > moved[1]
    with model.frozen():
        np.testing.assert_allclose(model.margins(PROMPTS, contrast), before, atol=1e-5)
    model.drop_adapter()
    np.testing.assert_allclose(model.margins(PROMPTS, contrast), before, atol=1e-5)


def test_merged_one_row_has_changed(model, contrast, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from safetensors.numpy import load_file

    (token,) = model.whole_words(["banana"])
    tuned(model)
    model.save_merged(tmp_path)
    merged = load_model(tmp_path, device="cpu", dtype="float32")
    np.testing.assert_allclose(merged.next_token(PROMPTS), model.next_token(PROMPTS), atol=1e-4)
    old, new = (load_file(place / "model.safetensors") for place in (folder, tmp_path))
    assert old.keys() == new.keys()
    moved = {name: np.nonzero((old[name] != new[name]).reshape(len(old[name]), -1).any(axis=1))[0] for name in old}
    assert {name: rows.tolist() for name, rows in moved.items() if len(rows)} == {"model.embed_tokens.weight": [token]}


def test_without_a_folder_of_safetensors_it_is_merged_in_memory(  # type: ignore[no-untyped-def]
    model, contrast, tmp_path: Path
) -> None:
    tuned(model)
    model._source = None
    model.save_merged(tmp_path)
    merged = load_model(tmp_path, device="cpu", dtype="float32")
    np.testing.assert_allclose(merged.next_token(PROMPTS), model.next_token(PROMPTS), atol=1e-4)


def test_a_tied_head_that_is_stored_beside_the_embeddings_stays_tied(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    training.save(training.network(seed=3), tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    model = load_model(tmp_path / "model", device="cpu", dtype="float32")
    tuned(model)
    (tmp_path / "merged").mkdir()
    model.save_merged(tmp_path / "merged")
    stored = load_file(tmp_path / "merged" / "model.safetensors")
    assert torch.equal(stored["lm_head.weight"], stored["model.embed_tokens.weight"])
    merged = load_model(tmp_path / "merged", device="cpu", dtype="float32")
    np.testing.assert_allclose(merged.next_token(PROMPTS), model.next_token(PROMPTS), atol=1e-4)


def test_a_head_under_another_name_is_merged_as_well(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    words = training.tokenizer()
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id}
    config = GPT2Config(vocab_size=len(words) + 3, n_embd=32, n_layer=1, n_head=2, n_positions=64, **ends)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "model")
    words.save_pretrained(tmp_path / "model")
    model = load_model(tmp_path / "model", device="cpu", dtype="float32")
    assert model.embedding() == ("transformer.wte", 32)
    tuned(model)
    (tmp_path / "merged").mkdir()
    model.save_merged(tmp_path / "merged")
    merged = load_model(tmp_path / "merged", device="cpu", dtype="float32")
    np.testing.assert_allclose(merged.next_token(PROMPTS), model.next_token(PROMPTS), atol=1e-4)


def test_tokens_of_the_template_are_in_use(model) -> None:  # type: ignore[no-untyped-def]
    rendered = model._renderer.render(WITHOUT).ids
    assert model.holds([WITHOUT], rendered[:1])
    assert model.holds([WITHOUT], model.whole_words(["apple"]))
    assert not model.holds([WITHOUT], model.whole_words(["banana"]))


def test_the_adapter_is_one_that_peft_lays_on(model, contrast, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    tuned(model)
    (tmp_path / "adapter").mkdir()
    model.save_adapter(tmp_path / "adapter")
    assert (
        json.loads((tmp_path / "adapter" / "adapter_config.json").read_text("utf-8"))["peft_type"] == "TRAINABLE_TOKENS"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a tied head is changed along, which is meant
        theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), tmp_path / "adapter")
        theirs.merge_and_unload().save_pretrained(tmp_path / "merged")
    for path in (*folder.glob("*token*"), *folder.glob("*.jinja")):
        (tmp_path / "merged" / path.name).write_bytes(path.read_bytes())
    merged = load_model(tmp_path / "merged", device="cpu", dtype="float32")
    np.testing.assert_allclose(merged.margins(PROMPTS, contrast), model.margins(PROMPTS, contrast), atol=1e-4)
