"""The front door: one file → everything that it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from gatekeeper.ci.extractor import Extractor, ending, file_name, matches
from gatekeeper.ci.kinds import EXTRACTORS, DvcFiles, LockFiles, ModelFiles
from gatekeeper.ci.traces import may_name_models
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Mention, Pattern

_BY_NAME = (LockFiles, ModelFiles, DvcFiles)
"""Files that are about models whatever they hold."""

_PROSE = frozenset({".markdown", ".md", ".mdx", ".rst", ".ipynb"})
"""Endings of what people write for people: a comment in it is an example."""

_OURS, _THEIRS = b"gatekeeper:", b"renovate:"
"""One of them stands in every comment that names a model for tools."""

_CODE = frozenset(
    {".bicep", ".bzl", ".c", ".cc", ".cpp", ".cs", ".dart", ".ex", ".go", ".groovy", ".h", ".hpp", ".java", ".jl"}
    | {".js", ".jsx", ".kt", ".lua", ".mjs", ".nix", ".php", ".pl", ".r", ".rb", ".rs", ".scala", ".swift"}
    | {".ts", ".tsx", ".txt", ".xml", ".zig"}
)
_CODE_NAMES = frozenset({"build", "jenkinsfile", "rakefile", "tiltfile", "vagrantfile", "workspace"})


def takes(path: str) -> bool:
    """Whether files of this name are worth opening: those of an extractor, and code in which markers may stand."""
    return _extractor(path) is not None or ending(path) in _CODE or file_name(path) in _CODE_NAMES


def extract(
    path: str,
    data: bytes,
    patterns: Sequence[Pattern] = (),
    limits: Limits = DEFAULT_LIMITS,
    *,
    ignore: Sequence[str] = (),
) -> tuple[Mention, ...]:
    """Find everything that one file names.

    Args:
        path: Its name, relative to the root of the repository, with slashes.
        data: All of it. Of weights any part will do that tells a pointer from content.
        patterns: The team's own.
        limits: How much to read.
        ignore: Globs of paths that are not read, and of names that are no models (`org/*`).

    Returns:
        In the order of lines. What can't be told, or is too large to be read, has a mention that says why.

    Raises:
        InputError: When a pattern is none. Nothing that a file holds raises.
    """
    if any(matches(path, glob) for glob in ignore):
        return ()
    found = _found(path, data, patterns, limits)
    if not found:
        return ()
    kept = (each for each in found if not (each.name and any(matches(each.name, glob) for glob in ignore)))
    return tuple(replace(each, path=path) for each in kept)


@lru_cache(maxsize=4096)
def _extractor(path: str) -> Extractor | None:
    return next((each for each in EXTRACTORS if each.takes(path)), None)


def _found(path: str, data: bytes, patterns: Sequence[Pattern], limits: Limits) -> list[Mention]:
    named = _extractor(path)
    extractor = named or _by_first_line(path, data)
    if len(data) > limits.source_bytes and not isinstance(extractor, ModelFiles):
        own = any(matches(path, pattern.path) for pattern in patterns)
        if own or (extractor and not isinstance(extractor, LockFiles)):
            why = f"it is larger than {limits.source_bytes} bytes (limit source_bytes)"
            return [Mention(line=0, unresolved=why)]
    told: list[Mention] = []
    if extractor and (isinstance(extractor, _BY_NAME) or may_name_models(path if named else "", data)):
        told += extractor.extract(data, path, limits)
    if not isinstance(extractor, ModelFiles):
        told += [each for each in _marked(path, data, limits) if not _known(each, told)]
        told += [each for each in _matched(path, data, patterns) if not _known(each, told)]
    return sorted(told, key=lambda each: (each.cell, each.line))


def _marked(path: str, data: bytes, limits: Limits) -> Iterable[Mention]:
    """Give what comments for tools name, in any text but prose."""
    if (_OURS not in data and _THEIRS not in data) or ending(path) in _PROSE:
        return ()
    from gatekeeper.ci.markers import read_markers

    return read_markers(data[: limits.source_bytes])


def _matched(path: str, data: bytes, patterns: Sequence[Pattern]) -> Iterable[Mention]:
    """Give what the team's patterns name."""
    if not patterns:
        return ()
    from gatekeeper.ci.patterns import extract_text

    return extract_text(data, path, patterns)


_FIRST_LINE = re.compile(
    rb"#![ \t]*(?:/\S{0,200}/env[ \t]+(?:-\S{1,20}[ \t]+){0,4})?(?:/\S{0,200}/)?(\w{1,20})[\w.]{0,20}\s"
)


def _by_first_line(path: str, data: bytes) -> Extractor | None:
    """Give who reads a script without an ending, by the program that its first line names."""
    found = _FIRST_LINE.match(data) if data.startswith(b"#!") and not ending(path) else None
    program = found[1].decode("ascii", "replace") if found else ""
    name = "script.py" if program.startswith("python") else "script.sh" if program.endswith("sh") else ""
    return _extractor(name) if name else None


def _known(mention: Mention, told: Sequence[Mention]) -> bool:
    """Whether another reader has told the same: a marker stands beside the very setting that it is about."""
    return any(
        each.name == mention.name and (not mention.revision or mention.revision == each.revision) for each in told
    )
