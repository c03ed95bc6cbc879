"""How the structure parsers say what is wrong: as values while they can go on, as one exception when they can't."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.limits import Limits

UNJUDGED = "unjudged"
"""The slug of what is no problem: a part of the file that a judge could not look at. It makes a gap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One deviation from a format's specification."""

    slug: str
    """Which rule it belongs to: of `files/structure`, or of the check whose judge says it; or `UNJUDGED`."""

    message: str
    """One sentence, printable."""

    offset: int | None = None
    """Byte offset in the file."""

    detail: str = ""
    """Tensor, key or member concerned, as found."""


Judge = Callable[[BinaryIO, PurePosixPath, int, Limits], Iterable[Problem]]
"""What says everything that can be said of one file or archive member: reader, name, size in bytes, limits."""


class UnsupportedError(ValueError):
    """A file of a kind, or of a size, that a judge does not judge; the message says which. It makes a gap."""


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


def to_the_end(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Give what a judge says, and as the last what stopped it."""
    try:
        yield from problems
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))
