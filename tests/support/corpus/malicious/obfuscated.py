"""Pickles that hide the name of what they call, or break after they called it."""

from __future__ import annotations

import struct

from tests.support.corpus.assembly import (
    PLAIN,
    SYSTEM,
    called,
    checkpoint,
    found,
    keyed,
    legacy,
    listed,
    pickled,
    short,
    stacked,
    text,
    tupled,
)
from tests.support.corpus.case import Case, Label, Make, cases
from tests.support.samples import legacy_streams, tensor_state, torch_legacy

_GETATTR = found("builtins", "getattr")
_IMPORT = found("builtins", "__import__")


def _pickle(body: bytes, protocol: int = 4, name: str = "model.pkl") -> Make:
    return lambda: {name: pickled(body, protocol)}


def _raw(data: bytes, name: str = "model.pkl") -> Make:
    return lambda: {name: data}


NAMES: dict[str, Make] = {
    "stack-global": _pickle(called(stacked("os", "system"), "true")),
    "names-by-memo": _pickle(
        short("system") + b"\x94" + short("os") + b"\x94" + b"00" + called(b"h\x01h\x00\x93", "true")
    ),
    "names-by-binput": _pickle(text("os") + b"q\x07" + b"0" + called(b"h\x07" + text("system") + b"\x93", "true")),
    "names-by-long-binput": _pickle(
        text("posix") + b"r\x00\x01\x00\x00" + b"0" + called(b"j\x00\x01\x00\x00" + text("system") + b"\x93", "true")
    ),
    "memo-overwritten": _pickle(
        text("collections") + b"q\x00" + b"0" + text("posix") + b"q\x00" + b"0"
        + called(b"h\x00" + text("system") + b"\x93", "true")
    ),
    "names-by-dup": _pickle(called(text("timeit") + b"2" + b"\x93", "1+1")),
    "names-by-old-put": _pickle(b"Vos\np5\n0g5\nVsystem\n\x93(Vtrue\ntR"),
    "escaped-unicode": _pickle(called(b"V\\u006f\\u0073\nV\\u0073ystem\n\x93", "true")),
    "escaped-string": _pickle(called(b"S'\\x6f\\x73'\nS'sys\\x74em'\n\x93", "true")),
    "byte-strings": _pickle(called(b"U\x02osU\x06system\x93", "true")),
    "dotted-qualname": _pickle(called(stacked("torch.serialization", "os.system"), "true")),
    "dotted-global": _pickle(called(found("logging", "os.system"), "true")),
    "module-alias": _pickle(called(found("ntpath", "os.system"), "true")),
    "alias-of-alias": _pickle(called(stacked("collections", "abc.sys.modules.get"), "os")),
    "reviewed-module-odd-name": _pickle(called(found("torch", "os.system"), "true")),
    "python-2-names": _pickle(called(found("__builtin__", "eval"), "1+1"), 2),
    "python-2-moved": _pickle(called(found("commands", "getoutput"), "true"), 2),
    "instance-opcode": _pickle(b"(" + text("true") + b"iposix\nsystem\n", 2),
    "object-opcode": _pickle(b"(" + found("posix", "system") + text("true") + b"o", 2),
    "new-object": _pickle(found("subprocess", "Popen") + tupled("true") + b"\x81", 2),
    "new-object-ex": _pickle(found("subprocess", "Popen") + tupled("true") + b"}" + b"\x92"),
    "getattr-chain": _pickle(
        called(called(_GETATTR, called(_IMPORT, "os"), "system"), "true")
    ),
    "getattr-of-reviewed": _pickle(
        called(called(_GETATTR, called(_GETATTR, found("collections", "OrderedDict"), "__reduce__"), "__globals__"))
    ),
    "attrgetter": _pickle(
        called(called(called(found("operator", "attrgetter"), "system"), called(_IMPORT, "os")), "true")
    ),
    "methodcaller": _pickle(
        called(called(found("operator", "methodcaller"), "system", "true"), called(_IMPORT, "os"))
    ),
    "partial": _pickle(called(called(found("functools", "partial"), found("posix", "system"), "true"))),
    "reduce": _pickle(called(found("functools", "reduce"), found("posix", "system"), listed(text("true")))),
    "map-list": _pickle(
        called(found("builtins", "list"), called(found("builtins", "map"), found("posix", "system"), ["true"]))
    ),
    "extension-registry": _pickle(
        called(found("copyreg", "add_extension"), "posix", "system", 240) + b"0" + called(b"\x82\xf0", "true"), 2
    ),
    "set-state": _pickle(
        found("pathlib", "Path") + tupled("x") + b"\x81" + keyed(_run=found("posix", "system")) + b"b"
        + b"0" + called(found("posix", "system"), "true")
    ),
    "unicode-module": _pickle(called(found("\uff4f\uff53", "system"), "true"), 4),
    "default-factory": _pickle(
        called(found("collections", "defaultdict"), found("builtins", "breakpoint"))
    ),
    "sys-modules": _pickle(called(stacked("sys", "modules.get"), "os")),
    "behind-long-text": _pickle(text("a" * 300_000) + b"0" + SYSTEM),
    "behind-many-pops": _pickle(b"N0" * 20_000 + SYSTEM),
    "in-persistent-id": _pickle(SYSTEM + b"Q", 2),
    "in-dict-key": _pickle(b"}(" + SYSTEM + b"K\x01u", 2),
    "in-slots-state": _pickle(
        found("argparse", "Namespace") + b")\x81" + b"N" + keyed(a=SYSTEM) + b"\x86" + b"b", 2
    ),
}  # fmt: skip

