"""The formats that the gate knows, and what each means for the checks: one word for every kind of file."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """What a file is, judged by its bytes first and by its name only where bytes can't tell."""

    EMPTY = "empty"
    LFS_POINTER = "lfs-pointer"
    UNKNOWN = "unknown"

    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    GGML = "ggml"
    """The formats of llama.cpp before GGUF: tensors without a header that says their spans."""

    PICKLE = "pickle"
    TORCH_LEGACY = "torch-legacy"
    """`torch.save` before 1.6: five pickles, then the bytes of the storages."""

    TORCH_ZIP = "torch-zip"
    TORCHSCRIPT = "torchscript"
    TORCH_PACKAGE = "torch-package"
    PT2 = "pt2"
    NPY = "npy"
    NPZ = "npz"
    SKOPS = "skops"
    KERAS_ZIP = "keras-zip"
    HDF5 = "hdf5"
    SAVED_MODEL = "tf-saved-model"
    KERAS_METADATA = "keras-metadata"
    FROZEN_GRAPH = "tf-graph"
    TEXT_GRAPH = "text-graph"
    """The text form of protobuf graphs, which TensorFlow and Caffe load like the binary one."""

    TF_CHECKPOINT = "tf-checkpoint"
    TFLITE = "tflite"
    ONNX = "onnx"
    ORT = "ort"
    EXECUTORCH = "executorch"
    OPENVINO_XML = "openvino-xml"
    COREML = "coreml"
    MSGPACK = "msgpack"
    CTRANSLATE2 = "ctranslate2"
    FASTTEXT = "fasttext"
    PMML = "pmml"
    SPACY = "spacy-part"
    """A part of a spaCy pipeline, as msgpack."""

    RAW_TENSORS = "raw-tensors"
    """Bytes without any structure that another file in the repo describes: ONNX external data, OpenVINO `.bin`."""

    ZIP = "zip"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZLIB = "zlib"
    LZ4 = "lz4"
    ZSTD = "zstd"

    JSON = "json"
    TEXT = "text"
    JINJA = "jinja"
    PYTHON = "python"
    SCRIPT = "script"
    NOTEBOOK = "notebook"
    XML = "xml"
    SENTENCEPIECE = "sentencepiece"
    TABLE = "table"
    """Parquet, Arrow and SQLite."""

    TENSORBOARD = "tensorboard"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    PDF = "pdf"
    FONT = "font"
    IMATRIX = "imatrix"
    EXECUTABLE = "executable"


PICKLES = frozenset({Format.PICKLE, Format.TORCH_LEGACY})
"""A loader would run the file itself as a pickle."""

ZIPS = frozenset(
    {
        Format.ZIP,
        Format.NPZ,
        Format.SKOPS,
        Format.KERAS_ZIP,
        Format.TORCH_ZIP,
        Format.TORCHSCRIPT,
        Format.TORCH_PACKAGE,
        Format.PT2,
    }
)
"""Zip archives, whatever they carry."""

COMPRESSED = frozenset({Format.GZIP, Format.BZIP2, Format.XZ, Format.ZLIB, Format.LZ4, Format.ZSTD})
"""One compressed stream, as joblib writes and tar archives come in."""

CODE_CAPABLE = (
    PICKLES
    | ZIPS
    | COMPRESSED
    | {
        Format.NPY,
        Format.TAR,
        Format.SEVEN_ZIP,
        Format.RAR,
        Format.HDF5,
        Format.SAVED_MODEL,
        Format.KERAS_METADATA,
        Format.TFLITE,
        Format.ONNX,
        Format.PMML,
    }
)
"""Formats in which something can lie that a loader runs: the scanners look into these."""

INERT = frozenset(Format) - CODE_CAPABLE
"""Formats that hold nothing for the scanners."""

UNJUDGED = {
    Format.TEXT_GRAPH: "no check judges graphs that are written as text",
    Format.ORT: "no check judges ONNX Runtime's own format",
    Format.TORCH_PACKAGE: "no check judges the Python source in a torch.package archive",
    Format.PT2: "no check judges exported PyTorch programs",
    Format.EXECUTORCH: "no check judges ExecuTorch programs",
    Format.RAR: "rar archives can't be opened",
}
"""Loadable formats that no check can judge whole, with the reason."""

UNJUDGED_INSIDE = {**UNJUDGED, Format.ONNX: "no check judges ONNX graphs inside archives"}
"""The same for what lies in an archive."""
