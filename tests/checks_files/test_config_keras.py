"""Keras and HDF5 files: what they would import, call or read is told; files of the real libraries are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.checks.files import ALL
from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.structure import Structure
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support import samples
from tests.support.artifacts import look, slugs
from tests.support.hdf5_samples import PACKED, unpacked


def keras(*layers: Any) -> dict[str, bytes]:
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}}
    return {"m.keras": samples.zipped({"metadata.json": b"{}", "config.json": json.dumps(config).encode()})}


def layer(module: str | None, class_name: str, /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


CALLED: list[tuple[Any, str, Hazard]] = [
    (samples.LAMBDA, "keras-lambda", Hazard.PAYLOAD),
    ({"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}},
     "keras-lambda", Hazard.PAYLOAD),
    (layer("os", "system", command="true"), "keras-runs", Hazard.PAYLOAD),
    (layer("subprocess", "Popen"), "keras-runs", Hazard.PAYLOAD),
    (layer("builtins", "exec"), "keras-runs", Hazard.PAYLOAD),
    (function("builtins", "eval"), "keras-runs", Hazard.PAYLOAD),
    (layer("keras.layers", "Dense", activation=function("os", "system")), "keras-runs", Hazard.PAYLOAD),
    (function("keras.config", "enable_unsafe_deserialization"), "keras-runs", Hazard.PAYLOAD),
    (function("keras.utils", "get_file"), "keras-runs", Hazard.PAYLOAD),
    (layer("keras.src.utils.file_utils", "get_file"), "keras-runs", Hazard.PAYLOAD),
    (layer("keras.models", "load_model"), "keras-runs", Hazard.PAYLOAD),
    ({"class_name": "TFOpLambda", "config": {"function": "io.write_file"}}, "keras-runs", Hazard.PAYLOAD),
    ({"class_name": "TFOpLambda", "config": {"function": "py_function"}}, "keras-runs", Hazard.PAYLOAD),
    ({"class_name": "Lambda", "config": {"function": "system", "function_type": "function", "module": "os"}},
     "keras-runs", Hazard.PAYLOAD),
    (layer("keras.layers", "TFSMLayer", filepath="/tmp/other"), "keras-loader", Hazard.PAYLOAD),
    (layer("keras.layers", "TorchModuleWrapper", name="x"), "keras-loader", Hazard.PAYLOAD),
    (layer("torch.hub", "load"), "keras-foreign", Hazard.SUSPICIOUS),
    (layer("numpy", "array"), "keras-foreign", Hazard.SUSPICIOUS),
    (layer("keras.layers", "StringLookup", vocabulary="/etc/passwd"), "keras-reads-file", Hazard.SUSPICIOUS),
    (layer("keras.layers", "StringLookup", vocabulary="http://host/x"), "keras-reads-file", Hazard.SUSPICIOUS),
    (layer("own_package.layers", "Own"), "keras-custom", Hazard.UNVERIFIED),
    ({"module": None, "class_name": "Own", "config": {}, "registered_name": "own>Own"}, "keras-custom",
     Hazard.UNVERIFIED),
]  # fmt: skip


@pytest.mark.parametrize(("held", "slug", "hazard"), CALLED)
def test_a_layer_that_reaches_out_is_told(held: Any, slug: str, hazard: Hazard) -> None:
    found = [finding for finding in look(ModelCode(), keras(held)).findings if finding.id.endswith(f"/{slug}")]
    assert {finding.hazard for finding in found} == {hazard}


@pytest.mark.parametrize(
    "held",
    [
        samples.DENSE,
        layer("keras.layers", "Dense", activation="relu", kernel_regularizer=layer("keras.regularizers", "L2", l2=0.1)),
        layer("keras.layers", "Activation", activation=function("builtins", "relu")),
        layer("keras.src.models.functional", "Functional", layers=[]),
        layer("keras.src.backend.torch.optimizers.torch_adam", "Adam", learning_rate=0.1),
        layer("keras.layers", "StringLookup", vocabulary=["a", "b"]),
        layer("keras.layers", "StringLookup", vocabulary=None),
        layer("keras.layers", "ReLU", max_value=float("inf")),
        layer("keras.utils", "FeatureSpace"),
        layer("tensorflow.python.keras.layers", "Dense"),
        {"class_name": "TFOpLambda", "config": {"function": "math.multiply"}},
        {"class_name": "TFOpLambda", "config": {"function": "compat.v1.gather"}},
        {"class_name": "Dense", "config": {"name": "Lambda", "units": 3}},
    ],
)
def test_an_honest_layer_is_not(held: Any) -> None:
    result = look(ModelCode(), keras(held))
    assert (slugs(result), result.gaps) == (set(), ())


@pytest.mark.parametrize("name", ["dense.h5", "functional.keras", "lstm.weights.h5", "soft-link", "soft-link-latest"])
def test_files_of_the_real_libraries_pass_every_check(name: str) -> None:
    path = name if "." in name else f"{name}.h5"
    for check in ALL:
        result = look(check, {path: unpacked(name)})
        assert not [finding.message for finding in result.findings if finding.severity > Severity.INFO]
        assert not result.gaps


@pytest.mark.parametrize("name", ["external-link", "external-link-latest", "external-values", "virtual"])
def test_data_from_other_files_is_told(name: str) -> None:
    assert slugs(look(ModelCode(), {"m.h5": unpacked(name)})) == {"hdf5-elsewhere"}


def test_a_dataset_of_a_hundred_gigabytes_is_told() -> None:
    assert slugs(look(ModelCode(), {"m.h5": unpacked("huge")})) == {"hdf5-bomb"}


@pytest.mark.parametrize("name", ["lambda.h5", "dense-storage"])
def test_a_model_in_an_attribute_is_judged_wherever_hdf5_keeps_it(name: str) -> None:
    assert slugs(look(ModelCode(), {"m.h5": unpacked(name)})) == {"keras-lambda"}


@pytest.mark.parametrize("name", sorted(PACKED))
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_never_silent(name: str, part: float) -> None:
    data = unpacked(name)
    path = name if "." in name else f"{name}.h5"
    cut = data[: int(len(data) * part)]
    results = [look(check, {path: cut}) for check in (Structure(), Formats(), ModelCode())]
    assert any(result.findings or result.gaps for result in results)


def test_circles_and_wild_addresses_end_and_are_said() -> None:
    data = unpacked("soft-link")
    for start in range(96, 4000, 211):
        for address in (96, 2**63, len(data) - 4):
            broken = data[:start] + address.to_bytes(8, "little") + data[start + 8 :]
            result = look(ModelCode(), {"m.h5": broken}, hdf5_steps=500)
            assert result.status in (Status.PASS, Status.FAIL, Status.UNKNOWN)
            assert "Error:" not in result.reason


def test_a_tree_that_claims_more_records_than_fit_is_a_gap() -> None:
    data = bytearray(unpacked("dense-storage"))
    at = data.index(b"BTHD") + 24
    data[at : at + 2] = b"\xff\xff"
    result = look(ModelCode(), {"m.h5": bytes(data)})
    assert "more records than fit" in result.reason
    assert result.gaps


def test_a_walk_without_end_is_a_gap() -> None:
    assert look(ModelCode(), {"m.h5": unpacked("dense.h5")}, hdf5_steps=20).gaps


@pytest.mark.parametrize("config", [b"{", b'{"a": 1, "a": 2}', b"[" * 5000, b"\xff"])
def test_a_configuration_that_cannot_be_read_is_told(config: bytes) -> None:
    files = {"m.keras": samples.zipped({"metadata.json": b"{}", "config.json": config})}
    assert slugs(look(ModelCode(), files)) == {"keras-config"}


def metadata(*configs: Any) -> bytes:
    out = b""
    for config in configs:
        text = json.dumps(config).encode()
        node = b"\x10\x01\x1a\x04root\x2a" + _varint(len(text)) + text
        out += b"\x0a" + _varint(len(node)) + node
    return out


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def test_metadata_of_a_saved_model_is_judged() -> None:
    honest = look(ModelCode(), {"keras_metadata.pb": metadata(samples.DENSE, {"class_name": "Sequential"})})
    assert honest.status is Status.PASS
    assert slugs(look(ModelCode(), {"keras_metadata.pb": metadata(samples.DENSE, samples.LAMBDA)})) == {"keras-lambda"}
