"""A folder that appears whole under its name, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.errors import InputError
from gatekeeper.text import printable


def check_destination(destination: Path, source: Path | None) -> Path:
    """Refuse a place where a result can't appear, before any work is done.

    Args:
        destination: Folder to be made.
        source: Folder or file that is read; None when it is not local.

    Returns:
        The destination, absolute and with every link in its parents resolved.

    Raises:
        InputError: When it exists, can't be made, or lies inside the source.
    """
    shown = printable(str(destination), 400)
    if destination.suffix == ".safetensors":
        raise InputError(f"{shown} is no folder's name", hint="DST is a folder: it gets the weights and their record")
    if os.path.lexists(destination):
        raise InputError(f"{shown} is there already", hint="name a folder that does not exist yet")
    parent = destination.absolute().parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{shown} can't be made: {printable(str(parent), 400)} is no folder to write to",
                         hint="choose another place")  # fmt: skip
    place = parent.resolve() / destination.name
    if source is not None and source.is_dir() and place.is_relative_to(source.resolve()):
        raise InputError(f"{shown} lies inside the source", hint="choose a place beside it")
    return place


@contextmanager
def staged(destination: Path) -> Iterator[Path]:
    """Give a private folder beside `destination` with a folder `result`, which takes its name when all went well.

    Whatever ends the block early, an interrupt included, leaves nothing. A block that ends without a folder `result`
    makes no destination.

    Raises:
        InputError: When something else has taken the name meanwhile, or the disk refuses.
    """
    work = destination.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        work.mkdir(mode=0o700)
        result = work / "result"
        result.mkdir()
        yield work
        if result.exists():
            _flush(result)
            if os.path.lexists(destination):
                raise InputError(f"{printable(str(destination), 400)} was made by somebody else meanwhile")
            result.rename(destination)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{printable(str(destination), 400)} can't be written: {reason}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _flush(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(Path(root, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
