"""Libraries with a layout of their own, each told by a file that only its repos have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.loaders.layout import ROOT, Answer, Layout, Reading, preferred

_TIMM = (("model", ".safetensors"), ("pytorch_model", ".bin"))
_OLD = "old"
_OPEN_CLIP = (("open_clip_model", ".safetensors"), ("open_clip_pytorch_model", ".bin"))
_CONSOLIDATED = re.compile(r"consolidated(\.\d+)?\.(pth|safetensors)\Z")
_SKLEARN = re.compile(r"(sklearn_model|model|pipeline|classifier)\.(joblib|pkl|pickle|skops)\Z")
_KERAS_HUB = ("model.weights.h5", "task.weights.h5", "task.json", "preprocessor.json", "tokenizer.json")
_ESTIMATOR = {".joblib": "joblib", ".pkl": "joblib or pickle", ".pickle": "joblib or pickle", ".skops": "skops"}


def timm(layout: Layout) -> Iterator[Answer]:
    """Timm 1.0 (`models/_hub.py`): a configuration with an `architecture`."""
    if isinstance(layout.config(ROOT).get("architecture"), str):
        yield from preferred(layout, ROOT, _TIMM, "timm", later=_OLD)
        yield Reading(path="config.json", loader="timm")


def open_clip(layout: Layout) -> Iterator[Answer]:
    """open_clip 3.3 (`constants.py`, `factory.py`)."""
    if layout.has(ROOT, "open_clip_config.json"):
        yield from preferred(layout, ROOT, _OPEN_CLIP, "open_clip", later=_OLD)
        yield Reading(path="open_clip_config.json", loader="open_clip")


def spacy(layout: Layout) -> Iterator[Answer]:
    """SpaCy (`util.load_model_from_path`): what `config.cfg` and `meta.json` stand above."""
    if not (layout.has(ROOT, "config.cfg") and layout.has(ROOT, "meta.json")):
        return
    meta = layout.config(ROOT, "meta.json")
    listed = [name for key in ("components", "pipeline", "disabled") for name in _texts(meta.get(key))]
    parts = {"vocab", *listed}
    for path in layout.paths:
        if path.parts[0] in parts or str(path) in ("config.cfg", "meta.json", "tokenizer"):
            yield Reading(path=str(path), loader="spaCy")


def scikit_learn(layout: Layout) -> Iterator[Answer]:
    """Skops' model cards name the file; else the usual names (`skops.hub_utils`)."""
    told = layout.config(ROOT).get("sklearn")
    model = told.get("model") if isinstance(told, dict) else None
    file = model.get("file") if isinstance(model, dict) else None
    for path in layout.paths:
        if str(path) == file or (path.parent == ROOT and _SKLEARN.match(path.name)):
            yield Reading(path=str(path), loader=_ESTIMATOR.get(path.suffix, "joblib"))


def keras_hub(layout: Layout) -> Iterator[Answer]:
    """KerasHub presets: a configuration with a `registered_name`."""
    if layout.config(ROOT).get("registered_name"):
        yield from (Reading(path=name, loader="KerasHub") for name in _KERAS_HUB if layout.has(ROOT, name))
        yield Reading(path="config.json", loader="KerasHub")


def speech(layout: Layout) -> Iterator[Answer]:
    """SpeechBrain, CTranslate2 and faster-whisper."""
    for folder, names in layout.folders.items():
        if "hyperparams.yaml" in names:
            read = [name for name in names if name.endswith((".ckpt", ".yaml", ".txt"))]
            yield from (Reading(path=str(folder / name), loader="SpeechBrain") for name in read)
        if layout.formats.get(str(folder / "model.bin")) is Format.CTRANSLATE2:
            yield from _ctranslate2(folder, names)


def _ctranslate2(folder: PurePosixPath, names: tuple[str, ...]) -> Iterator[Reading]:
    read = [name for name in names if name in ("model.bin", "config.json") or "vocabulary" in name]
    yield from (Reading(path=str(folder / name), loader="CTranslate2") for name in read)
    if "tokenizer.json" in names and any(name.startswith("vocabulary.") for name in names):
        also = [name for name in names if name in ("tokenizer.json", "preprocessor_config.json")]
        yield from (Reading(path=str(folder / name), loader="faster-whisper") for name in (*read, *also))


def consolidated(layout: Layout) -> Iterator[Answer]:
    """The reference code of Llama and Mistral, at the top or in `original/`."""
    for folder in (ROOT, PurePosixPath("original")):
        if layout.has(folder, "params.json"):
            read = [name for name in layout.names(folder) if _CONSOLIDATED.match(name)]
            read += [name for name in ("params.json", "tokenizer.model", "tekken.json") if layout.has(folder, name)]
            yield from (Reading(path=str(folder / name), loader="the publisher's reference code") for name in read)


def mixin(layout: Layout) -> Iterator[Answer]:
    """huggingface_hub's `PyTorchModelHubMixin`: weights under transformers' names without its configuration."""
    config = layout.config(ROOT)
    if not (config.get("model_type") or config.get("architectures") or layout.has(ROOT, "adapter_config.json")):
        yield from preferred(layout, ROOT, _TIMM, "huggingface_hub", "model mixin", later=_OLD)


def endpoints(layout: Layout) -> Iterator[Answer]:
    """The Hub's Inference Endpoints run a handler of the repo."""
    if layout.has(ROOT, "handler.py"):
        names = [name for name in ("handler.py", "requirements.txt") if layout.has(ROOT, name)]
        yield from (Reading(path=name, loader="Inference Endpoints") for name in names)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
