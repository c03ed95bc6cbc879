"""What an HDF5 file reaches for beyond itself, how it lies about its size, and the Keras model that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.hdf5_bytes import NOWHERE, Hdf5Error, Hdf5File
from gatekeeper.checks.files.hdf5_objects import Object, objects
from gatekeeper.checks.files.keras_config import judge_keras_config
from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_KERAS = frozenset({"model_config", "training_config", "layer_config", "optimizer_config"})


def judge_hdf5_content(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge every object of an HDF5 file; no tensor is read.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: Bounds on the walk and on unfolding.

    Yields:
        Problems by the slugs of `files/model-code`; `unjudged` where the file can't be made sense of.
    """
    file = Hdf5File(reader, size, steps=limits.hdf5_steps)
    held = 0
    try:
        for found in objects(file, file.superblock().root, _KERAS):
            yield from _object(found, size, limits)
            held += found.elements * found.element_bytes
    except Hdf5Error as error:
        yield Problem(slug=UNJUDGED, message=f"its inside can't be followed: {error}")
    if held > max(limits.archive_free_bytes, limits.archive_ratio * size):
        message = f"its datasets take {held} bytes once they are loaded, the file has {size}"
        yield Problem(slug="hdf5-bomb", message=message)


def _object(found: Object, size: int, limits: Limits) -> Iterator[Problem]:
    shown = printable(found.path, 160)
    for what in found.elsewhere:
        yield Problem(slug="hdf5-elsewhere", message=f"{shown!r}: {printable(what, 200)}", detail=shown)
    for what in found.unread:
        yield Problem(slug=UNJUDGED, message=f"{shown!r}: {printable(what, 200)}")
    if found.stored is not None and found.address != NOWHERE:
        if found.address + found.stored > size:
            message = f"{shown!r} ends at byte {found.address + found.stored}, the file has {size}"
            yield Problem(slug="hdf5-span", message=message, offset=size, detail=shown)
        elif found.stored < found.elements * found.element_bytes:
            message = (
                f"{shown!r} has {found.elements * found.element_bytes} bytes by its shape, {found.stored} in the file"
            )
            yield Problem(slug="hdf5-span", message=message, offset=found.address, detail=shown)
    for text in found.texts.values():
        yield from judge_keras_config(text, limits)
