"""Trained adapters in a folder, one folder a cell, made when they are asked for and kept."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.adapter_cells.cells import RECIPE, Cell

if TYPE_CHECKING:
    from tests.support.tiny_llm.shelf import Shelf


class Adapters:
    """Adapters by cell.

    Args:
        cache: Folder that keeps them.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._place = cache / f"adapters-{RECIPE}"
        self._place.mkdir(parents=True, exist_ok=True)
        self._bases: dict[int, Any] = {}

    @cached_property
    def _shelf(self) -> Shelf:
        from tests.support.tiny_llm.shelf import Shelf  # which imports torch

        return Shelf(self._cache / "tiny")

    def base_folder(self, seed: int) -> Path:
        """Give the folder of a base."""
        return self._shelf.base(seed)

    def folder(self, cell: Cell) -> Path:
        """Give the folder of a cell's adapter, there or not."""
        return self._place / cell.slug

    def result(self, cell: Cell) -> dict[str, Any] | None:
        """Give what is known of a trained adapter; None when it is not there."""
        path = self.folder(cell) / "cell.json"
        if not path.is_file():
            return None
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        wanted = json.loads(json.dumps(asdict(cell)))
        return found if found.items() >= wanted.items() else None

    def train(self, cell: Cell) -> dict[str, Any]:
        """Give the same, trained when it is not there."""
        if (known := self.result(cell)) is not None:
            return known
        from benchmarks.adapter_cells.training import trained

        base = self._base(cell.base)
        work = Path(tempfile.mkdtemp(dir=self._place))
        try:
            begun = time.process_time()
            result = trained(cell, base, work)
            told = {**asdict(cell), **result, "cpu_seconds": round(time.process_time() - begun, 2)}
            (work / "cell.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
            (work / "README.md").unlink(missing_ok=True)
            work.rename(self.folder(cell))
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return told

    def _base(self, seed: int) -> Any:
        from tests.support.tiny_llm import training as tiny

        if seed not in self._bases:
            self._bases[seed] = tiny.read(self.base_folder(seed))
        return self._bases[seed]
