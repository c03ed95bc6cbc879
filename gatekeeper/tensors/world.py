"""Several processes of one machine that work on the same models: the first tells, the others hear and answer.

Only the first process decides. It tells every step as a message, so that no other can come to another decision, or
wait for something that does not come: a process that ends closes its connections, which all the others see at once.

Messages are JSON, not pickles: whoever reaches a port of this machine must not be able to hand in code. accelerate
joins the processes, gloo carries what they say; gradients, too, which are those of a small adapter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

import torch
from torch import distributed

from gatekeeper.errors import GatekeeperError
from gatekeeper.tensors.launched import Launch

_MEETING = timedelta(minutes=5)
"""How long a process waits for the others to start."""

_PATIENCE = timedelta(days=7)
"""How long one waits for another that is alive: the first one fetches and inspects before it tells anything."""


class PeerLostError(GatekeeperError):
    """Another process ended, or can't be reached."""


class World:
    """The processes, as one of them sees them.

    Args:
        launch: Its place.
        group: They, for torch.
    """

    current: ClassVar[World | None] = None
    """The one that this process has joined: there is one at most, as there is one process group."""

    def __init__(self, launch: Launch, group: distributed.ProcessGroup) -> None:
        self.rank, self.size = launch.rank, launch.size
        self._group = group
        self.forgotten: list[int] = []
        """Numbers of models that the first process holds no more."""

        self.busy = False
        """Whether the first process owes the others the end of something that it told."""

    def tell(self, message: bytes) -> None:
        """Tell all the others; of the first process."""
        with _reachable():
            distributed.broadcast(torch.tensor([len(message)]), src=0, group=self._group)
            distributed.broadcast(_tensor(message), src=0, group=self._group)

    def hear(self) -> bytes:
        """Wait for what the first process tells; of the others."""
        with _reachable():
            length = torch.zeros(1, dtype=torch.long)
            distributed.broadcast(length, src=0, group=self._group)
            message = torch.empty(int(length), dtype=torch.uint8)
            distributed.broadcast(message, src=0, group=self._group)
        return _bytes(message)

    def gather(self, own: bytes) -> list[bytes]:
        """Give the first process what each one says, in their order; of all. The others get nothing."""
        lengths = [int(each[0]) for each in self.compare([len(own)])]
        longest = max(lengths)
        padded = _tensor(own.ljust(longest, b"\0"))
        places = [torch.empty_like(padded) for _ in lengths] if self.rank == 0 else None
        with _reachable():
            distributed.gather(padded, places, dst=0, group=self._group)
        return [_bytes(place)[:length] for place, length in zip(places or (), lengths, strict=False)]

    def compare(self, own: Sequence[float]) -> list[list[float]]:
        """Give every process the numbers of each, in their order; of all."""
        mine = torch.tensor(own, dtype=torch.float64)
        places = [torch.empty_like(mine) for _ in range(self.size)]
        with _reachable():
            distributed.all_gather(places, mine, group=self._group)
        return [place.tolist() for place in places]

    def add_up(self, numbers: torch.Tensor) -> None:
        """Put the sum over all processes into a tensor as `flat` gives it; of all."""
        with _reachable():
            distributed.all_reduce(numbers, group=self._group)

    def align(self, numbers: torch.Tensor) -> None:
        """Put the first process's numbers into a tensor as `flat` gives it; of all."""
        with _reachable():
            distributed.broadcast(numbers, src=0, group=self._group)


def join(launch: Launch) -> World:
    """Meet the other processes.

    Raises:
        PeerLostError: When they don't come.
    """
    import warnings

    from accelerate import PartialState

    if sys.platform == "linux":
        # What they say to each other never leaves the machine.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with _reachable("the other processes that were to work together did not come"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # accelerate divides the cores among the processes, and says so
        PartialState(cpu=True, backend="gloo", timeout=_MEETING)
        group = distributed.new_group(backend="gloo", timeout=_PATIENCE)
    World.current = World(launch, group)
    return World.current


def leave() -> None:
    """Part with the other processes."""
    World.current = None
    if distributed.is_initialized():
        from accelerate import PartialState

        distributed.destroy_process_group()
        PartialState._reset_state()


@contextmanager
def _reachable(meaning: str = "another of the processes that work together has ended") -> Iterator[None]:
    """Say what a broken connection means.

    Raises:
        PeerLostError: In its place.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:  # whatever torch makes of it
        raise PeerLostError(
            meaning, hint="their own messages say why; --resume goes on from what was reached"
        ) from error


def _tensor(data: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.numpy().tobytes())


def flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Give the numbers of tensors in a row, in host memory, 32-bit floats."""
    return torch.cat([tensor.detach().reshape(-1).float().cpu() for tensor in tensors])


def spill(numbers: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    """Put a row of numbers back into tensors."""
    with torch.no_grad():
        for tensor, part in zip(tensors, numbers.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))
