"""Files that came, went or have other bytes, and how soon each deserves to be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.compare.side import Side, same_bytes
from gatekeeper.comparison import Attention, Change, ChangeKind, Topic
from gatekeeper.endings import is_weights
from gatekeeper.text import printable

_CODE = frozenset(
    {
        *(".bat", ".class", ".cjs", ".cmd", ".cpp", ".cu", ".dll", ".dylib", ".exe", ".ipynb", ".jar", ".js", ".lua"),
        *(".mjs", ".php", ".pl", ".ps1", ".pth", ".py", ".pyc", ".pyd", ".pyi", ".pyw", ".pyx", ".rb", ".sh", ".so"),
        *(".ts", ".wasm", ".whl", ".zsh"),
    }
)
"""Endings of what is run, or looks for being run. `.pth` is code for Python's `site` and pickled weights for torch."""

_PLAIN_WEIGHTS = frozenset({".gguf", ".safetensors"})
"""Weights that hold no code by their format; every other format is a pickle, a graph or may hold one of them."""

_INSTALLED = re.compile(
    r"(requirements|constraints)[\w.-]*\.(txt|in)|(conda|environment)\.ya?ml|pyproject\.toml", re.ASCII
)
"""Names of lists of packages: serving frameworks install what stands in them, which is code."""

# Not `.txt`: in such files tokenizers keep their vocabulary and their merges.
_TEXTS = frozenset({".bib", ".cff", ".csv", ".gif", ".jpeg", ".jpg", ".md", ".pdf", ".png", ".rst", ".svg"})
_BOOKKEEPING = frozenset({".gitattributes", ".gitignore"})


def differing(old: Side, new: Side) -> set[str]:
    """Give the paths that are not in both with the same bytes."""
    shared = old.files.keys() & new.files.keys()
    return (old.files.keys() ^ new.files.keys()) | {path for path in shared if not same_bytes(old, new, path)}


def compare_files(old: Side, new: Side, paths: set[str]) -> Iterator[Change]:
    """Tell of every path that differs, and of what the source of the new one tripped over."""
    for path in sorted(paths):
        yield _change(old, new, path)
    known = {(each.kind, each.path) for each in old.artifact.irregularities}
    for irregularity in new.artifact.irregularities:
        if (irregularity.kind, irregularity.path) not in known:
            yield Change(
                topic=Topic.FILES,
                kind=ChangeKind.ADDED,
                attention=Attention.FIRST,
                subject=irregularity.path,
                words=f"{printable(irregularity.path)}: {printable(irregularity.detail)}",
            )


def _change(old: Side, new: Side, path: str) -> Change:
    shown = printable(path)
    if path not in old.files:
        kind, words = ChangeKind.ADDED, f"{shown} is new ({new.files[path].size:,} bytes)"
    elif path not in new.files:
        kind, words = ChangeKind.REMOVED, f"{shown} is gone"
    elif same_bytes(old, new, path) is None:
        kind, words = ChangeKind.UNREAD, f"{shown}: nothing tells whether its bytes are the same"
    else:
        before, after = old.files[path].size, new.files[path].size
        sizes = f"{before:,} bytes" if before == after else f"{before:,} → {after:,} bytes"
        kind, words = ChangeKind.CHANGED, f"{shown} has other bytes ({sizes})"
    topic = Topic.CODE if _is_code(path) else Topic.FILES
    return Change(topic=topic, kind=kind, attention=_attention(path, kind), subject=path, words=words)


def _is_code(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    return PurePosixPath(name).suffix in _CODE or _INSTALLED.fullmatch(name) is not None


def _attention(path: str, kind: ChangeKind) -> Attention:
    suffix = PurePosixPath(path).suffix.lower()
    may_run = _is_code(path) or (is_weights(path) and suffix not in _PLAIN_WEIGHTS)
    if may_run and kind is not ChangeKind.REMOVED:
        return Attention.FIRST
    if suffix in _TEXTS or PurePosixPath(path).name in _BOOKKEEPING:
        return Attention.NOTE
    return Attention.LOOK
