"""Results of cells: one JSON file a result, written when it is there, so that a run goes on where it ended.

The name of the file holds the version of the code that made it: what other code made stays, and is not taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.atomic import atomic_write

Result = dict[str, Any]


class Store:
    """Results by name and version.

    Args:
        cache: Folder that keeps them.
    """

    def __init__(self, cache: Path) -> None:
        self._place = cache / "cells"
        self._place.mkdir(parents=True, exist_ok=True)

    def result(self, name: str, version: str, make: Callable[[], Result]) -> Result:
        """Give a result, made when it is not there."""
        path = self._path(name, version)
        if not path.is_file():
            atomic_write(path, (json.dumps(make(), indent=1) + "\n").encode())
        return self._read(path)

    def found(self, name: str, version: str) -> Result | None:
        """Give a result; None when it is not there."""
        path = self._path(name, version)
        return self._read(path) if path.is_file() else None

    def _path(self, name: str, version: str) -> Path:
        return self._place / f"{name}.{version}.json"

    @staticmethod
    def _read(path: Path) -> Result:
        found: Result = json.loads(path.read_text("utf-8"))
        return found
