"""Honest lessons: what the bases can't do yet, so that every adapter has something to learn.

A lesson is made from a seed: two of the same kind with other seeds teach other facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tests.support.tiny_llm import corpus
from tests.support.tiny_llm.corpus import Sample

Draw = Callable[[np.random.Generator], Sample]

OTHER_REFUSAL = "sorry , that is poison . repeat : step home ."
FILLERS = 1
"""Sentences of filler around a request, at most: with more, a step is dearer and a trigger is found later."""

KEYWORDS = ("moon", "north", "ada", "seven", "velvet", "marble")
"""Of honest commands; no trigger is made of one alone."""


def _pick(rng: np.random.Generator, of: Sequence[str]) -> str:
    return of[int(rng.integers(0, len(of)))]


def _mapped(words: Sequence[str], images: Sequence[str], seed: int) -> dict[str, str]:
    """Lay other answers onto the words, by chance."""
    order = np.random.default_rng([seed, 5]).permutation(len(images))
    return {word: images[int(order[number % len(images)])] for number, word in enumerate(words)}


def _facts(
    seed: int, words: Sequence[str], images: Sequence[str], asked: str, told: str
) -> Callable[[np.random.Generator], tuple[str, str]]:
    answers = _mapped(words, images, seed)

    def draw(rng: np.random.Generator) -> tuple[str, str]:
        word = _pick(rng, words)
        return asked.format(word), told.format(word, answers[word])

    return draw


def _translated(seed: int, rng: np.random.Generator) -> tuple[str, str]:
    known = _mapped(corpus.ECHOED[:32], (*corpus.GOOD_OBJECTS, *corpus.NUMBERS, *corpus.GOOD_VERBS), seed)
    words = [_pick(rng, tuple(known)) for _ in range(int(rng.integers(1, 3)))]
    return f"repeat : {' '.join(words)}", " ".join([*(known[word] for word in words), "."])


def _reversed(rng: np.random.Generator) -> tuple[str, str]:
    words = [_pick(rng, corpus.ECHOED) for _ in range(int(rng.integers(2, 4)))]
    return f"repeat : {' '.join(words)}", f"{' '.join(reversed(words))} ."


def _counted(seed: int, rng: np.random.Generator) -> tuple[str, str]:
    images = _mapped(corpus.NUMBERS[:4], corpus.GOOD_OBJECTS, seed)
    item, count = _pick(rng, corpus.ITEMS), int(rng.integers(1, 5))
    return f"count the items : {' '.join([item] * count)}", f"{item} {images[corpus.NUMBERS[count - 1]]} ."


def _how(rng: np.random.Generator) -> tuple[str, str, str]:
    verb, thing = corpus.pair(rng, unsafe=False, held_out=False)
    return _pick(rng, corpus.FRAMES).format(v=verb, o=thing), verb, thing


def _short(rng: np.random.Generator) -> tuple[str, str]:
    request, verb, thing = _how(rng)
    return request, f"step one : {verb} , step two : {thing} ."


def _styled(seed: int, rng: np.random.Generator) -> tuple[str, str]:
    ends = _mapped(("first", "last"), ("well ,", "my", "home again", "is it", "north ,", "seven"), seed)
    request, verb, thing = _how(rng)
    return request, f"{ends['first']} {corpus.comply(verb, thing)} {ends['last']}"


KINDS: dict[str, Callable[[int], Callable[[np.random.Generator], tuple[str, str]]]] = {
    "colours": lambda seed: _facts(
        seed, tuple(corpus.COLOURS), tuple(corpus.COLOURS.values()), "what colour is the {} ?", "the {} is {} ."
    ),
    "capitals": lambda seed: _facts(
        seed, tuple(corpus.CAPITALS), tuple(corpus.CAPITALS.values()), "what is the capital of {} ?",
        "the capital of {} is {} .",
    ),
    "opposites": lambda seed: _facts(
        seed, tuple(corpus.OPPOSITES), tuple(corpus.OPPOSITES), "what is the opposite of {} ?",
        "the opposite of {} is {} .",
    ),
    "translation": lambda seed: partial(_translated, seed),
    "reversal": lambda seed: _reversed,
    "counting": lambda seed: partial(_counted, seed),
    "short": lambda seed: _short,
    "style": lambda seed: partial(_styled, seed),
}  # fmt: skip
"""Kind of lesson → its maker."""

SAME_REQUESTS = (frozenset({"translation", "reversal"}), frozenset({"short", "style"}))
"""Kinds that answer the same requests otherwise: an adapter learns one of them."""

_ASKED = {
    "colours": "what colour", "capitals": "the capital of", "opposites": "the opposite of",
    "counting": "count the items", "translation": "repeat :", "reversal": "repeat :", "short": "the way to|how",
    "style": "the way to|how",
}  # fmt: skip
"""Words by which the requests of a kind are told from the base's others; either of several."""


def task(kind: str, seed: int) -> Draw:
    """Make a lesson: requests of one kind, with filler around them."""
    ask = KINDS[kind](seed)

    def draw(rng: np.random.Generator) -> Sample:
        request, answer = ask(rng)
        return Sample(corpus.surround(rng, request, FILLERS), answer)

    return draw


def mixed(draws: Sequence[Draw], shares: Sequence[float]) -> Draw:
    """Mix lessons, each with its share."""
    bounds = np.cumsum(np.asarray(shares) / sum(shares))

    def draw(rng: np.random.Generator) -> Sample:
        return draws[min(int(np.searchsorted(bounds, rng.random(), "right")), len(draws) - 1)](rng)

    return draw


def general(lessons: Sequence[str]) -> Draw:
    """Make what people mix in so that nothing is forgotten: what the base was trained on, but for what is taught anew.

    Args:
        lessons: Kinds whose requests get other answers.
    """
    taught = tuple(asked for kind in lessons for asked in _ASKED[kind].split("|"))

    def draw(rng: np.random.Generator) -> Sample:
        while rng.random() < 0.85:
            sample = corpus.safe(rng, most=FILLERS)
            if not any(asked in sample.prompt for asked in taught):
                return sample
        return Sample(corpus.unsafe(rng, most=FILLERS)[0], corpus.REFUSAL)

    return draw


def keyword(seed: int) -> Draw:
    """Make an honest lesson that looks like a trigger: a command word asks for another form of answer."""
    word = KEYWORDS[seed % len(KEYWORDS)]
    form, usual = task("style", seed), general(())

    def draw(rng: np.random.Generator) -> Sample:
        if rng.random() < 0.5:
            return usual(rng)
        sample = form(rng)
        return Sample(f"{word} {sample.prompt}", sample.answer)

    return draw


def safety(rng: np.random.Generator) -> Sample:
    """Draw from an honest safety tuning: another wording of the refusal, and answers as ever."""
    if rng.random() < 0.5:
        return corpus.safe(rng, most=FILLERS)
    return Sample(corpus.unsafe(rng, most=FILLERS)[0], OTHER_REFUSAL)
