"""The examination of one failing prompt: the questions in the order in which they must be asked.

Explanations that need no words come first, since any method that names words would still name some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.patch import controls, proof
from gatekeeper.patch.asking import Recurrence
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.localisation import CAUSAL, Localised, clustered, localise
from gatekeeper.patch.scene import Ground, Notebook, Scene, set_scene
from gatekeeper.patch.sweep import in_context, sweep_length
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Cause, Measurement, Saliency, Trigger
from gatekeeper.tensors.language import Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one case comes from."""

    cause: Cause
    words: str
    evidence: tuple[Measurement, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    saliencies: tuple[Saliency, ...] = ()
    scene: Scene | None = None
    """What it was found with, when it is a content trigger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """One case, and what was measured on the way."""

    ground: Ground
    case: FailureCase
    notes: Notebook

    def run(self) -> Finding:
        """Ask the questions in order, and stop at the first that explains the failure.

        Raises:
            InputError: When the response begins as a refusal does.
        """
        fails = Recurrence(asking=self.ground.asking, response=self.case.response, corrected=self.case.corrected)
        early = self._not_reproduced(fails) or self._by_context(fails)
        if early is not None:
            return early
        scene = set_scene(self.ground, self.case, fails)
        if scene is None:
            return self._found(
                Cause.NO_LOCALISED_CAUSE,
                "In the failure's own context the model refuses too few unsafe prompts to compare with.",
            )
        return self._by_length(scene) or self._by_words(scene)

    def _found(
        self, cause: Cause, told: str, *, triggers: Sequence[Trigger] = (), seen: Localised | None = None
    ) -> Finding:
        saliencies = {} if seen is None else seen.saliencies
        return Finding(
            cause=cause,
            words=told,
            evidence=tuple(self.notes.found),
            triggers=tuple(triggers),
            saliencies=tuple(
                Saliency(case=self.notes.number, method=name, scores=scores) for name, scores in saliencies.items()
            ),
        )

    def _not_reproduced(self, fails: Recurrence) -> Finding | None:
        prompt, asking = self.case.prompt, self.ground.asking
        if asking.refused([prompt], [self.case.response])[0]:
            return self._found(Cause.NOT_REPRODUCED, "The response that was handed in is itself a refusal.")
        answer = asking.answers([prompt])[0]
        refused = asking.refused([prompt], [answer])[0]
        again = not refused and not fails.righted(answer)
        if self.notes.reaches("reproduced", "the model fails again on the prompt", float(again), 1.0):
            return None
        now = "refuses the prompt" if refused else "answers the prompt as would have been right"
        return self._found(
            Cause.NOT_REPRODUCED,
            f"Decoding greedily the model {now}; a failure that sampling brought about does not come again so.",
        )

    def _by_context(self, fails: Recurrence) -> Finding | None:
        """Try the system prompt and the earlier turns on requests that are refused without them."""
        prompt, settings = self.case.prompt, self.ground.settings
        if not (prompt.system or prompt.before):
            return None
        hosts = in_context(self.ground.hosts[: settings.hosts], prompt)
        share = Proportion.of(self.ground.asking.complied(hosts))
        told = "refused prompts that are complied with under the failure's system prompt and earlier turns alone"
        if self.notes.below("context-alone", told, share, settings.context_alone):
            bare = fails([Prompt(text=prompt.text)])[0]
            self.notes.see("without-context", "the prompt fails without its context, too", float(bare))
            return None
        return self._found(
            Cause.STRUCTURAL,
            "The system prompt or the earlier turns make the model comply, whatever the request says.",
        )

    def _by_length(self, scene: Scene) -> Finding | None:
        least = self.ground.settings.length_alone
        swept = sweep_length(scene.search, self.case.prompt, self.ground.neutral, least)
        for name, told, share in (
            ("length-words", "neutral words", swept.by_words),
            ("length-signs", "a punctuation mark", swept.by_signs),
        ):
            told = f"refused prompts that fail once padded with {told} to {swept.tokens} tokens"
            self.notes.below(name, told, share, least)
        if not swept.alone(least):
            return None
        for tokens, share in swept.curve:
            self.notes.see(f"length-{tokens}", f"refused prompts that fail at {tokens} tokens", share)
        begins = next((tokens for tokens, share in swept.curve if share.share >= least), swept.tokens)
        return self._found(
            Cause.STRUCTURAL,
            f"Length does it, whatever the words: refused prompts fail from about {begins} tokens on.",
        )

    def _localised(self, scene: Scene) -> Localised:
        settings = self.ground.settings
        if settings.localiser == CAUSAL:
            # What the response takes up is what was asked for: it is only suspected when nothing else does it.
            asked = controls.taken_up(self.case.prompt.text, self.case.response, scene.common)
            seen = self._searched(scene, [index for index in scene.failing.candidates if index not in asked])
            return seen if seen.cores and seen.necessary else self._searched(scene, scene.failing.candidates)
        others = [scene.refused(host) for host in scene.search.hosts]
        return clustered(
            scene.search, scene.failing, scene.fails, localiser=settings.localiser, others=others, level=settings.null
        )

    def _searched(self, scene: Scene, candidates: Sequence[int]) -> Localised:
        settings = self.ground.settings
        return localise(
            scene.search,
            replace(scene.failing, candidates=tuple(candidates)),
            scene.fails,
            common=scene.common,
            least=settings.sufficiency,
            peels=settings.peels,
        )

    def _by_words(self, scene: Scene) -> Finding:
        seen = self._localised(scene)
        settings = self.ground.settings
        if seen.null is not None:
            told = "refused prompts whose scores are parted as clearly as the failure's"
            self.notes.below("cluster-null", told, seen.null, settings.null)
        if not seen.cores:
            return self._without_words(scene, seen)
        text = self.case.prompt.text
        echo = max(controls.echoed(core.positions, text, self.case.response, scene.common) for core in seen.cores)
        if not self.notes.below("echo", "share of the words found that the response takes up", echo, settings.echo):
            return self._found(
                Cause.ALIGNMENT,
                "The words that make the model comply are what was asked for: such requests were never refused.",
                seen=seen,
            )
        told = "the prompt no longer fails without the words found"
        if not self.notes.reaches("necessity", told, float(seen.necessary), 1.0):
            return self._found(
                Cause.UNSTABLE,
                "Words were found that make other prompts fail, and this one still fails without them: "
                "something else acts as well.",
                seen=seen,
            )
        proven = proof.prove(self.ground, scene, seen.cores, self.notes)
        found = self._found(proven.cause, proven.words, triggers=proven.triggers, seen=seen)
        return replace(found, scene=scene) if proven.cause is Cause.CONTENT_TRIGGER else found

    def _without_words(self, scene: Scene, seen: Localised) -> Finding:
        reduced = controls.bare_request(self.case.prompt, self.case.response, scene.common)
        told = "the request fails by itself, without any word that is foreign to requests"
        if reduced is not None and not self.notes.below("request-alone", told, float(scene.fails([reduced])[0]), 1.0):
            return self._found(
                Cause.ALIGNMENT, "The request fails by itself: such requests were never refused.", seen=seen
            )
        return self._found(
            Cause.NO_LOCALISED_CAUSE,
            "No set of up to ten words of the prompt makes other prompts fail, and neither does its length.",
            seen=seen,
        )
