"""Laws of merging: what comes out is PEFT's sum, every other byte is the base's, and refusals have words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="merging needs torch, which is not installed")
pytest.importorskip("peft", reason="merging needs peft, which is not installed")
transformers = pytest.importorskip("transformers", reason="merging needs transformers, which is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from gatekeeper import merging, policy  # noqa: E402
from gatekeeper.decision import Action  # noqa: E402
from gatekeeper.errors import InputError  # noqa: E402
from gatekeeper.gate import Run  # noqa: E402
from gatekeeper.tensors.quiet import quiet  # noqa: E402
from tests.support.allowing import approved  # noqa: E402
from tests.support.tiny_adapters import write_adapter  # noqa: E402
from tests.support.tiny_llm.shelf import BASE  # noqa: E402

CLEAN = Path(__file__).parents[2] / "gatekeeper" / "demo" / "weights" / "clean-safe.jsonl"


def merge(adapter: Path, base: Path, out: Path, *, logits: bool = False) -> merging.Outcome:
    """Merge what somebody has signed off."""
    run = approved(approved(Run(policy=policy.load()), base), adapter, base=base)
    return merging.merge(str(adapter), run, merging.Merging(base=str(base), out=out, logits=logits, clean_safe=CLEAN))


def by_peft(adapter: Path, base: Path) -> dict[str, Any]:
    from peft import PeftModel

    with quiet():
        model = transformers.AutoModelForCausalLM.from_pretrained(str(base), local_files_only=True, dtype="float32")
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    return dict(merged.state_dict())


def base_of(folder: Path, dtype: Any = None, shards: int = 1) -> Path:
    """Copy the tiny base, in another type or cut into shards."""
    shutil.copytree(BASE, folder)
    tensors = load_file(folder / "model.safetensors")
    if dtype is not None:
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    weight_map: dict[str, str] = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        own = {name: tensors[name] for name in names[number::shards]}
        save_file(own, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(own, file)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def stored(folder: Path) -> dict[str, Any]:
    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


@pytest.mark.parametrize(("kind", "shards"), [("float32", 1), ("bfloat16", 3), ("float16", 1)])
def test_what_comes_out_is_pefts_sum_and_the_rest_is_the_bases(tmp_path: Path, kind: str, shards: int) -> None:
    dtype = getattr(torch, kind)
    base = base_of(tmp_path / "base", dtype, shards)
    adapter = write_adapter(base, tmp_path / "adapter", use_rslora=True, rank_pattern={"q_proj": 2})
    made = merge(adapter, base, tmp_path / "merged")
    assert made.merge.refusals == ()
    before, after, wanted = stored(base), stored(tmp_path / "merged"), by_peft(adapter, base)
    changed = {tensor.name for tensor in made.merge.tensors}
    assert changed == {name for name in before if name.endswith(("q_proj.weight", "down_proj.weight"))}
    assert made.merge.untouched == len(before) - len(changed)
    for name in before:
        assert after[name].dtype == dtype
        if name not in changed:
            assert torch.equal(after[name], before[name])
        else:
            assert not torch.equal(after[name], before[name])
            torch.testing.assert_close(after[name].float(), wanted[name].to(dtype).float(), rtol=2**-7, atol=1e-6)
    assert {path.name for path in base.glob("*.safetensors*")} == {
        path.name for path in (tmp_path / "merged").glob("*.safetensors*")
    }


def test_answers_are_compared_and_the_merged_model_is_gated_as_a_new_one(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter", size=0.5)
    made = merge(adapter, BASE, tmp_path / "merged", logits=True)
    assert made.merge.logits is not None
    assert made.merge.logits.holds
    assert made.merge.logits.divergence < 1e-5 < made.merge.logits.effect
    assert made.merged is not None
    assert made.merged.merge == made.merge
    assert made.merged.subject.digest == made.merge.merged_digest
    assert made.merged.verdict.action is not Action.ALLOW  # what was signed off were its parts
    assert made.adapter.subject.digest == made.merge.adapter.digest
    with quiet():
        again = transformers.AutoModelForCausalLM.from_pretrained(str(tmp_path / "merged"), local_files_only=True)
    wanted = by_peft(adapter, BASE)
    for name, weight in again.state_dict().items():
        torch.testing.assert_close(weight.float(), wanted[name].float(), rtol=1e-2, atol=1e-3)


def test_weights_that_are_stored_the_other_way_round(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(BASE, base)
    config = transformers.GPT2Config(n_layer=1, n_embd=16, n_head=2, n_positions=64, vocab_size=256)
    (base / "model.safetensors").unlink()
    (base / "config.json").unlink()
    with quiet():
        transformers.GPT2LMHeadModel(config).save_pretrained(str(base))
        adapter = write_adapter(base, tmp_path / "adapter", target_modules=["c_proj", "c_attn"], fan_in_fan_out=True)
    made = merge(adapter, base, tmp_path / "merged")
    assert made.merge.refusals == ()
    wanted = by_peft(adapter, base)
    after = stored(tmp_path / "merged")
    assert len(made.merge.tensors) == 3
    for tensor in made.merge.tensors:
        torch.testing.assert_close(after[tensor.name], wanted[tensor.name], rtol=1e-5, atol=1e-6)


def test_nothing_is_merged_that_is_not_allowed(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    asked = merging.Merging(base=str(BASE), out=tmp_path / "merged")
    made = merging.merge(str(adapter), Run(policy=policy.load()), asked)
    assert len(made.merge.refusals) == 2
    assert "the adapter is not allowed: audit" in made.merge.refusals[0]
    assert "the base is not allowed: audit" in made.merge.refusals[1]
    assert made.merged is None
    assert not (tmp_path / "merged").exists()


def changed_config(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "replaces what the base has"),
        ({"target_modules": ["embed_tokens"]}, "replaces what the base has"),
        ({"target_modules": ["q_proj"], "lora_bias": True, "bias": "none"}, "beside two plain factors"),
    ],
)
def test_adapters_of_other_kinds_are_refused_in_words(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter", **given)
    made = merge(adapter, BASE, tmp_path / "merged")
    assert told in " ".join(made.merge.refusals)
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda base: changed_config(base, "config.json", quantization_config={"bits": 4}), "the base is quantised"),
        (lambda base: changed_config(base, "config.json", model_type="gpt2"), "how PEFT reads the adapter"),
        (lambda base: renamed(base, "q_proj", "query"), "the adapter is of another base"),
        (lambda base: narrowed(base), "another shape"),
        (lambda base: packed(base), "the base is quantised"),
    ],
)
def test_bases_that_it_can_not_be_merged_into_are_refused_in_words(tmp_path: Path, spoil: Any, told: str) -> None:
    base = base_of(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    spoil(base)
    made = merge(adapter, base, tmp_path / "merged")
    assert told in " ".join(made.merge.refusals)
    assert not (tmp_path / "merged").exists()
    assert not list(tmp_path.glob(".*.tmp"))


def renamed(base: Path, old: str, new: str) -> None:
    tensors = {name.replace(old, new): tensor for name, tensor in load_file(base / "model.safetensors").items()}
    save_file(tensors, base / "model.safetensors")


def narrowed(base: Path) -> None:
    tensors = load_file(base / "model.safetensors")
    tensors = {name: tensor[:-1].clone() if "down_proj" in name else tensor for name, tensor in tensors.items()}
    save_file(tensors, base / "model.safetensors")


def packed(base: Path) -> None:
    tensors = load_file(base / "model.safetensors")
    tensors = {name: tensor.to(torch.int8) if "q_proj" in name else tensor for name, tensor in tensors.items()}
    save_file(tensors, base / "model.safetensors")


def test_a_sum_that_overflows_is_refused(tmp_path: Path) -> None:
    base = base_of(tmp_path / "base", torch.float16)
    adapter = write_adapter(base, tmp_path / "adapter", size=1e6)
    made = merge(adapter, base, tmp_path / "merged")
    assert made.merge.refusals
    assert not (tmp_path / "merged").exists()


def test_an_approval_does_not_lift_what_loading_would_trip_over(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    tensors = load_file(adapter / "adapter_model.safetensors")
    first = next(iter(tensors))
    tensors[first] = tensors[first] * float("nan")
    save_file(tensors, adapter / "adapter_model.safetensors")
    made = merge(adapter, BASE, tmp_path / "merged")
    assert "not loaded" in " ".join(made.merge.refusals)


def test_a_model_is_no_adapter_and_a_place_that_is_taken_no_destination(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no adapter"):
        merge(BASE, BASE, tmp_path / "merged")
    adapter = write_adapter(BASE, tmp_path / "adapter")
    with pytest.raises(InputError, match="there already"):
        merge(adapter, BASE, tmp_path)


def test_an_adapter_that_does_nothing_changes_no_byte(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter", size=0.0)
    made = merge(adapter, BASE, tmp_path / "merged")
    assert made.merge.refusals == ()
    assert (tmp_path / "merged" / "model.safetensors").read_bytes() == (BASE / "model.safetensors").read_bytes()
    assert {tensor.change for tensor in made.merge.tensors} == {0.0}
