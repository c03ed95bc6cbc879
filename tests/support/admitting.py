"""Asking for admission with the verdict of `tests.support.verdicts`, and saying which step it failed at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.admission import STEPS, Admission, admit
from gatekeeper.attest import Expectations, Outcome
from tests.support.verdicts import EXPECTED, NOW, verdict


def ask(folder: Path, data: bytes | None = None, expected: Expectations = EXPECTED, **told: Any) -> Admission:
    given: Mapping[str, Any] = {"verdict": [verdict() if data is None else data]}
    return admit(folder, given, expected, **{"now": NOW, **told})


def failed_step(answer: Admission) -> str:
    """Give the one step that failed; those after it were not reached, those before it did not fail."""
    assert [step.name for step in answer.steps] == list(STEPS)
    outcomes = [step.outcome for step in answer.steps]
    at = outcomes.index(Outcome.FAILED)
    assert not answer.admitted
    assert set(outcomes[at + 1 :]) <= {Outcome.NOT_REACHED}
    assert answer.reason == answer.steps[at].words
    return answer.steps[at].name


def flip(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
