"""What PEFT itself saves and loads is what the reader reads: modules, ranks, scales and the change of a weight."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatekeeper.checks.adapter import Adapter, Method, read_factors, read_layout
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.evidence import Severity
from tests.support import adapters as make
from tests.support.artifacts import artifact, folder_artifact, look, slugs

torch = pytest.importorskip("torch", reason="the oracle is PEFT, which needs torch")
peft = pytest.importorskip("peft", reason="the oracle is PEFT")
transformers = pytest.importorskip("transformers", reason="the oracle is PEFT, which needs transformers")

QV = ["q_proj", "v_proj"]
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("LoraConfig", {"r": 4, "lora_alpha": 8, "target_modules": QV}),
    "all-linear": ("LoraConfig", {"r": 4, "target_modules": "all-linear"}),
    "regex": ("LoraConfig", {"r": 4, "target_modules": r".*\.(?:q|k)_proj"}),
    "one layer": ("LoraConfig", {"r": 4, "target_modules": QV, "layers_to_transform": [1]}),
    "patterns": (
        "LoraConfig",
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": QV,
            # Each module matches one of them: PEFT sorts them when it saves, and takes the first when it loads.
            "rank_pattern": {"v_proj": 2, r"layers\.0\..*q_proj": 3},
            "alpha_pattern": {r"layers\.1\..*v_proj": 3},
            "use_rslora": True,
        },
    ),
    "dora": ("LoraConfig", {"r": 4, "use_dora": True, "target_modules": QV}),
    "bias": ("LoraConfig", {"r": 4, "lora_bias": True, "target_modules": QV}),
    "parameters": ("LoraConfig", {"r": 4, "target_modules": [], "target_parameters": ["mlp.up_proj.weight"]}),
    "embeddings": ("LoraConfig", {"r": 4, "target_modules": ["embed_tokens", "q_proj"]}),
    "head": ("LoraConfig", {"r": 4, "target_modules": QV, "modules_to_save": ["lm_head"]}),
    "tokens": ("LoraConfig", {"r": 4, "target_modules": QV, "trainable_token_indices": [1, 5]}),
    "excluded": ("LoraConfig", {"r": 4, "target_modules": QV, "exclude_modules": r".*layers\.0.*"}),
    "adalora": ("AdaLoraConfig", {"init_r": 4, "target_r": 2, "total_step": 10, "target_modules": QV}),
    "ia3": ("IA3Config", {"target_modules": ["k_proj", "down_proj"], "feedforward_modules": ["down_proj"]}),
    "loha": ("LoHaConfig", {"r": 4, "alpha": 8, "target_modules": QV}),
    "lokr": ("LoKrConfig", {"r": 2, "alpha": 8, "target_modules": ["gate_proj", "q_proj"]}),
    "vera": ("VeraConfig", {"r": 4, "target_modules": ["q_proj"]}),
    "oft": ("OFTConfig", {"r": 0, "oft_block_size": 4, "target_modules": QV}),
    "norms": ("LNTuningConfig", {"target_modules": ["input_layernorm"]}),
    "prompt": ("PromptTuningConfig", {"num_virtual_tokens": 3}),
}
UNREAD = {"vera", "oft", "norms", "prompt"}
"""Methods that are recognised and no more: what they change is a gap."""

BESIDES = {"embeddings": {"embeddings"}, "head": {"output-layer"}, "tokens": {"token-rows"}, "bias": {"bias"}}
"""What the check of scope says of them; of the others nothing."""


@pytest.fixture(autouse=True)
def _quietly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def base() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": make.WIDTH, "intermediate_size": make.INNER, "vocab_size": make.WORDS}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    config = transformers.LlamaConfig(**sizes, **heads, num_hidden_layers=2, max_position_embeddings=32)
    return transformers.LlamaForCausalLM(config)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Path]]:
    """Have PEFT make and save an adapter with values other than zero."""

    @cache
    def make_and_save(name: str) -> tuple[Any, Path]:
        kind, settings = CASES[name]
        model = peft.get_peft_model(base(), getattr(peft, kind)(task_type="CAUSAL_LM", **settings))
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data.normal_(0, 0.1)
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(str(folder))
        return model, folder

    return make_and_save


Saved = Callable[[str], tuple[Any, Path]]


def read(folder: Path) -> Adapter:
    (adapter,) = read_layout(folder_artifact(folder)).adapters
    return adapter


def layers_of(model: Any) -> dict[str, Any]:
    """Give the modules that PEFT wrapped, by the names that the reader uses."""
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, peft.tuners.tuners_utils.BaseTunerLayer):
            found[name.removeprefix("base_model.model.")] = module
    return found


@pytest.mark.parametrize("name", CASES)
def test_modules_ranks_and_scales_are_those_of_peft(name: str, saved: Saved) -> None:
    model, folder = saved(name)
    adapter = read(folder)
    assert adapter.troubles == ()
    layers = {key: layer for key, layer in layers_of(model).items() if "TrainableTokens" not in type(layer).__name__}
    assert {module.name for module in adapter.modules} == set(layers)
    for module in adapter.modules:
        layer = layers[module.name]
        if module.method not in {Method.OTHER, Method.IA3}:
            assert module.claimed_rank == layer.r["default"]
        if "scaling" in dir(layer) and module.scale is not None and module.method is not Method.ADALORA:
            assert module.scale == pytest.approx(layer.scaling["default"])


@pytest.mark.parametrize("name", sorted(CASES.keys() - UNREAD - {"ia3", "loha", "lokr"}))
def test_factors_multiply_to_the_change_that_peft_makes(name: str, saved: Saved) -> None:
    model, folder = saved(name)
    adapter = read(folder)
    layers = layers_of(model)
    for module in adapter.modules:
        factors = read_factors(module)
        assert factors is not None
        assert module.scale is not None
        ours = module.scale * factors[0] @ factors[1]
        theirs = layers[module.name].get_delta_weight("default").detach().numpy()
        assert ours.shape == (module.out_features, module.in_features)
        np.testing.assert_allclose(ours.T if module.target == "embed_tokens" else ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_peft_saves_agrees_with_itself(name: str, saved: Saved) -> None:
    subject = folder_artifact(saved(name)[1])
    claims, scope = look(AdapterClaims(), subject), look(AdapterScope(), subject)
    assert [finding.message for finding in claims.findings if finding.severity > Severity.LOW] == []
    assert bool(claims.gaps) is (name in UNREAD)
    assert slugs(scope) - {"norm"} == BESIDES.get(name, set())
    assert scope.gaps == ()


@pytest.mark.parametrize(
    "tensor",
    ["model.layers.0.mlp.down_proj.weight", "model.layers.0.self_attn.q_proj.base_layer.weight", "model.norm.weight"],
)
def test_peft_writes_over_the_base_what_the_check_calls_hidden(tensor: str, tmp_path: Path) -> None:
    """The reason for the rule: nothing declares the tensor, PEFT says nothing, and the base's weight is another."""
    shape = {"norm": (make.WIDTH,), "down": (make.WIDTH, make.INNER)}.get(
        "norm" if "norm" in tensor else "down" if "down" in tensor else "", (make.WIDTH, make.WIDTH)
    )
    files = make.adapter({**make.factors(), make.PREFIX + tensor: make.numbers(*shape, seed=9)})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    before = base().get_parameter(tensor.replace(".base_layer", "")).detach().clone()
    model = peft.PeftModel.from_pretrained(base(), str(tmp_path))
    after = model.base_model.model.get_parameter(tensor).detach()
    assert not torch.equal(before, after)
    assert slugs(look(AdapterScope(), artifact(files))) == {"hidden-weights"}


def test_peft_drops_what_is_not_targeted(tmp_path: Path) -> None:
    """The reason for `not-targeted`: loaders that go by the names of tensors would lay on what PEFT leaves out."""
    files = make.adapter(target_modules=["q_proj"])
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    model = peft.PeftModel.from_pretrained(base(), str(tmp_path))
    assert {name.rpartition(".")[2] for name in layers_of(model)} == {"q_proj"}
    assert slugs(look(AdapterClaims(), artifact(files))) == {"not-targeted"}
