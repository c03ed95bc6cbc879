"""What numbers of tokens mean: looked up in the tokenizer that lies beside a graph, as text, within limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.limits import Limits

_NAMES = ("tokenizer.json", "vocab.json", "vocab.txt")
_TOKENS = 64
"""Numbers that are looked up for one graph."""

# Vocabularies are too large to be parsed value by value (see `Limits.json_values`); an entry is `"text": number`, one
# that was added is `"id": number, …, "content": "text"` (Hugging Face tokenizers, tokenizer.json).
_ENTRY = re.compile(r'"((?:[^"\\]|\\.){1,80})"\s{0,20}:\s{0,20}(\d{1,9})(?![\d.])')
_ADDED = re.compile(
    r'"id"\s{0,20}:\s{0,20}(\d{1,9})\s{0,40},\s{0,40}"content"\s{0,20}:\s{0,20}"((?:[^"\\]|\\.){1,80})"'
)


def tokens(artifact: Artifact, graph: PurePosixPath, numbers: Iterable[int], limits: Limits) -> Mapping[int, str]:
    """Give the text of tokens, from the tokenizer nearest to a graph; those that aren't found are left out.

    Args:
        artifact: Where to look: in the graph's folder, then in those above it.
        graph: Path of the graph.
        numbers: Of tokens; negative ones are no tokens.
        limits: `text_bytes` bounds the file that is read.
    """
    wanted = {number for number in numbers if number >= 0}
    if not wanted or len(wanted) > _TOKENS:
        return {}
    for folder in graph.parents:
        for name in _NAMES:
            file = artifact.file(str(folder / name))
            if file is not None:
                return _look(file, wanted, limits)
    return {}


def _look(file: ArtifactFile, wanted: set[int], limits: Limits) -> dict[int, str]:
    try:
        text = file.content.read(limits.text_bytes).decode("utf-8", "replace")
    except (LimitError, SourceError, ContentChangedError, OSError):
        return {}  # the tokens keep their numbers; other checks say what is wrong with the file
    if file.path.suffix == ".txt":
        lines = text.split("\n")
        return {number: lines[number].rstrip("\r") for number in wanted if number < len(lines) and lines[number]}
    found = {int(number): words for words, number in _ENTRY.findall(text) if int(number) in wanted and words != "id"}
    return found | {int(number): words for number, words in _ADDED.findall(text) if int(number) in wanted}
