"""Servers of confined children live as long as the tests of this room: starting one costs more than most of its jobs.

Every job still runs in a child of its own, under its own bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from gatekeeper.checks.onnx import analysis, confirm_asking, export_asking, reference_analysis, whole_asking
from gatekeeper.confined import Bounds, Ending, Server

_ROOMS = (analysis, confirm_asking, export_asking, reference_analysis, whole_asking)
_LOST = "server of confined children"


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """Give every module that asks for a server one that is kept."""
    with ExitStack() as resources, pytest.MonkeyPatch.context() as patch:
        kept: dict[tuple[str, tuple[str, ...]], Server] = {}

        class Kept(Server):
            """A server whose process outlives the block that it is used in."""

            def __enter__(self) -> Self:
                return self

            def __exit__(
                self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
            ) -> None:
                pass

            def run(
                self,
                request: bytes,
                bounds: Bounds,
                writable: Path | None = None,
                readable: Iterable[Path] | None = None,
            ) -> Ending:
                key = (self._entry, self._warm)
                if key not in kept:
                    kept[key] = resources.enter_context(Server(*key))
                ending = kept[key].run(request, bounds, writable, readable)
                if _LOST in ending.error:
                    del kept[key]
                return ending

        for room in _ROOMS:
            patch.setattr(room, "Server", Kept)
        yield
