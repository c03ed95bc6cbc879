"""skops archives: the types and functions that `schema.json` names, by which of skops' loaders (skops/io)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, open_member
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.zip_directory import ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

_OPERATORS = frozenset({"operator.itemgetter", "operator.attrgetter", "_operator.itemgetter", "_operator.attrgetter"})
_SLUGS = {Trust.UNKNOWN: "skops-custom", Trust.REACHES: "skops-foreign", Trust.RUNS: "skops-runs"}


def judge_skops(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge every type that a skops file names; skops itself asks its user to trust those that it does not know.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: Bounds on unpacking and parsing.

    Yields:
        Problems by the slugs of `files/model-code`.
    """
    try:
        members = read_directory(reader, size, limits).members
        schema = next(member for member in members if member.name == "schema.json")
        packed = open_member(reader, schema)
        pieces = inflate(packed, schema.method, packed=schema.compressed, most=limits.json_bytes, limits=limits)
        root = load_json(b"".join(pieces), depth=limits.json_depth * 2, values=limits.json_values)
    except (ZipError, UnpackError, BombError, ParseError, StopIteration) as error:
        yield Problem(slug="skops-schema", message=f"its schema can't be read: {error}")
        return
    yield from _judge(root)


def _judge(root: Any) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        if "__loader__" in value or "__module__" in value:
            for problem in _node(value):
                if (problem.slug, problem.detail) not in told:
                    told.add((problem.slug, problem.detail))
                    yield problem


def _node(node: dict[str, Any]) -> Iterator[Problem]:
    loader = str(node.get("__loader__"))
    name = f"{node.get('__module__')}.{node.get('__class__')}"
    shown = printable(name, 160)
    if loader == "OperatorFuncNode" and name not in _OPERATORS:
        message = f"it has an operator {shown!r}, which is none that honest files hold"
        yield Problem(slug="skops-foreign", message=message, detail=shown)
    elif loader == "OperatorFuncNode":
        return
    content = node.get("content")
    method = content.get("func") if loader == "MethodNode" and isinstance(content, dict) else None
    if isinstance(method, str) and method.startswith("_"):
        message = f"it takes the method {printable(method, 80)!r} of {shown!r}"
        yield Problem(slug="skops-foreign", message=message, detail=shown)
    level = trust(name)
    if level in _SLUGS and not _is_plain(loader, name):
        yield Problem(slug=_SLUGS[level], message=f"loading it would import {shown!r}", detail=shown)


def _is_plain(loader: str, name: str) -> bool:
    """Whether a node is of a type that skops builds by itself: constants and the names of plain types."""
    return loader == "JsonNode" or (loader == "TypeNode" and name in ("builtins.type", "builtins.object"))
