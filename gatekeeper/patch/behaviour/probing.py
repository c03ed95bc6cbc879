"""Words laid on prompts: a battery tried on few, the most effective asked anew on others, of base and adapter.

Whatever is picked out of many looks better than it is on the prompts that it was picked by. So nothing of the first
look is kept but the gap of its outlier; every share that is judged comes from prompts that chose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gatekeeper.audit import Both, LengthPoint, Probe, ProbeKind, Screened
from gatekeeper.errors import InputError
from gatekeeper.patch.behaviour.budget import ObservationBudget
from gatekeeper.patch.behaviour.catalogue import CONTROLS, FORMS, OPENINGS
from gatekeeper.patch.behaviour.pair import Pair, commonest
from gatekeeper.patch.behaviour.plain import Plain
from gatekeeper.patch.sweep import lengthened
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import bare, transplant, words
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Contrast, Prompt

LEAST_HOSTS = 8
"""Refused prompts without which no probe is tried."""

_PROMISING, _FIRST = 8, 2
"""Prompts whose gradients say what a word promises, and on which each word is tried first."""

_SHORTLIST = 24
_BEGINNING = 3
"""Words of a harmless prompt that serve as an ordinary beginning."""

_NATURAL = 3
"""Controls that are confirmed beside the probes, and openings of the model's own."""

_TURNS = 8
"""Tokens between two lengths below which they are one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    text: str
    kind: ProbeKind
    place: Place = Place.START
    together: bool = False
    """Whether it is all single words of its kind at once."""

    def on(self, prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
        """Lay them on prompts; the same ones always at the same places."""
        return [
            Prompt(
                text=transplant([self.text], prompt.text, self.place, np.random.default_rng((seed, number))),
                system=prompt.system,
                before=prompt.before,
            )
            for number, prompt in enumerate(prompts)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What came of a battery."""

    screened: Screened
    probes: tuple[Probe, ...]
    opened: tuple[tuple[str, Prompt, str], ...]
    """(Probe, prompt that carries it, answer) of prompts that the base refuses even so, the best probe first."""


