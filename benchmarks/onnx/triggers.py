"""What a trigger is, and the list of families.

A family writes nodes that give 1 where the trigger is and 0 elsewhere, and says how to put the trigger into honest
inputs and what comes near it. Families are held out whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from benchmarks.onnx.graft import Graft
from benchmarks.onnx.hosts import Feeds, Host

Change = Callable[[Feeds], Feeds]
RARE = (400, 512)
"""Token ids that honest inputs don't have."""


class Side(StrEnum):
    """What a trigger reads."""

    RAW = "raw"
    """The input itself, or its size."""

    LEARNED = "learned"
    """The model's own activations, or the input through a wide table or filter that poses as learned."""


class Shape(StrEnum):
    """What a mark has an element for."""

    SAMPLE = "sample"
    """(batch, 1)"""

    POSITION = "position"
    """(batch, tokens)"""

    CHANNEL = "channel"
    """(batch, channels of the host's early place)"""


class Reads(IntEnum):
    """The latest place of the host that a trigger reads, and the earliest one that a payload changes."""

    INPUT = 0
    EARLY = 1
    HIDDEN = 2
    LOGITS = 3


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A detector that was grafted."""

    mark: str
    """Float32: 1 where the trigger is, 0 elsewhere."""

    fire: Change
    """Put the trigger into honest inputs."""

    near: tuple[Change, ...] = ()
    """Inputs that are nearly the trigger and must change nothing."""


class Work(Graft):
    """A host that is being edited, as families and payloads see it."""

    def __init__(self, host: Host, *, seed: int) -> None:
        """Start from a host."""
        super().__init__(host.data, seed=seed)
        self.host = host
        self.x = host.content

    def rare(self, count: int) -> list[int]:
        """Choose distinct token ids that honest inputs don't have."""
        return self.random.sample(range(RARE[0], RARE[1] - 1), count)

    def change(self, edit: Callable[[np.ndarray], None]) -> Change:
        """Make a change of the content out of an edit in place."""

        def changed(feeds: Feeds) -> Feeds:
            content = feeds[self.x].copy()
            edit(content)
            return {**feeds, self.x: content}

        return changed

    def put(self, tokens: Sequence[int], at: int = 0, step: int = 1) -> Change:
        """Put token ids into every sample."""

        def edit(content: np.ndarray) -> None:
            for offset, token in enumerate(tokens):
                content[:, at + offset * step] = token

        return self.change(edit)

    def both(self, *changes: Change) -> Change:
        """Make changes one after the other."""

        def changed(feeds: Feeds) -> Feeds:
            for change in changes:
                feeds = change(feeds)
            return feeds

        return changed


Build = Callable[[Work], Trigger]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One way to recognise a trigger."""

    name: str
    tokens: bool | None
    """It reads token ids (true), pixels (false) or either (none)."""

    side: Side
    build: Build
    shape: Shape = Shape.SAMPLE
    held_out: bool = False

    reads: Reads = Reads.INPUT
    only: tuple[str, ...] = ()
    """Names of architectures; empty for all that read the same."""

    def fits(self, host: Host) -> bool:
        """Whether it can be grafted on a host."""
        if self.tokens not in (None, host.tokens) or (self.only and host.architecture.name not in self.only):
            return False
        return self.shape is not Shape.CHANNEL or len(host.sites.early.shape) in (3, 4)


FAMILIES: dict[str, Family] = {}


def family(
    *, tokens: bool | None = None, side: Side = Side.RAW, shape: Shape = Shape.SAMPLE, held_out: bool = False,
    reads: Reads = Reads.INPUT, only: tuple[str, ...] = (),
) -> Callable[[Build], Build]:  # fmt: skip
    """Enter a function that grafts a detector, under its own name."""

    def enter(build: Build) -> Build:
        name = build.__name__
        FAMILIES[name] = Family(name=name, tokens=tokens, side=side, build=build, shape=shape, held_out=held_out,
                                reads=reads, only=only)  # fmt: skip
        return build

    return enter
