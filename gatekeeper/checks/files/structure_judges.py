"""Which judge says whether a file, or a member of an archive, is built as its format promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from gatekeeper.checks.files.formats import ZIPS, Format
from gatekeeper.checks.files.gguf_header import judge_gguf
from gatekeeper.checks.files.hdf5 import judge_hdf5
from gatekeeper.checks.files.json_end import judge_json_end
from gatekeeper.checks.files.msgpack_weights import judge_msgpack
from gatekeeper.checks.files.npy_header import judge_npy
from gatekeeper.checks.files.problem import Judge, Problem
from gatekeeper.checks.files.protobuf_ends import judge_protobuf
from gatekeeper.checks.files.safetensors_header import judge_safetensors
from gatekeeper.checks.files.tables import judge_table
from gatekeeper.checks.files.torch_legacy import judge_torch_legacy
from gatekeeper.checks.files.torch_zip import judge_torch_zip
from gatekeeper.checks.files.unpack_7z import judge_7z
from gatekeeper.checks.files.zip_rules import judge_zip
from gatekeeper.limits import Limits

_PROTOBUF = (
    Format.ONNX,
    Format.SAVED_MODEL,
    Format.FROZEN_GRAPH,
    Format.KERAS_METADATA,
    Format.COREML,
    Format.SENTENCEPIECE,
)


def _judge_torch_archive(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    yield from judge_zip(reader, name, size, limits)
    yield from judge_torch_zip(reader, name, size, limits)


JUDGES: Mapping[Format, Judge] = MappingProxyType(
    {
        Format.SAFETENSORS: judge_safetensors,
        Format.GGUF: judge_gguf,
        Format.NPY: judge_npy,
        Format.HDF5: judge_hdf5,
        **dict.fromkeys(sorted(ZIPS), judge_zip),
        Format.TORCH_ZIP: _judge_torch_archive,
        Format.TORCH_LEGACY: judge_torch_legacy,
        Format.SEVEN_ZIP: judge_7z,
        **{kind: partial(judge_protobuf, kind=kind) for kind in _PROTOBUF},
        Format.MSGPACK: judge_msgpack,
        Format.JSON: judge_json_end,
        Format.TABLE: judge_table,
    }
)
"""Format → judge. Pickles, tar archives and compressed streams are read to their end by `files/scanners`; what has no
judge at all is a gap of `files/coverage`, or nothing that a loader reads."""
