"""Auditing, attacked by whoever wrote the adapter: what is asked as the base is the base, unseen is no pass."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="laying adapters needs torch, which is not installed")
pytest.importorskip("peft", reason="laying adapters needs peft, which is not installed")
transformers = pytest.importorskip("transformers", reason="laying adapters needs transformers, which is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from gatekeeper import auditing, policy, tensors  # noqa: E402
from gatekeeper.audit import AuditWord  # noqa: E402
from gatekeeper.auditing import Asked  # noqa: E402
from gatekeeper.errors import InputError  # noqa: E402
from gatekeeper.gate import Run  # noqa: E402
from gatekeeper.tensors.quiet import quiet  # noqa: E402
from tests.support.tiny_adapters import write_adapter  # noqa: E402
from tests.support.tiny_llm.shelf import BASE  # noqa: E402

WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model.model.layers.0.self_attn"
WORN = "it can't be told from its base"


def configured(folder: Path, name: str = "adapter_config.json", **values: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def with_biases(folder: Path) -> Path:
    """Copy the tiny base, as one whose attention has biases."""
    shutil.copytree(BASE, folder)
    configured(folder, "config.json", attention_bias=True)
    config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    with quiet():
        transformers.AutoModelForCausalLM.from_config(config).half().save_pretrained(str(folder))
    return folder


def more(adapter: Path, **tensors_: Any) -> Path:
    saved = load_file(adapter / WEIGHTS)
    save_file({**saved, **tensors_}, adapter / WEIGHTS, metadata={"format": "pt"})
    return adapter


def test_an_adapter_that_writes_into_the_bases_biases_is_not_taken_for_its_base(tmp_path: Path) -> None:
    base = with_biases(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter", bias="all")
    tensors.load_worn(base, [adapter], device="cpu")  # what it saved are the base's own
    name = next(name for name in load_file(adapter / WEIGHTS) if "k_proj" in name and name.endswith("bias"))
    more(adapter, **{name: torch.full((64,), 3.0)})
    with pytest.raises(InputError, match=WORN):
        tensors.load_worn(base, [adapter], device="cpu")


@pytest.mark.parametrize("saved", [None, ["q_proj"], ["self_attn"]])
def test_an_adapter_that_names_the_base_below_it_is_not_taken_for_its_base(
    tmp_path: Path, saved: list[str] | None
) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    more(adapter, **{f"{PREFIX}.q_proj.base_layer.weight": torch.full((64, 64), 0.5)})
    configured(adapter, modules_to_save=saved)
    try:
        model = tensors.load_worn(BASE, [adapter], device="cpu")
    except InputError as error:
        assert WORN in error.message or "can't be laid on" in error.message  # noqa: PT017 - one answer or the other
        return
    # Where PEFT has no place for it, nothing was written.
    with model.frozen():
        assert model.generate([tensors.Prompt(text="hello")], 4) == tensors.load_model(BASE, device="cpu").generate(
            [tensors.Prompt(text="hello")], 4
        )


def test_a_start_that_subtracts_itself_is_not_taken_for_its_base(tmp_path: Path) -> None:
    adapter = configured(write_adapter(BASE, tmp_path / "adapter"), init_lora_weights="pissa")
    with pytest.raises(InputError, match=WORN):
        tensors.load_worn(BASE, [adapter], device="cpu")


def test_layers_that_are_saved_whole_can_be_switched_off_and_are_laid_on(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter", modules_to_save=["o_proj"], target_modules=["q_proj"])
    saved = load_file(adapter / WEIGHTS)
    name = next(name for name in saved if "o_proj" in name)
    more(adapter, **{name: saved[name] + 1})
    model = tensors.load_worn(BASE, [adapter], device="cpu")
    prompts = [tensors.Prompt(text="hello")]
    with model.frozen():
        frozen = model.next_token(prompts)
    assert (frozen == tensors.load_model(BASE, device="cpu", dtype="float32").next_token(prompts)).all()
    assert not (frozen == model.next_token(prompts)).all()


@pytest.mark.parametrize(
    "given",
    [
        {"use_dora": True},
        {"use_rslora": True, "rank_pattern": {"q_proj": 2}},
        {"target_modules": ["embed_tokens", "v_proj"]},
        {"trainable_token_indices": [3, 5]},
        {"target_modules": "all-linear"},
        {"lora_bias": True, "bias": "none"},
    ],
)
def test_what_can_be_switched_off_is_laid_on(tmp_path: Path, given: dict[str, Any]) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter", size=0.5, **given)
    model = tensors.load_worn(BASE, [adapter], device="cpu", dtype="float32")
    prompts = [tensors.Prompt(text="hello")]
    with model.frozen():
        frozen = model.next_token(prompts)
    plain = tensors.load_model(BASE, device="cpu", dtype="float32").next_token(prompts)
    assert (frozen == plain).all()


def told(adapter: Path, base: Path = BASE) -> auditing.Audited:
    (found,) = auditing.audit([str(adapter)], Run(policy=policy.load()), Asked(base=str(base), device="cpu"))
    return found


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"alora_invocation_tokens": [5]}, "certain tokens"),
        ({"target_modules": "(?P<a>(?:a|[a-z_.])+)+!"}, "a pattern of module names can't be followed"),
        ({"target_modules": "(?:a|[a-z_.0-9])*!"}, "costly-pattern"),
        ({"layers_to_transform": [0], "layers_pattern": "(x+x+)+y"}, "costly-pattern"),
        ({"megatron_config": {"a": 1}, "megatron_core": "antigravity"}, "antigravity"),
        ({"r": 10**9, "rank_pattern": {"q_proj": 4, "down_proj": 4}}, "names rank"),
    ],
)
def test_what_would_harm_the_loader_or_hide_the_adapter_is_never_loaded(
    tmp_path: Path, values: dict[str, Any], reason: str
) -> None:
    found = told(configured(write_adapter(BASE, tmp_path / "adapter"), **values))
    assert found.audit.behaviours == ()
    assert found.audit.word in {AuditWord.ANOMALOUS, AuditWord.UNCALIBRATED}
    assert any("nothing was run" in each and reason in each for each in found.audit.because)
    assert "antigravity" not in sys.modules


def test_a_base_that_brings_an_adapter_is_refused(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    base = Path(shutil.copytree(BASE, tmp_path / "base"))
    for name in ("adapter_config.json", WEIGHTS):
        shutil.copyfile(adapter / name, base / name)
    with pytest.raises(InputError, match="is an adapter itself"):
        told(adapter, base)


def test_the_same_bytes_are_no_composition(tmp_path: Path) -> None:
    one = write_adapter(BASE, tmp_path / "one")
    other = shutil.copytree(one, tmp_path / "other")
    asked = Asked(base=str(BASE), together=True, device="cpu")
    with pytest.raises(InputError, match="named twice"):
        auditing.audit([str(one), str(other)], Run(policy=policy.load()), asked)


@pytest.mark.parametrize(
    ("values", "told"),
    [({"attn_implementation": "somebody/attention"}, "kernel from a Hub"), ({"num_hidden_layers": 10**7}, "parts")],
)
def test_a_base_that_asks_for_code_or_for_work_without_end_is_refused(
    tmp_path: Path, values: dict[str, Any], told: str
) -> None:
    base = configured(Path(shutil.copytree(BASE, tmp_path / "base")), "config.json", **values)
    with pytest.raises(InputError, match=told):
        tensors.load_model(base, device="cpu")
