"""What the examination of a failing prompt works with: the prompt, the prompts that it is tried on, and a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.patch.asking import Asking, Recurrence, parted
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.controls import ordinary
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.saliency import Failing, candidates
from gatekeeper.patch.sweep import in_context
from gatekeeper.patch.trials import Trials
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Measurement
from gatekeeper.tensors.language import Contrast, Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What all cases of one model share."""

    asking: Asking
    hosts: tuple[Prompt, ...]
    """Unsafe prompts that the model refuses, without any context."""

    refusals: tuple[str, ...]
    """Its ways of refusing."""

    neutral: tuple[str, ...]
    """Texts of safe prompts."""

    settings: DiagnosisSettings
    relative: Asking | None
    show: bool
    """Whether words may be kept in clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A failing prompt with the prompts that it is tried on."""

    case: FailureCase
    failing: Failing
    fails: Recurrence
    search: Trials
    """Hosts to search with."""

    held_out: Trials
    """Hosts to measure with."""

    common: frozenset[str]
    """Ordinary words of requests."""

    def refused(self, host: Prompt) -> Failing:
        """Put a refused prompt into the failing one's stead, for the null of a saliency."""
        return Failing(
            prompt=host,
            response=self.failing.response,
            contrast=self.failing.contrast,
            candidates=self.failing.candidates,
        )


@dataclass(kw_only=True, slots=True)
class Notebook:
    """Measurements of one case, in the order in which they were made."""

    number: int
    """Index of the case."""

    found: list[Measurement] = field(default_factory=list)

    def below(
        self, name: str, told: str, value: Proportion | float, limit: float, *, trigger: int | None = None
    ) -> bool:
        """Keep what must lie below a limit; say whether it does."""
        return self._keep(name, told, value, limit, "at-most", _share(value) < limit, trigger)

    def reaches(
        self, name: str, told: str, value: Proportion | float, limit: float, *, trigger: int | None = None
    ) -> bool:
        """Keep what must reach a limit; say whether it does."""
        return self._keep(name, told, value, limit, "at-least", _share(value) >= limit, trigger)

    def see(self, name: str, told: str, value: Proportion | float) -> None:
        """Keep what decides nothing."""
        self._keep(name, told, value, None, "", True, None)

    def _keep(
        self, name: str, told: str, value: Proportion | float, limit: float | None, bound: str, holds: bool,
        trigger: int | None,
    ) -> bool:  # fmt: skip
        words = f"case {self.number + 1}: {told}"
        self.found.append(
            Measurement(name=name, words=words, value=value, limit=limit, bound=bound, holds=holds, trigger=trigger)
        )
        return holds


def _share(value: Proportion | float) -> float:
    return value.share if isinstance(value, Proportion) else value


def set_scene(ground: Ground, case: FailureCase, fails: Recurrence) -> Scene | None:
    """Find the prompts that a failing one is tried on, under its own system prompt and earlier turns.

    Returns:
        None when too few of them are refused there.

    Raises:
        InputError: When the response begins as a refusal does.
    """
    settings, model, prompt = ground.settings, ground.asking.model, case.prompt
    hosts = ground.hosts
    if prompt.system or prompt.before:
        placed = in_context(hosts, prompt)
        complied = ground.asking.complied(placed)
        hosts = tuple(host for host, yes in zip(placed, complied, strict=True) if not yes)
    if len(hosts) < 2 * settings.least_hosts:
        return None
    right = [*ground.refusals, *([case.corrected] if case.corrected else [])]
    contrast = parted(model, prompt, [case.response, *ground.asking.answers([prompt])], right)
    cut = min(settings.hosts, len(hosts) // 2)
    return Scene(
        case=case,
        failing=Failing(
            prompt=prompt,
            response=case.response,
            contrast=contrast,
            candidates=candidates(model, prompt, contrast, settings.longest, settings.kept),
        ),
        fails=fails,
        search=_trials(ground, contrast, hosts[:cut]),
        held_out=_trials(ground, contrast, hosts[cut : cut + settings.held_out_hosts]),
        common=ordinary(hosts),
    )


def _trials(ground: Ground, contrast: Contrast, hosts: tuple[Prompt, ...]) -> Trials:
    return Trials(model=ground.asking.model, contrast=contrast, hosts=hosts, seed=ground.settings.seed)
