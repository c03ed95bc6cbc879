"""How long work tells that it goes on: stages call a `Progress`, the command line draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with the units done since the last call; may be called from any thread."""


class Progress(Protocol):
    """Something that can show how far a stage has come."""

    def task(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Advance]:
        """Open a bar.

        Args:
            label: What is being done, for a person: "hashing".
            total: Units to come; None when unknown.
            unit: "bytes" or "files" or "checks".

        Returns:
            A context manager that gives the function to call with each advance.
        """
        ...


class Silent:
    """A `Progress` that shows nothing: for libraries, tests, pipes and CI."""

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Give a function that does nothing."""
        yield lambda _units: None


SILENT = Silent()
