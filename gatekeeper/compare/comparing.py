"""Puts the comparison together, and bounds what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath

from gatekeeper.artifact import Artifact
from gatekeeper.compare.claims import compare_authors, compare_licences, compare_lineages, compare_repos
from gatekeeper.compare.configurations import compare_configurations
from gatekeeper.compare.files import compare_files, differing
from gatekeeper.compare.side import Side
from gatekeeper.compare.templates import compare_templates
from gatekeeper.compare.tensors import compare_tensors, is_read
from gatekeeper.comparison import Attention, Change, ChangeKind, Comparison, Topic
from gatekeeper.endings import is_weights
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.text import plural, printable

_ORDER = tuple(Topic)


def compare(old: Artifact, new: Artifact, limits: Limits = DEFAULT_LIMITS) -> Comparison:
    """Tell what changed from one artifact to another.

    Files are held against each other by our own digests where they were hashed, else by those that the Hub lists. Of
    weights only the headers of safetensors are read, by range where they were not downloaded.

    Args:
        old: The one before; open.
        new: The one after; open.
        limits: `compare_bytes`, `compare_changes` and `compare_lines` bound the work and the answer.

    Raises:
        SourceError: When bytes that are read by range can't be had.
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    before, after = Side(old, limits), Side(new, limits)
    paths = differing(before, after)
    found = [
        *compare_repos(old, new),
        *compare_templates(before, after, paths),
        *compare_licences(before, after, paths),
        *compare_lineages(old, new),
        *compare_configurations(before, after, paths),
        *compare_tensors(before, after, paths),
        *compare_files(before, after, paths),
        *compare_authors(old, new),
    ]
    return Comparison(
        old=_reference(old),
        new=_reference(new),
        old_bytes=before.size,
        new_bytes=after.size,
        changes=_ordered(found, limits.compare_changes),
        not_compared=tuple(_not_compared(before, after, paths)),
    )


def _reference(artifact: Artifact) -> str:
    commit = artifact.commit
    return str(replace(artifact.reference, revision=commit) if commit else artifact.reference)


def _ordered(changes: list[Change], limit: int) -> tuple[Change, ...]:
    """Sort by attention and topic; count what is too much of one topic, so that a flood hides no other."""
    # Sorting is stable: inside a topic the order stays that in which it was found.
    changes.sort(key=lambda change: (-change.attention, _ORDER.index(change.topic)))
    told: list[Change] = []
    for (attention, topic), group in groupby(changes, key=lambda change: (change.attention, change.topic)):
        together = list(group)
        told += together[:limit]
        if len(together) > limit:
            told.append(_more(topic, attention, len(together) - limit))
    return tuple(told)


def _more(topic: Topic, attention: Attention, count: int) -> Change:
    words = f"and {plural(count, 'more change')}"
    return Change(topic=topic, kind=ChangeKind.MORE, attention=attention, subject="", words=words)


def _not_compared(old: Side, new: Side, paths: set[str]) -> Iterator[str]:
    weights = [path for path in paths if is_weights(path)]
    if any(path in old.files and path in new.files for path in weights):
        yield "values of tensors: weights that have other bytes may answer otherwise in any way"
    endings = sorted({PurePosixPath(path).suffix.lower() for path in weights if not is_read(path)})
    if endings:
        formats = ", ".join("GGUF" if each == ".gguf" else printable(each, 20) for each in endings)
        yield f"tensors of {formats} files are not compared"
    if any(file.sha256 is None for side in (old, new) for file in side.files.values()):
        yield "bytes of weights: they were not downloaded, what is told of them is what the Hub lists"
