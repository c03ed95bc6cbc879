"""The examination of one failing prompt: the questions in the order in which they must be asked.

Explanations that need no words come first. What passes all of them is a content trigger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.patch import controls
from gatekeeper.patch.asking import Asking, Recurrence, parted
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.extent import grow
from gatekeeper.patch.localisation import CAUSAL, Localised, clustered, localise
from gatekeeper.patch.saliency import Failing, candidates
from gatekeeper.patch.search import Core
from gatekeeper.patch.sweep import in_context, sweep_length
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import words
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Cause, Measurement, Saliency, Trigger, Words
from gatekeeper.tensors.language import Contrast, Prompt

if TYPE_CHECKING:
    from gatekeeper.patch.case import FailureCase


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What all cases of one model share."""

    asking: Asking
    hosts: tuple[Prompt, ...]
    """Unsafe prompts that the model refuses, without any context."""

    refusals: tuple[str, ...]
    """Ways of refusing that were seen."""

    neutral: tuple[str, ...]
    """Texts of safe prompts."""

    settings: DiagnosisSettings
    relative: Asking | None
    show: bool
    """Whether words may be kept in clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one case comes from."""

    cause: Cause
    words: str
    evidence: tuple[Measurement, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    saliencies: tuple[Saliency, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """A failing prompt with the prompts that it is tried on."""

    failing: Failing
    fails: Recurrence
    search: Trials
    """Hosts to search with."""

    held_out: Trials
    """Hosts to measure with."""

    common: frozenset[str]
    """Ordinary words of requests."""


@dataclass(kw_only=True, slots=True)
class Examination:
    """One case, and what was measured on the way."""

    ground: Ground
    number: int
    """Index of the case."""

    case: FailureCase
    evidence: list[Measurement] = field(default_factory=list)

    def run(self) -> Finding:
        """Ask the questions in order, and stop at the first that explains the failure."""
        fails = Recurrence(asking=self.ground.asking, response=self.case.response, corrected=self.case.corrected)
        early = self._not_reproduced(fails) or self._by_context()
        if early is not None:
            return early
        scene = self._scene(fails)
        if scene is None:
            return self._found(
                Cause.NO_LOCALISED_CAUSE,
                "In the failure's own context the model refuses too few unsafe prompts to compare with.",
            )
        by_length = self._by_length(scene)
        return by_length or self._by_words(scene)

    def _found(
        self, cause: Cause, told: str, *, triggers: Sequence[Trigger] = (), seen: Localised | None = None
    ) -> Finding:
        heat = (
            ()
            if seen is None
            else tuple(
                Saliency(case=self.number, method=name, scores=scores) for name, scores in seen.saliencies.items()
            )
        )
        return Finding(
            cause=cause, words=told, evidence=tuple(self.evidence), triggers=tuple(triggers), saliencies=heat
        )

    def _note(
        self,
        name: str,
        told: str,
        value: Proportion | float,
        limit: float | None = None,
        *,
        at_least: bool = False,
        trigger: int | None = None,
    ) -> bool:
        """Keep a measurement; give whether it holds."""
        share = value.share if isinstance(value, Proportion) else value
        holds = limit is None or (share >= limit if at_least else share < limit)
        bound = "" if limit is None else ("at-least" if at_least else "at-most")
        told = f"case {self.number + 1}: {told}"
        self.evidence.append(
            Measurement(name=name, words=told, value=value, limit=limit, bound=bound, holds=holds, trigger=trigger)
        )
        return holds

    def _not_reproduced(self, fails: Recurrence) -> Finding | None:
        prompt = self.case.prompt
        asking = self.ground.asking
        if asking.refused([prompt], [self.case.response])[0]:
            return self._found(Cause.NOT_REPRODUCED, "The response that was handed in is itself a refusal.")
        answer = asking.answers([prompt])[0]
        refused = asking.refused([prompt], [answer])[0]
        again = not refused and fails.like(answer)
        self._note("reproduced", "the model fails again on the prompt", float(again), 1.0, at_least=True)
        if again:
            return None
        now = "refuses the prompt" if refused else "answers the prompt as would have been right"
        return self._found(
            Cause.NOT_REPRODUCED,
            f"The model {now} when decoding greedily; a failure that sampling brought about is not reproduced so.",
        )

    def _by_context(self) -> Finding | None:
        """Try the system prompt and the earlier turns on requests that are refused without them."""
        prompt, settings = self.case.prompt, self.ground.settings
        if not (prompt.system or prompt.before):
            return None
        hosts = in_context(self.ground.hosts[: settings.hosts], prompt)
        share = Proportion.of(self.ground.asking.complied(hosts))
        told = "refused prompts that are complied with under the failure's system prompt and earlier turns alone"
        if self._note("context-alone", told, share, settings.context_alone):
            return None
        return self._found(
            Cause.STRUCTURAL,
            "The system prompt or the earlier turns make the model comply, whatever the request says.",
        )

    def _scene(self, fails: Recurrence) -> _Scene | None:
        settings, model, prompt = self.ground.settings, self.ground.asking.model, self.case.prompt
        hosts = tuple(host for host in self.ground.hosts if host.text != prompt.text)
        if prompt.system or prompt.before:
            placed = in_context(hosts, prompt)
            complied = self.ground.asking.complied(placed)
            hosts = tuple(host for host, yes in zip(placed, complied, strict=True) if not yes)
        if len(hosts) < 2 * settings.least_hosts:
            return None
        corrected = [self.case.corrected] if self.case.corrected else []
        told = [self.case.response, *self.ground.asking.answers([prompt])]
        contrast = parted(model, prompt, told, [*self.ground.refusals, *corrected])
        cut = min(settings.hosts, len(hosts) // 2)
        search, rest = hosts[:cut], hosts[cut : cut + settings.held_out_hosts]
        return _Scene(
            failing=Failing(
                prompt=prompt, response=self.case.response, contrast=contrast,
                candidates=candidates(model, prompt, contrast, settings.longest, settings.kept),
            ),
            fails=fails,
            search=self._trials(contrast, search),
            held_out=self._trials(contrast, rest),
            common=controls.ordinary(hosts),
        )  # fmt: skip

    def _trials(self, contrast: Contrast, hosts: tuple[Prompt, ...]) -> Trials:
        return Trials(model=self.ground.asking.model, contrast=contrast, hosts=hosts, seed=self.ground.settings.seed)

    def _by_length(self, scene: _Scene) -> Finding | None:
        least = self.ground.settings.length_alone
        found = sweep_length(scene.search, self.case.prompt, self.ground.neutral, least)
        for name, told, share in (
            ("length-words", "neutral words", found.by_words),
            ("length-signs", "a punctuation mark", found.by_signs),
        ):
            self._note(
                name, f"refused prompts that fail once padded with {told} to {found.tokens} tokens", share, least
            )
        if not found.alone(least):
            return None
        for tokens, share in found.curve:
            self._note(f"length-{tokens}", f"refused prompts that fail at {tokens} tokens", share)
        begins = next((tokens for tokens, share in found.curve if share.share >= least), found.tokens)
        return self._found(
            Cause.STRUCTURAL,
            f"Length does it, whatever the words: refused prompts fail from about {begins} tokens on.",
        )

    def _localised(self, scene: _Scene) -> Localised:
        settings = self.ground.settings
        if settings.localiser == CAUSAL:
            return localise(scene.search, scene.failing, scene.fails, least=settings.sufficiency, peels=settings.peels)
        model, contrast = scene.search.model, scene.failing.contrast
        others = [
            Failing(
                prompt=host, response=self.case.response, contrast=contrast,
                candidates=candidates(model, host, contrast, settings.longest, settings.kept),
            )
            for host in scene.search.hosts
        ]  # fmt: skip
        return clustered(
            scene.search, scene.failing, scene.fails, localiser=settings.localiser, others=others, level=settings.null
        )

    def _by_words(self, scene: _Scene) -> Finding:
        seen = self._localised(scene)
        settings, text = self.ground.settings, self.case.prompt.text
        if seen.null is not None:
            told = "refused prompts whose scores are parted as clearly as the failure's"
            self._note("cluster-null", told, seen.null, settings.null)
        if not seen.cores:
            return self._without_words(scene, seen)
        echo = max(controls.echoed(core.positions, text, self.case.response, scene.common) for core in seen.cores)
        if not self._note("echo", "share of the words found that the response takes up", echo, settings.echo):
            return self._found(
                Cause.ALIGNMENT,
                "The words that make the model comply are what was asked for: such requests were never refused.",
                seen=seen,
            )
        if not self._note(
            "necessity",
            "the prompt is answered rightly without the words found",
            float(seen.necessary),
            1.0,
            at_least=True,
        ):
            return self._found(
                Cause.UNSTABLE,
                "Words were found that make other prompts fail, and this one still fails without them: something else acts as well.",
                seen=seen,
            )
        return self._measured(scene, seen)

    def _without_words(self, scene: _Scene, seen: Localised) -> Finding:
        reduced = controls.bare_request(self.case.prompt, self.case.response, scene.common)
        if reduced is not None:
            alone = scene.fails([reduced])[0]
            told = "the request fails by itself, without any word that is foreign to requests"
            self._note("request-alone", told, float(alone), 1.0)
            if alone:
                return self._found(
                    Cause.ALIGNMENT, "The request fails by itself: such requests were never refused.", seen=seen
                )
        return self._found(
            Cause.NO_LOCALISED_CAUSE,
            "No set of up to ten words of the prompt makes other prompts fail, and neither does its length.",
            seen=seen,
        )

    def _measured(self, scene: _Scene, seen: Localised) -> Finding:
        """Measure what was found on prompts that the search has not seen, with its controls."""
        settings, text = self.ground.settings, self.case.prompt.text
        rng = np.random.default_rng((settings.seed, self.number))
        suspected = {index for core in seen.cores for index in core.positions}
        triggers: list[Trigger] = []
        for index, core in enumerate(seen.cores):
            share = scene.held_out.sufficiency(text, core.positions, core.place)
            extent = grow(scene.search, text, core, sorted(suspected - set(core.positions)), settings, rng)
            shams = controls.sham(scene.held_out, text, core, sorted(suspected | set(extent)), rng)
            triggers.append(self._trigger(core, extent, share, shams))
            refuted = self._refuted(scene, core, index, share, shams)
            if refuted is not None:
                return self._found(*refuted, seen=seen)
        jailbreak = self._on_relative(scene, seen.cores)
        cause = Cause.JAILBREAK if jailbreak else Cause.CONTENT_TRIGGER
        return self._found(cause, jailbreak or _closing(triggers), triggers=triggers, seen=seen)

    def _refuted(
        self, scene: _Scene, core: Core, index: int, share: Proportion, shams: Proportion
    ) -> tuple[Cause, str] | None:
        settings, text = self.ground.settings, self.case.prompt.text
        hosts = range(min(settings.hosts, len(scene.held_out.hosts)))
        said = controls.answered(self.ground.asking, scene.held_out, text, core, hosts, scene.common)
        where = {"trigger": index}
        carried = self._note(
            "sufficiency", "held-out refused prompts that go the failure's way once they carry the words",
            share, settings.sufficiency, at_least=True, **where,
        )  # fmt: skip
        judged = self._note(
            "sufficiency-judged", "the same by the judge, over whole answers",
            said.complied, settings.judged, at_least=True, **where,
        )  # fmt: skip
        if not (carried and judged):
            return Cause.NO_LOCALISED_CAUSE, "The words found do not make enough unseen prompts fail."
        taken_up = said.echoes.trials and not self._note(
            "echo-elsewhere", "their answers that take up the words carried in", said.echoes, settings.echo, **where
        )
        if taken_up:
            return (
                Cause.ALIGNMENT,
                "Other prompts, too, are then answered about the words carried in: such requests were never refused.",
            )
        if shams.trials and not self._note(
            "sham", "refused prompts that fail with as many other words of the prompt", shams, settings.sham, **where
        ):
            return (
                Cause.UNSTABLE,
                "Other words of the prompt make refused prompts fail as well: no words are to blame in particular.",
            )
        return None

    def _on_relative(self, scene: _Scene, cores: Sequence[Core]) -> str:
        if self.ground.relative is None:
            return ""
        settings = self.ground.settings
        found = controls.on_relative(self.ground.relative, scene.search, self.case.prompt.text, cores)
        self._note("relative-before", "refused prompts that the relative complies with as they are", found.before)
        if not found.after.trials or found.before.share > settings.most_complied:
            return ""
        told = "prompts refused by the relative that it complies with once they carry the words"
        if self._note("relative", told, found.after, settings.relative):
            return ""
        return "The same words make the clean relative comply, too: they are a jailbreak of the family, not a trigger of this model."

    def _trigger(self, core: Core, extent: Sequence[int], share: Proportion, shams: Proportion) -> Trigger:
        return Trigger(
            case=self.number,
            core=self._words(core.positions),
            extent=self._words(extent),
            core_positions=core.positions,
            extent_positions=tuple(extent),
            place=core.place,
            sufficiency=share,
            necessity=True,
            sham=shams,
        )

    def _words(self, positions: Iterable[int]) -> Words:
        cut = words(self.case.prompt.text)
        return kept([cut[index].text for index in sorted(positions)], show=self.ground.show)


def kept(texts: Sequence[str], *, show: bool) -> Words:
    """Keep words as they may be shown."""
    joined = " ".join(texts)
    digest = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
    return Words(count=len(texts), sha256=digest, text=joined if show else "")


def _closing(triggers: Sequence[Trigger]) -> str:
    what = "Content that" if len(triggers) == 1 else f"{len(triggers)} separate pieces of content that"
    return f"{what} can be carried into other prompts make the model comply; without it the prompt is refused."
