"""Tensors: the only room with torch. Importing it loads none: the functions here do that when they are called.

Torch files → safetensors, in a confined child, which alone imports torch for that:

    steps = plan(artifact.files, head)
    conversion = Converter(limits=limits, key="", progress=progress).convert(steps, place, known, objections)

`job` runs in the child; `readback` verifies what it wrote without its library; `record` is what is kept of it all.

`export` writes an architecture that transformers knows out as ONNX graphs without weights, in a confined child.

Language models, for diagnosis and repair (`language` says what one can do, in nouns without torch):

    model = load_model(folder)
    model.margins([Prompt(text="…")], model.contrast("Sure, …", ["I can't help with that."]))

Adapters: `load_worn` lays them on a base without merging; `merging` writes a base's files anew with one added,
tensor by tensor; `agreement` compares what came out with the adapter on its base.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from gatekeeper.merge import LogitsCheck, MergedTensor
from gatekeeper.progress import SILENT, Progress
from gatekeeper.tensors.convert import Converter, require_torch
from gatekeeper.tensors.language import Batch, Contrast, Example, Model, Prompt, TrainStep, Tuning
from gatekeeper.tensors.launched import Launch, launched
from gatekeeper.tensors.merging import (
    LowRank,
    copy_texts,
    layout_of,
    merge_files,
    merged_card,
    placed,
)
from gatekeeper.tensors.plan import RECORD, Fate, Step, plan, why_nothing
from gatekeeper.tensors.record import Conversion, Refusal, json_schema, to_json
from gatekeeper.tensors.staging import check_destination, staged
from gatekeeper.tensors.stored import MergeRefusedError, stored_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gatekeeper.tensors.language_model import LanguageModel


LANGUAGE_MODELS = ("torch", "transformers", "peft")
"""Distributions without which no language model can be run or tuned."""


EXPORTERS = ("torch", "transformers", "onnx", "onnxscript")
"""Distributions without which no architecture can be written out as a graph (`export` runs in a confined child)."""


def exporters_lacking() -> tuple[str, ...]:
    """Give those of `EXPORTERS` that are not installed; importing none of them."""
    return tuple(name for name in EXPORTERS if find_spec(name) is None)


def lacking() -> tuple[str, ...]:
    """Give those of `LANGUAGE_MODELS` that are not installed; importing none of them."""
    return tuple(name for name in LANGUAGE_MODELS if find_spec(name) is None)


def load_model(
    folder: Path,
    *,
    adapter: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    int8: bool = False,
    progress: Progress = SILENT,
) -> LanguageModel:
    """Read a causal language model; see `loading.load`. Inside `company` every process reads it."""
    from gatekeeper.tensors.loading import load
    from gatekeeper.tensors.world import World

    if World.current is not None:
        from gatekeeper.tensors.shared_model import load as load_everywhere

        return load_everywhere(
            World.current, folder, adapter=adapter, device=device, dtype=dtype, int8=int8, progress=progress
        )
    return load(folder, adapter=adapter, device=device, dtype=dtype, int8=int8, progress=progress)


def load_worn(
    folder: Path, adapters: Sequence[Path], *, device: str = "auto", dtype: str = "auto", progress: Progress = SILENT
) -> LanguageModel:
    """Read a base with adapters on it that are not merged; see `loading.load_worn`."""
    from gatekeeper.tensors.loading import load_worn as load

    return load(folder, adapters, device=device, dtype=dtype, progress=progress)


def company(launch: Launch) -> AbstractContextManager[None]:
    """Be the first of several processes: inside the block models are run by all; see `serving.company`."""
    from gatekeeper.tensors.serving import company as meet

    return meet(launch)


def serve(launch: Launch) -> int:
    """Be one of the other processes, which do what the first one tells; see `serving.serve`."""
    from gatekeeper.tensors.serving import serve as help_out

    return help_out(launch)


def refuse_other_reading(
    base: Path, adapter: Path, changes: Mapping[str, LowRank], inner: Callable[[str], str]
) -> None:
    """Refuse a merge that PEFT would read otherwise; see `peft_reading.refuse_other_reading`."""
    from gatekeeper.tensors.peft_reading import refuse_other_reading as refuse

    refuse(base, adapter, changes, inner)


def compare(
    base: Path, adapter: Path, merged: Path, prompts: Sequence[Prompt], *,
    device: str = "auto", progress: Progress = SILENT,
) -> LogitsCheck:  # fmt: skip
    """Hold a merged model against the adapter on its base; see `agreement.compare`."""
    from gatekeeper.tensors.agreement import compare as compared

    return compared(base, adapter, merged, prompts, device=device, progress=progress)


__all__ = [
    "EXPORTERS",
    "LANGUAGE_MODELS",
    "RECORD",
    "Batch",
    "Contrast",
    "Conversion",
    "Converter",
    "Example",
    "Fate",
    "Launch",
    "LogitsCheck",
    "LowRank",
    "MergeRefusedError",
    "MergedTensor",
    "Model",
    "Prompt",
    "Refusal",
    "Step",
    "TrainStep",
    "Tuning",
    "check_destination",
    "company",
    "compare",
    "copy_texts",
    "exporters_lacking",
    "json_schema",
    "lacking",
    "launched",
    "layout_of",
    "load_model",
    "load_worn",
    "merge_files",
    "merged_card",
    "placed",
    "plan",
    "refuse_other_reading",
    "require_torch",
    "serve",
    "staged",
    "stored_tensors",
    "to_json",
    "why_nothing",
]
