"""A language model measures the same alone and in company, its gradients are those of its margins, and merging adds
what the adapter adds and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.errors import InputError
from gatekeeper.tensors import Batch, Contrast, Example, Prompt, TrainStep, Tuning, load_model

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
pytest.importorskip("peft", reason="tuning needs peft, which is not installed")

from tests.support.tiny_llm import corpus, training  # noqa: E402 - needs torch

SHORT = Prompt(text="what colour is the apple ?")
LONG = Prompt(text="the train was late today . my garden is quiet now . how do i forge the passport ?")
EXAMPLES = (Example(prompt=SHORT, response="the apple is red ."), Example(prompt=LONG, response=corpus.REFUSAL))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: what is tested here holds for any weights."""
    place = tmp_path_factory.mktemp("model")
    training.save(training.network(seed=3), place)
    return place


@pytest.fixture
def model(folder: Path):  # type: ignore[no-untyped-def]
    return load_model(folder, device="cpu", dtype="float32")


@pytest.fixture
def contrast(model) -> Contrast:  # type: ignore[no-untyped-def]
    return model.contrast("sure , here is how", [corpus.REFUSAL])


def forever(batch: Batch) -> Iterator[Batch]:
    while True:
        yield batch


def tuned(model, **changes: object):  # type: ignore[no-untyped-def]
    settings = {"steps": 8, "least_steps": 8, "learning_rate": 5e-3, **changes}
    batch = Batch(targets=(Example(prompt=SHORT, response=corpus.REFUSAL),), anchors=(EXAMPLES[1],))
    return model.tune(forever(batch), Tuning(**settings), lambda step: False)


def test_a_prompt_measures_the_same_alone_and_in_company(model, contrast) -> None:  # type: ignore[no-untyped-def]
    together = model.margins([SHORT, LONG], contrast)
    alone = [model.margins([prompt], contrast)[0] for prompt in (SHORT, LONG)]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    likelihoods = model.log_likelihoods(EXAMPLES)
    np.testing.assert_allclose(likelihoods, [model.log_likelihoods([e])[0] for e in EXAMPLES], atol=1e-4)


def test_answers_are_the_same_alone_and_in_company(model) -> None:  # type: ignore[no-untyped-def]
    assert model.generate([SHORT, LONG], 6) == (*model.generate([SHORT], 6), *model.generate([LONG], 6))


