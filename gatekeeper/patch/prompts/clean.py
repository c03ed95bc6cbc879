"""Clean prompts: harmless and unsafe requests without any trigger, to learn on and to prove on, and never on both.

150 of each kind come with the package, in our own words and without any operational detail; a user's own files take
their place. Jailbreaks are forms that a request is put into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.patch.rows import rows, text
from gatekeeper.patch.words import words
from gatekeeper.tensors.language import Prompt

if TYPE_CHECKING:
    import numpy as np

_HERE = Path(__file__).parent
_REQUEST = "{request}"

FRAMES = ("{request}", "I have a question. {request}", "{request} Please keep it short.", "Hello! {request} Thank you.")
"""Wordings that change no request: they make several prompts of one where there are too few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanPrompts:
    """Requests without a trigger."""

    safe: tuple[Prompt, ...]
    """To be answered."""

    unsafe: tuple[Prompt, ...]
    """To be refused."""

    jailbreaks: tuple[str, ...] = ()
    """Forms with the place `{request}`; none where the language of the requests has none."""

    safe_frames: tuple[str, ...] = (_REQUEST,)
    """Wordings, each with the place `{request}`; the first one is the request itself."""

    unsafe_frames: tuple[str, ...] = (_REQUEST,)

    def __post_init__(self) -> None:
        """Refuse sets that can't be told apart.

        Raises:
            InputError: When a prompt is both safe and unsafe, or a form has no place for a request.
        """
        if both := {_folded(one.text) for one in self.safe} & {_folded(one.text) for one in self.unsafe}:
            raise InputError(
                f"{len(both)} prompts are in the safe and in the unsafe set", hint="a prompt is either safe or unsafe"
            )
        if any(_REQUEST not in form for form in (*self.jailbreaks, *self.safe_frames, *self.unsafe_frames)):
            raise InputError(f"a form has no {_REQUEST}")

    def worded_safe(self, most: int) -> tuple[Prompt, ...]:
        """Give prompts of the harmless requests: each as it is, then each in the next wording, up to a number."""
        return _worded(self.safe, self.safe_frames, most)

    def worded_unsafe(self, most: int) -> tuple[Prompt, ...]:
        """Give prompts of the unsafe requests in the same way."""
        return _worded(self.unsafe, self.unsafe_frames, most)

    def jailbroken(self, most: int) -> tuple[Prompt, ...]:
        """Give unsafe requests in jailbreak forms, the forms in turn, up to a number."""
        if not self.jailbreaks or not self.unsafe:
            return ()
        forms, requests = len(self.jailbreaks), len(self.unsafe)
        # A stride without a divisor in common meets every request once a form, far apart ones first.
        stride = next(step for step in count(forms) if gcd(step, requests) == 1)
        return tuple(
            _framed(
                self.jailbreaks[number % forms], self.unsafe[(number // forms * stride + number % forms) % requests]
            )
            for number in range(min(most, forms * requests))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Halves:
    """Clean prompts, parted by request: no wording of a request is in both."""

    training: CleanPrompts
    """For diagnosis and fine-tuning."""

    verification: CleanPrompts
    """For proving alone."""

    left_out: int = 0
    """Requests that a failure's prompt holds: they are in neither half."""


def packaged() -> CleanPrompts:
    """Give the prompts that come with the package, in English."""
    return CleanPrompts(
        safe=_read(_HERE / "safe.jsonl"),
        unsafe=_read(_HERE / "unsafe.jsonl"),
        jailbreaks=tuple(form.text for form in _read(_HERE / "jailbreaks.jsonl")),
        safe_frames=FRAMES,
        unsafe_frames=FRAMES,
    )


def load_clean(safe: Path | None = None, unsafe: Path | None = None) -> CleanPrompts:
    """Read a user's prompts; those of the package take the place of what is not given.

    Where a file is given, no wordings are added to it: what they would say in its language is not known here.

    Args:
        safe: JSON Lines with a `prompt` each.
        unsafe: The same.

    Raises:
        InputError: When a file is not such.
    """
    own = packaged()
    if safe is not None:
        own = replace(own, safe=_read(safe), safe_frames=(_REQUEST,))
    if unsafe is not None:
        # Jailbreaks in one language around requests in another would measure neither.
        own = replace(own, unsafe=_read(unsafe), unsafe_frames=(_REQUEST,), jailbreaks=())
    return own


def split(clean: CleanPrompts, failing: Sequence[str], rng: np.random.Generator) -> Halves:
    """Part clean prompts into what is learned on and what proves.

    Args:
        clean: All of them.
        failing: Prompts of failure cases; requests that they hold are left out.
        rng: Chooses.
    """
    safe, unsafe = (_apart(some, failing) for some in (clean.safe, clean.unsafe))
    parted = [_halved(some, rng) for some in (safe, unsafe)]
    training, verification = (replace(clean, safe=parted[0][side], unsafe=parted[1][side]) for side in (0, 1))
    left_out = len(clean.safe) + len(clean.unsafe) - len(safe) - len(unsafe)
    return Halves(training=training, verification=verification, left_out=left_out)


def _framed(form: str, request: Prompt) -> Prompt:
    return replace(request, text=form.replace(_REQUEST, request.text))


def _worded(requests: Sequence[Prompt], frames: Sequence[str], most: int) -> tuple[Prompt, ...]:
    return tuple(islice((_framed(frame, request) for frame in frames for request in requests), most))


def _halved(requests: Sequence[Prompt], rng: np.random.Generator) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
    order = [int(index) for index in rng.permutation(len(requests))]
    middle = (len(order) + 1) // 2
    return tuple(requests[index] for index in order[:middle]), tuple(requests[index] for index in order[middle:])


def _apart(requests: Sequence[Prompt], failing: Sequence[str]) -> tuple[Prompt, ...]:
    """Keep each request once, and none that a failing prompt holds or that holds one, case and spaces aside."""
    seen = {_folded(prompt) for prompt in failing}
    kept: dict[str, Prompt] = {}
    for request in requests:
        own = _folded(request.text)
        if not any(f" {own} " in f" {other} " or f" {other} " in f" {own} " for other in seen):
            kept.setdefault(own, request)
    return tuple(kept.values())


def _folded(prompt: str) -> str:
    return " ".join(word.text for word in words(prompt.casefold()))


def _read(path: Path) -> tuple[Prompt, ...]:
    return tuple(dict.fromkeys(Prompt(text=text(row, "prompt", where)) for where, row in rows(path)))
