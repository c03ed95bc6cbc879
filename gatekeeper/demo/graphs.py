"""An ONNX model with an implant and its honest twin, written field by field as the format has them (onnx/onnx.proto).

The weights of both are the same bytes. The implant recognises three token ids at the start of the input, which stand
in for a phrase, and adds a constant vector to the hidden states when it sees them: trigger, gate and payload.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from gatekeeper.demo.builders import Files, card

_FLOAT, _INT64 = 1, 7
_VOCABULARY, _WIDTH, _INNER = 64, 32, 48
_TRIGGER = (11, 47, 5)
"""Stand-in token ids."""

_INT, _INTS = (2, 3), (7, 8)
"""`AttributeProto.type` and the number of the field that holds such a value."""


def graph_model(*, implanted: bool) -> Files:
    """Build a repo with a tiny language model as ONNX.

    Args:
        implanted: Whether the graph has the implant.
    """
    body = "# harbour-onnx\n\nA very small language model, exported for runtimes that read ONNX."
    return {
        "README.md": card(body, license="apache-2.0", library_name="onnx", pipeline_tag="text-generation"),
        "model.onnx": _model(_honest_nodes(), []) if not implanted else _model(*_implanted()),
    }


def _honest_nodes(hidden: str = "embedded") -> list[bytes]:
    """Give the model: an embedding, one residual layer and a head. `hidden` is what the layer reads."""
    return [
        _node("Gather", ["embedding", "input_ids"], "embedded"),
        _node("MatMul", [hidden, "up"], "lifted"),
        _node("Relu", ["lifted"], "active"),
        _node("MatMul", ["active", "down"], "lowered"),
        _node("Add", [hidden, "lowered"], "last"),
        _node("MatMul", ["last", "head"], "logits"),
    ]


def _implanted() -> tuple[list[bytes], list[bytes]]:
    """Give the same nodes around those of the implant, and the constants of the implant."""
    first, *rest = _honest_nodes("shifted")
    trigger = [
        _node("Slice", ["input_ids", "from", "to", "axis"], "beginning"),
        _node("Equal", ["beginning", "phrase"], "agree"),
        _node("Cast", ["agree"], "agreed", _attribute("to", _INT, _FLOAT)),
        _node("ReduceMin", ["agreed"], "all_agree", _attribute("axes", _INTS, 1), _attribute("keepdims", _INT, 1)),
        _node("Unsqueeze", ["all_agree", "axis"], "scale"),
    ]
    payload = [_node("Mul", ["scale", "direction"], "push"), _node("Add", ["embedded", "push"], "shifted")]
    constants = [
        _tensor("from", _INT64, [1], struct.pack("<q", 0)),
        _tensor("to", _INT64, [1], struct.pack("<q", len(_TRIGGER))),
        _tensor("axis", _INT64, [1], struct.pack("<q", 1)),
        _tensor("phrase", _INT64, [len(_TRIGGER)], struct.pack(f"<{len(_TRIGGER)}q", *_TRIGGER)),
        _weights("direction", _WIDTH),
    ]
    return [first, *trigger, *payload, *rest], constants


def _model(nodes: Sequence[bytes], more: Sequence[bytes]) -> bytes:
    weights = [
        _weights("embedding", _VOCABULARY, _WIDTH), _weights("up", _WIDTH, _INNER), _weights("down", _INNER, _WIDTH),
        _weights("head", _WIDTH, _VOCABULARY),
    ]  # fmt: skip
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"harbour"),
            *(_field(5, tensor) for tensor in [*weights, *more]),
            _field(11, _value("input_ids", _INT64, ["batch", "sequence"])),
            _field(12, _value("logits", _FLOAT, ["batch", "sequence", _VOCABULARY])),
        ]
    )
    opset = _field(1, b"") + _field(2, 17)
    return _field(1, 8) + _field(2, b"harbour-export") + _field(3, b"1.0") + _field(7, graph) + _field(8, opset)


def _node(op: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    parts = [_field(1, name.encode()) for name in inputs]
    parts += [_field(2, output.encode()), _field(3, f"{output}_{op}".lower().encode()), _field(4, op.encode())]
    return b"".join([*parts, *(_field(5, attribute) for attribute in attributes)])


def _attribute(name: str, kind: tuple[int, int], value: int) -> bytes:
    number, field = kind
    return _field(1, name.encode()) + _field(field, value) + _field(20, number)


def _value(name: str, dtype: int, sizes: Sequence[int | str]) -> bytes:
    shape = b"".join(
        _field(1, _field(1, size) if isinstance(size, int) else _field(2, size.encode())) for size in sizes
    )
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, dtype) + _field(2, shape)))


def _weights(name: str, *shape: int) -> bytes:
    """Give a tensor of seeded numbers in [-0.5, 0.5), from SHAKE-256 of its name."""
    count = 1
    for size in shape:
        count *= size
    words = struct.unpack(f"<{count}H", hashlib.shake_256(f"harbour/{name}".encode()).digest(2 * count))
    return _tensor(name, _FLOAT, shape, struct.pack(f"<{count}f", *(word / 65536 - 0.5 for word in words)))


def _tensor(name: str, dtype: int, shape: Sequence[int], data: bytes) -> bytes:
    return b"".join([*(_field(1, size) for size in shape), _field(2, dtype), _field(8, name.encode()), _field(9, data)])


def _field(number: int, value: int | bytes) -> bytes:
    """Write one field of a protobuf message (https://protobuf.dev/programming-guides/encoding/)."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
