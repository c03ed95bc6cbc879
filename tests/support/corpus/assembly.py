"""A small assembler of pickles: what no honest pickler writes has to be put together by hand.

A body is opcodes that leave one object on the stack; `pickled` makes a stream of it. What the bodies would run is
`true`, or evaluates `1+1`; nothing here is ever loaded.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any

from tests.support.samples import legacy_streams, tensor_state, torch_legacy, torch_zip


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def short(value: str) -> bytes:
    """SHORT_BINUNICODE, of protocol 4."""
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def literal(value: Any) -> bytes:
    """Plain data: text and containers of it; bytes are taken for opcodes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return text(value)
    return pickle.dumps(value, 2)[2:-1]


def found(module: str, name: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def stacked(module: bytes | str, name: bytes | str) -> bytes:
    """STACK_GLOBAL."""
    return literal(module) + literal(name) + b"\x93"


def called(function: bytes, *arguments: Any) -> bytes:
    """REDUCE."""
    return function + tupled(*arguments) + b"R"


def tupled(*items: Any) -> bytes:
    """MARK … TUPLE."""
    return b"(" + b"".join(literal(item) for item in items) + b"t"


def listed(*bodies: bytes) -> bytes:
    """A list of what bodies leave."""
    return b"](" + b"".join(bodies) + b"e"


def keyed(**bodies: bytes) -> bytes:
    """A dict from names to what bodies leave."""
    return b"}(" + b"".join(text(key) + body for key, body in bodies.items()) + b"u"


def pickled(body: bytes, protocol: int = 2, end: bytes = b".") -> bytes:
    """A stream."""
    return (bytes([0x80, protocol]) if protocol >= 2 else b"") + body + end


def call(module: str, name: str, *arguments: Any, protocol: int = 2, end: bytes = b".") -> bytes:
    """A stream that calls a global."""
    return pickled(called(found(module, name), *arguments), protocol, end)


SYSTEM = called(found("posix", "system"), "true")
"""The plainest payload, as a body."""

EVAL = called(found("builtins", "eval"), "1+1")

PLAIN = pickled(SYSTEM)
"""The plainest payload, as a stream."""


def in_state(body: bytes) -> bytes:
    """A state dict, as torch writes it, with one more object in it."""
    state = tensor_state("layer.weight")
    return state[:-2] + text("extra") + body + b"u."


def checkpoint(body: bytes) -> bytes:
    """A torch archive whose state dict holds one more object."""
    return torch_zip(in_state(body), {"0": bytes(16)})


def legacy(body: bytes) -> bytes:
    """The same as torch wrote it before 1.6."""
    tail = struct.pack("<Q", 4) + bytes(16)
    return torch_legacy(legacy_streams(in_state(body)), tail)


def carried(number: int, body: bytes) -> dict[str, bytes]:
    """Put a body where models carry pickles; which place goes by the number, so that a table covers all of them."""
    places = (
        lambda: {"model.pkl": pickled(body)},
        lambda: {"pytorch_model.bin": checkpoint(body), "config.json": b'{"model_type": "bert"}'},
        lambda: {"classifier.joblib": pickled(keyed(model=body), 3)},
        lambda: {"weights.pth": legacy(body)},
        lambda: {"data.pickle": pickled(listed(body), 4)},
    )
    return places[number % len(places)]()
