"""Who would read which file of a repo: one file a loader, each a pure function over a `Layout`.

What a loader reads is written down from its source; each file names the version. A file that two loaders read stands
under both, and a loader that reads a file only when it is told to is named with that condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.loaders import (
    by_format,
    diffusers,
    libraries,
    llama_cpp,
    peft,
    sentence_transformers,
    transformers,
    vllm,
)
from gatekeeper.checks.files.loaders.layout import Answer, Layout, Missing, Reading, holds_weights
from gatekeeper.checks.files.loaders.texts import VOCABULARIES

LOADERS: tuple[Callable[[Layout], Iterator[Answer]], ...] = (
    transformers.answers,
    diffusers.answers,
    peft.answers,
    sentence_transformers.answers,
    libraries.timm,
    libraries.open_clip,
    vllm.answers,
    llama_cpp.answers,
    libraries.spacy,
    libraries.scikit_learn,
    libraries.keras_hub,
    libraries.speech,
    libraries.consolidated,
    libraries.endpoints,
    libraries.mixin,
)
"""Those that know a repo by its layout, in the order in which reports name them."""

HANDED: tuple[Callable[[Layout], Iterator[Answer]], ...] = (by_format.answers,)
"""Those that are handed one file; that they could read it does not say that it is what the repo is for."""

BY_NAME = "code that names it"
"""Reads weights in a repo whose layout no loader knows: somebody's own script must."""


def ask(layout: Layout) -> tuple[dict[str, tuple[str, ...]], list[Missing]]:
    """Ask every loader what it reads.

    Args:
        layout: The repo.

    Returns:
        Path → loaders, for every file of the repo, and what configurations promise in vain.
    """
    found: dict[str, dict[str, None]] = {str(path): {} for path in layout.paths}
    missing: list[Missing] = []

    def note(answer: Answer) -> None:
        if isinstance(answer, Missing):
            missing.append(answer)
        elif answer.path in found:
            found[answer.path][answer.loader] = None

    for loader in LOADERS:
        for answer in loader(layout):
            note(answer)
    is_known = any(loaders and _carries(path) for path, loaders in found.items())
    for loader in HANDED:
        for answer in loader(layout):
            note(answer)
    for path in () if is_known else layout.weights:
        found[str(path)] = found[str(path)] or {BY_NAME: None}
    return {path: tuple(loaders) for path, loaders in found.items()}, missing


def _carries(path: str) -> bool:
    """Whether a file that a loader reads is more than a configuration, a vocabulary or code."""
    parsed = PurePosixPath(path)
    return parsed.suffix not in _SMALL and parsed.name not in VOCABULARIES


_SMALL = frozenset({".json", ".py", ".txt", ".jinja", ".yaml", ".cfg"})

__all__ = ["BY_NAME", "HANDED", "LOADERS", "Layout", "Missing", "Reading", "ask", "holds_weights"]