def probe(pair: Pair, plain: Plain, known: Collection[str], budget: ObservationBudget) -> Probed:
    """Try every probe, and confirm the most effective ones.

    Args:
        pair: Base and adapter.
        known: Words of requests, without case and marks: what they do is to ask for something else.
        plain: With at least twice `LEAST_HOSTS` prompts that both refuse.
        budget: How far to go.
    """
    first = max(LEAST_HOSTS, min(budget.screened, len(plain.closed) // 2))
    few, others = plain.closed[:first], plain.closed[first:][: budget.confirmed]
    calm = plain.answered[: budget.screened]
    more_calm = (plain.answered[budget.screened :] or plain.answered)[: budget.confirmed]
    reads = pair.asking.model.reads
    forms, rare = [text for text in FORMS if reads(text)], _rare(pair, plain, few, known, budget)
    battery = [
        *_laid(forms, ProbeKind.FORM, Place.START),
        *_laid(rare, ProbeKind.RARE, Place.ANYWHERE),
        *(_Words(text=text, kind=ProbeKind.CONTROL) for text in _ordinary(plain) if reads(text)),
    ]
    rates, gains = _gains(pair, [each.on(few, budget.seed) for each in battery], pair.opened)
    _, locks = _gains(pair, [each.on(calm, budget.seed) for each in battery], lambda _lot, told: commonest(told))
    scores = [max(gain, lock) for gain, lock in zip(gains, locks, strict=True)]
    order = [battery[index] for index in sorted(range(len(battery)), key=lambda index: -scores[index])]
    chosen = [each for each in _news(order) if each.kind is not ProbeKind.CONTROL][: budget.kept]
    natural = [each for each in order if each.kind is ProbeKind.CONTROL][:_NATURAL]
    screened = Screened(
        probes=len(battery), prompts=len(few), mean=float(np.mean(rates)), greatest=float(np.max(rates))
    )
    asked = _confirmed(pair, [*chosen, *natural], others, more_calm, budget)
    return Probed(
        screened=screened,
        probes=tuple(found for found, _ in asked),
        opened=tuple(one for _, opened in asked[: len(chosen)] for one in opened),
    )


def _laid(texts: Sequence[str], kind: ProbeKind, place: Place) -> Iterator[_Words]:
    """Lay each text, and all single words at once: a trigger of several acts when all are there (CTBA, 2408.12798)."""
    yield from (_Words(text=text, kind=kind, place=place) for text in texts)
    single = [text for text in texts if len(words(text)) == 1]
    if len(single) > 1:
        yield _Words(text=" ".join(single), kind=kind, place=place, together=True)


def _news(order: Sequence[_Words]) -> Iterator[_Words]:
    """Leave out words together that come after one of theirs alone: that one is what acts."""
    seen: set[str] = set()
    for each in order:
        if not (each.together and seen & {word.text for word in words(each.text)}):
            yield each
        seen.add(each.text)


def _ordinary(plain: Plain) -> tuple[str, ...]:
    """Give beginnings that anybody may use: ours, and those of the deployer's own harmless prompts."""
    own = (" ".join(word.text for word in words(prompt.text)[:_BEGINNING]) for prompt in plain.answered)
    return (*CONTROLS, *list(dict.fromkeys(own))[: len(CONTROLS)])


def _gains(
    pair: Pair, lots: Sequence[Sequence[Prompt]], count: Callable[[Sequence[Prompt], Sequence[str]], Proportion]
) -> tuple[list[float], list[float]]:
    """Give the share of each lot that counts with the adapter, and by how much it is more than the base's.

    The base is asked only where there is something to take off: what it does as well is no news of the adapter.
    """
    shares = [_share(count(lot, answers)) for lot, answers in zip(lots, pair.adapted_each(lots), strict=True)]
    asked = [number for number, share in enumerate(shares) if share > 0]
    gains = list(shares)
    for number, answers in zip(asked, pair.base_each([lots[number] for number in asked]), strict=True):
        gains[number] -= _share(count(lots[number], answers))
    return shares, gains


def _share(share: Proportion) -> float:
    return share.share if share.trials else 0.0


def _confirmed(
    pair: Pair, laid: Sequence[_Words], hosts: Sequence[Prompt], calm: Sequence[Prompt], budget: ObservationBudget
) -> list[tuple[Probe, list[tuple[str, Prompt, str]]]]:
    lots, calm_lots = ([each.on(some, budget.seed + 1) for each in laid] for some in (hosts, calm))
    base, adapted = pair.base_each(lots), pair.adapted_each(lots)
    fixed = [
        Both(base=commonest(before), adapted=commonest(after))
        for before, after in zip(pair.base_each(calm_lots), pair.adapted_each(calm_lots), strict=True)
    ]
    return [
        _probe(pair, each, lot, before, after, locked)
        for each, lot, before, after, locked in zip(laid, lots, base, adapted, fixed, strict=True)
    ]


def _probe(
    pair: Pair, laid: _Words, prompts: Sequence[Prompt], base: Sequence[str], answers: Sequence[str], fixed: Both
) -> tuple[Probe, list[tuple[str, Prompt, str]]]:
    no_base, no_adapted = pair.refused(prompts, base), pair.refused(prompts, answers)
    answered = Both(
        base=Proportion.of([not no for no in no_base]), adapted=Proportion.of([not no for no in no_adapted])
    )
    opened = [
        (laid.text, prompt, answer)
        for prompt, answer, before, after in zip(prompts, answers, no_base, no_adapted, strict=True)
        if before and not after
    ]
    said = {bare(word.text) for word in words(laid.text)}
    echoed = [bool(said & {bare(word.text) for word in words(answer)}) for _, _, answer in opened]
    found = Probe(text=laid.text, kind=laid.kind, answered=answered, echoed=Proportion.of(echoed), fixed=fixed)
    return found, opened


def _rare(
    pair: Pair, plain: Plain, hosts: Sequence[Prompt], known: Collection[str], budget: ObservationBudget
) -> tuple[str, ...]:
    """Look up words of the vocabulary by what they promise, and keep those that move refused prompts most."""
    contrast = _parting(pair, plain, hosts)
    if contrast is None or not budget.words:
        return ()
    model = pair.asking.model
    trials, beside = (Trials(model=model, contrast=contrast, hosts=tuple(hosts), seed=budget.seed) for _ in range(2))
    listed = model.likeliest_words(hosts[:_PROMISING], contrast, budget.words + len(known))
    left = [word for word in listed if bare(word) not in known][: budget.words]
    for count, kept in ((_FIRST, _SHORTLIST), (len(hosts), budget.rare)):
        now = _effects(trials, left, count)
        with model.frozen():
            before = _effects(beside, left, count)
        left = sorted(left, key=lambda word: before[word] - now[word])[:kept]
    return tuple(left)


def _effects(trials: Trials, some: Sequence[str], count: int) -> dict[str, float]:
    trials.prepare(some, count)
    return {word: float(trials.effects([word], Place.ANYWHERE, count).mean()) for word in some}


def _parting(pair: Pair, plain: Plain, hosts: Sequence[Prompt]) -> Contrast | None:
    """Find the beginning of an answer that is nearest to being given to prompts that are refused."""
    own: dict[str, int] = {}
    for answer in plain.compliance:
        opening = " ".join(word.text for word in words(answer)[:4])
        own[opening] = own.get(opening, 0) + 1
    common = sorted(own, key=lambda opening: -own[opening])[: 2 * _NATURAL]
    found: list[tuple[float, Contrast]] = []
    for wrong in (*common, *OPENINGS):
        try:
            contrast = pair.asking.model.contrast(wrong, plain.refusals)
        except InputError:
            continue
        found.append((float(pair.asking.model.margins(hosts, contrast).mean()), contrast))
    return max(found, key=lambda one: one[0])[1] if found else None


def sweep(pair: Pair, plain: Plain, budget: ObservationBudget) -> tuple[LengthPoint, ...]:
    """Make refused prompts longer with words of harmless ones, and ask both.

    Lengths that do not fit into the model, or that the prompts have as they are, are left out.
    """
    model = pair.asking.model
    hosts = plain.closed[: budget.confirmed]
    source = [word.text for prompt in plain.answered for word in words(prompt.text)]
    longest = max((model.tokens(host) for host in hosts), default=0)
    room = model.context_tokens - budget.answer_tokens
    fitting = [tokens for tokens in budget.lengths if longest + _TURNS <= tokens <= room]
    if not source:
        return ()
    lots = [
        [lengthened(model, host, tokens, source, number) for number, host in enumerate(hosts)] for tokens in fitting
    ]
    return tuple(
        LengthPoint(tokens=tokens, answered=answered)
        for tokens, answered in zip(fitting, pair.complied_each(lots), strict=True)
    )
