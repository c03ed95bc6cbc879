"""Laws of plans: sizes are those that makers name, hostile ones are refused, and more of anything costs more."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import InputError
from gatekeeper.patch import defaults, plan, shape_of
from gatekeeper.patch.costs import DEVICES

LLAMA: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000, "tie_word_embeddings": False,
}  # fmt: skip
LARGE = LLAMA | {
    "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
    "intermediate_size": 28672,
}  # fmt: skip
SMALL = LLAMA | {
    "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
    "intermediate_size": 1536, "vocab_size": 49152, "tie_word_embeddings": True,
}  # fmt: skip
EXPERTS = LLAMA | {
    "model_type": "mixtral", "num_key_value_heads": 8, "intermediate_size": 14336, "num_local_experts": 8,
    "num_experts_per_tok": 2,
}  # fmt: skip
OLD = {
    "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "weights", "active"),
    [
        (LLAMA, 6.738e9, 6.738e9),
        (LARGE, 68.98e9, 68.98e9),
        (SMALL, 134.5e6, 134.5e6),
        (EXPERTS, 46.7e9, 12.9e9),
        (OLD, 123.6e6, 123.6e6),
        ({"model_type": "gemma3", "text_config": SMALL}, 134.5e6, 134.5e6),
    ],
)
def test_sizes_are_those_of_the_models(config: dict[str, Any], weights: float, active: float) -> None:
    shape = shape_of(config)
    assert shape.parameters == pytest.approx(weights, rel=0.005)
    assert shape.active == pytest.approx(active, rel=0.005)


@pytest.mark.parametrize(("config", "weights"), [(LLAMA, 20.0e6), (LARGE, 103.5e6)])
def test_the_adapter_is_as_large_as_lora_s_formula_says(config: dict[str, Any], weights: float) -> None:
    assert plan(shape_of(config), defaults(10**9), 2).adapter == pytest.approx(weights, rel=0.005)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": "4096"},
        {"hidden_size": True},
        {"hidden_size": -1},
        {"hidden_size": 2**70},
        {"vocab_size": 0},
        {"num_hidden_layers": 1.5},
        {"num_attention_heads": None, "n_head": []},
        {"is_encoder_decoder": True},
    ],
)
def test_a_configuration_that_tells_no_size_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        shape_of(LLAMA | change)
    with pytest.raises(InputError, match="has no hidden_size"):
        shape_of({"model_type": "llama"})


_COUNT = st.integers(1, 2**40)


@given(st.fixed_dictionaries({name: _COUNT for name, value in LLAMA.items() if type(value) is int}))
def test_any_size_has_a_plan(sizes: dict[str, int]) -> None:
    made = plan(shape_of({**LLAMA, **sizes}), defaults(10**9), 3)
    for each in made.estimates:
        assert each.memory > 0
        assert (each.count == 0) == math.isinf(each.seconds)
        assert each.count <= 8


def test_at_least_two_passes_are_planned_and_each_costs() -> None:
    shape = shape_of(LLAMA)
    two, three = (plan(shape, defaults(shape.parameters), passes) for passes in (1, 3))
    assert (len(two.passes), len(three.passes)) == (2, 3)
    for less, more in zip(two.estimates, three.estimates, strict=True):
        assert less.memory < more.memory
        assert less.seconds <= more.seconds


def test_a_larger_model_takes_more_devices_or_time_and_four_bits_less_memory() -> None:
    one, other = (plan(shape_of(config), defaults(10**10), 2).estimates for config in (LLAMA, LARGE))
    for small, large in zip(one, other, strict=True):
        assert (large.count or 99) >= small.count
        assert small.memory < large.memory
    lora, qlora = (next(each for each in other if each.method == method) for method in ("LoRA", "QLoRA"))
    assert qlora.memory < lora.memory / 2
    assert {each.device for each in one if each.count and each.device.price is None} <= {DEVICES[0]}
