"""`onnx/conversion`: the same numbers in another format are known again, others are told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from gatekeeper.artifact import Reference, Scheme
from gatekeeper.checks.check import inspect
from gatekeeper.checks.onnx.conversion import Beside, _as
from gatekeeper.checks.onnx.conversion_check import Conversion
from gatekeeper.checks.onnx.stored_weights import graph_weights, safetensors_weights
from gatekeeper.evidence import CheckResult, Hazard, Status
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.artifacts import CONTEXT, artifact, look, slugs

CHECK = Conversion()
Arrays = Mapping[str, np.ndarray]
RANDOM = np.random.default_rng(1)
WEIGHTS: Arrays = {
    "embed": RANDOM.standard_normal((64, 16)).astype("<f4"),
    "up": RANDOM.standard_normal((16, 48)).astype("<f4"),
    "norm": np.ones(16, "<f4"),
}


def safetensors(arrays: Arrays, dtype: str = "F32") -> bytes:
    header: dict[str, object] = {}
    body = b""
    for name, array in arrays.items():
        data = array.tobytes()
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def graph(arrays: Arrays, producer: str = "pytorch") -> bytes:
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    nodes = [helper.make_node("Identity", [next(iter(arrays))], ["y"])]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    made = helper.make_model(helper.make_graph(nodes, "g", [], out, tensors), producer_name=producer)
    data: bytes = made.SerializeToString()
    return data


def told(arrays: Arrays, beside: bytes | None = None, **files: bytes) -> CheckResult:
    repo = {"onnx/model.onnx": graph(arrays), **files}
    return look(CHECK, repo | ({"model.safetensors": beside} if beside is not None else {}))


def test_the_same_numbers_are_no_finding() -> None:
    assert told(WEIGHTS, safetensors(WEIGHTS)).status is Status.PASS


def test_transposed_and_rounded_numbers_are_the_same() -> None:
    other = {"a": WEIGHTS["embed"].T.astype("<f2"), "b": WEIGHTS["up"].T.astype("<f2")}
    result = told(other, safetensors(WEIGHTS))
    assert not result.findings


def test_numbers_of_the_upper_half_are_the_same() -> None:
    halves = {name: (array.view("<u4") >> 16).astype("<u2") for name, array in WEIGHTS.items()}
    whole = {name: (half.astype("<u4") << 16).view("<f4") for name, half in halves.items()}
    assert not told(whole, safetensors(halves, "BF16")).findings


def test_gates_in_another_order_are_the_same() -> None:
    up = WEIGHTS["up"].reshape(4, -1)[[0, 3, 1, 2]].reshape(1, 16, 48)
    assert not told({"W": up, "embed": WEIGHTS["embed"]}, safetensors(WEIGHTS)).findings


def test_numbers_too_small_for_half_precision_count_as_none() -> None:
    small = {"w": np.where(RANDOM.random((64, 64)) < 0.1, 1e-8, RANDOM.standard_normal((64, 64))).astype("<f4")}
    half = {"w": np.where(np.abs(small["w"]) < 1e-7, 1e-7, small["w"]).astype("<f2")}
    assert not told(half, safetensors(small)).findings


def test_other_numbers_are_told() -> None:
    other = {name: array + 1 for name, array in WEIGHTS.items()}
    result = told(other, safetensors(WEIGHTS))
    assert slugs(result) == {"weights-differ"}
    assert result.findings[0].hazard is Hazard.UNVERIFIED


def test_one_folded_tensor_does_not_make_another_model() -> None:
    assert not told({**WEIGHTS, "up": WEIGHTS["up"] * 2}, safetensors(WEIGHTS)).findings


def test_other_sizes_are_told() -> None:
    assert slugs(told({"w": RANDOM.standard_normal((20, 20))}, safetensors(WEIGHTS))) == {"sizes-differ"}


def test_quantised_weights_can_not_be_compared() -> None:
    quantised = {"w": RANDOM.integers(0, 200, (64, 64)).astype("u1")}
    result = told(quantised, safetensors(WEIGHTS))
    assert slugs(result) == {"not-comparable"}
    assert result.status is Status.PASS


def test_another_width_is_told() -> None:
    config = {"config.json": json.dumps({"hidden_size": 16}).encode()}
    assert not told(WEIGHTS, **config).findings
    config = {"config.json": json.dumps({"hidden_size": 768}).encode()}
    assert slugs(told(WEIGHTS, **config)) == {"width-differs"}


@pytest.mark.parametrize("config", [b"{", b"[]", b'{"hidden_size": "16"}', b'{"hidden_size": true}', b"{}"])
def test_a_configuration_that_says_nothing_is_no_reason(config: bytes) -> None:
    assert not told(WEIGHTS, safetensors(WEIGHTS), **{"config.json": config}).findings


def test_a_graph_alone_from_nobody_knows_what_is_told() -> None:
    unknown = {"model.onnx": graph(WEIGHTS, "my-own-script"), "other.onnx": graph(WEIGHTS, "")}
    assert [finding.id for finding in look(CHECK, unknown).findings] == ["onnx/conversion/unknown-exporter"] * 2
    assert not look(CHECK, {"model.onnx": graph(WEIGHTS, "skl2onnx")}).findings


def test_the_word_of_a_trusted_publisher_is_enough() -> None:
    files = {"model.onnx": graph({name: array + 1 for name, array in WEIGHTS.items()}, "my-own-script"),
             "model.safetensors": safetensors(WEIGHTS)}  # fmt: skip
    subject = artifact(files, reference=Reference(scheme=Scheme.HUB, name="Acme/model"))
    result = inspect(CHECK, subject, replace(CONTEXT, trusted_publishers=frozenset({"acme"})))
    assert {finding.hazard for finding in result.findings} == {Hazard.NONE}
    assert inspect(CHECK, subject, CONTEXT).findings[0].hazard is Hazard.UNVERIFIED


def test_what_is_beyond_the_limits_is_not_compared() -> None:
    files = {"model.onnx": graph(WEIGHTS), "model.safetensors": safetensors(WEIGHTS)}
    assert slugs(look(CHECK, files, conversion_bytes=100)) == {"not-comparable"}
    assert slugs(look(CHECK, files, conversion_tensor_bytes=100)) == {"not-comparable"}


def test_weights_beside_the_graph_are_compared_as_well() -> None:
    made = onnx.ModelProto.FromString(graph(WEIGHTS))
    body = b""
    for tensor in made.graph.initializer:
        entries = {"location": "w.bin", "offset": len(body), "length": len(tensor.raw_data)}
        body += tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
    files = {"model.onnx": made.SerializeToString(), "w.bin": body, "model.safetensors": safetensors(WEIGHTS)}
    assert look(CHECK, files).status is Status.PASS
    swapped = {**files, "w.bin": body[::-1]}
    assert slugs(look(CHECK, swapped)) == {"weights-differ"}


@pytest.mark.parametrize("data", [b"\x3a\xff\xff\xff\x7f", b"\x3a\x02\x2a\x7f", graph(WEIGHTS)[:-3]])
def test_a_broken_graph_is_not_known(data: bytes) -> None:
    result = look(CHECK, {"model.onnx": data, "model.safetensors": safetensors(WEIGHTS)})
    assert result.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [16, 16], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [16, 16], "data_offsets": [-8, 1016]}},
        {"a": {"dtype": "F32", "shape": [16, 16], "data_offsets": [2**60, 2**60 + 1024]}},
        {"a": {"dtype": ["F32"], "shape": [16, 16], "data_offsets": [0, 1024]}},
        {"a": {"dtype": "F32", "shape": ["16", 16], "data_offsets": [0, 1024]}},
        {"a": {"dtype": "F32", "shape": 16}},
        {"a": []},
    ],
)
def test_entries_that_lie_are_no_weights(header: object) -> None:
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + bytes(64)
    assert list(safetensors_weights(artifact({"m.safetensors": data}), DEFAULT_LIMITS)) == []


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_weights_or_an_error(data: bytes) -> None:
    subject = artifact({"m.onnx": data, "m.safetensors": data})
    assert not list(safetensors_weights(subject, DEFAULT_LIMITS))
    try:
        found = graph_weights(subject.files[0], subject, DEFAULT_LIMITS)
    except ValueError:
        return
    assert Beside(weights=found, limits=DEFAULT_LIMITS).compare(found).same >= 0


def test_rounding_to_bfloat16_is_that_of_its_library() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = RANDOM.standard_normal(10_000).astype("<f4")
    assert np.array_equal(_as(values, "BF16"), values.astype(ml_dtypes.bfloat16).astype("<f4"))