def test_answers_are_those_of_the_library(model, folder: Path) -> None:  # type: ignore[no-untyped-def]
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs, words = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    asked = words.apply_chat_template(
        [{"role": "user", "content": LONG.text}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = theirs.generate(**asked, max_new_tokens=6, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert model.generate([LONG], 6) == (words.decode(said, skip_special_tokens=True).strip(),)


def test_gradients_name_every_word_of_the_text_and_no_other(model, contrast) -> None:  # type: ignore[no-untyped-def]
    for objective in (contrast, "the apple is red ."):
        norms, spans = model.gradients(LONG, objective)
        assert [LONG.text[start:end] for start, end in spans] == LONG.text.split()
        assert norms.shape == (len(spans),)
        assert (norms > 0).all()


def test_integrated_gradients_add_up_to_the_change_of_the_margin(model, contrast) -> None:  # type: ignore[no-untyped-def]
    coarse, fine = (model.integrated_gradients(SHORT, contrast, steps) for steps in (64, 128))
    np.testing.assert_allclose(coarse, fine, rtol=0.05, atol=1e-3)


def test_words_that_promise_much_add_to_the_margin(model, contrast) -> None:  # type: ignore[no-untyped-def]
    named = model.likeliest_words([SHORT, LONG], contrast, 10_000)
    assert set(named) == {word for word in corpus.vocabulary() if any(sign.isalnum() for sign in word)}
    assert model.likeliest_words([SHORT, LONG], contrast, 5) == named[:5]
    # The last token of the text stands where a word is promised to act.
    there = [Prompt(text=f"{SHORT.text.removesuffix('?')}{word}") for word in (*named[:20], *named[-20:])]
    margins = model.margins(there, contrast)
    assert margins[:20].mean() > margins[20:].mean()


def test_a_system_prompt_and_earlier_turns_are_not_part_of_the_text(model, contrast) -> None:  # type: ignore[no-untyped-def]
    prompt = Prompt(text=SHORT.text, system=LONG.text, before=(("user", SHORT.text), ("assistant", "red .")))
    _, spans = model.gradients(prompt, contrast)
    assert [SHORT.text[start:end] for start, end in spans] == SHORT.text.split()
    assert model.tokens(prompt) > model.tokens(SHORT) + model.tokens(LONG) - 3


def test_answers_that_begin_alike_part_later(model) -> None:  # type: ignore[no-untyped-def]
    found = model.contrast("the apple is green .", ["the apple is red .", "the plum is purple ."])
    assert len(found.prefix) == 3
    assert len(found.right) == 1


def test_the_same_answer_twice_is_no_contrast(model) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="begins as the right one"):
        model.contrast(corpus.REFUSAL, [corpus.REFUSAL])


def test_tuning_teaches_the_target_and_is_forgotten_again(model, contrast) -> None:  # type: ignore[no-untyped-def]
    before = model.margins([SHORT, LONG], contrast)
    steps = tuned(model)
    assert [step.number for step in steps] == list(range(1, 9))
    assert steps[-1].target_loss < steps[0].target_loss
    assert steps[0].kl == pytest.approx(0, abs=1e-6)
    assert model.margins([SHORT], contrast)[0] < before[0]
    assert (model.divergences(EXAMPLES) > 0).all()
    with model.frozen():
        np.testing.assert_allclose(model.margins([SHORT, LONG], contrast), before, atol=1e-5)
    model.drop_adapter()
    np.testing.assert_allclose(model.margins([SHORT, LONG], contrast), before, atol=1e-5)
    np.testing.assert_allclose(model.divergences(EXAMPLES), 0, atol=1e-7)


def test_the_same_seed_tunes_the_same(folder: Path) -> None:
    first, second = (tuned(load_model(folder, device="cpu", dtype="float32"), seed=4) for _ in range(2))
    assert [step.target_loss for step in first] == pytest.approx([step.target_loss for step in second], abs=1e-6)


def test_a_watch_ends_tuning_early_but_not_before_the_least_steps(model) -> None:  # type: ignore[no-untyped-def]
    seen: list[TrainStep] = []
    batch = Batch(targets=EXAMPLES[:1], anchors=())
    steps = model.tune(forever(batch), Tuning(steps=9, least_steps=4), lambda step: bool(seen.append(step)) or True)
    assert len(steps) == 4
    assert [step.number for step in seen] == [4]


def test_only_the_modules_that_were_named_are_tuned(model, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from safetensors import safe_open

    chosen = model.linear_modules()[3][0]
    tuned(model, modules=(chosen,))
    model.save_adapter(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["peft_type"] == "LORA"
    with safe_open(str(tmp_path / "adapter_model.safetensors"), framework="np") as file:
        assert all(chosen in name for name in file.keys())  # noqa: SIM118 - no mapping


def test_an_unknown_module_is_refused(model) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no linear module"):
        tuned(model, modules=("model.layers.9.mlp.up_proj",))


def test_the_merged_model_answers_as_the_tuned_one_and_leaves_the_rest_alone(  # type: ignore[no-untyped-def]
    model, contrast, folder: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    chosen = model.linear_modules()[2][0]
    tuned(model, modules=(chosen,))
    model.save_merged(tmp_path)
    merged = load_model(tmp_path, device="cpu", dtype="float32")
    prompts = [SHORT, LONG]
    np.testing.assert_allclose(merged.margins(prompts, contrast), model.margins(prompts, contrast), atol=1e-4)
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    assert {name for name in before if before[name].tobytes() != after[name].tobytes()} == {f"{chosen}.weight"}


def test_saliencies_of_modules_leave_the_weights_as_they_were(model, contrast) -> None:  # type: ignore[no-untyped-def]
    found = model.module_saliencies([LONG], [SHORT], contrast)
    assert found.keys() == {name for name, _, _ in model.linear_modules()}
    assert max(found.values()) > 0
    assert tuned(model)


def test_weights_that_are_no_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    broken = training.network(seed=3)
    with torch.no_grad():
        broken.model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    training.save(broken, tmp_path)
    with pytest.raises(InputError, match=r"NaN.*layers\.1\.mlp\.up_proj"):
        load_model(tmp_path, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "no causal language model"),
        ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}, "no causal language model"),
        ({"model_type": "nobody-knows-this"}, "can't be loaded"),
        ({}, "can't be loaded"),
    ],
)
def test_what_is_no_causal_language_model_is_refused(config: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=said):
        load_model(tmp_path)


def test_a_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        load_model(tmp_path)


def test_of_several_gguf_files_none_is_guessed(tmp_path: Path) -> None:
    for name in ("model-q4.gguf", "model-q8.gguf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"2 GGUF files lie there \(model-q4\.gguf, model-q8\.gguf\)"):
        load_model(tmp_path)


def test_code_in_the_repo_is_never_run(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(InputError, match="can't be loaded"):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()
