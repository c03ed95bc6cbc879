"""What every extractor is: one kind of file in, mentions out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gatekeeper.limits import Limits
from gatekeeper.mention import Mention


class Extractor(Protocol):
    """Reads one kind of file."""

    endings: frozenset[str]
    """Endings of file names, lower case, with the dot."""

    def extract(self, data: bytes, ending: str, limits: Limits) -> Iterator[Mention]:
        """Find every mention in a file; `path` is filled in by whoever asks.

        Args:
            data: The whole file, bounded.
            ending: Which of `endings` it has.
            limits: For nesting and sizes.

        A file that can't be read gives a mention that says why, never an error.
        """
        ...
