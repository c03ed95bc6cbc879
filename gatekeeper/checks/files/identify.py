"""What a file is: its bytes speak first, its name only where bytes of many formats look alike."""

from __future__ import annotations

import re
import weakref
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.files.formats import PICKLES, ZIPS, Format
from gatekeeper.checks.files.heads import STRUCTURES, is_safetensors
from gatekeeper.checks.files.magic import MAGIC
from gatekeeper.checks.files.names import suffix
from gatekeeper.checks.files.pickle_probe import Probe, has_proto, probe
from gatekeeper.checks.files.protobuf import looks_like_message, looks_like_onnx, looks_like_sentencepiece
from gatekeeper.checks.files.zip_directory import read_names
from gatekeeper.checks.files.zip_end import has_end_record
from gatekeeper.checks.files.zip_member import ZipError
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.limits import DEFAULT_LIMITS, Limits

HEAD = 1 << 16
"""Bytes that are looked at to tell a format."""

_LFS = re.compile(rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v\d")
_LFS_LENGTH = 1024

_CODE_SUFFIXES = frozenset({".sh", ".bash", ".bat", ".cmd", ".ps1", ".js", ".mjs", ".ts", ".pl", ".rb", ".lua", ".php"})
_TEXTS: dict[str, Format] = {
    ".json": Format.JSON,
    ".ipynb": Format.NOTEBOOK,
    ".py": Format.PYTHON,
    ".jinja": Format.JINJA,
    ".jinja2": Format.JINJA,
    ".j2": Format.JINJA,
    ".svg": Format.IMAGE,
    ".pmml": Format.PMML,
    ".xml": Format.XML,
    **dict.fromkeys(_CODE_SUFFIXES, Format.SCRIPT),
}
_TF_CHECKPOINT = re.compile(r"(\.ckpt|variables|ckpt-\d+|model-\d+)(-\d+)?\.(index|meta)\Z|\.data-\d{5}-of-\d{5}\Z")
_ONNX_DATA = re.compile(r"(\.onnx[._]data(_\d+)?|\.onnx_weights)\Z")
_TEXT_GRAPH = re.compile(rb"(?:^|[\s{;,])(?:node|node_def|meta_graphs|graph_def|layers?)\s*:?\s*[{<\[]")
"""Fields of a SavedModel, a GraphDef or Caffe's NetParameter in protobuf's text form; label maps and settings of
servers have none of them."""

_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b\x0b"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """One file and what it is."""

    file: ArtifactFile
    format: Format
    is_zip_too: bool = False
    """Whether readers that look at the end of the file would take it for a zip archive as well."""

    is_pickle_too: bool = False
    """Whether an unpickler would run it from its first byte, although it is of another format."""

    error: str = ""
    """Why the bytes could not be looked at; the format is then unknown."""


def identities(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> tuple[Identity, ...]:
    """Identify every file of an artifact; done once per artifact, however many checks ask.

    A file that can't be read is of unknown format and carries the reason; it hides no other file's answer.
    """
    key = id(artifact)
    if key not in _KNOWN:
        neighbours = _Neighbours.of(artifact)
        _KNOWN[key] = tuple(_identify(file, neighbours, limits) for file in artifact.files)
        weakref.finalize(artifact, _KNOWN.pop, key, None)
    return _KNOWN[key]


_KNOWN: dict[int, tuple[Identity, ...]] = {}


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """What the other files are called, gathered once for all files."""

    paths: frozenset[str]
    onnx: frozenset[PurePosixPath]
    """Folders that an ONNX graph lies in."""

    @classmethod
    def of(cls, artifact: Artifact) -> _Neighbours:
        return cls(
            frozenset(str(file.path) for file in artifact.files),
            frozenset(file.path.parent for file in artifact.files if str(file.path).endswith(".onnx")),
        )


def _identify(file: ArtifactFile, neighbours: _Neighbours, limits: Limits) -> Identity:
    try:
        with file.content.open() as reader:
            found = identify(reader, file.path, file.size, limits)
            # Ranged reads are dear, and what was not downloaded is never allowed.
            here = file.sha256 is not None
            also_zip = here and is_zip_too(reader, found, file.size)
            also_pickle = here and is_pickle_too(reader, found, file.size, limits)
    except (SourceError, ContentChangedError, OSError, ValueError) as error:
        return Identity(file=file, format=Format.UNKNOWN, error=f"{type(error).__name__}: {error}")
    if found in (Format.UNKNOWN, Format.EMPTY) and _is_spacy_part(file, neighbours):
        found = Format.SPACY
    if found is Format.UNKNOWN and _is_described_elsewhere(file.path, neighbours):
        found = Format.RAW_TENSORS
    return Identity(file=file, format=found, is_zip_too=also_zip, is_pickle_too=also_pickle)


def is_zip_too(reader: BinaryIO, found: Format, size: int) -> bool:
    """Whether a file of another format ends as a zip archive; an archive that is the last member of a tar does not."""
    return found not in ZIPS and has_end_record(reader, size, exact=found is Format.TAR)


def is_pickle_too(reader: BinaryIO, found: Format, size: int, limits: Limits) -> bool:
    """Whether a file of another format would run as a pickle from its first byte."""
    if found in PICKLES or found in _WEAK:
        return False
    reader.seek(0)
    return _runs(reader, reader.read(HEAD), size, limits)


def identify(reader: BinaryIO, path: PurePosixPath, size: int, limits: Limits) -> Format:
    """Tell the format of one file or archive member.

    Args:
        reader: Its bytes, seekable.
        path: Its name, for what bytes can't tell.
        size: Its size in bytes.
        limits: Bounds on zip directories.
    """
    reader.seek(0)
    head = reader.read(HEAD)
    found = identify_head(head, path, size)
    if found in _WEAK and _runs(reader, head, size, limits):
        return Format.PICKLE
    if found is Format.UNKNOWN and _ends_as_table(reader, size):
        return Format.TF_CHECKPOINT
    return _zip_kind(reader, path, size, limits) if found is Format.ZIP else found


def _ends_as_table(reader: BinaryIO, size: int) -> bool:
    """Whether it ends as the tables do in which TensorFlow keeps checkpoints (tensorflow/core/lib/io/format.h)."""
    reader.seek(max(0, size - 8))
    return reader.read(8) == b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


def _runs(reader: BinaryIO, head: bytes, size: int, limits: Limits) -> bool:
    """Whether an unpickler would run the file; one whose first opcodes fill all that may be read counts as that."""
    answer = probe(head, complete=len(head) == size)
    if answer is Probe.OPEN and len(head) < size:
        reader.seek(0)
        head = reader.read(limits.pickle_bytes)
        answer = probe(head, complete=len(head) == size)
    return answer is not Probe.NO


def identify_head(head: bytes, path: PurePosixPath, size: int) -> Format:
    """Tell the format from the first `HEAD` bytes; kinds of zip archives are not told apart."""
    if not size:
        return Format.EMPTY
    if size <= _LFS_LENGTH and _LFS.match(head):
        return Format.LFS_POINTER
    if is_safetensors(head, size):  # a length can spell the first bytes of a font, or of the older lzma format
        return Format.SAFETENSORS
    for offset, magic, found in MAGIC:
        if head[offset : offset + len(magic)] == magic and not (offset and has_proto(head)):
            return found
    for test, found in STRUCTURES:
        if test(head, size):
            return found
    if probe(head, complete=len(head) == size) is Probe.RUNS:
        return Format.PICKLE
    if is_text(head, len(head) == size):
        return _text_kind(path, head)
    return _by_name(path, head, size)


def is_text(head: bytes, complete: bool) -> bool:
    """Whether bytes are text: no control characters but layout, in UTF-8, UTF-16 with a mark or an old encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            head[: len(head) & ~1].decode("utf-16")
        except UnicodeDecodeError as error:
            return not complete and error.start >= len(head) - 4
        return True
    if len(head.translate(None, _CONTROL)) != len(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if not complete and error.start >= len(head) - 4:
            return True
        high = len(head.translate(None, bytes(range(128))))
        return high * 4 < len(head)
    return True


_WEAK = frozenset(
    {Format.UNKNOWN, Format.TEXT_GRAPH, Format.RAW_TENSORS, Format.SENTENCEPIECE, Format.ONNX, Format.TEXT}
) | frozenset(_TEXTS.values())
"""Formats that no signature speaks for: bytes that an unpickler would run are a pickle before they are one of these."""


def _text_kind(path: PurePosixPath, head: bytes) -> Format:
    kind = _TEXTS.get(suffix(path), Format.TEXT)
    if kind is Format.TEXT and head.startswith(b"#!"):
        return Format.SCRIPT
    if suffix(path) in (".pbtxt", ".prototxt") and _TEXT_GRAPH.search(head):
        return Format.TEXT_GRAPH
    if kind is Format.XML and b"<net " in head:
        return Format.OPENVINO_XML
    if kind is Format.XML and b"<PMML" in head:
        return Format.PMML
    return kind


def _by_name(path: PurePosixPath, head: bytes, size: int) -> Format:
    """Tell binary formats without a magic number; their names are believed as far as the bytes agree."""
    name, ending = path.name.lower(), suffix(path)
    if ending in (".index", ".meta") and _TF_CHECKPOINT.search(name):  # TensorFlow asks for nothing but the name
        return Format.TF_CHECKPOINT
    if looks_like_onnx(head, size) and name not in ("saved_model.pb", "keras_metadata.pb") and ending != ".mlmodel":
        return Format.ONNX
    if looks_like_sentencepiece(head, size):
        return Format.SENTENCEPIECE
    if ending in (".pb", ".mlmodel", ".onnx") and looks_like_message(head, size):
        named = {"saved_model.pb": Format.SAVED_MODEL, "keras_metadata.pb": Format.KERAS_METADATA}
        endings = {".mlmodel": Format.COREML, ".pb": Format.FROZEN_GRAPH}
        return named.get(name) or endings.get(ending, Format.UNKNOWN)
    if ending == ".msgpack" and (0x80 <= head[0] <= 0x8F or head[0] in (0xDE, 0xDF)):
        return Format.MSGPACK
    return _by_pattern(path, name, head)


def _by_pattern(path: PurePosixPath, name: str, head: bytes) -> Format:
    if _TF_CHECKPOINT.search(name):
        return Format.TF_CHECKPOINT
    if ".tfevents." in name or name.endswith(".tfrecord"):
        return Format.TENSORBOARD
    if "imatrix" in name and name.endswith(".dat"):
        return Format.IMATRIX
    if name == ".ds_store" and head[4:8] == b"Bud1":
        return Format.TEXT
    if name.endswith(".pyc") and head[2:4] == b"\r\n":
        return Format.EXECUTABLE
    if name.endswith(".mp3") and head[0] == 0xFF and head[1:2] and head[1] & 0xE0 == 0xE0:
        return Format.AUDIO
    if _ONNX_DATA.search(name) or any(part.endswith(".mlpackage") for part in path.parts[:-1]):
        return Format.RAW_TENSORS
    return Format.UNKNOWN


def _is_spacy_part(file: ArtifactFile, neighbours: _Neighbours) -> bool:
    """Whether a folder around it is a spaCy pipeline, whose parts have mostly no ending."""
    return file.path.suffix in ("", ".bin") and any(
        {str(folder / "config.cfg"), str(folder / "meta.json"), str(folder / "vocab/strings.json")} <= neighbours.paths
        for folder in list(file.path.parents)[:3]
    )


def _is_described_elsewhere(path: PurePosixPath, neighbours: _Neighbours) -> bool:
    """Whether a neighbour describes these bytes: OpenVINO's `.xml`, ncnn's `.param`, an ONNX graph with loose files."""
    if path.suffix == ".bin":
        return any(str(path.with_suffix(ending)) in neighbours.paths for ending in (".xml", ".param"))
    if path.suffix in ("", ".pb", ".data") or "onnx__" in path.name or "::" in path.name:
        return path.parent in neighbours.onnx
    return False


def _zip_kind(reader: BinaryIO, path: PurePosixPath, size: int, limits: Limits) -> Format:
    try:
        names = read_names(reader, size, limits)
    except ZipError:
        return Format.ZIP
    return zip_kind(frozenset(names), suffix(path))


def zip_kind(names: frozenset[str], ending: str) -> Format:
    """Tell what a zip archive carries by its members' names."""
    roots = {name.removesuffix("data.pkl") for name in names if name == "data.pkl" or name.endswith("/data.pkl")}
    if any(name == ".data/extern_modules" or name.endswith("/.data/extern_modules") for name in names):
        return Format.TORCH_PACKAGE
    if any(f"{root}constants.pkl" in names for root in roots):
        return Format.TORCHSCRIPT
    if any(name.rsplit("/", 1)[-1] in ("serialized_exported_program.json", "archive_format") for name in names):
        return Format.PT2
    if roots:
        return Format.TORCH_ZIP
    if "config.json" in names and ("metadata.json" in names or "model.weights.h5" in names or ending == ".keras"):
        return Format.KERAS_ZIP
    if "schema.json" in names:
        return Format.SKOPS
    if (names and all(name.endswith(".npy") for name in names)) or (not names and ending == ".npz"):
        return Format.NPZ
    return Format.ZIP


__all__ = ["HEAD", "ZIPS", "Identity", "identify", "identify_head", "identities", "is_text", "zip_kind"]
