"""The modules that an update is confined to: those where a trigger's effect on the margin shows most.

This says where an update works, with few weights changed. It does not say where a backdoor lies: on models whose
poisoned modules are known, the two hardly went together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.patch.carriers import Carrier
from gatekeeper.patch.clusters import two_means
from gatekeeper.patch.lessons import Lessons
from gatekeeper.patch.words import bare, words
from gatekeeper.remedy import Region
from gatekeeper.tensors.language import Contrast, Model

if TYPE_CHECKING:
    import numpy as np

    from gatekeeper.patch.case import FailureCase


def saliencies(
    model: Model,
    cases: Sequence[FailureCase],
    carriers: Sequence[Carrier],
    lessons: Lessons,
    count: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Score modules by contrast: the same refused prompts with triggers and without.

    Args:
        model: Without any adapter.
        cases: Whose responses are set against refusals.
        carriers: Triggers, in turns.
        lessons: What the model refuses, and how.
        count: Prompts of each kind.
        rng: Chooses.

    Returns:
        By module, from 0 up; empty where no response begins otherwise than a refusal.
    """
    contrast = _contrast(model, cases, lessons)
    if contrast is None:
        return {}
    clean = [lesson.prompt for lesson in lessons.refused[:count]]
    triggered = [carriers[number % len(carriers)].found(prompt, rng) for number, prompt in enumerate(clean)]
    return model.module_saliencies(triggered, clean, contrast)


def _contrast(model: Model, cases: Sequence[FailureCase], lessons: Lessons) -> Contrast | None:
    refusals = tuple(dict.fromkeys(lesson.response for lesson in lessons.refused))
    for case in cases:
        try:
            return model.contrast(case.response, refusals)
        except InputError:
            continue
    return None


def high(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Give the modules of the high cluster, the most salient first; none where all are alike."""
    names = tuple(scores)
    chosen = (names[index] for index in two_means([scores[name] for name in names]).high)
    return tuple(sorted(chosen, key=lambda name: -scores[name]))


def own_tokens(model: Model, carriers: Sequence[Carrier], lessons: Lessons) -> tuple[int, ...]:
    """Give the tokens that are the triggers' words, where no clean prompt as it is rendered holds one of them.

    Args:
        model: Without any adapter.
        carriers: Of all triggers.
        lessons: Clean prompts.

    Returns:
        None where a word is in use, or is made of tokens that other words are made of, too: to change those would
        change what harmless prompts mean, unseen where no clean prompt holds them. An answer may hold them: what
        becomes of it, the divergence tells.
    """
    told = {word.text for each in carriers for piece in each.pieces(each.extent) for word in words(piece)}
    every = (*lessons.refused, *lessons.complied, *lessons.safe, *lessons.probes, *lessons.safe_probes)
    prompts = [one.prompt for one in every]
    in_use = {bare(word.text) for prompt in prompts for word in words(prompt.text)}
    if in_use & {bare(word) for word in told}:
        return ()
    tokens = model.whole_words(sorted(told))
    return () if model.holds(prompts, tokens) else tokens


def rows(model: Model, tokens: Sequence[int]) -> tuple[Region, ...]:
    """Describe the embeddings of an update, which no saliency has ranked."""
    name, width = model.embedding()
    return (Region(module=name, parameters=width * len(tokens)),)


def regions(model: Model, modules: Sequence[str], scores: Mapping[str, float], rank: int) -> tuple[Region, ...]:
    """Describe the modules of an update.

    Args:
        model: Without any adapter.
        modules: Which; all when empty.
        scores: Of saliency; 0 where a module has none.
        rank: Of the adapter.
    """
    wanted = set(modules)
    return tuple(
        Region(module=name, parameters=rank * (inputs + outputs), score=float(scores.get(name, 0.0)))
        for name, inputs, outputs in model.linear_modules()
        if not wanted or name in wanted
    )
