"""How the structure parsers say what is wrong: as values while they can go on, as one exception when they can't."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One deviation from a format's specification."""

    slug: str
    """Which rule of `files/structure` it belongs to."""

    message: str
    """One sentence, printable."""

    offset: int | None = None
    """Byte offset in the file."""

    detail: str = ""
    """Tensor, key or member concerned, as found."""


class StructureError(ValueError):
    """The rest of the file can't be made sense of.

    Args:
        slug: Which rule of `files/structure` it belongs to.
        message: One sentence, printable.
        offset: Byte offset in the file.
        detail: Tensor or key concerned.
    """

    def __init__(self, slug: str, message: str, *, offset: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(slug=slug, message=message, offset=offset, detail=detail)
