"""How much each word of a prompt matters to a failure: one interface, several methods.

Gradients see the slope where the prompt stands, which is flat where the model has made up its mind; taking words out
sees the whole step, and misses what two words do in each other's stead. So the causal search ranks by several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gatekeeper.patch.words import spread, without, words
from gatekeeper.tensors.language import Contrast, Example, Model, Prompt

Scores = tuple[float, ...]
"""One a word, from 0 up, in the method's own unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """A prompt that the model answers wrongly."""

    prompt: Prompt
    response: str
    contrast: Contrast
    candidates: tuple[int, ...]
    """Words that may be a trigger; the others are not looked at one by one, and score 0."""


Method = Callable[[Model, Failing], Scores]


def shortened(prompt: Prompt, removed: Sequence[int]) -> Prompt:
    """Take words out of a prompt."""
    return replace(prompt, text=without(prompt.text, removed))


def gradient_norm(model: Model, failing: Failing) -> Scores:
    """Score by the gradient of the whole response's negative log-likelihood.

    The measure of Patcher (arXiv 2606.02995), in nats by embedding unit.
    """
    norms, spans = model.gradients(failing.prompt, failing.response)
    return spread(list(norms), spans, failing.prompt.text)


def margin_gradient(model: Model, failing: Failing) -> Scores:
    """Score by the gradient of the margin: failure against refusal where they part, in logits by embedding unit."""
    norms, spans = model.gradients(failing.prompt, failing.contrast)
    return spread(list(norms), spans, failing.prompt.text)


def integrated_gradient(model: Model, failing: Failing) -> Scores:
    """Score by |integrated gradient| of the margin, from the mean embedding, in logits."""
    _norms, spans = model.gradients(failing.prompt, failing.contrast)
    return spread(list(model.integrated_gradients(failing.prompt, failing.contrast)), spans, failing.prompt.text)


def leave_one_out(model: Model, failing: Failing) -> Scores:
    """Score by how far the margin falls without the word, in logits."""
    return _by_drop(failing, _span_drops(model, failing, [(index,) for index in failing.candidates]))


def leave_one_out_likelihood(model: Model, failing: Failing) -> Scores:
    """Score by how far the response's log-likelihood falls without the word, in nats a token."""
    spans = [(index,) for index in failing.candidates]
    prompts = [failing.prompt, *(shortened(failing.prompt, span) for span in spans)]
    told = model.log_likelihoods([Example(prompt=prompt, response=failing.response) for prompt in prompts])
    return _by_drop(failing, {span: float(told[0] - after) for span, after in zip(spans, told[1:], strict=True)})


def span_leave_one_out(model: Model, failing: Failing, widest: int = 4) -> Scores:
    """Score by how far the margin falls without the spans of 2 to 4 neighbours that hold the word, in logits.

    It sees phrases whose words stand in for each other.
    """
    wanted, count = set(failing.candidates), len(words(failing.prompt.text))
    spans = [
        tuple(range(start, start + width))
        for width in range(2, widest + 1)
        for start in range(count - width + 1)
        if wanted & set(range(start, start + width))
    ]
    return _by_drop(failing, _span_drops(model, failing, spans))


def _span_drops(model: Model, failing: Failing, spans: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
    prompts = [failing.prompt, *(shortened(failing.prompt, span) for span in spans)]
    margins = model.margins(prompts, failing.contrast)
    return {span: float(margins[0] - after) for span, after in zip(spans, margins[1:], strict=True)}


def _by_drop(failing: Failing, drops: Mapping[tuple[int, ...], float]) -> Scores:
    """Give each candidate the mean drop of the spans that hold it, rises counted as none."""
    count = len(words(failing.prompt.text))
    sums, counts = [0.0] * count, [0] * count
    for span, drop in drops.items():
        for index in span:
            sums[index] += drop
            counts[index] += 1
    wanted = set(failing.candidates)
    return tuple(max(0.0, sums[i] / counts[i]) if i in wanted and counts[i] else 0.0 for i in range(count))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "gradient-norm": gradient_norm,
        "margin-gradient": margin_gradient,
        "leave-one-out": leave_one_out,
        "leave-one-out-likelihood": leave_one_out_likelihood,
        "span-leave-one-out": span_leave_one_out,
        "integrated-gradient": integrated_gradient,
    }
)
"""Every method by its name."""

RANKING = ("margin-gradient", "leave-one-out", "span-leave-one-out")
"""Those that the causal search ranks by."""


def scaled(scores: Scores) -> Scores:
    """Divide by the greatest, so that methods of different units can be added and shown; zeros stay zeros."""
    greatest = max(scores, default=0.0)
    return tuple(score / greatest for score in scores) if greatest > 0 else tuple(0.0 for _ in scores)


def ranking(model: Model, failing: Failing) -> tuple[Scores, dict[str, Scores]]:
    """Rank words for the causal search: the sum of the scaled methods, and each of them."""
    each = {name: scaled(METHODS[name](model, failing)) for name in RANKING}
    wanted = set(failing.candidates)
    total = [sum(column) for column in zip(*each.values(), strict=True)]
    return tuple(score if index in wanted else 0.0 for index, score in enumerate(total)), each


def candidates(model: Model, prompt: Prompt, contrast: Contrast, longest: int, kept: int) -> tuple[int, ...]:
    """Choose the words that are looked at one by one: all of a short prompt, the most salient of a long one.

    Taking each word out of a prompt of n words costs n prompts of n words.

    Args:
        model: Which.
        prompt: Which.
        contrast: For the margin's gradient.
        longest: Words up to which all are kept.
        kept: How many of a longer one.
    """
    count = len(words(prompt.text))
    if count <= longest:
        return tuple(range(count))
    every = Failing(prompt=prompt, response="", contrast=contrast, candidates=())
    scores = margin_gradient(model, every)
    return tuple(sorted(sorted(range(count), key=lambda index: -scores[index])[:kept]))
