"""What a file's name promises: the formats that an extension may stand for.

An extension that is not listed promises nothing and can't be contradicted.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import CODE_CAPABLE, COMPRESSED, PICKLES, ZIPS, Format

TEXTUAL = frozenset(
    {
        Format.JSON,
        Format.TEXT,
        Format.JINJA,
        Format.PYTHON,
        Format.SCRIPT,
        Format.NOTEBOOK,
        Format.XML,
        Format.PMML,
        Format.OPENVINO_XML,
        Format.TEXT_GRAPH,
    }
)
"""Everything that a person can read."""

_TORCH = PICKLES | {Format.TORCH_ZIP, Format.TORCHSCRIPT, Format.TORCH_PACKAGE, Format.PT2}
_TENSORS = {
    Format.GGUF,
    Format.GGML,
    Format.SAFETENSORS,
    Format.CTRANSLATE2,
    Format.FASTTEXT,
    Format.RAW_TENSORS,
    Format.SPACY,
}

WEIGHTS: dict[str, frozenset[Format]] = {
    ".safetensors": frozenset({Format.SAFETENSORS}),
    ".gguf": frozenset({Format.GGUF}),
    ".ggml": frozenset({Format.GGML}),
    ".bin": frozenset(_TORCH | _TENSORS),
    **dict.fromkeys((".pt", ".pth", ".th", ".ptl", ".jit", ".torchscript", ".ot", ".pt2"), frozenset(_TORCH)),
    ".ckpt": frozenset(_TORCH | {Format.TF_CHECKPOINT}),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), frozenset(PICKLES | COMPRESSED | {Format.TORCH_ZIP})),
    ".pdparams": frozenset(PICKLES),
    ".npy": frozenset({Format.NPY}),
    ".npz": frozenset({Format.NPZ}),
    ".skops": frozenset({Format.SKOPS}),
    ".h5": frozenset({Format.HDF5}),
    ".hdf5": frozenset({Format.HDF5}),
    ".keras": frozenset({Format.KERAS_ZIP, Format.HDF5}),
    ".onnx": frozenset({Format.ONNX}),
    ".ort": frozenset({Format.ORT}),
    ".tflite": frozenset({Format.TFLITE}),
    ".pte": frozenset({Format.EXECUTORCH}),
    ".msgpack": frozenset({Format.MSGPACK}),
    ".mlmodel": frozenset({Format.COREML}),
    ".pb": frozenset({Format.SAVED_MODEL, Format.KERAS_METADATA, Format.FROZEN_GRAPH, Format.RAW_TENSORS}),
    ".mar": frozenset(ZIPS | {Format.GZIP}),
    ".nemo": frozenset({Format.TAR, Format.GZIP}),
}
"""One entry for each ending in `gatekeeper.endings`."""

_OTHERS: dict[str, frozenset[Format]] = {
    ".zip": ZIPS,
    ".tar": frozenset({Format.TAR, Format.TORCH_LEGACY, Format.TORCH_ZIP}),  # torch's examples save `model.pth.tar`
    **dict.fromkeys((".gz", ".tgz"), frozenset({Format.GZIP})),
    ".bz2": frozenset({Format.BZIP2}),
    ".xz": frozenset({Format.XZ}),
    ".zst": frozenset({Format.ZSTD}),
    ".lz4": frozenset({Format.LZ4}),
    ".7z": frozenset({Format.SEVEN_ZIP}),
    ".rar": frozenset({Format.RAR}),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".tif", ".tiff", ".avif", ".heic"),
                    frozenset({Format.IMAGE})),
    ".svg": frozenset({Format.IMAGE, Format.XML, Format.TEXT}),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".opus"), frozenset({Format.AUDIO})),
    ".m4a": frozenset({Format.AUDIO, Format.VIDEO}),
    **dict.fromkeys((".mp4", ".webm", ".mov", ".avi", ".mkv"), frozenset({Format.VIDEO, Format.AUDIO})),
    ".pdf": frozenset({Format.PDF}),
    **dict.fromkeys((".parquet", ".arrow", ".feather"), frozenset({Format.TABLE})),
    **dict.fromkeys(
        (".json", ".jsonl", ".txt", ".md", ".rst", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".csv", ".tsv", ".py",
         ".ipynb", ".jinja", ".jinja2", ".j2", ".html", ".css", ".js", ".xml", ".pmml", ".sh", ".bat", ".ps1", ".log",
         ".tiktoken", ".gitattributes", ".gitignore", ".lock", ".proto", ".prototxt"),
        TEXTUAL,
    ),
}  # fmt: skip

_TEXT_NAMES = frozenset(
    {"license", "licence", "notice", "readme", "authors", "contributing", "changelog", "dockerfile"}
)
_TEXT_NAMES_DOTTED = frozenset({".gitattributes", ".gitignore"})


def suffix(path: PurePosixPath) -> str:
    """Give the last extension in lower case, with its dot; for `.gitattributes` and the like the whole name."""
    name = path.name.lower()
    return name if name in _TEXT_NAMES_DOTTED else path.suffix.lower()


def expected(path: PurePosixPath) -> frozenset[Format] | None:
    """Give the formats that the name may stand for; None when it promises nothing."""
    if path.name.lower() in _TEXT_NAMES:
        return TEXTUAL
    ending = suffix(path)
    return WEIGHTS.get(ending) or _OTHERS.get(ending)


def promises_code(path: PurePosixPath) -> bool:
    """Whether the name promises weights or an archive that scanners look into: a hint, and no judgement."""
    promised = WEIGHTS.get(suffix(path)) or (_OTHERS.get(suffix(path), TEXTUAL) - TEXTUAL)
    return bool(promised & CODE_CAPABLE)
