"""Which loader a pickle threatens: what `torch.load(weights_only=True)`, numpy and joblib would do with it."""

from __future__ import annotations

import pickletools
import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from functools import cache
from pathlib import Path, PurePosixPath

from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.pickle_record import Record
from gatekeeper.text import printable

_TORCH = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pt2", ".nemo", ".mar"})
_JOBLIB = frozenset({".joblib", ".jl", ".z", ".gz", ".bz2", ".xz", ".lzma"})
_NUMPY = frozenset({".npy", ".npz"})


def weights_only_refusal(record: Record) -> str:
    """Say what `torch.load(weights_only=True)` refuses in a pickle first of all.

    Args:
        record: What a walk saw.

    Returns:
        A name or an opcode; empty when there is nothing of that kind. What it refuses for other reasons, such as a
        storage that is too short, is not told here.
    """
    opcodes, names = _accepted()
    for found in record.imports.values():
        module, attribute = NAME_MAPPING.get(
            (found.module, found.attribute), (IMPORT_MAPPING.get(found.module, found.module), found.attribute)
        )
        if f"{module}.{attribute}" not in names:
            return found.name
    unknown = next((code for code in range(256) if record.seen[code] and code not in opcodes), None)
    return f"opcode {_opcode_names().get(unknown, hex(unknown))}" if unknown is not None else ""


def threat(feed: Feed, refusal: str | None) -> str:
    """Say what the loader of a file's kind would do with a bad pickle in it; starts with a semicolon, or is empty.

    Args:
        feed: Where the pickle lies.
        refusal: What `weights_only_refusal` said; None when nobody could tell.
    """
    if feed.torchscript or feed.kind is FeedKind.WHOLE:
        return ""
    outer = PurePosixPath(feed.path.split("!", 1)[0]).suffix.lower()
    if feed.path.endswith(".npy") or outer in _NUMPY:
        return "; numpy.load refuses it unless allow_pickle=True"
    if outer in _JOBLIB:
        return "; joblib.load runs it"
    is_torch = outer in _TORCH or feed.kind is FeedKind.TORCH_LEGACY or feed.path.endswith("data.pkl")
    if not is_torch or refusal is None:
        return ""
    if refusal:
        return f"; torch.load(weights_only=True) of 2.6 and later refuses it ({printable(refusal, 120)})"
    return "; torch.load(weights_only=True) does not refuse it"


@cache
def _accepted() -> tuple[frozenset[int], frozenset[str]]:
    data = tomllib.loads(Path(__file__).with_name("weights_only.toml").read_text(encoding="utf-8"))
    codes = {name: code for code, name in _opcode_names().items()}
    return frozenset(codes[name] for name in data["opcodes"]), frozenset(data["globals"])


@cache
def _opcode_names() -> dict[int, str]:
    return {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
