"""Pairs of `files/model-code`."""

from __future__ import annotations

import json
from typing import Any

from tests.checks_files.pairs.pair import Pair, one
from tests.support import samples
from tests.support.hdf5_samples import unpacked


def _layer(fires: dict[str, Any], near: dict[str, Any]) -> Pair:
    return one("m.keras", lambda: samples.keras([fires]), lambda: samples.keras([near]))


def _named(module: str | None, class_name: str, registered: str = "", /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered}


def _hdf5(fires: str, near: str) -> Pair:
    return one("m.h5", lambda: unpacked(fires), lambda: unpacked(near))


def _moved() -> bytes:
    """The values of a dataset are said to lie beyond the end of the file."""
    data = unpacked("soft-link")
    # A data layout message: version 3, contiguous, an address of eight bytes, 160 bytes of values.
    at = data.index(b"\x03\x01", data.index((160).to_bytes(8, "little")) - 10)
    return data[: at + 2] + (len(data)).to_bytes(8, "little") + data[at + 10 :]


def _graph(fires: str, near: str) -> Pair:
    return one("graph.pb", lambda: _node(fires), lambda: _node(near))


def _node(operator: str) -> bytes:
    body = b"\x0a\x01n\x12" + bytes([len(operator)]) + operator.encode()
    return b"\x0a" + bytes([len(body)]) + body


def _script(line: str) -> Pair:
    """TorchScript always is a program, so the honest one is a checkpoint that has the same line as a text."""
    members = {"m/data.pkl": b"\x80\x02N.", "m/version": b"3\n"}
    code = {"m/constants.pkl": b"\x80\x02).", "m/code/__torch__.py": line.encode()}
    return one("m.pt", lambda: samples.zipped(members | code), lambda: samples.zipped(members))


def _exported(target: str) -> Pair:
    """Exported programs are never judged whole, so the honest one is an archive with the same text in a note."""
    nodes = {"graph_module": {"graph": {"nodes": [{"target": target, "inputs": []}]}}}
    text = json.dumps(nodes).encode()
    program = {"m/archive_format": b"pt2", "m/models/model.json": text}
    return one("m.pt2", lambda: samples.zipped(program), lambda: samples.zipped({"m/note.json": text}))


def _skops(module: str, name: str, near: str, loader: str = "TypeNode") -> Pair:
    def schema(one_name: str, one_module: str) -> bytes:
        node = {"__class__": one_name, "__module__": one_module, "__loader__": loader}
        return samples.zipped({"schema.json": json.dumps(node).encode()})

    near_module, near_name = near.rsplit(".", 1)
    return one("m.skops", lambda: schema(name, module), lambda: schema(near_name, near_module))


PAIRS = {
    f"files/model-code/{slug}": pair
    for slug, pair in {
        "keras-lambda": _layer(samples.LAMBDA, samples.DENSE),
        "keras-runs": _layer(_named("os", "system"), _named("keras.layers", "Dense")),
        "keras-loader": _layer(_named("keras.layers", "TFSMLayer"), _named("keras.layers", "Dense", name="TFSMLayer")),
        "keras-foreign": _layer(_named("numpy", "array"), _named("keras.ops", "array")),
        "keras-reads-file": _layer(
            _named("keras.layers", "StringLookup", vocabulary="/etc/passwd"),
            _named("keras.layers", "StringLookup", vocabulary=["/etc/passwd"]),
        ),
        "keras-config": one(
            "m.keras",
            lambda: samples.zipped({"config.json": b'{"a": 1, "a": 2}', "metadata.json": b"{}"}),
            lambda: samples.zipped({"config.json": b'{"a": NaN}', "metadata.json": b"{}"}),
        ),
        "keras-custom": _layer(_named(None, "Mine", "my>Mine"), _named(None, "Mine", "Mine")),
        "hdf5-elsewhere": _hdf5("external-link", "soft-link"),
        "hdf5-span": one("m.h5", _moved, lambda: unpacked("soft-link")),
        "hdf5-bomb": _hdf5("huge", "soft-link"),
        "tensorflow-writes": _graph("WriteFile", "EncodeJpeg"),
        "tensorflow-runs": _graph("PyFunc", "PartitionedCall"),
        "tensorflow-reads": _graph("ReadFile", "DecodeJpeg"),
        "tensorflow-network": _graph("RpcCall", "StatefulPartitionedCall"),
        "tensorflow-table": _graph("InitializeTableFromTextFileV2", "InitializeTableV2"),
        "tensorflow-unknown": _graph("OwnOperator", "Add"),
        "torchscript-reaches": _script('_0 = torch.from_file("x")'),
        "torchscript-custom": _script("_0 = ops.own.run(x)"),
        "torchscript-program": _script("_0 = torch.add(x, x)"),
        "exported-reaches": _exported("torch.ops.aten.from_file.default"),
        "exported-custom": _exported("torch.ops.own.run.default"),
        "skops-runs": _skops("os", "system", "builtins.str"),
        "skops-foreign": _skops("sklearn.base", "X", "operator.itemgetter", "OperatorFuncNode"),
        "skops-schema": one(
            "m.skops", lambda: samples.zipped({"schema.json": b"{"}), lambda: samples.zipped({"schema.json": b"{}"})
        ),
        "skops-custom": _skops("own", "Model", "sklearn.svm.SVC"),
    }.items()
}
