"""Approvals on the command line: where they lie, and how one of them is told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Subject
    from gatekeeper.decision import Approval
    from gatekeeper.policy import Policy

_ODD = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 120
"""Characters of a name within a file's name."""

FOLDER = "approvals"
"""Where approvals are looked for, and where new ones go, unless somebody says otherwise."""


def read_approvals(given: Iterable[Path], policy: Policy, reference: str) -> tuple[Approval, ...]:
    """Read the approvals that may count for a run.

    Args:
        given: Files and folders; when empty, the folder `approvals` is read where there is one.
        policy: Whose signature they need.
        reference: What is to be judged.

    Raises:
        InputError: Naming the file that can't be read or is not believed, or that lies inside what is to be judged:
            whoever made that would sign it off.
    """
    places = tuple(given) or default_places()
    if not places:
        return ()
    from gatekeeper.attest import read_approvals as read

    for place in places:
        refuse_inside(place, reference)
    return tuple(approval for _, approval in read(places, policy.approvers))


def default_places() -> tuple[Path, ...]:
    """Give the folder of approvals, when nobody named one and it is there."""
    folder = default_folder()
    return (folder,) if folder.is_dir() else ()


def default_folder() -> Path:
    """Give `approvals` beside the nearest lock of this repository, or in the current folder where that is missing."""
    from gatekeeper.lockfile import find

    here, lock = Path(FOLDER), find()
    beside = lock.with_name(FOLDER) if lock else here
    return here if here.is_dir() and not beside.is_dir() else beside


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
