"""Protobuf messages of TensorFlow and ONNX, written field by field: their own libraries are not needed."""

from __future__ import annotations

from collections.abc import Sequence


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return _varint(field << 3) + _varint(value)


def nested(field: int, value: bytes | str) -> bytes:
    """A field of bytes, text or a message."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _node(at: int, operator: str) -> bytes:
    """tensorflow.NodeDef: name = 1, op = 2."""
    return nested(1, f"node{at}") + nested(2, operator)


def graph(operators: Sequence[str], *, in_function: bool = False) -> bytes:
    """tensorflow.GraphDef: node = 1, library = 2 (FunctionDefLibrary.function = 1), versions = 4.

    FunctionDef: signature = 1 (OpDef.name = 1), node_def = 3.
    """
    versions = nested(4, number(1, 1_882))
    if not in_function:
        return b"".join(nested(1, _node(at, operator)) for at, operator in enumerate(operators)) + versions
    body = b"".join(nested(3, _node(at, operator)) for at, operator in enumerate(operators))
    function = nested(1, nested(1, "__inference_call_1")) + body
    return nested(1, _node(0, "Const")) + nested(2, nested(1, function)) + versions


def saved_model(operators: Sequence[str], *, in_function: bool = False) -> bytes:
    """tensorflow.SavedModel: schema version = 1, meta graphs = 2 (MetaInfoDef = 1 with tags = 4, graph = 2)."""
    info = nested(4, "serve") + nested(5, "2.21.0")
    return number(1, 1) + nested(2, nested(1, info) + nested(2, graph(operators, in_function=in_function)))


def keras_metadata(config: str) -> bytes:
    """keras.SavedMetadata: nodes = 1 (node id = 2, path = 3, identifier = 4, metadata = 5, version = 6)."""
    node = number(2, 0) + nested(3, "root") + nested(4, "_tf_keras_model") + nested(5, config)
    return nested(1, node)


def onnx(
    *, external: str = "", offset: str = "0", where: str = "initializer", operator: tuple[str, str] = ("", "Add")
) -> bytes:
    """A small onnx.ModelProto.

    Args:
        external: Where the weight's data lies; empty for inside.
        offset: Offset in that file, as written.
        where: What holds the weight: `initializer`, `attribute`, `subgraph`, `function`.
        operator: Domain and name of the one operator.
    """
    tensor = number(1, 2) + number(2, 1) + nested(8, "w")
    if external:
        pairs = (("location", external), ("offset", offset), ("length", "8"))
        tensor += b"".join(nested(13, nested(1, key) + nested(2, value)) for key, value in pairs) + number(14, 1)
    else:
        tensor += nested(9, bytes(8))
    node = nested(1, "x") + nested(1, "w") + nested(2, "y") + nested(4, operator[1]) + nested(7, operator[0])
    constant = nested(2, "w") + nested(4, "Constant")
    held = {
        "attribute": nested(1, constant + nested(5, nested(1, "value") + nested(5, tensor) + number(20, 4))),
        "subgraph": nested(
            1, nested(2, "z") + nested(4, "If")
            + nested(5, nested(1, "then_branch") + nested(6, nested(5, tensor) + nested(2, "s")) + number(20, 5))),
        "initializer": nested(5, tensor),
        "function": b"",
    }[where]  # fmt: skip
    body = held + nested(1, node) + nested(2, "g") + nested(11, _value("x")) + nested(12, _value("y"))
    model = number(1, 8) + nested(2, "writer") + nested(7, body) + nested(8, number(2, 17))
    if operator[0]:
        model += nested(8, nested(1, operator[0]) + number(2, 1))
    if where == "function":
        attribute = nested(5, nested(1, "value") + nested(5, tensor) + number(20, 4))
        model += nested(25, nested(1, "F") + nested(10, "acme") + nested(7, constant + attribute))
    return model


def _value(name: str) -> bytes:
    """onnx.ValueInfoProto: a float vector of length 2."""
    shape = nested(2, nested(1, number(1, 2)))
    return nested(1, name) + nested(2, nested(1, number(1, 1) + shape))
