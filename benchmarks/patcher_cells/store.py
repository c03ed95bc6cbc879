"""Results of cells: one JSON file a cell, written when the cell is done, so that a run goes on where it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gatekeeper.atomic import atomic_write

Result = dict[str, Any]


class Store:
    """Results by the name of their cell.

    Args:
        cache: Folder that keeps them.
    """

    def __init__(self, cache: Path) -> None:
        self._place = cache / "cells"
        self._place.mkdir(parents=True, exist_ok=True)

    def result(self, name: str, make: Callable[[], Result]) -> Result:
        """Give the result of a cell, made when it is not there."""
        path = self._place / f"{name}.json"
        if not path.is_file():
            atomic_write(path, (json.dumps(make(), indent=1) + "\n").encode())
        return self._read(path)

    def results(self, prefix: str) -> Iterator[tuple[str, Result]]:
        """Give the results whose names begin so, by name."""
        for path in sorted(self._place.glob(f"{prefix}*.json")):
            yield path.stem, self._read(path)

    @staticmethod
    def _read(path: Path) -> Result:
        found: Result = json.loads(path.read_text("utf-8"))
        return found