_STATE = tensor_state("w")
_TAIL = struct.pack("<Q", 4) + bytes(16)

ENDINGS: dict[str, Make] = {
    "no-stop": _raw(pickled(SYSTEM, 2, b"")),
    "unknown-opcode": _raw(pickled(SYSTEM, 2, b"\xff\xff.")),
    "stack-underflow": _raw(pickled(SYSTEM, 2, b"0000.")),
    "missing-memo": _raw(pickled(SYSTEM, 2, b"h\xee.")),
    "text-cut-off": _raw(pickled(SYSTEM, 2, b"X\xff\xff\x00\x00a")),
    "bad-utf8": _raw(pickled(SYSTEM, 2, b"X\x02\x00\x00\x00\xff\xfe.")),
    "bad-protocol": _raw(pickled(SYSTEM, 2, b"\x80\x77.")),
    "frame-too-long": _raw(b"\x80\x04\x95" + struct.pack("<Q", 2**40) + SYSTEM + b"."),
    "frame-too-short": _raw(b"\x80\x04\x95" + struct.pack("<Q", 3) + SYSTEM + b"."),
    "extension-unknown": _raw(pickled(SYSTEM, 2, b"\x82\x7f.")),
    "persistent-id": _raw(pickled(SYSTEM, 2, b"Pabc\n.")),
    "bad-number": _raw(pickled(SYSTEM, 2, b"Inonsense\n.")),
    "mark-missing": _raw(pickled(SYSTEM, 2, b"t.")),
    "out-of-band-buffer": _raw(pickled(SYSTEM, 5, b"\x97.")),
    "unhashable": _raw(pickled(SYSTEM, 2, b"0}]]s.")),
    "truncated-inside-torch": lambda: {"pytorch_model.bin": checkpoint(SYSTEM + b"\xff")},
}

_STREAMS = legacy_streams(_STATE)


def _legacy_at(position: int) -> Make:
    streams = [*_STREAMS[:position], PLAIN, *_STREAMS[position + 1 :]]
    return lambda: {"model.pth": torch_legacy(streams, b"" if position == 5 else _TAIL)}


SEVERAL: dict[str, Make] = {
    "second-stream": _raw(pickled(b"N") + PLAIN),
    "hundredth-stream": _raw(pickled(b"K\x01") * 99 + PLAIN),
    "after-zeros": _raw(pickled(b"N") + bytes(64) + PLAIN),
    **{f"legacy-stream-{position + 1}": _legacy_at(position) for position in range(6)},
    "legacy-nested": lambda: {"model.pt": legacy(SYSTEM)},
    "legacy-tar": lambda: {"model.pth": _old_tar()},
}


def _old_tar() -> bytes:
    """What torch wrote before 0.1.10: a tar of `sys_info`, `pickle`, `storages` and `tensors`, all pickles."""
    from tests.support.samples import tarred

    return tarred({"sys_info": pickled(b"}"), "pickle": PLAIN, "storages": pickled(b"K\x00"), "tensors": pickled(b"]")})


CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.MALICIOUS, "hidden-names", NAMES, loader="pickle.load", source="GHSA of picklescan, fickling"),
    cases(Label.MALICIOUS, "broken-after-payload", ENDINGS, loader="pickle.load", source="nullifAI; arXiv 2508.19774"),
    cases(Label.MALICIOUS, "several-streams", SEVERAL, loader="torch.load", source="torch/serialization.py"),
)
