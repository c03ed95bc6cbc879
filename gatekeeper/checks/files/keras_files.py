"""The files in which Keras configurations lie: `.keras` archives, JSON, and the metadata beside a SavedModel."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.hdf5_content import judge_hdf5_content
from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, open_member
from gatekeeper.checks.files.keras_config import judge_keras_config, judge_keras_value, parse_keras_config
from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.checks.files.protobuf import BYTES, fields
from gatekeeper.checks.files.zip_directory import STORED, Member, ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable

_CONFIG = "config.json"
_HDF5 = (".h5", ".hdf5")
_NODES, _METADATA = 1, 5
"""`SavedMetadata.nodes` and `SavedObject.metadata` (tensorflow/…/protobuf/saved_metadata.proto)."""


def judge_keras_zip(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge the configuration and the weights of a `.keras` archive.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: Bounds on unpacking and parsing.
    """
    try:
        members = read_directory(reader, size, limits).members
    except ZipError as error:
        yield Problem(slug=UNJUDGED, message=f"its members can't be listed: {error}")
        return
    for member in members:
        name = PurePosixPath(member.name)
        if name.name != _CONFIG and name.suffix.lower() not in _HDF5:
            continue
        try:
            yield from _judge_member(reader, member, name, limits)
        except (UnpackError, ZipError, BombError) as error:
            yield Problem(slug=UNJUDGED, message=f"its {printable(name.name, 80)!r} can't be unpacked: {error}")


def _judge_member(reader: BinaryIO, member: Member, name: PurePosixPath, limits: Limits) -> Iterator[Problem]:
    packed = open_member(reader, member)
    if name.name == _CONFIG:
        most = limits.json_bytes
        data = b"".join(inflate(packed, member.method, packed=member.compressed, most=most, limits=limits))
        yield from judge_keras_config(data, limits)
    elif member.method == STORED:  # as Keras writes them
        yield from judge_hdf5_content(packed, name, member.compressed, limits)
    else:
        with tempfile.TemporaryFile() as spool:
            most = limits.scan_file_bytes
            for piece in inflate(packed, member.method, packed=member.compressed, most=most, limits=limits):
                spool.write(piece)
            yield from judge_hdf5_content(spool, name, spool.tell(), limits)


def judge_keras_json(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a JSON file that describes a Keras object, as `model.to_json` and the presets of KerasHub write them.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: Bounds on the parsing.

    Yields:
        Problems; none for JSON of another kind, or that can't be read, of which others tell.
    """
    if size > limits.json_bytes:
        return
    reader.seek(0)
    data = reader.read(size)
    if b"class_name" not in data and b"\\u00" not in data:
        return
    try:
        value = parse_keras_config(data, limits)
    except ParseError:
        return
    if isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value:
        yield from judge_keras_value(value)


def judge_keras_metadata(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge `keras_metadata.pb`: a list of objects, each with a configuration as JSON.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: Bounds on the parsing.
    """
    if size > limits.json_bytes:
        yield Problem(slug=UNJUDGED, message=f"{size} bytes are more than is read of Keras metadata")
        return
    reader.seek(0)
    data = reader.read(size)
    try:
        for number, wire, length, node in fields(data, len(data)):
            if number == _NODES and wire == BYTES:
                for inner, kind, _, text in fields(node, length):
                    if inner == _METADATA and kind == BYTES and text.strip():
                        yield from judge_keras_config(text, limits)
    except ValueError as error:
        yield Problem(slug=UNJUDGED, message=f"it is no Keras metadata: {error}")
