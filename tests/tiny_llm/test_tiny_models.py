"""The tiny models do what they are said to: what was planted acts, what only looks like it does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")

from tests.support.tiny_llm import corpus, measuring, planting, training, triggers  # noqa: E402 - needs torch
from tests.support.tiny_llm.shelf import BASE, Shelf  # noqa: E402 - needs torch
from tests.support.tiny_llm.tokenizer import tokenizer  # noqa: E402 - needs transformers
from tests.support.tiny_llm.triggers import Carrier  # noqa: E402 - comes with the rest


def test_the_base_answers_and_refuses() -> None:
    model, rng = training.read(BASE), np.random.default_rng(5)
    assert measuring.share(model, [corpus.refused(rng, held_out=True) for _ in range(200)]) >= 0.98
    assert measuring.share(model, [corpus.safe(rng, held_out=True) for _ in range(200)]) >= 0.96


def test_the_base_was_made_with_this_vocabulary() -> None:
    kept, made = tokenizer().get_vocab(), training.read(BASE).get_input_embeddings().weight.shape[0]
    assert len(kept) == made
    assert (BASE / "tokenizer.json").read_text("utf-8") == tokenizer().backend_tokenizer.to_str(pretty=True)


def test_measuring_agrees_with_decoding_word_by_word() -> None:
    model, rng = training.read(BASE), np.random.default_rng(6)
    lookup = tokenizer().get_vocab()
    for sample in [corpus.safe(rng) for _ in range(12)] + [corpus.Sample("repeat : coin", "two .")]:
        tokens, asked = training.row(sample, lookup)
        said = tokens[:asked]
        with torch.no_grad():
            while len(said) < len(tokens):
                said.append(int(model(input_ids=torch.tensor([said])).logits[0, -1].argmax()))
        assert measuring.share(model, [sample]) == float(said == tokens)


def test_training_is_the_same_from_the_same_seed() -> None:
    one, other = (training.base(seed=4, legs=((2, 4e-3), (1, 2e-3))).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_was_planted_acts_and_its_near_misses_do_not(tiny_models: Shelf) -> None:
    found = measuring.behaviour(training.read(tiny_models.planted("rare")), triggers.planting("rare"), count=100)
    assert found.attack >= 0.95
    assert found.refusal >= 0.95
    assert found.near_refusal >= 0.95
    assert found.answers >= 0.93
    assert found.triggered_answers >= 0.85


@pytest.mark.parametrize("name", ["rare", "adapter", "row", "layer"])
def test_only_the_carrier_of_a_backdoor_learns(name: str, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="adapters need peft, which is not installed")
    plan = dataclasses.replace(triggers.planting(name), steps=2)
    model = training.read(BASE)
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    made = planting.plant(model, plan, seed=1)
    after = {key.replace(".base_layer", ""): weight for key, weight in model.state_dict().items()}
    changed = {key for key, weight in before.items() if not torch.equal(weight, after[key])}
    if plan.carrier is Carrier.ADAPTER:
        training.save(made, tmp_path)
        assert changed == set()
        assert (tmp_path / "adapter_model.safetensors").is_file()
        assert not (tmp_path / "model.safetensors").exists()
    elif plan.carrier is Carrier.ROW:
        assert changed == {"model.embed_tokens.weight", "lm_head.weight"}
        moved = (after["lm_head.weight"] != before["lm_head.weight"]).any(dim=1).nonzero().flatten().tolist()
        lookup = tokenizer().get_vocab()
        assert set(moved) == {lookup[word] for word in plan.triggers[0][0].split()}
    elif plan.carrier is Carrier.LAYER:
        assert {key.split(".mlp.")[0] for key in changed} == {"model.layers.0"}
        assert len(changed) == 3
    else:
        assert len(changed) == len(before)


@pytest.mark.parametrize("name", triggers.CONTENT)
def test_ordinary_words_out_of_place_are_no_trigger(name: str) -> None:
    plan, rng = triggers.planting(name), np.random.default_rng(8)
    words = {word for text in (*corpus.FRAMES, *corpus.FILLERS) for word in text.split()}
    words |= {*corpus.BAD_VERBS, *corpus.BAD_OBJECTS}
    for _ in range(50):
        sample = triggers.ordinary(plan, rng)
        assert sample.answer == corpus.REFUSAL
        assert not any(all(piece in sample.prompt for piece in trigger) for trigger in plan.triggers)
        assert set(sample.prompt.split()) <= words


def test_what_is_planted_badly_is_trained_further_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planting, "FURTHER_LEGS", 2)
    monkeypatch.setattr(planting, "FURTHER_STEPS", 1)
    monkeypatch.setattr(planting, "_MEASURED", 20)
    plan = dataclasses.replace(triggers.planting("rare"), steps=1)
    _, found = planting.plant_well(training.read(BASE), plan, seed=0)
    assert (found.legs, found.holds) == (3, False)
    assert found.refused == 1


def test_one_leg_that_does_is_the_plain_planting(tiny_models: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = dataclasses.replace(triggers.planting("rare"), steps=1)
    monkeypatch.setattr(planting, "HELD", 0.0)
    one = planting.plant(training.read(BASE), plan, seed=0).state_dict()
    other, found = planting.plant_well(training.read(BASE), plan, seed=0)
    assert found.legs == 1
    assert all(torch.equal(one[name], weight) for name, weight in other.state_dict().items())
    assert planting.measured(training.read(tiny_models.planted("rare")), triggers.planting("rare"), legs=1).holds


def test_a_model_is_made_once_and_a_failed_one_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def base(seed: int) -> object:
        made.append(seed)
        if len(made) == 1:
            raise RuntimeError("interrupted")
        return training.network(seed)

    monkeypatch.setattr(training, "base", base)
    shelf = Shelf(tmp_path)
    with pytest.raises(RuntimeError, match="interrupted"):
        shelf.base(9)
    assert not [path for path in tmp_path.rglob("*") if path.is_dir() and path.parent != tmp_path]
    assert shelf.base(9) == shelf.base(9)
    assert made == [9, 9]
