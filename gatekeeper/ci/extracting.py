"""The front door: one file → everything that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from gatekeeper.ci.configuration import JsonFiles, TomlFiles, YamlFiles
from gatekeeper.ci.dockerfile import Dockerfiles
from gatekeeper.ci.dvc import DvcFiles
from gatekeeper.ci.environment import EnvironmentFiles
from gatekeeper.ci.extractor import Extractor, ending, file_name
from gatekeeper.ci.lock_file import LockFiles
from gatekeeper.ci.markers import Markers
from gatekeeper.ci.model_files import ModelFiles
from gatekeeper.ci.modelfile import Modelfiles
from gatekeeper.ci.notebooks import Notebooks
from gatekeeper.ci.patterns import extract_text, matches
from gatekeeper.ci.python_code import PythonCode
from gatekeeper.ci.shell_files import ShellScripts
from gatekeeper.ci.traces import may_name_models
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Mention, Pattern

EXTRACTORS: tuple[Extractor, ...] = (
    LockFiles(),
    ModelFiles(),
    DvcFiles(),
    Dockerfiles(),
    Modelfiles(),
    EnvironmentFiles(),
    PythonCode(),
    Notebooks(),
    ShellScripts(),
    YamlFiles(),
    JsonFiles(),
    TomlFiles(),
)
"""The first that takes a file reads it."""

_BY_NAME = (LockFiles, ModelFiles, DvcFiles)
"""Files that are about models whatever they hold."""

_MARKERS = Markers()
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
    found = (mention for mention in _found(path, data, patterns, limits))
    kept = (each for each in found if not (each.name and any(matches(each.name, glob) for glob in ignore)))
    return tuple(replace(each, path=path) for each in kept)


@lru_cache(maxsize=4096)
def _extractor(path: str) -> Extractor | None:
    return next((each for each in EXTRACTORS if each.takes(path)), None)


def _found(path: str, data: bytes, patterns: Sequence[Pattern], limits: Limits) -> Iterator[Mention]:
    extractor = _extractor(path) or _by_first_line(path, data)
    if len(data) > limits.source_bytes and not isinstance(extractor, ModelFiles):
        own = any(matches(path, pattern.path) for pattern in patterns)
        if own or (extractor and not isinstance(extractor, LockFiles)):
            yield Mention(line=0, unresolved=f"it is larger than {limits.source_bytes} bytes (limit source_bytes)")
            return
    read = extractor and (
        isinstance(extractor, _BY_NAME) or may_name_models(path if extractor is _extractor(path) else "", data)
    )
    told = list(extractor.extract(data, path, limits)) if extractor and read else []
    if _MARKERS.takes(path):
        told += [each for each in _MARKERS.extract(data[: limits.source_bytes], path, limits) if not _known(each, told)]
    if patterns and not isinstance(extractor, ModelFiles):
        told += [each for each in extract_text(data, path, patterns) if not _known(each, told)]
    yield from sorted(told, key=lambda each: (each.cell, each.line))


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
