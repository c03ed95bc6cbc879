"""Payloads in the files of one framework: numpy, joblib, skops, dill, torch's other formats, Keras, TensorFlow, ONNX."""

# ruff: noqa: E501 - tables of cases read best with a case a line

from __future__ import annotations

import json
import struct
import zipfile
from typing import Any

from tests.support.corpus import protobuf as pb
from tests.support.corpus.assembly import PLAIN, SYSTEM, called, found, in_state, keyed, listed, pickled, text, tupled
from tests.support.corpus.case import Case, Label, Make, cases
from tests.support.samples import LAMBDA, gguf_pair, gguf_text, hdf5, keras, npy, torch_zip, zipped


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _wide_npy(version: int) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<I", len(header)) + header + PLAIN


def _wrapper(*, objects: bool) -> bytes:
    kind = b"cnumpy\ndtype\n(" + text("O8" if objects else "f4") + b"\x89\x88tR"
    state = keyed(subclass=found("numpy", "ndarray"), shape=b"K\x01\x85", order=text("C"), dtype=kind,
                  allow_mmap=b"\x89" if objects else b"\x88")  # fmt: skip
    return found("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b"


_FUNCTION = found("posix", "system")

NUMPY: dict[str, Make] = {
    "npy": lambda: {"embeddings.npy": npy(PLAIN)},
    "npy-2": lambda: {"embeddings.npy": _wide_npy(2)},
    "npy-3": lambda: {"embeddings.npy": _wide_npy(3)},
    "npy-fields": lambda: {"a.npy": npy(PLAIN, "|O").replace(b"'|O'", b"[('a', '<f4'), ('b', '|O')]", 1)},
    "npy-shape-empty": lambda: {"a.npy": npy(PLAIN, "|O", "()")},
    "npz": lambda: {"a.npz": zipped({"w.npy": npy(PLAIN)})},
    "npz-deflated": lambda: {"a.npz": zipped({"w.npy": npy(PLAIN)}, zipfile.ZIP_DEFLATED)},
    "npz-other-member": lambda: {"a.npz": zipped({"w.npy": npy(bytes(4), "<f4"), "x.pkl": PLAIN})},
    "npz-without-ending": lambda: {"a.npz": zipped({"w": npy(PLAIN)})},
    "npy-is-pickle": lambda: {"a.npy": PLAIN},
    "joblib-objects": lambda: {"m.joblib": b"\x80\x03" + _wrapper(objects=True) + PLAIN + b"."},
    "joblib-after-array": lambda: {
        "m.joblib": b"\x80\x03" + listed(_wrapper(objects=False) + b"\x00\x01\x02\x03" + bytes(0), SYSTEM) + b"."
    },
    "joblib-in-pipeline": lambda: {
        "m.joblib": pickled(
            found("sklearn.preprocessing._function_transformer", "FunctionTransformer") + b")\x81"
            + keyed(func=_FUNCTION, kw_args=b"N", validate=b"\x89") + b"b", 3)
    },
    "joblib-old-wrapper": lambda: {
        "m.pkl": pickled(
            found("joblib.numpy_pickle_compat", "NDArrayWrapper") + b")\x81"
            + keyed(filename=text("../../x.npy"), subclass=found("subprocess", "Popen")) + b"b", 2)
    },
}  # fmt: skip


def _skops(root: dict[str, Any], **members: bytes) -> dict[str, bytes]:
    schema = {"__class__": "dict", "__module__": "builtins", "protocol": 2, "_skops_version": "0.11.0", **root}
    return {"model.skops": zipped({"schema.json": _json(schema), **members})}


SKOPS: dict[str, Make] = {
    "function-node": lambda: _skops(
        {"__loader__": "FunctionNode", "__module__": "os", "__class__": "function", "content": "system"}),
    "method-node": lambda: _skops(
        {"__loader__": "MethodNode", "__class__": "builtin_function_or_method", "__module__": "builtins",
         "content": {"obj": {"__loader__": "ObjectNode", "__class__": "Popen", "__module__": "subprocess",
                             "content": None}, "func": "wait"}}),
    "operator-node": lambda: _skops(
        {"__loader__": "OperatorFuncNode", "__class__": "methodcaller", "__module__": "operator",
         "attrs": {"__loader__": "TupleNode", "content": [{"__loader__": "JsonNode", "content": "\"system\""}]}}),
    "unknown-type": lambda: _skops(
        {"__loader__": "ObjectNode", "__class__": "Runner", "__module__": "acme.tools", "content": None}),
    "nested-partial": lambda: _skops(
        {"__loader__": "DictNode", "content": {"a": {"__loader__": "PartialNode", "__class__": "partial",
         "__module__": "functools", "content": {"func": {"__loader__": "FunctionNode", "__module__": "os",
         "__class__": "function", "content": "system"}}}}}),
    "pickle-member": lambda: _skops({"__loader__": "DictNode", "content": {}}, **{"1.pkl": PLAIN}),
}  # fmt: skip

_CODE_ARGUMENTS = (0, 0, 0, 0, 1, 0)

CLOSURES: dict[str, Make] = {
    "dill-create-code": lambda: {"f.dill": pickled(called(found("dill._dill", "_create_code"), *_CODE_ARGUMENTS))},
    "dill-create-function": lambda: {
        "f.pkl": pickled(called(found("dill._dill", "_create_function"), called(found("marshal", "loads"), "N"), {}))},
    "dill-load-type": lambda: {"f.pkl": pickled(called(found("dill._dill", "_load_type"), "CodeType"))},
    "dill-import-module": lambda: {"f.pkl": pickled(called(found("dill._dill", "_import_module"), "os.system"))},
    "dill-get-attr": lambda: {"f.pkl": pickled(called(found("dill._dill", "_get_attr"), found("os", "path"), "x"))},
    "cloudpickle-function": lambda: {
        "model.pkl": pickled(called(found("cloudpickle.cloudpickle", "_make_function"),
                                    called(found("cloudpickle.cloudpickle", "_builtin_type"), "CodeType"), {}), 5)},
    "cloudpickle-subimport": lambda: {
        "python_model.pkl": pickled(called(found("cloudpickle.cloudpickle", "subimport"), "os"), 5)},
    "cloudpickle-state": lambda: {
        "model.pkl": pickled(found("cloudpickle.cloudpickle", "_function_setstate") + tupled({}, {}) + b"R", 5)},
    "cloudpickle-skeleton": lambda: {
        "model.pkl": pickled(called(found("cloudpickle.cloudpickle", "_make_skeleton_class"),
                                    found("builtins", "type"), "X", [], {}, "id", None), 5)},
    "types-function": lambda: {
        "model.pkl": pickled(called(found("types", "FunctionType"), called(found("types", "CodeType"), 0), {}))},
    "types-method": lambda: {"model.pkl": pickled(called(found("types", "MethodType"), _FUNCTION, "true"))},
    "joblib-memorized": lambda: {
        "model.joblib": pickled(called(found("joblib.externals.cloudpickle.cloudpickle", "_make_function"), {}), 4)},
}  # fmt: skip

_SOURCE = b"import os\nos.system('true')\n\n\nclass Net:\n    pass\n"


def _package(members: dict[str, bytes]) -> bytes:
    return zipped({f"archive/{name}": data for name, data in members.items()})


def _script(code: bytes, **members: bytes) -> dict[str, bytes]:
    body = {"archive/data.pkl": pickled(found("__torch__", "Net") + b")\x81}b"), "archive/version": b"3\n",
            "archive/constants.pkl": pickled(b")"), "archive/code/__torch__.py": code}  # fmt: skip
    return {"model.pt": zipped({**body, **members})}


_HEAD = b"class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n"

TORCH_FORMATS: dict[str, Make] = {
    "package-source": lambda: {"net.pt": _package({
        "model/model.pkl": pickled(found("net", "Net") + b")\x81}b"), "net.py": _SOURCE,
        ".data/version": b"6\n", ".data/extern_modules": b"os\n"})},
    "package-extern": lambda: {"net.pt": _package({
        "model/model.pkl": PLAIN, ".data/version": b"6\n", ".data/extern_modules": b"posix\n"})},
    "script-from-file": lambda: _script(
        _HEAD + b"    return torch.from_file(\"/etc/hostname\", False, 4, dtype=1)\n"),
    "script-save": lambda: _script(_HEAD + b"    ops.aten.save(x, \"/tmp/x\")\n    return x\n"),
    "script-custom-operator": lambda: _script(_HEAD + b"    return ops.acme.run(x, \"true\")\n"),
    "script-constants": lambda: _script(_HEAD + b"    return x\n", **{"archive/constants.pkl": PLAIN}),
    "script-data": lambda: _script(_HEAD + b"    return x\n", **{"archive/data.pkl": PLAIN}),
    "script-extra-file": lambda: _script(_HEAD + b"    return x\n", **{"archive/extra/hooks.pkl": PLAIN}),
    "export-sample-inputs": lambda: {"m.pt2": zipped({
        "m/archive_format": b"pt2", "m/archive_version": b"0", "m/models/model.json": b"{}",
        "m/data/sample_inputs/model.pt": torch_zip(in_state(SYSTEM))})},
    "export-weights": lambda: {"m.pt2": zipped({
        "version": b"8.8", "serialized_exported_program.json": b"{}",
        "serialized_state_dict.pt": torch_zip(in_state(SYSTEM))})},
    "export-compiled": lambda: {"m.pt2": zipped({
        "m/archive_format": b"pt2", "m/data/aotinductor/model/x.so": b"\x7fELF\x02\x01\x01" + bytes(60)})},
    "lightning-callback": lambda: {"last.ckpt": torch_zip(pickled(keyed(
        state_dict=b"}", callbacks=keyed(checkpoint=SYSTEM), hyper_parameters=b"}")))},
    "mobile": lambda: {"model.ptl": zipped({"model/data.pkl": PLAIN, "model/bytecode.pkl": PLAIN})},
}  # fmt: skip


def _keras(layer: dict[str, Any], **members: bytes) -> dict[str, bytes]:
    return {"model.keras": _with(keras([layer]), members)}


def _with(archive: bytes, members: dict[str, bytes]) -> bytes:
    import io

    out = io.BytesIO(archive)
    with zipfile.ZipFile(out, "a") as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return out.getvalue()


def _layer(module: str, name: str, /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def _h5(config: dict[str, Any]) -> bytes:
    return hdf5(b"model_config\0" + _json(config) + b"\0")


_MODEL = {"class_name": "Functional", "config": {"layers": [LAMBDA]}}

KERAS: dict[str, Make] = {
    "lambda": lambda: _keras(LAMBDA),
    "lambda-inner-model": lambda: _keras(_layer("keras", "Functional", layers=[LAMBDA])),
    "lambda-wrapped": lambda: _keras(_layer("keras.layers", "TimeDistributed", layer=LAMBDA)),
    "module-of-choice": lambda: _keras(_layer("builtins", "exec", code="1+1")),
    "module-as-function": lambda: _keras(_layer("keras.layers", "Dense", activation={
        "module": "os", "class_name": "function", "config": "system", "registered_name": "system"})),
    "module-run-path": lambda: _keras(_layer("runpy", "run_path", path_name="/tmp/x.py")),
    "get-file": lambda: _keras(_layer("keras.utils", "get_file", fname="x", origin="http://127.0.0.1:9/x")),
    "unsafe-module": lambda: _keras(_layer("keras.src.saving.serialization_lib", "enable_unsafe_deserialization")),
    "saved-model-layer": lambda: _keras(_layer("keras.layers", "TFSMLayer", filepath="/tmp/x")),
    "torch-wrapper": lambda: _keras(_layer("keras.src.utils.torch_utils", "TorchModuleWrapper", module="gAKVLg==")),
    "vocabulary-path": lambda: _keras(_layer("keras.layers", "StringLookup", vocabulary="/etc/hostname")),
    "vocabulary-address": lambda: _keras(_layer("keras.layers", "TextVectorization",
                                                vocabulary="http://127.0.0.1:9/x")),
    "asset-pickle": lambda: _keras(_layer("keras.layers", "Dense", units=1), **{"assets/x.pkl": PLAIN}),
    "h5-lambda": lambda: {"model.h5": _h5(_MODEL)},
    "h5-module": lambda: {"model.hdf5": _h5({"class_name": "Sequential", "config": {
        "layers": [_layer("posix", "system", command="true")]}})},
    "json-config-lambda": lambda: {"config.json": _json(_MODEL), "model.weights.h5": hdf5(bytes(64))},
    "compile-config": lambda: {"model.keras": zipped({
        "metadata.json": b"{}", "model.weights.h5": hdf5(bytes(64)),
        "config.json": _json({"module": "keras", "class_name": "Sequential", "config": {"layers": []},
                              "compile_config": {"loss": {"module": "os", "class_name": "function",
                                                          "config": "system", "registered_name": "f"}}})})},
}  # fmt: skip


def _saved_model(*operators: str, in_function: bool = False) -> dict[str, bytes]:
    return {"saved_model.pb": pb.saved_model(operators, in_function=in_function),
            "variables/variables.index": bytes(8)}  # fmt: skip


TENSORFLOW: dict[str, Make] = {
    "read-file": lambda: _saved_model("Const", "ReadFile"),
    "write-file": lambda: _saved_model("Const", "WriteFile"),
    "write-in-function": lambda: _saved_model("WriteFile", in_function=True),
    "python-function": lambda: _saved_model("EagerPyFunc"),
    "python-function-old": lambda: _saved_model("PyFunc", in_function=True),
    "matching-files": lambda: _saved_model("MatchingFiles"),
    "save-elsewhere": lambda: _saved_model("Const", "ShardedFilename", "PrintV2", "WriteFile"),
    "load-library": lambda: _saved_model("Const", "AcmeLoadLibrary"),
    "keras-metadata-lambda": lambda: {
        **_saved_model("Const"),
        "keras_metadata.pb": pb.keras_metadata(json.dumps(_MODEL)),
    },
    "frozen-graph": lambda: {"frozen_inference_graph.pb": pb.graph(["Placeholder", "WriteFile"])},
    "assets-extra": lambda: {**_saved_model("Const"), "assets.extra/x.pkl": PLAIN},
}


def _pair(key: str, value: str) -> bytes:
    return gguf_pair(key, 8, gguf_text(value))


ONNX: dict[str, Make] = {
    "external-up": lambda: {"model.onnx": pb.onnx(external="../../../etc/hostname")},
    "external-absolute": lambda: {"model.onnx": pb.onnx(external="/etc/hostname")},
    "external-backslash": lambda: {"model.onnx": pb.onnx(external="..\\..\\secret.bin")},
    "external-nested-up": lambda: {"model.onnx": pb.onnx(external="a/../../secret.bin")},
    "external-in-subgraph": lambda: {"model.onnx": pb.onnx(external="../secret.bin", where="subgraph")},
    "external-in-attribute": lambda: {"model.onnx": pb.onnx(external="../secret.bin", where="attribute")},
    "external-in-function": lambda: {"model.onnx": pb.onnx(external="../secret.bin", where="function")},
    "external-negative": lambda: {"model.onnx": pb.onnx(external="w.bin", offset="-4"), "w.bin": bytes(64)},
    "external-address": lambda: {"model.onnx": pb.onnx(external="http://127.0.0.1:9/x")},
    "python-operator": lambda: {"model.onnx": pb.onnx(operator=("ai.onnx.contrib", "PyOp"))},
    "custom-library": lambda: {"model.onnx": pb.onnx(operator=("acme", "Run")), "acme.so": b"\x7fELF\x02\x01\x01"},
}

CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.MALICIOUS, "numpy-joblib", NUMPY, loader="numpy.load(allow_pickle), joblib.load",
          source="CVE-2019-6446"),
    cases(Label.MALICIOUS, "skops", SKOPS, loader="skops.io.load", source="CVE-2025-54412, -54413", held_out=True),
    cases(Label.MALICIOUS, "closures", CLOSURES, loader="dill, cloudpickle, MLflow", source="PickleBall",
          held_out=True),
    cases(Label.MALICIOUS, "torch-formats", TORCH_FORMATS, loader="torch.package, torch.jit, torch.export, Lightning",
          source="CVE-2025-32434"),
    cases(Label.MALICIOUS, "keras", KERAS, loader="keras.models.load_model",
          source="CVE-2024-3660, 2025-1550, -8747, -12058"),
    cases(Label.MALICIOUS, "tensorflow", TENSORFLOW, loader="tf.saved_model.load", source="JFrog; HiddenLayer",
          held_out=True),
    cases(Label.MALICIOUS, "onnx-data", ONNX, loader="onnx.load, onnxruntime", source="CVE-2022-25882, 2024-27318"),
)  # fmt: skip
