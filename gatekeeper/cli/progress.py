"""Progress bars on standard error; quiet off a terminal and in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatekeeper.limits import GIB, KIB, MIB
from gatekeeper.progress import SILENT, Advance, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Bars:
    """Draws one bar a task; a task that ends leaves no line behind."""

    def __init__(self) -> None:
        """Nothing is drawn before the first task."""
        self._bars: RichProgress | None = None

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Draw a bar while the work goes on."""
        bars = self._started()
        shown = bars.add_task(label, total=total, unit=unit)
        try:
            yield lambda units: bars.advance(shown, units)
        finally:
            bars.remove_task(shown)
            if not bars.tasks:
                bars.stop()
                self._bars = None

    def _started(self) -> RichProgress:
        if self._bars is None:
            self._bars = _rich_bars()
            self._bars.start()
        return self._bars


def _rich_bars() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Amount(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(amount(task.completed, task.total, task.fields["unit"]), style="cyan")

    return RichProgress(
        TextColumn("{task.description:<11}"),
        BarColumn(),
        Amount(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )


def amount(done: float, total: float | None, unit: str) -> str:
    """Say how far a task has come: `12.5 of 64.0 MiB`, `3 of 15 checks`."""
    if unit != "bytes":
        return f"{done:.0f} {unit}" if total is None else f"{done:.0f} of {total:.0f} {unit}"
    scale, name = next((pair for pair in _SCALES if (total or done) >= pair[0]), _SCALES[-1])
    told = f"{done / scale:,.1f}"
    return f"{told} {name}" if total is None else f"{told} of {total / scale:,.1f} {name}"


_SCALES = ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"))


def choose(*, quiet: bool) -> Progress:
    """Give bars to a person at a terminal, silence to everything else."""
    watched = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    return SILENT if quiet or not watched else Bars()
