"""PEFT adapters: `adapter_model.safetensors` before `.bin`, beside an `adapter_config.json`.

Read off PEFT 0.21 (`utils/save_and_load.py`, `load_peft_weights`); transformers loads an adapter that lies at the top
by itself, and vLLM when it is told to.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.loaders.layout import ROOT, SUBFOLDER, Answer, Layout, Missing, Reading, named, preferred

_CONFIG = "adapter_config.json"
_SETS = (("adapter_model", ".safetensors"), ("adapter_model", ".bin"))


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what an adapter is read from."""
    for folder in layout.folders:
        if not layout.has(folder, _CONFIG) or layout.is_old(folder):
            continue
        when = "" if folder == ROOT else SUBFOLDER
        found = list(preferred(layout, folder, _SETS, "PEFT", when))
        if not found:
            message = "it describes an adapter, of which the weights are not there"
            yield Missing(named_by=str(folder / _CONFIG), message=message)
        yield from found
        yield Reading(path=str(folder / _CONFIG), loader=named("PEFT", when) if when else "PEFT")
        if folder == ROOT:
            yield from preferred(layout, folder, _SETS, "transformers")
            yield Reading(path=_CONFIG, loader="transformers")
        first = next((files for stem, ending in _SETS if (files := layout.checkpoint(folder, stem, ending))), ())
        yield from (Reading(path=path, loader=named("vLLM", "as a LoRA adapter")) for path in first)
