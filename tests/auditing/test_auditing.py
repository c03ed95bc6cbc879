"""Laws of auditing that need no weights: what is gated, what is never loaded, what the word follows from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper import auditing, report, tensors
from gatekeeper.audit import AuditWord
from gatekeeper.audit_words import word_of
from gatekeeper.auditing import Asked, Audited
from gatekeeper.decision import Action
from gatekeeper.demo import builders
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.demo.play import demo_policy
from gatekeeper.demo.subjects import NOW, TRUSTED
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.evidence import Status
from gatekeeper.gate import Run
from gatekeeper.sources import SourceOptions

BASE_ID = f"{TRUSTED}/harbour-tiny"
POPULATION = Path(__file__).parents[1] / "checks_adapter" / "tiny-llm-population.json"


@contextmanager
def served(
    tmp_path: Path, base: builders.Files | None = None, base_id: str = BASE_ID, publisher: str = "new-arrival"
) -> Iterator[tuple[Run, str, str]]:
    """Serve a base and an adapter of it; give the run and both references."""
    repo = HubRepo.of(base_id, dict(builders.tiny_model(TRUSTED) if base is None else base))
    adapter = HubRepo.of(f"{publisher}/harbour-lora", dict(builders.adapter(BASE_ID)))
    with LoopbackHub([repo, adapter]) as hub:
        run = Run(policy=demo_policy(), source=SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path), now=NOW)
        yield run, f"hf://{adapter.id}@{adapter.head}", f"hf://{repo.id}@{repo.head}"


def audited(tmp_path: Path, *, behaviour: bool = False, **given: object) -> Audited:
    with served(tmp_path, **given) as (run, adapter, base):  # type: ignore[arg-type]
        (found,) = auditing.audit([adapter], run, Asked(base=base, behaviour=behaviour))
    return found


def of_check(found: Audited, check: str) -> Status:
    return next(each.status for each in found.attestation.results if each.check.id == check)


def test_the_base_is_gated_and_the_adapter_held_against_it(tmp_path: Path) -> None:
    found = audited(tmp_path)
    assert found.audit.base.action is Action.ALLOW
    assert found.audit.base.reference.startswith(f"hf://{BASE_ID}@")
    assert found.audit.base.digest
    assert not found.is_allowed
    assert not any(each.id == "adapter/claims/other-base" for each in found.attestation.findings)


def test_nobody_vouches_and_no_population_fits_so_it_is_uncalibrated_and_says_what_is_needed(tmp_path: Path) -> None:
    found = audited(tmp_path)
    assert found.audit.word is AuditWord.UNCALIBRATED
    assert found.attestation.verdict.row == "adapter-unproven"
    told = " ".join(found.audit.needed)
    assert "population" in told
    assert "publisher" in told
    assert "gatekeeper approve" in told
    assert of_check(found, "adapter/behaviour") is Status.NOT_APPLICABLE


def test_weights_that_are_like_others_are_no_pass_while_no_prompt_was_run(tmp_path: Path) -> None:
    calm = word_with(tmp_path, {"adapter.audit": "pass", "adapter.behaviour": "nothing-found"})
    assert calm is AuditWord.PASS
    for seen in ("none", "unknown"):
        assert word_with(tmp_path, {"adapter.audit": "pass", "adapter.behaviour": seen}) is AuditWord.UNCALIBRATED
    assert word_with(tmp_path, {"adapter.audit": "pass"}) is AuditWord.UNCALIBRATED


def word_with(tmp_path: Path, facts: dict[str, str]) -> AuditWord:
    """Give the word for an adapter of which these facts are known and nothing is open."""
    known = audited(tmp_path).attestation
    decision = replace(known.verdict, facts=facts)
    return word_of(replace(known, decision=decision, results=()))


def test_behaviour_that_was_asked_for_and_could_not_be_run_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ("no_such_library",))
    found = audited(tmp_path, behaviour=True)
    assert of_check(found, "adapter/behaviour") is Status.UNKNOWN
    assert any("no_such_library" in reason for reason in found.audit.because)
    assert found.audit.behaviours == ()


def test_on_a_base_that_is_discarded_nothing_is_run(tmp_path: Path) -> None:
    pickled = {**builders.tiny_model(TRUSTED), **builders.pickled_model()}
    found = audited(tmp_path, behaviour=True, base=pickled)
    assert found.audit.base.action is Action.DISCARD
    assert any("the base is discarded by row payload" in reason for reason in found.audit.because)
    assert not found.is_allowed


def test_a_base_that_the_adapter_does_not_name_is_told(tmp_path: Path) -> None:
    found = audited(tmp_path, base_id=f"{TRUSTED}/harbour-other")
    assert any(each.id == "adapter/claims/other-base" for each in found.attestation.findings)
    assert found.audit.word is AuditWord.ANOMALOUS


def test_a_model_is_no_adapter(tmp_path: Path) -> None:
    with served(tmp_path) as (run, _, base), pytest.raises(InputError, match="no adapter"):
        auditing.audit([base], run, Asked(base=base, behaviour=False))


def test_a_base_that_is_not_there_ends_the_audit(tmp_path: Path) -> None:
    with served(tmp_path) as (run, adapter, _), pytest.raises(GatekeeperError):
        auditing.audit([adapter], run, Asked(base="nobody/nothing", behaviour=False))


@pytest.mark.parametrize(
    ("count", "given", "told"),
    [
        (0, {}, "no adapter"),
        (1, {"together": True}, "two adapters"),
        (2, {"together": True, "behaviour": False}, "by its behaviour"),
        (1, {"judge": "oracle"}, "no judge"),
        (1, {"clean_safe": Path("none.jsonl")}, "can't be read"),
    ],
)
def test_what_can_not_be_used_is_named_before_anything_is_fetched(
    count: int, given: dict[str, object], told: str
) -> None:
    asked = replace(Asked(base="x/y"), **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=told):
        auditing.check(["a/b"] * count, asked)


def test_a_population_that_is_added_makes_another_policy_of_it() -> None:
    run = Run(policy=demo_policy(), now=NOW)
    more = auditing.with_populations(run, [POPULATION])
    assert len(more.policy.populations) == len(run.policy.populations) + 1
    assert more.policy.digest != run.policy.digest
    assert more.policy.digest == auditing.with_populations(run, [POPULATION]).policy.digest
    assert auditing.with_populations(run, []) is run
    with pytest.raises(InputError, match="two populations"):
        auditing.with_populations(run, [POPULATION, POPULATION])


def test_the_audit_survives_its_document_and_stands_on_the_page(tmp_path: Path) -> None:
    found = audited(tmp_path)
    assert report.from_json(report.to_json(found.attestation)) == found.attestation
    page = report.to_html(found.attestation)
    assert "Not all of it could be judged" in page
    assert "What would be needed to allow it" in page
    assert found.audit.base.digest in page
