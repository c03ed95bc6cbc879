"""The rules that each room of judges may name."""

from __future__ import annotations

from gatekeeper.checks.check import Check
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.structure import Structure


def slugs_of(check: type[Check], *more: str) -> frozenset[str]:
    """Give the slugs of a check's rules, and those that it takes for gaps."""
    return frozenset({*(rule.slug for rule in check.rules), *more})


STRUCTURE = slugs_of(Structure)
MODEL_CODE = slugs_of(ModelCode, "unjudged")
