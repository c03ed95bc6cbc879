"""Views written into a folder, each whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gatekeeper.atomic import atomic_write_all
from gatekeeper.attestation import Attestation
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.report.document import from_json, to_json
from gatekeeper.text import printable


def _html(attestation: Attestation) -> str:
    from gatekeeper.report.html import to_html

    return to_html(attestation)


def _sarif(attestation: Attestation) -> str:
    from gatekeeper.report.sarif import to_sarif

    return to_sarif(attestation)


FORMATS: Mapping[str, tuple[str, Callable[[Attestation], str]]] = {
    "json": ("report.json", to_json),
    "html": ("report.html", _html),
    "sarif": ("report.sarif", _sarif),
}
"""Format → name of its file and what renders it."""

USUAL = ("json", "html")
"""Formats that a folder gets when none is named."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def write(attestation: Attestation, directory: Path, formats: Iterable[str] = USUAL) -> dict[str, Path]:
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
    paths = {name: directory / FORMATS[name][0] for name in wanted}
    put({paths[name]: FORMATS[name][1](attestation) for name in wanted})
    return paths


def write_one(attestation: Attestation, path: Path) -> dict[str, Path]:
    """Write one view to a file whose ending says which.

    Args:
        attestation: What to show.
        path: Ending in `.json`, `.html` or `.sarif`; its folder is made when missing.

    Returns:
        The format and `path`.

    Raises:
        InputError: When no view has that ending or the file can't be written.
        GatekeeperError: When the disk is full or broken.
    """
    name = path.suffix.removeprefix(".")
    if name not in FORMATS:
        raise InputError(
            f"{printable(str(path))} has the ending of no report", hint=f"end it in .{' or .'.join(FORMATS)}"
        )
    put({path: FORMATS[name][1](attestation)})
    return {name: path}


def write_page(page: str, path: Path) -> None:
    """Write a page that is no attestation's own, such as an overview; errors as for `write`."""
    put({path: page})


def read(path: Path) -> Attestation:
    """Read an attestation from its JSON document.

    Raises:
        InputError: When the file can't be read or is no attestation.
        LimitError: When it is larger than `Limits.report_bytes`.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(DEFAULT_LIMITS.report_bytes + 1)
    except OSError as error:
        raise InputError(
            f"{printable(str(path))} can't be read: {error.strerror}", hint="give the path of a report.json"
        ) from error
    return from_json(data)


def put(texts: Mapping[Path, str]) -> None:
    """Write texts, all or none; errors as for `write`."""
    try:
        for path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_all({path: text.encode("utf-8") for path, text in texts.items()})
    except OSError as error:
        kind = GatekeeperError if error.errno in _DISK else InputError
        where = printable(str(path.parent))
        raise kind(f"could not write the report to {where}: {error.strerror}", hint="choose another folder") from error
