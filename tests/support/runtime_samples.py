"""Small honest files of inference engines, built byte by byte so that tests can break one thing at a time."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from gatekeeper.checks.files.runtimes.crc32c import masked_crc32c

_TABLE_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")


def varint(value: int) -> bytes:
    """Write a varint."""
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Write a protobuf message of varints and of bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def block(pairs: Sequence[tuple[bytes, bytes]], *, kind: int = 0, sound: bool = True) -> bytes:
    """Write a block of a table, with its kind and checksum; every key is whole."""
    body = b"".join(b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs)
    body += struct.pack("<II", 0, 1) + bytes([kind])
    return body + (masked_crc32c(body) if sound else 0).to_bytes(4, "little")


def table(pairs: Sequence[tuple[bytes, bytes]], *, kind: int = 0, sound: bool = True, gap: bytes = b"") -> bytes:
    """Write a table of one block."""
    data, meta = block(pairs, kind=kind, sound=sound), block([])
    handle = varint(0) + varint(len(data) - 5)
    root = block([(b"\xff", handle)])
    footer = varint(len(data)) + varint(len(meta) - 5) + varint(len(data + meta)) + varint(len(root) - 5)
    return data + meta + root + gap + footer.ljust(40, b"\0") + _TABLE_MAGIC


def entry(shape: Sequence[int], offset: int, size: int, *, dtype: int = 1, shard: int = 0) -> bytes:
    """Write the entry of one tensor."""
    dims = message(*((2, message((1, extent))) for extent in shape))
    return message((1, dtype), (2, dims), (3, shard), (4, offset), (5, size)) + b"\x35" + bytes(4)


def index(entries: Mapping[str, bytes], *, shards: int = 1, **how: object) -> bytes:
    """Write the index of a TensorFlow checkpoint."""
    pairs = [(b"", message((1, shards))), *((name.encode(), value) for name, value in sorted(entries.items()))]
    return table(pairs, **how)  # type: ignore[arg-type]


def checkpoint(entries: Mapping[str, bytes] | None = None, data: int = 40, **how: object) -> dict[str, bytes]:
    """Write a checkpoint of two tensors, the second of sixteen bytes."""
    entries = entries or {"a": entry([2, 3], 0, 24), "b": entry([4], 24, 16)}
    return {"m.ckpt-1.index": index(entries, **how), "m.ckpt-1.data-00000-of-00001": bytes(data)}


def _named(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def variable(name: str, shape: Sequence[int], kind: int, length: int) -> bytes:
    """Write one variable of a CTranslate2 model, with values of zero."""
    return _named(name) + struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, kind, length) + bytes(length)


def ctranslate2(*variables: bytes, spec: str = "TransformerSpec", aliases: Sequence[tuple[str, str]] = ()) -> bytes:
    """Write a `model.bin` of CTranslate2."""
    variables = variables or (variable("w", [2, 3], 0, 24), variable("w_scale", [], 4, 2))
    head = struct.pack("<I", 6) + _named(spec) + struct.pack("<II", 7, len(variables))
    tail = b"".join(_named(alias) + _named(target) for alias, target in aliases)
    return head + b"".join(variables) + struct.pack("<I", len(aliases)) + tail


def fasttext(*, words: int = 3, labels: int = 2, rows: int | None = None, quantised: bool = False) -> bytes:
    """Write a supervised fastText model of four dimensions."""
    out = struct.pack("<ii12id", 793712314, 12, 4, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
    out += struct.pack("<iiiqq", words + labels, words, labels, 99, -1)
    for number in range(words + labels):
        out += f"word{number}".encode() + b"\0" + struct.pack("<qb", 7, number >= words)
    rows = words if rows is None else rows
    if quantised:
        codes = bytes(2 * rows)
        quantiser = struct.pack("<iiii", 4, 2, 2, 2) + bytes(4 * 4 * 256)
        out += b"\1\0" + struct.pack("<qqi", rows, 4, len(codes)) + codes + quantiser
    else:
        out += b"\0" + struct.pack("<qq", rows, 4) + bytes(16 * rows)
    return out + b"\0" + struct.pack("<qq", labels, 4) + bytes(16 * labels)


def whisper(*tensors: bytes, words: int = 3) -> bytes:
    """Write a whisper.cpp model."""
    out = struct.pack("<I11iii", 0x67676D6C, words, 10, 8, 1, 1, 10, 8, 1, 1, 80, 1, 80, 201) + bytes(4 * 80 * 201)
    out += struct.pack("<i", words) + b"".join(struct.pack("<I", 2) + b"ab" for _ in range(words))
    return out + b"".join(tensors or (ggml_tensor("a", [4, 2]), ggml_tensor("b", [3])))


def ggml_tensor(name: str, shape: Sequence[int], *, kind: int = 0) -> bytes:
    """Write one tensor of four-byte values."""
    length = 4
    for extent in shape:
        length *= extent
    head = struct.pack(f"<iii{len(shape)}i", len(shape), len(name), kind, *shape)
    return head + name.encode() + bytes(length)


Part = int | str | bytes | list["Part"] | dict[int, "Part"] | tuple[str, object]
"""A field of a flatbuffer: 32-bit number, text, bytes, tables, a table, or a `struct` code with a value or a list."""


def flatbuffer(root: dict[int, Part], identifier: bytes = b"TFL3") -> bytes:
    """Write a flatbuffer, each part behind the one that names it."""
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, fields: dict[int, Part]) -> int:
    count = max(fields, default=-1) + 1
    out += bytes(-len(out) % 8)
    places = len(out)
    out += bytes(4 + 2 * count)
    out += bytes(-len(out) % 8)
    start = len(out)
    out += bytes(8 + 8 * count)
    struct.pack_into("<HH", out, places, 4 + 2 * count, 8 + 8 * count)
    struct.pack_into("<i", out, start, start - places)
    for number, value in fields.items():
        at = start + 8 + 8 * number
        struct.pack_into("<H", out, places + 4 + 2 * number, at - start)
        if isinstance(value, int):
            struct.pack_into("<i", out, at, value)
        elif isinstance(value, tuple) and not isinstance(value[1], list):
            struct.pack_into(f"<{value[0]}", out, at, value[1])
        else:
            struct.pack_into("<I", out, at, _part(out, value) - at)
    return start


def _part(out: bytearray, value: Part) -> int:
    if isinstance(value, dict):
        return _table(out, value)
    out += bytes(-len(out) % 8)
    start = len(out)
    if isinstance(value, tuple):
        assert isinstance(value[1], list)
        out += struct.pack(f"<I{len(value[1])}{value[0]}", len(value[1]), *value[1])
    elif isinstance(value, list):
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for number, each in enumerate(value):
            at = start + 4 + 4 * number
            struct.pack_into("<I", out, at, _part(out, each) - at)
    else:
        data = value.encode() + b"\0" if isinstance(value, str) else bytes(value)  # type: ignore[arg-type]
        out += struct.pack("<I", len(data) - isinstance(value, str)) + data
    return start


def tflite(code: dict[int, Part] | None = None, *, shape: Sequence[int] = (2, 3), held: int = 24, to: int = 1) -> bytes:
    """Write a TFLite model of one operator and two tensors, of which the first has values."""
    tensors: list[Part] = [
        {0: ("i", list(shape)), 1: ("b", 0), 2: 1, 3: "w"},
        {0: ("i", [3]), 1: ("b", 0), 2: 0, 3: "y"},
    ]
    graph: Part = {0: tensors, 1: ("i", [0]), 2: ("i", [1]), 3: [{0: 0, 1: ("i", [0]), 2: ("i", [to])}], 4: "main"}
    buffers: list[Part] = [{}, {0: bytes(held)}]
    return flatbuffer({0: 3, 1: [code or {0: ("b", 9), 3: 9}], 2: [graph], 3: "made by hand", 4: buffers})


def openvino(layers: str = "", *, offset: int = 0, size: int = 24, origin: str = "opset1") -> bytes:
    """Write an OpenVINO graph of one constant and one operator."""
    return (
        f'<?xml version="1.0"?>\n<net name="m" version="11"><layers>'
        f'<layer id="0" name="w" type="Const" version="opset1">'
        f'<data element_type="f32" shape="2, 3" offset="{offset}" size="{size}" /></layer>'
        f'<layer id="1" name="r" type="ReLU" version="{origin}" />{layers}</layers></net>'
    ).encode()


def pmml(body: str = "", function: str = "+") -> bytes:
    """Write a PMML document that applies a function."""
    return (
        f'<?xml version="1.0"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>{body}'
        f'<TransformationDictionary><DerivedField name="x" optype="continuous" dataType="double">'
        f'<Apply function="{function}"><Constant>1</Constant></Apply></DerivedField></TransformationDictionary></PMML>'
    ).encode()


def spacy(**parts: bytes) -> dict[str, bytes]:
    """Write a spaCy pipeline, of which `parts` replace some."""
    words = b"\xde\x00\x10" + b"".join(b"\xcf" + struct.pack(">Q", 2**60 + at) + bytes([at]) for at in range(16))
    model = b"\x82\xa5nodes\x91\x81\xa4name\xa6linear\xa6params\x91\xc5\x01\x2c" + bytes(300)
    made = {"key2row": words, "model": model, "lookups": b"\x80"} | parts
    return {
        "config.cfg": b'[nlp]\nlang = "en"\n',
        "meta.json": b'{"lang": "en", "name": "made"}',
        "vocab/strings.json": b'["a"]',
        "vocab/key2row": made["key2row"],
        "vocab/lookups.bin": made["lookups"],
        "tagger/model": made["model"],
    }


def coreml(kind: int = 500, body: bytes | None = None) -> bytes:
    """Write a Core ML model, by default a network of one plain layer."""
    layer = message((1, "fc"), (2, "x"), (3, "y"), (140, b"\x08\x04"))
    return message((1, 4), (2, message((1, b"\x0a\x01x"))), (kind, message((1, layer)) if body is None else body))


def coreml_program(path: str = "@model_path/weights/weight.bin", offset: int = 64) -> bytes:
    """Write a Core ML program whose one constant lies in a file."""
    value = message((5, message((1, path), (2, offset))))
    operation = message((1, "const"), (5, message((1, "val"), (2, value))))
    block_ = message((1, "CoreML5"), (2, message((3, operation))))
    function = message((2, "CoreML5"), (3, block_))
    return coreml(502, message((1, 1), (2, message((1, "main"), (2, function)))))
