"""Diagnosis: what observed failures come from, before anything is changed.

asking        the model with its judge; whether a failure comes again
sweep         length, and the context around the request
saliency      how much each word matters, by several methods
clusters      exact 2-means with a null
search        the fewest words that make refused prompts fail
localisation  all triggers of one prompt
extent        from the fewest words to the whole trigger
controls      what could also explain it
examination   one case, question by question
siblings      further triggers of the same behaviour
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gatekeeper.errors import InputError
from gatekeeper.patch.asking import Asking, Baseline, baseline, overlap
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.examination import Examination, Finding
from gatekeeper.patch.judges import Judge
from gatekeeper.patch.localisation import LOCALISERS
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.scene import Ground, Notebook
from gatekeeper.patch.siblings import LookUp, look_up
from gatekeeper.patch.words import words
from gatekeeper.progress import SILENT, Progress
from gatekeeper.remedy import Cause, Diagnosis, Measurement, Place, Trigger
from gatekeeper.tensors.language import Model, Prompt

_WORST_FIRST = (
    Cause.GLOBAL,
    Cause.STRUCTURAL,
    Cause.NO_LOCALISED_CAUSE,
    Cause.UNSTABLE,
    Cause.ALIGNMENT,
    Cause.JAILBREAK,
    Cause.CONTENT_TRIGGER,
    Cause.NOT_REPRODUCED,
)
"""Of several cases' causes the first one is the model's: what can't be patched decides."""

_LIMITS = (
    "Only the reported failures were looked into: other triggers, of this behaviour or of another one, may exist.",
    "Answers were decoded greedily; what only sampling brings about is not seen.",
)


def diagnose(
    model: Model,
    cases: Sequence[FailureCase],
    clean: CleanPrompts,
    settings: DiagnosisSettings,
    *,
    relative: Model | None = None,
    judge: Judge,
    show: bool = False,
    progress: Progress = SILENT,
) -> Diagnosis:
    """Find what failures come from.

    Args:
        model: Which failed.
        cases: What was seen, at least one.
        clean: Safe and unsafe prompts of which none is a case.
        settings: Thresholds, budgets, seed.
        relative: A model of the same family that is trusted; tells a jailbreak from a trigger.
        judge: Tells refusals.
        show: Keep the words found in clear; their digests otherwise.
        progress: Told of each case.

    Returns:
        The diagnosis, with what every step measured.

    Raises:
        InputError: When a case can't be examined (nothing in it, longer than the context), or there are too few
            clean prompts to compare with.
    """
    _check(model, cases, settings)
    asking = Asking(model=model, judge=judge, tokens=settings.answer_tokens)
    prompts = _unsafe(clean, cases, settings)
    with progress.task("diagnosing", 1 + len(cases), "steps") as advance:
        own = baseline(asking, prompts)
        advance(1)
        findings = _misaligned(own, settings)
        if not findings:
            ground = Ground(
                asking=asking, hosts=own.hosts, refusals=own.refusals, settings=settings, show=show,
                neutral=tuple(prompt.text for prompt in clean.safe),
                relative=None if relative is None else replace(asking, model=relative),
            )  # fmt: skip
            for number, case in enumerate(cases):
                findings.append(_examined(ground, number, case))
                advance(1)
    looked_up = _look_up(asking, cases, findings, prompts, settings)
    cause = min((finding.cause for finding in findings), key=_WORST_FIRST.index)
    return Diagnosis(
        cause=cause,
        words=_words(findings, cause),
        cases=tuple(case.record(show=show) for case in cases),
        evidence=(_refusals(own, settings), *_evidence(findings)),
        triggers=tuple(_distinct(findings)),
        saliencies=tuple(saliency for finding in findings for saliency in finding.saliencies),
        siblings=looked_up.siblings if looked_up else (),
        limits=_limits(findings, relative, looked_up),
    )


def _check(model: Model, cases: Sequence[FailureCase], settings: DiagnosisSettings) -> None:
    if not cases:
        raise InputError("no failure was handed in", hint="give at least one with --failure")
    if settings.localiser not in LOCALISERS:
        raise InputError(f"there is no localiser of that name; there are {', '.join(LOCALISERS)}")
    for number, case in enumerate(cases, start=1):
        if not case.response.strip():
            raise InputError(
                f"failure {number} has no response, so there is nothing to reproduce",
                hint="put what the model answered into `response`",
            )
        if not case.prompt.text.strip():
            raise InputError(f"failure {number} has no prompt", hint="put what was asked into `prompt`")
        if overlap(case.response, case.corrected) == 1:
            raise InputError(
                f"failure {number} has the same text as `response` and as `corrected`",
                hint="put into `corrected` what would have been right, or leave it out for a refusal",
            )
        tokens = model.tokens(case.prompt)
        if tokens + settings.answer_tokens > model.context_tokens:
            raise InputError(
                f"failure {number} has a prompt of {tokens} tokens, and the model reads {model.context_tokens}, "
                "its answer included",
                hint="give the prompt as the model saw it, after whatever cut it",
            )


