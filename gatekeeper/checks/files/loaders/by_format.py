"""Loaders that are given one file and go by its format: graphs, archives of one library, vectors."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.loaders.layout import Answer, Layout, Reading, is_leftover

_FORMATS: dict[Format, tuple[str, ...]] = {
    Format.ONNX: ("onnxruntime",),
    Format.ORT: ("onnxruntime",),
    Format.TFLITE: ("LiteRT",),
    Format.EXECUTORCH: ("ExecuTorch",),
    Format.OPENVINO_XML: ("OpenVINO",),
    Format.COREML: ("Core ML",),
    Format.KERAS_ZIP: ("Keras",),
    Format.KERAS_METADATA: ("TensorFlow",),
    Format.SAVED_MODEL: ("TensorFlow",),
    Format.FROZEN_GRAPH: ("TensorFlow",),
    Format.TF_CHECKPOINT: ("TensorFlow",),
    Format.GGML: ("whisper.cpp", "llama.cpp (old)"),
    Format.CTRANSLATE2: ("CTranslate2",),
    Format.FASTTEXT: ("fastText",),
    Format.SKOPS: ("skops",),
    Format.PT2: ("torch.export",),
    Format.TORCH_PACKAGE: ("torch.package",),
}
_ENDINGS: dict[str, tuple[str, ...]] = {
    ".onnx": ("onnxruntime",),
    ".ort": ("onnxruntime",),
    ".tflite": ("LiteRT",),
    ".keras": ("Keras",),
    ".nemo": ("NeMo",),
    ".pdparams": ("PaddlePaddle",),
    ".mar": ("TorchServe",),
    ".ot": ("rust-bert",),
    ".mlmodel": ("Core ML",),
    ".pte": ("ExecuTorch",),
    ".ftz": ("fastText",),
}
_NAMES: dict[str, tuple[str, ...]] = {"weights.npz": ("MLX",), "saved_model.pb": ("TensorFlow",)}
_TRANSFORMERS = "tf_model"


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell who reads a file for what it is, wherever it lies; checkpoints of a training are passed over."""
    for path in layout.paths:
        if is_leftover(path):
            continue
        found = layout.formats.get(str(path))
        loaders = dict.fromkeys(
            (*_FORMATS.get(found or Format.UNKNOWN, ()), *_ENDINGS.get(path.suffix, ()), *_NAMES.get(path.name, ()))
        )
        if found is Format.HDF5 and not path.name.startswith(_TRANSFORMERS):
            loaders["Keras"] = None
        yield from (Reading(path=str(path), loader=loader) for loader in loaders)
    yield from _beside(layout)


def _beside(layout: Layout) -> Iterator[Reading]:
    """Tell who reads bytes that another file describes."""
    for folder, names in layout.folders.items():
        formats = {name: layout.formats.get(str(folder / name)) for name in names}
        graphs = any(name.endswith(".onnx") or formats[name] is Format.ONNX for name in names)
        for name in names:
            raw = formats[name] is Format.RAW_TENSORS
            if name.endswith(".bin") and f"{name[:-4]}.xml" in formats:
                yield Reading(path=str(folder / name), loader="OpenVINO")
            elif graphs and (raw or ".onnx" in name):
                yield Reading(path=str(folder / name), loader="onnxruntime")
        if "saved_model.pb" in formats:
            for part in ("variables", "assets", "assets.extra"):
                yield from (
                    Reading(path=str(folder / part / name), loader="TensorFlow") for name in layout.names(folder / part)
                )
            fingerprints = [name for name in ("fingerprint.pb", "keras_metadata.pb") if name in formats]
            yield from (Reading(path=str(folder / name), loader="TensorFlow") for name in fingerprints)
    for path in layout.paths:
        if any(part.endswith(".mlpackage") for part in path.parts[:-1]):
            yield Reading(path=str(path), loader="Core ML")
