"""What a result hangs on: the code that it was made by, so that a result of other code is never taken for it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOLLOWED = (
    "benchmarks.patcher_cells.", "gatekeeper.patch.", "gatekeeper.proportion", "gatekeeper.remedy",
    "gatekeeper.tensors.", "tests.support.tiny_llm.",
)  # fmt: skip
"""Beginnings of the names of modules that results hang on; others only read, write and report."""

_MODELS = ("gatekeeper.tensors.language_model", "gatekeeper.tensors.loading")
"""Reached through a room's front, whose other halls have nothing to do with language models."""


@cache
def version(*modules: str) -> str:
    """Give a short digest of modules and of those that they import, comments and docstrings aside.

    Args:
        modules: Full names.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached((*modules, *_MODELS))):
        digest.update(f"{name}\n{ast.dump(_bare(_tree(name)))}\n".encode())
    return digest.hexdigest()[:10]


def _reached(modules: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not name.startswith(_FOLLOWED) or not _path(name).is_file():
            continue
        found.add(name)
        waiting += _imported(_tree(name))
    return found


def _path(module: str) -> Path:
    return _ROOT / f"{module.replace('.', '/')}.py"


def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text("utf-8"))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _bare(tree: ast.Module) -> ast.Module:
    """Take out what is text alone: docstrings, and the strings under fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [each for each in node.body if not _is_text(each)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
