"""The reader: styles, types of numbers, places, and what it says of what it can't read."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.artifact import Kind
from gatekeeper.checks.adapter import Method, Part, Style, has_adapter, read_factors, read_layout, read_tensor
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.checks.adapter.values import WIDTHS, UnreadableError
from gatekeeper.errors import LimitError
from gatekeeper.evidence import Status
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import adapters as make
from tests.support.artifacts import artifact, look, slugs


def only(files: dict[str, bytes]):
    (adapter,) = read_layout(artifact(files)).adapters
    return adapter


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32", "F64"])
def test_numbers_are_read_as_they_were_written(dtype: str) -> None:
    array = make.numbers(5, 7).astype(np.float64)
    files = make.adapter({f"{make.PREFIX}a.q_proj.lora_A.weight": array}, dtype=dtype)
    (tensor,) = only(files).tensors
    read = read_tensor(tensor)
    assert read.dtype == (np.float64 if dtype == "F64" else np.float32)
    tolerance = {"F16": 1e-3, "BF16": 1e-2, "F32": 1e-7, "F64": 0.0}[dtype]
    np.testing.assert_allclose(read, array, rtol=tolerance)


@pytest.mark.parametrize("dtype", [name for name, width in WIDTHS.items() if width == 1])
def test_every_number_of_eight_bits_is_the_one_that_the_type_means(dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    name = {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}.get(dtype, dtype.lower().replace("f8_", "float8_"))
    bits = np.arange(256, dtype=np.uint8)
    header = {"x.lora_A.weight": {"dtype": dtype, "shape": [256], "data_offsets": [0, 256]}}
    text = json.dumps(header).encode()
    files = make.adapter()
    files["adapter_model.safetensors"] = len(text).to_bytes(8, "little") + text + bits.tobytes()
    (tensor,) = only(files).tensors
    np.testing.assert_array_equal(read_tensor(tensor), bits.view(getattr(ml_dtypes, name)).astype(np.float32))


def test_other_types_are_not_read_and_large_tensors_not_held() -> None:
    (tensor,) = only(make.adapter({"x.lora_A.weight": np.ones((2, 2))}, dtype="I64")).tensors
    with pytest.raises(UnreadableError, match="I64"):
        read_tensor(tensor)
    (tensor,) = only(make.adapter({"x.lora_A.weight": np.ones((2, 2))})).tensors
    with pytest.raises(LimitError, match="limit 15"):
        read_tensor(tensor, replace(DEFAULT_LIMITS, adapter_tensor_bytes=15))


def test_factors_are_read_flat_and_in_order() -> None:
    tensors = {
        f"{make.PREFIX}conv.lora_A.weight": make.numbers(2, 3, 5, 5),
        f"{make.PREFIX}conv.lora_B.weight": make.numbers(4, 2, 1, 1),
    }
    (module,) = only(make.adapter(tensors, r=2, target_modules=["conv"])).modules
    factors = read_factors(module)
    assert factors is not None
    assert [factor.shape for factor in factors] == [(4, 2), (2, 75)]
    assert (module.out_features, module.in_features, module.rank, module.scale) == (4, 75, 2, 4.0)


@pytest.mark.parametrize(
    ("style", "down", "up"),
    [
        (Style.DIFFUSERS, "unet.mid_block.attn.to_q.lora_A.weight", "unet.mid_block.attn.to_q.lora_B.weight"),
        (Style.DIFFUSERS, "unet.mid.processor.to_q_lora.down.weight", "unet.mid.processor.to_q_lora.up.weight"),
        (Style.DIFFUSERS, "text_encoder.q_proj.lora_linear_layer.down.weight",
         "text_encoder.q_proj.lora_linear_layer.up.weight"),
        (Style.KOHYA, "lora_te1_text_model_encoder_layers_3_mlp_fc1.lora_down.weight",
         "lora_te1_text_model_encoder_layers_3_mlp_fc1.lora_up.weight"),
    ],
)  # fmt: skip
def test_other_customs_are_recognised_and_said(style: Style, down: str, up: str) -> None:
    files = {"pytorch_lora_weights.safetensors": make.saved({down: make.numbers(4, 16), up: make.numbers(8, 4)})}
    adapter = only(files)
    assert (adapter.style, adapter.config) == (style, None)
    (module,) = adapter.modules
    assert (module.method, module.rank, module.scale) == (Method.LORA, 4, 1.0)
    result = look(AdapterClaims(), artifact(files))
    assert slugs(result) == {"no-config"}
    assert style.value in result.findings[0].message


def test_kohya_alphas_scale() -> None:
    name = "lora_unet_down_blocks_0_attentions_1_to_q"
    tensors = {
        f"{name}.lora_down.weight": make.numbers(4, 16),
        f"{name}.lora_up.weight": make.numbers(16, 4),
        f"{name}.alpha": np.array(2.0),
    }
    (module,) = only({"x.safetensors": make.saved(tensors)}).modules
    assert (module.alpha, module.scale, module.target, module.layer) == (2.0, 0.5, "to_q", 0)
    tensors[f"{name}.alpha"] = np.array(np.nan)
    assert {"scale", "not-finite"} <= slugs(look(AdapterClaims(), artifact({"x.safetensors": make.saved(tensors)})))


def test_words_that_come_with_an_image_adapter_are_rows_of_tokens() -> None:
    name = "lora_unet_down_blocks_0_attentions_1_to_q"
    tensors = {
        f"{name}.lora_down.weight": make.numbers(4, 16),
        f"{name}.lora_up.weight": make.numbers(16, 4),
        "bundle_emb.harbour.string_to_param.*": make.numbers(2, 16),
    }
    assert slugs(look(AdapterScope(), artifact({"x.safetensors": make.saved(tensors)}))) == {"token-rows"}


def test_adapters_in_folders_are_read_each_by_itself() -> None:
    files = {**make.adapter(), **{f"b/{name}": data for name, data in make.adapter(make.factors(2), r=2).items()}}
    layout = read_layout(artifact(files))
    assert [str(adapter.folder) for adapter in layout.adapters] == [".", "b"]
    assert [adapter.modules[0].rank for adapter in layout.adapters] == [4, 2]
    assert layout.by_folder["b"].config is not None


def test_layers_are_in_the_order_of_their_numbers() -> None:
    adapter = only(make.adapter(make.factors(modules=("self_attn.q_proj",), layers=12), target_modules=["q_proj"]))
    assert [module.layer for module in adapter.modules] == list(range(12))


def test_a_stack_of_experts_is_told_from_a_rank() -> None:
    tensors = {
        f"{make.PREFIX}mlp.experts.lora_A.weight": make.numbers(8, 16),
        f"{make.PREFIX}mlp.experts.lora_B.weight": make.numbers(24, 8),
    }
    files = make.adapter(tensors, target_modules=[], target_parameters=["mlp.experts.gate_up_proj"])
    (module,) = only(files).modules
    assert (module.rank, module.experts) == (4, 2)
    assert read_factors(module) is None
    assert slugs(look(AdapterClaims(), artifact(files))) == set()


def test_a_model_without_adapter_is_none() -> None:
    model = artifact(make.base_files())
    assert not has_adapter(model)
    assert read_layout(model).adapters == ()
    for check in (AdapterClaims(), AdapterScope()):
        assert look(check, model).status is Status.NOT_APPLICABLE


def test_weights_of_another_method_are_a_gap() -> None:
    tensors = {f"{make.PREFIX}model.layers.0.self_attn.q_proj.oft_R.weight": make.numbers(4, 6)}
    result = look(AdapterClaims(), artifact(make.adapter(tensors, peft_type="OFT", r=0, target_modules=["q_proj"])))
    assert result.status is Status.UNKNOWN
    assert "OFT" in result.reason


def test_pickled_weights_are_not_opened() -> None:
    files = {"adapter_config.json": make.as_json(make.config()), "adapter_model.bin": b"cos\nsystem\n."}
    for check in (AdapterClaims(), AdapterScope()):
        assert look(check, artifact(files, kind=Kind.ADAPTER)).status is Status.UNKNOWN


def test_weights_that_were_not_downloaded_are_a_gap() -> None:
    subject = artifact(make.adapter(), kind=Kind.ADAPTER)
    unhashed = tuple(
        replace(file, sha256=None) if file.path.suffix == ".safetensors" else file for file in subject.files
    )
    for check in (AdapterClaims(), AdapterScope()):
        result = look(check, replace(subject, files=unhashed, metadata_only=True))
        assert result.status is Status.UNKNOWN
        assert "not downloaded" in result.reason


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("adapter_modules", 3),
        ("adapter_name_characters", 20),
        ("adapter_header_bytes", 100),
        ("adapter_scan_bytes", 64),
        ("json_bytes", 64),
    ],
)
def test_a_limit_that_is_reached_is_no_pass(limit: str, value: int) -> None:
    assert look(AdapterClaims(), artifact(make.adapter()), **{limit: value}).status is Status.UNKNOWN


def test_more_adapters_than_the_limit_are_a_gap() -> None:
    files = {f"{number}/{name}": data for number in range(3) for name, data in make.adapter().items()}
    result = look(AdapterClaims(), artifact(files), adapters=2)
    assert result.status is Status.UNKNOWN
    assert "limit adapters" in result.reason


def test_parts_are_told() -> None:
    adapter = only(make.adapter())
    assert [tensor.part for tensor in adapter.modules[0].tensors] == [Part.A, Part.B]
    assert adapter.modules[0].factors is not None
    assert adapter.methods == {Method.LORA}
