"""vLLM: whole kinds of files at the top of a repo, the first kind that is there.

Read off vLLM's `model_loader/default_loader.py` (`_prepare_weights`) and `weight_utils.py`: Mistral's consolidated
safetensors, then all safetensors (of which an index picks), then every `.bin`, then every `.pt`. It does not go by
the names that transformers gives to weights, so that a stray pickle beside pickled weights is read as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.loaders.layout import ROOT, Answer, Layout, Reading, named
from gatekeeper.checks.files.loaders.texts import texts
from gatekeeper.checks.files.loaders.transformers import is_model

NAME = "vLLM"
_INDEX = "model.safetensors.index.json"
_CONSOLIDATED = "consolidated.safetensors.index.json"
_NOT_FOR_INFERENCE = ("training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.pt", "scaler.pt")


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what is read of a model that vLLM could serve."""
    for name in layout.names(ROOT):
        if name.endswith(".gguf"):
            yield Reading(path=name, loader=named(NAME, "when named"))
    if not (is_model(layout.config(ROOT)) or layout.has(ROOT, "params.json")):
        return
    weights = _weights(layout)
    yield from (Reading(path=path, loader=NAME) for path in weights)
    if weights:
        yield from (Reading(path=path, loader=NAME) for path in texts(layout, ROOT))


def _weights(layout: Layout) -> list[str]:
    names = layout.names(ROOT)
    safetensors = [name for name in names if name.endswith(".safetensors")]
    consolidated = [name for name in safetensors if name.startswith("consolidated")]
    chosen, index = (consolidated, _CONSOLIDATED) if consolidated else (safetensors, _INDEX)
    indexed = layout.shards(ROOT, index) if layout.has(ROOT, index) else ()
    if chosen or indexed:
        picked = [name for name in chosen if name in indexed] if layout.has(ROOT, index) else chosen
        return [*([index] if layout.has(ROOT, index) else []), *(picked if chosen else indexed)]
    for ending in (".bin", ".pt"):
        found = [name for name in names if name.endswith(ending)]
        if found:
            return [name for name in found if not name.endswith(_NOT_FOR_INFERENCE)]
    return []
