"""A model that several processes hold: the first one asks, each does its share, the first one puts it together."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from gatekeeper.errors import InputError
from gatekeeper.progress import SILENT, Progress
from gatekeeper.tensors import calls, loading
from gatekeeper.tensors.calls import Call, PeerFailedError, Source
from gatekeeper.tensors.language import Batch, Contrast, Example, Prompt, TrainStep, Tuning
from gatekeeper.tensors.language_model import LanguageModel
from gatekeeper.tensors.spreading import SPREAD
from gatekeeper.tensors.tuning import out_of_memory, train
from gatekeeper.tensors.world import World
from gatekeeper.text import printable

_Found = TypeVar("_Found")

_NUMBERS = count(1)
"""Of models, in this process."""


def load(
    world: World, folder: Path, *, adapter: Path | None, device: str, dtype: str, int8: bool,
    progress: Progress = SILENT,
) -> SharedModel:  # fmt: skip
    """Have every process read a model; arguments and errors as for `loading.load`.

    Raises:
        InputError: When each can't have a device of its own.
    """
    place = device_of(device, 0, world.size)
    parts = loading.read(folder, adapter=adapter, device=place, dtype=dtype, int8=int8, progress=progress)
    model = SharedModel(*parts, world=world)
    # The first one has timed which type is the faster, and all have to reckon alike.
    source = Source(
        folder=str(folder.absolute()), adapter=None if adapter is None else str(adapter.absolute()), device=device,
        dtype=model.dtype, int8=int8,
    )  # fmt: skip
    model.everywhere(Call(method=calls.LOAD, source=source), lambda: None)
    return model


def device_of(asked: str, rank: int, size: int) -> str:
    """Give the device of one of several processes.

    Raises:
        InputError: When one is named that they can't share, or there are too few.
    """
    if asked == SPREAD or ":" in asked:
        raise InputError(
            f"{size} processes can't share the device {printable(asked, 40)!r}",
            hint="each takes its own by --device auto, cuda or cpu; --device all is for one process",
        )
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return "cpu"
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if there < size:
        raise InputError(f"{size} processes need as many GPUs, and there are {there}",
                         hint="start fewer processes, or --device cpu")  # fmt: skip
    return f"cuda:{rank}"


class SharedModel(LanguageModel):
    """A language model of which every process has a copy; this is the first one's.

    What reads many prompts is divided. What looks at one, or at words alone, is done by the first process.

    Args:
        model: As for `LanguageModel`.
        tokenizer: As there.
        source: As there.
        world: The processes.
    """

    def __init__(self, model: Any, tokenizer: Any, source: Path | None, *, world: World) -> None:
        super().__init__(model, tokenizer, source=source)
        self._world = world
        self._number = next(_NUMBERS)
        self._is_frozen = False
        weakref.finalize(self, world.forgotten.append, self._number)

    @property
    def device(self) -> str:
        """Where it runs, in which type, and in how many processes: `cpu, float32 in 2 processes`."""
        return f"{super().device} in {self._world.size} processes"

    @property
    def dtype(self) -> str:
        """Of its weights, as `load` takes it."""
        return super().device.partition(", ")[2]

    def everywhere(self, call: Call, own: Callable[[], _Found]) -> tuple[_Found, list[tuple[Any, ...]]]:
        """Have every process do something.

        Args:
            call: What the others do.
            own: The same for this one.

        Returns:
            What this one found, and the values of all, in their order; this one's are empty.

        Raises:
            GatekeeperError: When one could not do it.
        """
        world = self._world
        gone = tuple(world.forgotten)
        del world.forgotten[: len(gone)]
        world.busy = True
        world.tell(calls.written(replace(call, model=self._number, forget=gone, frozen=self._is_frozen)))
        mistake, found = None, None
        try:
            found = own()
        except Exception as error:  # the others are answering, and have to be heard first
            mistake = error
        replies = [calls.reply_read(data) for data in world.gather(calls.reply_written(calls.Reply()))]
        world.busy = False
        if mistake is not None and not isinstance(mistake, PeerFailedError):
            raise mistake
        for rank, reply in enumerate(replies):
            calls.raise_failure(rank, reply)
        return found, [reply.values for reply in replies]  # type: ignore[return-value]

    def _divided(self, call: Call) -> list[Any]:
        """Have every process do its share of the prompts or examples; give what all found, in their order."""
        size = self._world.size
        own, others = self.everywhere(call, lambda: self.share(call, 0, size))
        shares = [own, *others[1:]]
        return [shares[index % size][index // size] for index in range(sum(map(len, shares)))]

    def margins(self, prompts: Sequence[Prompt], contrast: Contrast) -> NDArray[np.float64]:
        """Give the margin of each prompt, shape (prompts,), in logits."""
        return np.array(self._divided(Call(method="margins", prompts=tuple(prompts), contrast=contrast)), float)

    def log_likelihoods(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give the mean log-probability of a response's tokens, shape (examples,), nats a token."""
        return np.array(self._divided(Call(method="log_likelihoods", examples=tuple(examples))), float)

    def divergences(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give KL(frozen ‖ now) by example, nats a token."""
        return np.array(self._divided(Call(method="divergences", examples=tuple(examples))), float)

    def certain_runs(self, examples: Sequence[Example], least: float) -> tuple[int, ...]:
        """Give the longest run of an answer's tokens that each have more than a probability, by example."""
        return tuple(self._divided(Call(method="certain_runs", examples=tuple(examples), least=least)))

    def generate(self, prompts: Sequence[Prompt], most_tokens: int) -> tuple[str, ...]:
        """Answer greedily; special tokens left out."""
        return tuple(self._divided(Call(method="generate", prompts=tuple(prompts), most_tokens=most_tokens)))

    def tune(
        self, batches: Iterator[Batch], tuning_: Tuning, watch: Callable[[TrainStep], bool]
    ) -> tuple[TrainStep, ...]:
        """Train a fresh LoRA adapter; every process reckons the gradient of its share of each batch."""
        world = self._world

        def step(number: int, batch: Batch) -> TrainStep:
            done = Call(method=calls.STEP, number=number, batch=batch)
            return self.everywhere(done, lambda: self.step(number, batch))[0]

        self.drop_adapter()
        try:
            # Apart: a process that can't lay the adapter on must say so before the others wait for it.
            self.everywhere(Call(method=calls.BEGIN, tuning=tuning_), lambda: self.begin(tuning_, world))
            self.everywhere(Call(method=calls.ALIGN), self.align)
            steps = train(step, batches, tuning_, watch)
            self.everywhere(Call(method=calls.ALIGN), self.align)
        except (MemoryError, torch.OutOfMemoryError) as error:
            self.drop_adapter()
            raise out_of_memory() from error
        return steps

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Answer as before tuning, inside the block."""
        before, self._is_frozen = self._is_frozen, True
        try:
            with super().frozen():
                yield
        finally:
            self._is_frozen = before

    def drop_adapter(self) -> None:
        """Forget what was tuned."""
        self.everywhere(Call(method=calls.DROP), super().drop_adapter)
