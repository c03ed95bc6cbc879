"""Processes that work together, from their meeting to their parting: the first one's side, and the others'."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from gatekeeper.tensors import calls, loading
from gatekeeper.tensors.calls import Call, Reply
from gatekeeper.tensors.language_model import LanguageModel
from gatekeeper.tensors.launched import Launch
from gatekeeper.tensors.shared_model import device_of
from gatekeeper.tensors.world import PeerLostError, World, join, leave


@contextmanager
def company(launch: Launch) -> Iterator[None]:
    """Be the first process: inside the block models are loaded and run by all, after it the others are let go.

    Raises:
        PeerLostError: When another one ended meanwhile.
    """
    world = join(launch)
    try:
        yield
    finally:
        # In the midst of something they would take the word for a part of it; that this one ends, they see.
        if not world.busy:
            with suppress(PeerLostError):
                world.tell(calls.written(Call(method=calls.STOP)))
                leave()


def serve(launch: Launch) -> int:
    """Be one of the others: do what the first process tells, until it says that it is done.

    Returns:
        The exit code.

    Raises:
        PeerLostError: When the first process ended without a word.
    """
    for ending in (signal.SIGTERM, signal.SIGINT):
        # Nothing has to be put in order here, and a handler in Python would wait as long as the process does.
        signal.signal(ending, signal.SIG_DFL)
    world = join(launch)
    models: dict[int, LanguageModel] = {}
    while True:
        call = _heard(world)
        if call.method == calls.STOP:
            leave()
            return 0
        for number in call.forget:
            models.pop(number, None)
        world.gather(calls.reply_written(_reply(world, models, call)))


def _heard(world: World) -> Call:
    try:
        return calls.read(world.hear())
    except ValueError as error:
        raise PeerLostError(
            "the first process says what this one does not understand: stop all, and start again"
        ) from error


def _reply(world: World, models: dict[int, LanguageModel], call: Call) -> Reply:
    try:
        return Reply(values=tuple(_done(world, models, call)))
    except PeerLostError:
        raise
    except Exception as error:  # the first process says it to the person
        return calls.failed(error)


def _done(world: World, models: dict[int, LanguageModel], call: Call) -> list[object]:
    if call.source is not None:
        models[call.model] = _load(world, call.source)
        return []
    model = models[call.model]
    if call.tuning is not None:
        model.begin(call.tuning, world)
    elif call.batch is not None:
        model.step(call.number, call.batch)
    elif call.method == calls.ALIGN:
        model.align()
    elif call.method == calls.DROP:
        model.drop_adapter()
    else:
        with model.frozen() if call.frozen else nullcontext():
            return model.share(call, world.rank, world.size)
    return []


def _load(world: World, source: calls.Source) -> LanguageModel:
    return loading.load(
        Path(source.folder),
        adapter=None if source.adapter is None else Path(source.adapter),
        device=device_of(source.device, world.rank, world.size),
        dtype=source.dtype,
        int8=source.int8,
    )
