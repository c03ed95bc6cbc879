"""What the scanners are given: copies of the parts of files that can hold code, and why other parts were not copied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


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
    ESCAPE = "escape"
    """Unpacking it would write outside the folder."""

    LINK = "link"
    NESTED = "nested"
    REACH = "reach"
    """A chat template that reaches for Python's insides or for other files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Something that was not handed over, and why."""

    path: str
    reason: str
    """One sentence, printable."""

    kind: RefusalKind = RefusalKind.GAP


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 80


def safe_name(name: str) -> str:
    """Make a file name of a hostile one: letters, digits, dots; its end is kept, since scanners go by extensions."""
    cleaned = _UNSAFE.sub("_", name.rsplit("/", 1)[-1])[-_LONGEST:].lstrip(".-")
    return cleaned or "file"


def escapes(name: str) -> bool:
    """Whether an archive member's name or link leads out of the folder that the archive is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or bool(re.match(r"[A-Za-z]:", name)) or "\x00" in name
