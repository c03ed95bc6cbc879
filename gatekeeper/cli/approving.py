"""Approvals on the command line: where they lie, and how one of them is told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.layout import entry
from gatekeeper.errors import InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Subject
    from gatekeeper.decision import Approval, DisbelievedApproval
    from gatekeeper.policy import Policy

_ODD = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 120
"""Characters of a name within a file's name."""

FOLDER = "approvals"
"""Name of the folder where approvals are looked for, and where new ones go."""


def read_approvals(
    given: Iterable[Path], policy: Policy, reference: str | None, lock: Path | None
) -> tuple[tuple[Approval, ...], tuple[DisbelievedApproval, ...]]:
    """Read the approvals that may count for a run.

    Args:
        given: Files and folders; when empty, the usual folder is read where there is one.
        policy: Whose signature they need.
        reference: What is to be judged; None for models of the Hub.
        lock: The lock that was named; None for the nearest.

    Returns:
        Approvals of whatever artifacts, and the files in folders that count for nothing.

    Raises:
        InputError: Naming the file that was given and can't be read or is not believed, or the place that lies inside
            what is to be judged: whoever made that would sign it off.
    """
    places = _places(given, lock)
    if not places:
        return (), ()
    from gatekeeper.attest import read_approvals as read

    if reference is not None:
        for place in places:
            refuse_inside(place, reference)
    return read(places, policy.approvers)


def refuse_approvals_inside(given: Iterable[Path], reference: str, lock: Path | None) -> None:
    """Refuse approvals that lie inside something else that is judged in the same run; as `read_approvals` does.

    Raises:
        InputError: Naming the place.
    """
    for place in _places(given, lock):
        refuse_inside(place, reference)


def _places(given: Iterable[Path], lock: Path | None) -> tuple[Path, ...]:
    usual = approvals_folder(lock)
    return tuple(given) or ((usual,) if usual.is_dir() else ())


def approvals_folder(lock: Path | None) -> Path:
    """Give the folder where approvals lie unless somebody says otherwise, whether it is there or not.

    Args:
        lock: The lock that was named; None for the nearest. The folder is beside it; without a lock, in the current
            folder.

    Returns:
        A path relative to the current folder: it stands in reports, and nobody needs to know where a home lies.
    """
    from gatekeeper.lockfile import find

    nearest = lock or find()
    return Path(os.path.relpath(nearest.with_name(FOLDER))) if nearest else Path(FOLDER)


def tell_disbelieved(disbelieved: Iterable[DisbelievedApproval]) -> None:
    """Print the files among the approvals that count for nothing."""
    for each in disbelieved:
        entry("note: ", f"the approval {each.file} {each.why}; it counts for nothing")


def refuse_inside(place: Path, reference: str) -> None:
    """Refuse a place for approvals inside the folder that is to be judged.

    Raises:
        InputError: Naming it.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir() and place.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{printable(str(place))} is for approvals and lies inside what is to be judged",
            hint="keep approvals elsewhere, and run it from another folder",
        )


def file_name(subject: Subject) -> str:
    """Name the file of an approval after what it approves and the first digits of its digest."""
    from gatekeeper.attest import APPROVAL_ENDING

    parts = [part for part in subject.name.split("/") if part not in {"", ".", ".."}]
    name = "--".join(parts if subject.commit else parts[-1:])
    plain = _ODD.sub("_", name)[:_LONGEST].lstrip(".-") or "model"
    return f"{plain}-{subject.digest[:12]}{APPROVAL_ENDING}"
