"""TensorFlow graphs, TorchScript code, skops schemas and msgpack weights: reaches are told, honest files are not."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.model_code import JUDGES, ModelCode
from gatekeeper.checks.files.structure import Structure
from gatekeeper.checks.files.tensorflow_graph import harmless, judge_frozen_graph
from gatekeeper.evidence import Hazard, Severity, Status
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import samples
from tests.support.artifacts import look, slugs


def message(*fields: tuple[int, Any]) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    return out


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def node(operator: str, name: str = "n", **attributes: str) -> bytes:
    held = [(5, message((1, key), (2, message((2, text))))) for key, text in attributes.items()]
    return message((1, name), (2, operator), (3, "input"), *held)


def graph(*nodes: bytes, **functions: list[bytes]) -> bytes:
    library = [
        (1, message((1, message((1, name))), *((3, body) for body in bodies))) for name, bodies in functions.items()
    ]
    return message(*((1, one) for one in nodes), (2, message(*library)))


def saved_model(*nodes: bytes, **functions: list[bytes]) -> dict[str, bytes]:
    return {"saved_model.pb": message((1, 1), (2, message((2, graph(*nodes, **functions)))))}


@pytest.mark.parametrize(
    ("operator", "slug", "hazard"),
    [
        ("WriteFile", "tensorflow-writes", Hazard.PAYLOAD),
        ("DatasetToTFRecord", "tensorflow-writes", Hazard.PAYLOAD),
        ("ReadFile", "tensorflow-reads", Hazard.SUSPICIOUS),
        ("MatchingFiles", "tensorflow-reads", Hazard.SUSPICIOUS),
        ("ImmutableConst", "tensorflow-reads", Hazard.SUSPICIOUS),
        ("SaveV2", "tensorflow-reads", Hazard.SUSPICIOUS),
        ("EagerPyFunc", "tensorflow-runs", Hazard.SUSPICIOUS),
        ("RpcCall", "tensorflow-network", Hazard.SUSPICIOUS),
        ("DataServiceDatasetV4", "tensorflow-network", Hazard.SUSPICIOUS),
        ("OwnOperator", "tensorflow-unknown", Hazard.UNVERIFIED),
        ("InitializeTableFromTextFileV2", "tensorflow-table", Hazard.NONE),
    ],
)
def test_an_operator_that_does_more_than_compute_is_told(operator: str, slug: str, hazard: Hazard) -> None:
    places = (saved_model(node(operator)), saved_model(inner=[node("Add"), node(operator)]),
              {"frozen.pb": graph(node(operator))})  # fmt: skip
    for files in places:
        (finding,) = look(ModelCode(), files).findings
        assert (finding.id.rsplit("/", 1)[1], finding.hazard) == (slug, hazard)


def test_a_print_to_a_file_writes() -> None:
    assert slugs(look(ModelCode(), saved_model(node("PrintV2", output_stream="file:///tmp/x")))) == {
        "tensorflow-writes"
    }
    assert look(ModelCode(), saved_model(node("PrintV2", output_stream="stderr"))).status is Status.PASS


def test_an_honest_graph_passes() -> None:
    body = [node(one) for one in ("MatMul", "Conv2D", "FusedBatchNormV3", "Softmax", "TensorListReserve", "DecodeJpeg")]
    main = [node("Placeholder"), node("VarHandleOp"), node("StatefulPartitionedCall"), node("SaveV2", "save/SaveV2")]
    files = saved_model(*main, inference=body, traced_save=[node("ShardedFilename"), node("MergeV2Checkpoints")])
    files["fingerprint.pb"] = b"\x08\x01\x10\x02"
    assert look(ModelCode(), files).status is Status.PASS
    assert look(Coverage(), files).status is Status.PASS


def test_no_operator_is_both_harmless_and_not() -> None:
    assert not {"WriteFile", "ReadFile", "PyFunc", "ImmutableConst", "RpcCall", "CacheDataset"} & harmless()
    assert {"Add", "MatMul", "SaveV2", "While"} <= harmless()


@pytest.mark.parametrize("data", [b"\x0a\xff\xff\xff\xff\x0f", graph(node("Add"))[:-3], graph(node("Add")) * 2000])
def test_a_graph_that_cannot_be_read_to_its_end_is_unjudged(data: bytes) -> None:
    limits = replace(DEFAULT_LIMITS, graph_fields=5000)
    problems = list(judge_frozen_graph(io.BytesIO(data), PurePosixPath("frozen.pb"), len(data), limits))
    assert "unjudged" in {problem.slug for problem in problems}


def torchscript(code: str) -> dict[str, bytes]:
    members = {"m/data.pkl": b"\x80\x02N.", "m/constants.pkl": b"\x80\x02).", "m/version": b"3\n",
               "m/code/__torch__.py": code.encode()}  # fmt: skip
    return {"m.pt": samples.zipped(members)}


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ('_0 = torch.from_file("/etc/passwd", False, 10)', "torchscript-reaches"),
        ('torch.save(x, "/tmp/x")', "torchscript-reaches"),
        ('_0 = ops.image.read_file("x")', "torchscript-reaches"),
        ('_0 = ops.torchaudio.sox_io_load_audio_file("x")', "torchscript-reaches"),
        ("_0 = ops.c10d.send(x)", "torchscript-reaches"),
        ("_0 = ops.own_library.run(x)", "torchscript-custom"),
        ("_0 = ^OwnFunction()(x)", "torchscript-custom"),
        ("a : __torch__.torch.classes.own.Thing", "torchscript-custom"),
    ],
)
def test_torchscript_that_reaches_out_is_told(line: str, slug: str) -> None:
    assert slugs(look(ModelCode(), torchscript(f"def forward(self, x):\n  {line}\n"))) == {slug, "torchscript-program"}


def test_honest_torchscript_is_a_program_and_no_more() -> None:
    code = (
        "class M(Module):\n  def forward(self, x):\n    _0 = torch.conv2d(x, self.w)\n    _1 = ops.prim.data(_0)\n"
        '    print("torch.save(x) from_file")  # torch.from_file(x)\n    _2 = torch.reflection_pad1d(_1, [1, 1])\n'
        "    _3 = ops.torchvision.nms(_2, _2, 0.5)\n    _4 = ops.quantized.linear(_3, self.p)\n    return _4\n"
    )
    (finding,) = look(ModelCode(), torchscript(code)).findings
    assert (finding.hazard, finding.severity) == (Hazard.UNVERIFIED, Severity.MEDIUM)


def skops(*nodes: dict[str, Any]) -> dict[str, bytes]:
    root = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {"a": list(nodes)}}
    return {"m.skops": samples.zipped({"schema.json": json.dumps(root).encode()})}


def typed(loader: str, module: str, name: str, **more: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


@pytest.mark.parametrize(
    ("held", "slug"),
    [
        (typed("FunctionNode", "os", "system"), "skops-runs"),
        (typed("TypeNode", "builtins", "eval"), "skops-runs"),
        (typed("ObjectNode", "subprocess", "Popen"), "skops-runs"),
        (typed("OperatorFuncNode", "operator", "methodcaller"), "skops-runs"),
        (typed("OperatorFuncNode", "sklearn.base", "BaseEstimator"), "skops-foreign"),
        (typed("FunctionNode", "numpy", "load"), "skops-foreign"),
        (typed("MethodNode", "sklearn.svm", "SVC", content={"func": "__reduce__"}), "skops-foreign"),
        (typed("ObjectNode", "own_package", "Model"), "skops-custom"),
    ],
)
def test_a_type_that_skops_must_not_build_is_told(held: dict[str, Any], slug: str) -> None:
    assert slug in slugs(look(ModelCode(), skops(held)))


def test_types_of_honest_skops_files_pass() -> None:
    held = [
        typed("ObjectNode", "sklearn.pipeline", "Pipeline"), typed("NdArrayNode", "numpy", "float64"),
        typed("FunctionNode", "numpy", "log1p"), typed("TypeNode", "builtins", "str"),
        typed("OperatorFuncNode", "operator", "itemgetter"), typed("JsonNode", "builtins", "str"),
        typed("ObjectNode", "lightgbm.sklearn", "LGBMClassifier"),
        typed("MethodNode", "sklearn.svm", "SVC", content={"func": "fit"}),
    ]  # fmt: skip
    assert look(ModelCode(), skops(*held)).status is Status.PASS
    assert slugs(look(ModelCode(), {"m.skops": samples.zipped({"schema.json": b"{"})})) == {"skops-schema"}


def array(shape: tuple[int, ...], dtype: str, held: bytes, kind: int = 1) -> bytes:
    numbers = b"".join(b"\xcd" + struct.pack(">H", one) for one in shape)
    triple = b"\x93" + bytes([0x90 | len(shape)]) + numbers + bytes([0xA0 | len(dtype)]) + dtype.encode()
    triple += b"\xc5" + struct.pack(">H", len(held)) + held
    return b"\xc8" + struct.pack(">H", len(triple)) + bytes([kind]) + triple


def weights(*values: bytes) -> bytes:
    pairs = b"".join(bytes([0xA1]) + bytes([97 + number]) + value for number, value in enumerate(values))
    return b"\x81\xa6params" + bytes([0x80 | len(values)]) + pairs


HONEST = weights(
    array((3, 4), "float32", bytes(48)), array((300,), "bfloat16", bytes(600)), b"\xc0", b"\xcb" + bytes(8)
)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (HONEST[:-4], "msgpack-truncated"),
        (HONEST + b"\x00", "msgpack-trailing"),
        (weights(b"\xc1"), "msgpack-header"),
        (b"\x81\xa1a" + b"\x91" * 200 + b"\x00", "msgpack-header"),
        (b"\xdf\xff\xff\xff\xff", "msgpack-truncated"),
        (weights(array((3, 5), "float32", bytes(48))), "msgpack-array"),
        (weights(array((3, 4), "object", bytes(48))), "msgpack-array"),
        (weights(array((3, 4), "float32", bytes(48), kind=9)), "msgpack-type"),
        (weights(b"\xc7\x02\x01\x93\x00"), "msgpack-array"),
    ],
)
def test_msgpack_that_breaks_its_promise_is_told(data: bytes, slug: str) -> None:
    assert slug in slugs(look(Structure(), {"flax_model.msgpack": data}))


def test_honest_msgpack_passes() -> None:
    assert look(Structure(), {"flax_model.msgpack": HONEST}).status is Status.PASS
    assert look(Coverage(), {"flax_model.msgpack": HONEST}).status is Status.PASS


@pytest.mark.parametrize("rule", ModelCode.rules, ids=lambda rule: rule.slug)
def test_every_rule_says_what_to_do(rule: Any) -> None:
    assert rule.title
    assert rule.mend
    assert JUDGES
