"""What the first of several processes tells the others, and what they answer: nouns, and how they are written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gatekeeper.codec import DOCUMENT, decode, encode
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.parsing import load_json
from gatekeeper.tensors.language import Batch, Contrast, Example, Prompt, Tuning
from gatekeeper.text import printable

_DEPTH = 16

STOP, LOAD = "stop", "load"
BEGIN, STEP, ALIGN, DROP = "begin", "step", "align", "drop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a model is read from, and how; see `loading.load`."""

    folder: str
    adapter: str | None
    device: str
    dtype: str
    int8: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One thing that every process does; what a method has no use for stays as it is."""

    method: str
    model: int = 0
    """Number of the model that it is about, in the order of loading."""

    forget: tuple[int, ...] = ()
    """Numbers of models that are not needed any more."""

    frozen: bool = False
    """Whether to answer without the adapter."""

    prompts: tuple[Prompt, ...] = ()
    examples: tuple[Example, ...] = ()
    """All of them: each process takes its own share."""

    contrast: Contrast | None = None
    most_tokens: int = 0
    least: float = 0.0
    source: Source | None = None
    tuning: Tuning | None = None
    batch: Batch | None = None
    number: int = 0
    """Of the step, from 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What one process makes of a call."""

    values: tuple[Any, ...] = ()
    """One for each prompt or example of its share."""

    failure: str = ""
    """Why there are none: `input`, `memory`, `other`, or `peer` where it had to give up because another one failed."""

    message: str = ""
    hint: str = ""


class PeerFailedError(Exception):
    """Another process failed at its share of a step, and will say why."""


def written(call: Call) -> bytes:
    """Give a call as bytes."""
    return json.dumps(encode(call, DOCUMENT)).encode("ascii")


def read(data: bytes) -> Call:
    """Read a call.

    Raises:
        ValueError: When it is none.
    """
    # A text of a model may hold half of a surrogate pair, and one call holds thousands of them.
    return decode(Call, load_json(data, depth=_DEPTH, values=len(data), half_pairs=True), DOCUMENT)


def reply_written(reply: Reply) -> bytes:
    """Give a reply as bytes; numbers may be none, as losses may."""
    parts = {"values": reply.values, "failure": reply.failure, "message": reply.message, "hint": reply.hint}
    return json.dumps(parts).encode("ascii")


def reply_read(data: bytes) -> Reply:
    """Read a reply, of a process of our own."""
    parts = json.loads(data)
    return Reply(values=tuple(parts["values"]), failure=parts["failure"], message=parts["message"], hint=parts["hint"])


def failed(error: Exception) -> Reply:
    """Say what went wrong."""
    if isinstance(error, PeerFailedError):
        return Reply(failure="peer")
    if isinstance(error, GatekeeperError):
        kind = "input" if isinstance(error, InputError) else "other"
        return Reply(failure=kind, message=error.message, hint=error.hint)
    told = printable(f"{type(error).__name__}: {error}", 400)
    # torch's own error for a GPU derives from RuntimeError.
    short = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return Reply(failure="memory" if short else "other", message=told)


def raise_failure(rank: int, reply: Reply) -> None:
    """Raise what a process could not do, where it could not.

    Raises:
        InputError: What it told.
        MemoryError: When its memory did not suffice.
        GatekeeperError: For anything else, naming the process.
    """
    if reply.failure == "input":
        raise InputError(reply.message, hint=reply.hint)
    if reply.failure == "memory":
        raise MemoryError(reply.message)
    if reply.failure == "other":
        raise GatekeeperError(f"process {rank + 1} failed: {reply.message}", hint=reply.hint)
