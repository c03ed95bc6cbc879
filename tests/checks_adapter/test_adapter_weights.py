"""The check: what it says of adapters with and without a population, and what it refuses to call usual."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gatekeeper import calibrating, sources
from gatekeeper.checks.adapter.weights import Weights
from gatekeeper.checks.check import Context, inspect
from gatekeeper.errors import InputError
from gatekeeper.evidence import CheckResult, Hazard, Status
from gatekeeper.limits import Limits
from gatekeeper.population import Population
from tests.support.adapter_crowd import TARGETS, WIDTH, crowd, write

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    folder = crowd(tmp_path_factory.mktemp("crowd"), 8)
    return calibrating.calibrate([str(folder)], name="ours", budget=0.3)


def looked_at(
    folder: Path, populations: Sequence[Population] = (), limits: Limits | None = None, base: Path | None = None
) -> CheckResult:
    with sources.open_artifact(sources.parse(str(folder)), sources.SourceOptions()) as artifact:
        context = Context(now=NOW, populations=tuple(populations), limits=limits or Limits())
        if base is None:
            return inspect(Weights(), artifact, context)
        from dataclasses import replace

        with sources.open_artifact(sources.parse(str(base)), sources.SourceOptions()) as model:
            return inspect(Weights(), artifact, replace(context, base=model))


def word(result: CheckResult) -> object:
    return result.facts["adapter.audit"]


def test_every_rule_has_its_pair_here() -> None:
    # Broken by `..._is_anomalous` and `without_a_population_...`; `..._of_the_crowd_passes` spares both.
    assert {rule.slug for rule in Weights.rules} == {"anomalous", "uncalibrated"}


def test_one_of_the_crowd_passes(population: Population, tmp_path: Path) -> None:
    result = looked_at(write(tmp_path / "a", 3), [population])
    assert word(result) == "pass"
    assert result.findings == ()
    assert result.status is Status.PASS


def test_one_that_learned_more_is_anomalous(population: Population, tmp_path: Path) -> None:
    result = looked_at(write(tmp_path / "a", 3, decay=1.0, size=0.5), [population])
    assert word(result) == "anomalous"
    (finding,) = result.findings
    assert finding.id == "adapter/weights/anomalous"
    assert finding.hazard is Hazard.UNPROVEN
    assert "Population ours: " in finding.message
    assert finding.location.path == "adapter_model.safetensors"


def test_without_a_population_nobody_can_say(tmp_path: Path) -> None:
    result = looked_at(write(tmp_path / "a", 3))
    assert word(result) == "uncalibrated"
    (finding,) = result.findings
    assert finding.id == "adapter/weights/uncalibrated"
    assert "9 modules of rank 4" in finding.message
    assert "the policy names no population" in finding.message


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"rank": 8}, "it knows ranks 4 to 4, this one has 8"),
        ({"targets": TARGETS[:2]}, "this one changes q_proj, v_proj"),
        ({"base": "somebody/else"}, "calls its base 'somebody/else'"),
        ({"base": None}, "names no base"),
        ({"layers": 2}, "other names or sizes"),
        ({"width": 2 * WIDTH}, "other names or sizes"),
    ],
)
def test_off_calibration_is_no_pass(population: Population, tmp_path: Path, given: dict[str, object], why: str) -> None:
    result = looked_at(write(tmp_path / "a", 3, **given), [population])  # type: ignore[arg-type]
    assert word(result) == "uncalibrated"
    assert why in result.findings[0].message


def test_the_population_that_fits_is_the_one_that_counts(population: Population, tmp_path: Path) -> None:
    other = calibrating.calibrate([str(crowd(tmp_path / "others", 8, decay=0.9))], name="other", budget=0.3)
    from dataclasses import replace

    elsewhere = replace(other, bases=("somebody/else",))
    assert word(looked_at(write(tmp_path / "a", 3), [elsewhere, population])) == "pass"


def test_an_adapter_that_changes_nothing_is_no_pass(population: Population, tmp_path: Path) -> None:
    result = looked_at(write(tmp_path / "a", 3, size=0.0), [population])
    assert word(result) == "uncalibrated"
    assert "9 modules that change nothing" in result.findings[0].message


def spoil(folder: Path, **tensors: np.ndarray) -> Path:
    path = folder / "adapter_model.safetensors"
    save_file({**load_file(path), **tensors}, path)
    return folder


def test_what_is_changed_by_other_means_is_no_pass(population: Population, tmp_path: Path) -> None:
    folder = spoil(write(tmp_path / "a", 3), **{"base_model.model.lm_head.weight": np.ones((6, WIDTH), np.float32)})
    result = looked_at(folder, [population])
    assert word(result) == "uncalibrated"
    assert "tensors that replace those of the base" in result.findings[0].message


def test_a_value_that_is_no_number_is_no_pass(population: Population, tmp_path: Path) -> None:
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    folder = spoil(write(tmp_path / "a", 3), **{name: np.full((4, WIDTH), np.nan, np.float32)})
    result = looked_at(folder, [population])
    assert word(result) == "uncalibrated"
    assert "NaN or infinity" in result.findings[0].message


def test_a_file_that_is_cut_off_is_unknown(population: Population, tmp_path: Path) -> None:
    path = write(tmp_path / "a", 3) / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    result = looked_at(path.parent, [population])
    assert result.status is Status.UNKNOWN
    assert word(result) == "uncalibrated"


@pytest.mark.parametrize("limits", [Limits(adapter_work=100), Limits(adapter_tensor_bytes=8)])
def test_what_would_cost_too_much_is_no_pass(population: Population, tmp_path: Path, limits: Limits) -> None:
    assert word(looked_at(write(tmp_path / "a", 3), [population], limits)) == "uncalibrated"


def test_the_worst_of_several_adapters_counts(population: Population, tmp_path: Path) -> None:
    write(tmp_path / "a", 3)
    write(tmp_path / "a" / "second", 4, decay=1.0, size=0.5)
    assert word(looked_at(tmp_path / "a", [population])) == "anomalous"


def test_a_model_has_nothing_to_audit(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    save_file({"model.embed.weight": np.ones((2, 2), np.float32)}, tmp_path / "a" / "model.safetensors")
    result = looked_at(tmp_path / "a")
    assert result.status is Status.NOT_APPLICABLE
    assert word(result) == "none"


def test_every_module_is_told_in_order(tmp_path: Path) -> None:
    measures = looked_at(write(tmp_path / "a", 3)).measures
    assert [each.place for each in measures] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert {each.group for each in measures} == set(TARGETS)
    assert all(each.values["rank"] == 4 and 1 <= each.values["effective-rank"] <= 4 for each in measures)
    assert not any("alignment" in each.values for each in measures)


def test_with_the_base_at_hand_its_directions_are_compared(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 3)
    name = "model.layers.0.self_attn.q_proj"
    stored = load_file(folder / "adapter_model.safetensors")
    a, b = (stored[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
    (tmp_path / "base").mkdir()
    # A base whose main directions are those of the change itself.
    save_file({f"{name}.weight": b @ a}, tmp_path / "base" / "model.safetensors")
    (tmp_path / "base" / "broken.safetensors").write_bytes(b"\x00" * 20)
    told = {each.name: each.values.get("alignment") for each in looked_at(folder, base=tmp_path / "base").measures}
    assert told.pop(name) == pytest.approx(1, abs=1e-3)
    assert set(told.values()) == {None}


def test_adapters_that_make_no_population_are_refused(tmp_path: Path) -> None:
    folder = crowd(tmp_path / "crowd", 8)
    write(tmp_path / "crowd" / "other", 90, rank=4, targets=TARGETS[:1])
    with pytest.raises(InputError, match="changes other modules"):
        calibrating.calibrate([str(folder)], name="ours", budget=0.3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        calibrating.calibrate([str(tmp_path / "empty")], name="ours")
    broken = write(tmp_path / "broken", 5)
    (broken / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": "x"}))
    (broken / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="broken"):
        calibrating.calibrate([str(broken)], name="ours")
