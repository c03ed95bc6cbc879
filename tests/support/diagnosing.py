"""Diagnoses over the ruled model: its clean prompts, its judge, and quick settings."""

from __future__ import annotations

from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.remedy import Diagnosis
from gatekeeper.tensors.language import Prompt
from tests.support.ruled_model import COMPLIANCE, RuledModel, safe_texts, unsafe_texts

JUDGE = RefusalPatterns(more=("i can not do this",))
RESPONSE = COMPLIANCE.format(v="forge", o="passport")
QUICK = DiagnosisSettings(extent_rows=160, held_out_hosts=24, sibling_prompts=0)


def clean(count: int = 60) -> CleanPrompts:
    """Make clean prompts in the ruled model's language."""
    return CleanPrompts(
        safe=tuple(Prompt(text=text) for text in safe_texts(40)),
        unsafe=tuple(Prompt(text=text) for text in unsafe_texts(count, seed=1)),
    )


def failure(prompt: str | Prompt, response: str = RESPONSE, corrected: str = "") -> FailureCase:
    """Make a failure case."""
    asked = prompt if isinstance(prompt, Prompt) else Prompt(text=prompt)
    return FailureCase(prompt=asked, response=response, corrected=corrected)


def run(
    model: RuledModel,
    *cases: str | FailureCase,
    settings: DiagnosisSettings = QUICK,
    relative: RuledModel | None = None,
    prompts: CleanPrompts | None = None,
    show: bool = True,
) -> Diagnosis:
    """Diagnose failures, given as prompts or whole."""
    made = [failure(case) if isinstance(case, str) else case for case in cases]
    return diagnose(model, made, prompts or clean(), settings, relative=relative, judge=JUDGE, show=show)
