"""From observed failures to a diagnosis, a repair and its verification. It imports no torch: `tensors` does.

A failure case is what somebody saw; the nouns of what is made of it are `gatekeeper.remedy`, what is asked of a model
is `gatekeeper.tensors.language`. `behaviour` looks at an adapter that nobody saw fail yet, and hands out failure cases.

    cases = load_cases([Path("failure.json")])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy

if TYPE_CHECKING:
    from gatekeeper.patch.behaviour.budget import ObservationBudget, budget_for
    from gatekeeper.patch.behaviour.observing import Observation, Observed, observe
    from gatekeeper.patch.case import Decoding, FailureCase
    from gatekeeper.patch.case_reading import case_schema, case_to_json, load_cases
    from gatekeeper.patch.costs import Plan, plan
    from gatekeeper.patch.diagnosis import diagnose
    from gatekeeper.patch.document import remedy_from_json, remedy_schema, remedy_to_json, without_text
    from gatekeeper.patch.job import Job
    from gatekeeper.patch.judges import Judge, judge_named
    from gatekeeper.patch.localisation import LOCALISERS
    from gatekeeper.patch.patching import examine, patch
    from gatekeeper.patch.prompts.clean import CleanPrompts, load_clean
    from gatekeeper.patch.questions import load_questions
    from gatekeeper.patch.repair import ADAPTER, MERGED
    from gatekeeper.patch.settings import PatchSettings, defaults
    from gatekeeper.patch.shape import Shape, shape_of

_HOMES = {
    "ADAPTER": "repair",
    "ObservationBudget": "behaviour.budget",
    "LOCALISERS": "localisation",
    "MERGED": "repair",
    "CleanPrompts": "prompts.clean",
    "Decoding": "case",
    "FailureCase": "case",
    "Job": "job",
    "Judge": "judges",
    "Observation": "behaviour.observing",
    "Observed": "behaviour.observing",
    "PatchSettings": "settings",
    "Plan": "costs",
    "Shape": "shape",
    "budget_for": "behaviour.budget",
    "case_schema": "case_reading",
    "case_to_json": "case_reading",
    "defaults": "settings",
    "diagnose": "diagnosis",
    "examine": "patching",
    "judge_named": "judges",
    "load_cases": "case_reading",
    "load_clean": "prompts.clean",
    "load_questions": "questions",
    "observe": "behaviour.observing",
    "patch": "patching",
    "plan": "costs",
    "remedy_from_json": "document",
    "remedy_schema": "document",
    "remedy_to_json": "document",
    "shape_of": "shape",
    "without_text": "document",
}

__all__ = [
    "ADAPTER",
    "LOCALISERS",
    "MERGED",
    "CleanPrompts",
    "Decoding",
    "FailureCase",
    "Job",
    "Judge",
    "Observation",
    "ObservationBudget",
    "Observed",
    "PatchSettings",
    "Plan",
    "Shape",
    "budget_for",
    "case_schema",
    "case_to_json",
    "defaults",
    "diagnose",
    "examine",
    "judge_named",
    "load_cases",
    "load_clean",
    "load_questions",
    "observe",
    "patch",
    "plan",
    "remedy_from_json",
    "remedy_schema",
    "remedy_to_json",
    "shape_of",
    "without_text",
]

__getattr__ = lazy(__name__, _HOMES)
