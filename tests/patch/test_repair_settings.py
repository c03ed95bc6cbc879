"""Settings of repair are refused where they can't be worked with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.errors import InputError
from gatekeeper.patch.settings import TINY, Budget, Gates, Mixing, PatchSettings, defaults
from gatekeeper.tensors.language import Tuning


def test_two_passes_are_the_least() -> None:
    with pytest.raises(InputError, match="two passes"):
        PatchSettings(budget=Budget(passes=1))


@pytest.mark.parametrize(
    "gates", [Gates(attack=1.5), Gates(refusal_drop=-0.1), Gates(accuracy_drop=float("nan")), Gates(kl=float("nan"))]
)
def test_a_gate_that_is_no_share_is_refused(gates: Gates) -> None:
    with pytest.raises(InputError):
        PatchSettings(gates=gates)


@pytest.mark.parametrize(
    "settings",
    [
        {"mixing": Mixing(targets=0)},
        {"mixing": Mixing(window=-1)},
        {"budget": Budget(prompts=0)},
        {"tuning": Tuning(rank=0)},
    ],
)
def test_a_count_of_nothing_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match="at least 1"):
        PatchSettings(**settings)  # type: ignore[arg-type]


def test_larger_models_move_less_a_step_and_have_wider_gates() -> None:
    small, large = defaults(TINY - 1), defaults(TINY)
    assert small == PatchSettings()
    assert large.tuning.learning_rate < small.tuning.learning_rate
    assert large.gates.kl > small.gates.kl
    assert large.gates.attack == small.gates.attack
    assert replace(large.budget, most_steps=small.budget.most_steps, lessons=small.budget.lessons) == small.budget
