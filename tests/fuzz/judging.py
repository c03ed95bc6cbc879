"""How targets ask judges, and which rules the judges of each room may name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.check import Check
from gatekeeper.checks.files.hidden_text import HiddenText
from gatekeeper.checks.files.leaked_secrets import Secrets
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.python_code import PythonCode
from gatekeeper.checks.files.remote_code import RemoteCode
from gatekeeper.checks.files.structure import Structure
from gatekeeper.checks.files.templates_check import Templates
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from tests.fuzz import laws

Judge = Callable[[BinaryIO, PurePosixPath, int, Limits], Iterable[Problem]]
Answer = tuple[Problem, ...]


def slugs_of(check: type[Check], *more: str) -> frozenset[str]:
    """Give the slugs of a check's rules, and those that it takes for gaps."""
    return frozenset({*(rule.slug for rule in check.rules), *more})


STRUCTURE = slugs_of(Structure)
MODEL_CODE = slugs_of(ModelCode, "unjudged")
REMOTE_CODE = slugs_of(RemoteCode)
PYTHON_CODE = slugs_of(PythonCode)
TEMPLATES = slugs_of(Templates)
HIDDEN_TEXT = slugs_of(HiddenText)
SECRETS = slugs_of(Secrets)


def judged(judge: Judge, name: str, data: bytes, slugs: Collection[str]) -> Answer:
    """Have a judge say all that it has to say, in work that is counted and words that can be shown."""
    found = judge(laws.Counted(data), PurePosixPath(name), len(data), DEFAULT_LIMITS)
    return laws.well_said(found, slugs)


def chosen(data: bytes, count: int) -> tuple[int, bytes]:
    """Split a number below `count` off the data: its first byte."""
    return (data[0] % count if data else 0), data[1:]
