"""llama.cpp and Ollama: GGUF files, and what Ollama takes when it imports a folder.

Read off Ollama's `parser/parser.go` (`filesForModel`): the first kind of weights that is there, then every JSON file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.loaders.layout import ROOT, Answer, Layout, Reading, named
from gatekeeper.checks.files.loaders.transformers import is_model

_IMPORT = named("Ollama", "import")
_WEIGHTS = (
    re.compile(r"model.*\.safetensors\Z"),
    re.compile(r"consolidated.*\.safetensors\Z"),
    re.compile(r"pytorch_model.*\.bin\Z"),
    re.compile(r"consolidated.*\.pth\Z"),
)
_BESIDE = ("template", "system", "params")
"""Files that the Hub hands to Ollama with a GGUF file."""


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what runs or converts models for llama.cpp."""
    ggufs = [path for path in layout.paths if path.suffix == ".gguf" or layout.formats.get(str(path)) is Format.GGUF]
    for path in ggufs:
        yield Reading(path=str(path), loader="llama.cpp")
        yield Reading(path=str(path), loader="Ollama")
    if ggufs:
        yield from (Reading(path=name, loader="Ollama") for name in _BESIDE if layout.has(ROOT, name))
    if layout.has(ROOT, "Modelfile"):
        yield Reading(path="Modelfile", loader="Ollama")
    if is_model(layout.config(ROOT)):
        yield from _imported(layout)


def _imported(layout: Layout) -> Iterator[Reading]:
    names = layout.names(ROOT)
    for pattern in _WEIGHTS:
        found = [name for name in names if pattern.match(name)]
        if found:
            also = [name for name in names if name in ("tokenizer.model", "chat_template.jinja")]
            configs = [name for name in names if name.endswith(".json")]
            yield from (Reading(path=name, loader=_IMPORT) for name in (*found, *also, *configs))
            return
