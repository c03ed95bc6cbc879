"""Whether this process is one of several that a launcher started to work together; no torch is imported to know it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gatekeeper.errors import InputError

_ADDRESS = ("MASTER_ADDR", "MASTER_PORT")
"""Where the processes meet."""

_DIVIDED = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DeepSpeed"}
"""What `accelerate launch` sets to have a model divided among processes → how that is called."""

_MOST = 64
"""Processes of one machine."""

_HINT = "start them by torchrun or accelerate launch; without RANK and WORLD_SIZE it works alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """One process among several."""

    rank: int
    """From 0; the first one decides and writes, the others help it."""

    size: int
    """How many there are, at least two."""


def launched() -> Launch | None:
    """Give this process's place among those that were started together; None when it is alone.

    `torchrun` and `accelerate launch` tell it in the environment.

    Raises:
        InputError: When what they tell is no place, the processes are on several machines, or the model would have to
            be divided among them.
    """
    told = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")]
    if not (told[0] and told[1]) or told[1] == "1":
        return None
    rank, size, here = (int(value) if value.isascii() and value.isdigit() else -1 for value in told)
    if not (0 <= rank < size <= _MOST) or not all(os.environ.get(name) for name in _ADDRESS):
        raise InputError(f"RANK, WORLD_SIZE, {' and '.join(_ADDRESS)} name no place among up to {_MOST} processes",
                         hint=_HINT)  # fmt: skip
    if here != size:
        raise InputError("the processes are not all on this machine, by LOCAL_WORLD_SIZE",
                         hint=f"the model's private copy is here alone: {_HINT}")  # fmt: skip
    for name, engine in _DIVIDED.items():
        if os.environ.get(name, "").lower() in ("1", "true", "yes", "on", "y", "t"):
            raise InputError(f"each process holds the whole model: {engine} is not offered",
                             hint="one process lays a model over all GPUs with --device all")  # fmt: skip
    return Launch(rank=rank, size=size)
