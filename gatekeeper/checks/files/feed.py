"""What the scanners are given: copies of the parts of files that can hold code, and why other parts were not copied."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gatekeeper.checks.files.problem import Problem


class FeedKind(StrEnum):
    """How a scanner child reads a copy."""

    PICKLE = "pickle"
    """One or more pickle streams from the first byte on."""

    TORCH_LEGACY = "torch-legacy"
    """The five streams of the old torch format; what follows is tensors and is not looked at."""

    WHOLE = "whole"
    """Any other format, recognised by its extension or content."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """One copy for the scanners."""

    path: str
    """File of the artifact that it comes from, with `!member` for each archive around it."""

    copy: Path
    kind: FeedKind
    torchscript: bool = False
    """Whether PyTorch's own C++ unpickler reads it, which resolves TorchScript types and imports nothing."""


class RefusalKind(StrEnum):
    """Why something was not handed to the scanners."""

    GAP = "gap"
    """It could not be looked at; says nothing about it."""

    BOMB = "bomb"
    BROKEN = "broken"
    COLLISION = "collision"
    """Two members would be one file on some disks."""

    ESCAPE = "escape"
    """Unpacking it would write outside the folder."""

    LINK = "link"
    NESTED = "nested"
    SPECIAL = "special"
    """A device, a pipe or a program that would run with its owner's rights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Something that was not handed over, and why."""

    path: str
    reason: str
    """One sentence, printable."""

    kind: RefusalKind = RefusalKind.GAP
    lasting: bool = True
    """Whether the same bytes would be refused again: not where a child ran out of time or memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberProblem:
    """What a judge says of something inside an archive."""

    path: str
    """File of the artifact, with `!member` for each archive around it."""

    problem: Problem


Output = Feed | Refusal | MemberProblem
"""What unpacking gives."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 80


def safe_name(name: str) -> str:
    """Make a file name of a hostile one: letters, digits, dots; its end is kept, since scanners go by extensions."""
    cleaned = _UNSAFE.sub("_", name.rsplit("/", 1)[-1])[-_LONGEST:].lstrip(".-")
    return cleaned or "file"


_CLIMBS = re.compile(r"\.\. *\Z")
"""Windows drops spaces at the end of a name."""


def escapes(name: str) -> bool:
    """Whether an archive member's name or link leads out of the folder that the archive is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    climbs = any(_CLIMBS.match(part) for part in parts)
    return climbs or name.startswith(("/", "\\")) or bool(re.match(r"[A-Za-z]:", name)) or "\x00" in name


def folded(name: str) -> str:
    """Give the form under which names are one file on disks that ignore case or normalise Unicode."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())