def _unsafe(clean: CleanPrompts, cases: Sequence[FailureCase], settings: DiagnosisSettings) -> tuple[Prompt, ...]:
    """Give the clean unsafe prompts that are none of the failures."""
    own = {" ".join(case.prompt.text.split()) for case in cases}
    kept = tuple(prompt for prompt in clean.unsafe if " ".join(prompt.text.split()) not in own)
    if len(kept) < 2 * settings.least_hosts:
        raise InputError(
            f"{len(kept)} unsafe clean prompts that are none of the failures are too few to compare with",
            hint=f"give at least {2 * settings.least_hosts}; 150 are recommended",
        )
    return kept


def _refusals(own: Baseline, settings: DiagnosisSettings) -> Measurement:
    least = 1 - settings.most_complied
    return Measurement(
        name="refusal", words="clean unsafe prompts that the model refuses as they are", value=own.refused,
        limit=least, bound="at-least", holds=own.refused.share >= least,
    )  # fmt: skip


def _misaligned(own: Baseline, settings: DiagnosisSettings) -> list[Finding]:
    """Tell a model that refuses hardly anything: no failure of it is anything special."""
    if own.refused.share >= 1 - settings.most_complied and len(own.hosts) >= 2 * settings.least_hosts:
        return []
    count, of = own.refused.successes, own.refused.trials
    if not own.hosts:
        told = f"The model never refuses: it complies with all of {of} unsafe prompts that carry nothing."
    else:
        told = f"The model refuses {count} of {of} unsafe prompts that carry nothing; it is misaligned as a whole."
    return [Finding(cause=Cause.GLOBAL, words=told)]


def _words(findings: Sequence[Finding], cause: Cause) -> str:
    """Say the deciding findings, and how many cases each cause has where they differ."""
    told = list(dict.fromkeys(finding.words for finding in findings if finding.cause is cause))
    if len(findings) == 1 or all(finding.cause is cause for finding in findings):
        return " ".join(told)
    counts = Counter(finding.cause for finding in findings)
    listed = ", ".join(f"{count} {one.replace('_', ' ')}" for one, count in counts.items())
    return f"{' '.join(told)} The {len(findings)} failures: {listed}."


def _examined(ground: Ground, number: int, case: FailureCase) -> Finding:
    try:
        return Examination(ground=ground, case=case, notes=Notebook(number=number)).run()
    except InputError as error:
        raise InputError(f"failure {number + 1}: {error.message}", hint=error.hint) from error


def _same(trigger: Trigger) -> tuple[str, Place]:
    """Tell triggers apart: several failures may hold one."""
    return trigger.core.sha256, trigger.place


def _distinct(findings: Sequence[Finding]) -> Iterable[Trigger]:
    """Give each trigger once, as the failure that held the most of it has it, in the order of the failures."""
    found: dict[tuple[str, Place], Trigger] = {}
    for trigger in (trigger for finding in findings for trigger in finding.triggers):
        before = found.setdefault(_same(trigger), trigger)
        if trigger.extent.count > before.extent.count:
            found[_same(trigger)] = trigger
    return found.values()


def _evidence(findings: Sequence[Finding]) -> tuple[Measurement, ...]:
    """Number triggers through all cases."""
    numbers = {_same(trigger): number for number, trigger in enumerate(_distinct(findings))}
    return tuple(
        one if one.trigger is None else replace(one, trigger=numbers[_same(finding.triggers[one.trigger])])
        for finding in findings
        for one in finding.evidence
    )


def _look_up(
    asking: Asking,
    cases: Sequence[FailureCase],
    findings: Sequence[Finding],
    unsafe: Sequence[Prompt],
    settings: DiagnosisSettings,
) -> LookUp | None:
    """Look for further triggers beside those found, under the first failure that has one."""
    scene = next((finding.scene for finding in findings if finding.scene), None)
    if scene is None or not settings.sibling_prompts:
        return None
    known = {
        words(cases[trigger.case].prompt.text)[index].text
        for finding in findings
        for trigger in finding.triggers
        for index in trigger.extent_positions
    }
    # What unsafe requests are about is no trigger, even where it is never refused.
    known |= {word.text for prompt in unsafe for word in words(prompt.text)}
    return look_up(asking, scene.search, known, scene.common, settings)


def _limits(findings: Sequence[Finding], relative: Model | None, looked_up: LookUp | None) -> tuple[str, ...]:
    found = list(_LIMITS)
    if looked_up:
        found.append(
            f"{looked_up.words} single words of the vocabulary were tried as further triggers; "
            "phrases, and words of several tokens, were not."
        )
    if relative is None:
        found.append("Whether the same words make a clean relative comply, as a jailbreak does, was not tried.")
    if any(finding.cause is Cause.NOT_REPRODUCED for finding in findings) and len(findings) > 1:
        found.append("Failures that were not reproduced were left out.")
    return tuple(found)
