"""What lines that load weights share: whether anything speaks against it, and a private folder of the hashed files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gatekeeper import tensors
from gatekeeper.artifact import Artifact, Kind
from gatekeeper.checks import adapter as adapters
from gatekeeper.conversion import objections
from gatekeeper.errors import ContentChangedError, InputError
from gatekeeper.gate import ALL_CHECKS
from gatekeeper.hashing import lay
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.gate import Inspection, Run

_LOADED = frozenset({".gguf", ".jinja", ".json", ".model", ".safetensors", ".txt"})
"""Endings of what a loader of language models is given, from the top of the artifact: never code, never a pickle."""


def is_loaded(path: PurePosixPath) -> bool:
    """Whether a file is handed to loaders."""
    return len(path.parts) == 1 and path.suffix in _LOADED


def objection(seen: Inspection) -> str:
    """Say why an artifact's files are not handed to loaders; empty when they may be."""
    if seen.artifact.metadata_only:
        return "the weights were not downloaded (--metadata-only)"
    loaded = [str(file.path) for file in seen.artifact.files if is_loaded(file.path)]
    if found := objections(seen.evidence.results, loaded):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return printable(f"{found[0].path or 'the whole'}: {found[0].reason}{more}", 600)
    if seen.artifact.kind is Kind.GRAPH:
        return "it is a computational graph, and only language models are loaded"
    if seen.artifact.kind is Kind.ADAPTER and (why := _unfit(seen.artifact)):
        return printable(f"adapter_config.json: {why}", 600)
    if missing := tensors.lacking():
        return f"without {' and '.join(missing)} nothing can be loaded (pip install 'gatekeeper-models[patch]')"
    return ""


def _unfit(artifact: Artifact) -> str:
    """Say why an adapter is not handed to PEFT: its configuration says what PEFT does and makes room for."""
    found = adapters.read_layout(artifact).by_folder.get(".")
    if found is None:
        return "it lies in a folder, and loaders are given what lies at the top"
    return found.troubles[0].reason if found.troubles else adapters.unfit_for_loading(found)


@contextmanager
def laid_out(artifact: Artifact) -> Iterator[Path]:
    """Give a private folder with what loaders read, and make sure at its end that it was what had been hashed.

    Raises:
        ContentChangedError: When it was not.
    """
    files = [file for file in artifact.files if is_loaded(file.path)]
    with tempfile.TemporaryDirectory(prefix="gatekeeper-weights-") as name:
        for file in files:
            lay(file.content, Path(name, file.path.name))
        yield Path(name)
        for file in files:
            if not file.content.unchanged():
                raise ContentChangedError(f"{printable(str(file.path))} changed while it was read", hint="run it again")


def run_of_base(run: Run) -> Run:
    """Give the run of a base: judged as any model is, whatever was asked for about the adapter on it."""
    return replace(run, selection=ALL_CHECKS, locked=None, base=None, trusted_reference=None)


def refuse_base(seen: Inspection) -> None:
    """Refuse a base that is an adapter itself, or brings one: loaders would lay it on, and what is judged is the two.

    Raises:
        InputError: Naming it.
    """
    if seen.artifact.kind is Kind.ADAPTER:
        raise InputError(
            f"the base {printable(str(seen.artifact.reference), 200)} is an adapter itself",
            hint="name the model that both are for; several adapters on it are audited with --together",
        )
