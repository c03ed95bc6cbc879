"""From observed failures to a diagnosis, a repair and its verification. It imports no torch: `tensors` does.

A failure case is what somebody saw; the nouns of what is made of it are `gatekeeper.remedy`, what is asked of a model
is `gatekeeper.tensors.language`.

    cases = load_cases([Path("failure.json")])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy

if TYPE_CHECKING:
    from gatekeeper.patch.case import Decoding, FailureCase
    from gatekeeper.patch.case_reading import case_schema, load_cases

_HOMES = {
    "Decoding": "case",
    "FailureCase": "case",
    "case_schema": "case_reading",
    "load_cases": "case_reading",
}

__all__ = [
    "Decoding",
    "FailureCase",
    "case_schema",
    "load_cases",
]

__getattr__ = lazy(__name__, _HOMES)
