"""Views written into a folder, each whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gatekeeper.atomic import atomic_write
from gatekeeper.attestation import Attestation
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.report.document import to_json
from gatekeeper.text import printable


def _html(attestation: Attestation) -> str:
    from gatekeeper.report.html import to_html

    return to_html(attestation)


FORMATS: Mapping[str, tuple[str, Callable[[Attestation], str]]] = {
    "json": ("report.json", to_json),
    "html": ("report.html", _html),
}
"""Format → name of its file and what renders it."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def write(attestation: Attestation, directory: Path, formats: Iterable[str] = tuple(FORMATS)) -> dict[str, Path]:
    """Write views of one attestation.

    All are rendered before the first is written, so that a folder never holds views of two runs because one of them
    could not be rendered.

    Args:
        attestation: What to show.
        directory: Where; made with its parents when missing.
        formats: Names out of `FORMATS`.

    Returns:
        Where each format was written.

    Raises:
        InputError: When a format is unknown or the folder can't be written to.
        GatekeeperError: When the disk is full or broken.
    """
    wanted = list(dict.fromkeys(formats))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise InputError(f"there is no format {printable(unknown[0], 80)!r}", hint=f"choose from {', '.join(FORMATS)}")
    texts = {name: FORMATS[name][1](attestation).encode("utf-8") for name in wanted}
    paths = {name: directory / FORMATS[name][0] for name in wanted}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, path in paths.items():
            atomic_write(path, texts[name])
    except OSError as error:
        kind = GatekeeperError if error.errno in _DISK else InputError
        where = printable(str(directory))
        raise kind(f"could not write the report to {where}: {error.strerror}", hint="choose another folder") from error
    return paths
