"""Diagnosis: what an observed failure comes from, before anything is changed.

Every verdict but one says why nothing can be patched. Explanations that need no words are tried first, since any
method that names words would still name some; what then is called a trigger has made other prompts fail, and its
controls have not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gatekeeper.errors import InputError
from gatekeeper.patch.asking import Asking, Baseline, RefusalJudge, baseline
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.examination import Examination, Finding, Ground
from gatekeeper.progress import SILENT, Progress
from gatekeeper.remedy import Cause, Diagnosis, Measurement
from gatekeeper.tensors.language import Model, Prompt
