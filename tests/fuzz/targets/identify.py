"""What a file is, by its bytes and name."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import PICKLES, Format
from gatekeeper.checks.files.identify import identify, is_pickle_too, is_zip_too
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import chosen
from tests.support.samples import SYSTEM

_NAMES = (
    "m", "m.bin", "m.pt", "m.safetensors", "m.onnx", "saved_model.pb", "m.msgpack", "config.json", "a.txt", "m.npy",
    "m.gguf", "m.h5", "m.zip",
    "tokenizer.model", "m.png", "a.py", "chat_template.jinja", "a.index", "m.tflite", "README.md", "m.joblib", "m.tar",
    "keras_metadata.pb",
)  # fmt: skip

SEEDS = seeds.chosen_by_first_byte(lambda: [data for _, data in seeds.files()][::4], len(_NAMES))
TOKENS = (
    b"PK\x03\x04", b"PK\x05\x06", b"GGUF", b"\x80\x02", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"ustar\0",
    b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh9",
    b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"TFL3", b"\x7fELF", b"MZ", b"Rar!",
    b"version https://git-lfs", b"cos\n", b"{", b"<?xml",
    b"\x78\x9c", b"ZF", b"%PDF", b"\0" * 16, b"\xef\xbb\xbf", b"#!", b"\x08\x07",
)  # fmt: skip


def answer(data: bytes) -> tuple[Format, bool, bool]:
    number, data = chosen(data, len(_NAMES))
    return _told(data, PurePosixPath(_NAMES[number]))


def _told(data: bytes, name: PurePosixPath) -> tuple[Format, bool, bool]:
    reader = laws.Counted(data)
    found = identify(reader, name, len(data), DEFAULT_LIMITS)
    zip_too = is_zip_too(reader, found, len(data))
    return found, zip_too, is_pickle_too(reader, found, len(data), DEFAULT_LIMITS)


def one_input(data: bytes) -> None:
    found, _, _ = laws.same_twice(answer, data)
    number, data = chosen(data, len(_NAMES))
    if (found is Format.EMPTY) != (not data):
        raise laws.LawError("what is empty is not")
    found, _, pickle_too = _told(SYSTEM + data, PurePosixPath(_NAMES[number]))
    if found not in PICKLES and not pickle_too:
        raise laws.LawError("a payload is no pickle", found)
