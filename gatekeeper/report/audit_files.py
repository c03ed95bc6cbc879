"""Files of an audit report: attestations found in folders and read one by one, and the two views written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.report.audit import AuditReport
from gatekeeper.report.audit_attested import NOT_SIGNED, AuditInput, SignedState
from gatekeeper.report.audit_document import to_audit_json
from gatekeeper.report.document import from_json
from gatekeeper.report.files import put
from gatekeeper.text import printable

NAME = "report.json"
"""File name by which reports are found in folders."""


def find(places: Iterable[Path], limits: Limits = DEFAULT_LIMITS) -> tuple[Path, ...]:
    """Find reports.

    Args:
        places: Files, which are taken as they are, and folders, in which every regular file called `report.json` is
            taken, however deep; symbolic links in folders are not followed.
        limits: How many reports and how many entries of folders.

    Returns:
        The files in the order of the places, sorted within each; a file that is named twice is given once.

    Raises:
        InputError: When a place is missing, can't be read, or is a folder without a report.
        LimitError: When there are more than the limits allow.
    """
    found: dict[Path, Path] = {}
    for place in places:
        inside = sorted(_walk(place, limits)) if place.is_dir() else [place]
        if not inside:
            raise InputError(
                f"{printable(str(place))} holds no {NAME}", hint="`gatekeeper gate … --out FOLDER` writes one"
            )
        for path in inside:
            found.setdefault(path.resolve(), path)
        if len(found) > limits.audit_reports:
            raise LimitError(f"more than {limits.audit_reports} reports (limit audit_reports)")
    return tuple(found.values())


def _walk(folder: Path, limits: Limits) -> Iterator[Path]:
    """Give the reports below a folder; a folder that can't be listed is an error, never a report too few."""
    waiting, seen = [folder], 0
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    seen += 1
                    if seen > limits.audit_entries:
                        told = f"{printable(str(folder))} has more than {limits.audit_entries} entries"
                        raise LimitError(f"{told} (limit audit_entries)", hint="name a folder with reports alone")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.name == NAME and entry.is_file(follow_symlinks=False):
                        yield Path(entry.path)
        except OSError as error:
            raise InputError(f"{printable(str(here))} can't be read: {error.strerror}") from error


def write_audit(audit: AuditReport, directory: Path) -> dict[str, Path]:
    """Write audit.html and audit.json: both or, when one can't be rendered or written, neither.

    Args:
        audit: What to show.
        directory: Where; made with its parents when missing.

    Returns:
        Where each format was written.

    Raises:
        InputError: When the folder can't be written to.
        GatekeeperError: When the disk is full or broken.
    """
    from gatekeeper.report.audit_html import to_audit_html

    paths = {"html": directory / "audit.html", "json": directory / "audit.json"}
    put({paths["html"]: to_audit_html(audit), paths["json"]: to_audit_json(audit)})
    return paths


def read_input(path: Path, *, source: str = "", signed: SignedState = NOT_SIGNED) -> AuditInput:
    """Read one report with the digest of its bytes.

    Args:
        path: The report.json.
        source: How people are told where it was; empty for its path.
        signed: What is known of the signature on its verdict.

    Raises:
        InputError: When it can't be read or is no attestation; the message names the file.
        LimitError: When it is larger than `Limits.report_bytes`.
    """
    shown = printable(str(path), 400)
    try:
        with path.open("rb") as stream:
            data = stream.read(DEFAULT_LIMITS.report_bytes + 1)
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}", hint=f"give a {NAME} or a folder") from error
    try:
        attestation = from_json(data)
    except InputError as error:
        raise type(error)(f"{shown}: {error.message}", hint=error.hint) from error
    return AuditInput(
        attestation=attestation, digest=hashlib.sha256(data).hexdigest(), source=source or str(path), signed=signed
    )
