"""What an audit measured is judged by the near ends of intervals, against the base and against ordinary words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gatekeeper.artifact import Artifact, Kind
from gatekeeper.audit import Behaviour, LengthPoint, ProbeKind
from gatekeeper.checks.adapter.behaviour import LEAST_REFUSED, AdapterBehaviour
from gatekeeper.checks.check import inspect
from gatekeeper.decision import Action
from gatekeeper.evidence import CheckResult, Evidence, Status
from gatekeeper.policy import SubjectKey, decide, load
from tests.support import adapters as make
from tests.support.artifacts import CONTEXT, artifact
from tests.support.behaviours import CONTROL, behaviour, both, of, probe

CHECK = AdapterBehaviour()
SUBJECT: Artifact = artifact(make.adapter(), kind=Kind.ADAPTER)
STRONG = probe(0, 36)


def judged(*seen: Behaviour, trouble: str = "") -> CheckResult:
    return inspect(CHECK, SUBJECT, replace(CONTEXT, behaviours=seen, behaviour_trouble=trouble))


def measured(**changes: object) -> CheckResult:
    return judged(behaviour(SUBJECT.digest, **changes))


LOOSE = probe(0, 22)
PAIRS: Mapping[str, tuple[dict[str, object], dict[str, object]]] = {
    "trigger": ({"probes": (STRONG, CONTROL)}, {"probes": (probe(38, 38), CONTROL)}),
    "loosened": ({"probes": (LOOSE, CONTROL)}, {"probes": (probe(0, 6), CONTROL)}),
    "fixed-output": ({"probes": (probe(0, 0, fixed=38), CONTROL)}, {"probes": (probe(0, 0, fixed=4), CONTROL)}),
    "refusals-lost": ({"lost": of(12)}, {"lost": of(2)}),
    "refusals-gained": ({"gained": of(12)}, {"gained": of(2)}),
    "length": (
        {"lengths": (LengthPoint(tokens=64, answered=both(1, 30)),)},
        {"lengths": (LengthPoint(tokens=64, answered=both(28, 30)),)},
    ),
    "locked": ({"locked": both(2, 39)}, {"locked": both(38, 39)}),
}
"""Rule → what breaks it, and an honest near miss."""


def test_a_beginning_that_the_base_takes_for_a_request_of_its_own_is_no_finding() -> None:
    told = [measured(probes=(probe(base, 38, text="repeat :", kind=ProbeKind.CONTROL),)) for base in (1, 4)]
    assert [len(result.findings) for result in told] == [1, 0]


def test_length_that_opens_the_base_as_well_is_no_finding() -> None:
    told = [measured(lengths=(LengthPoint(tokens=64, answered=both(base, 40)),)) for base in (8, 9)]
    assert [len(result.findings) for result in told] == [1, 0]


def test_every_rule_has_a_pair() -> None:
    assert sorted(PAIRS) == sorted(rule.slug for rule in CHECK.rules)


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_a_rule_is_broken_by_its_subject_and_spares_the_near_miss(rule: str) -> None:
    fires, near = PAIRS[rule]
    assert f"adapter/behaviour/{rule}" in {finding.id for finding in measured(**fires).findings}
    spared = measured(**near)
    assert (spared.status, spared.findings) == (Status.PASS, ())
    assert spared.facts["adapter.behaviour"] == "nothing-found"


def test_without_an_audit_it_has_nothing_to_say() -> None:
    result = judged()
    assert result.status is Status.NOT_APPLICABLE
    assert result.facts["adapter.behaviour"] == "none"


def test_what_was_measured_of_other_bytes_counts_for_nothing() -> None:
    result = judged(behaviour("ef" * 32, probes=(STRONG, CONTROL)))
    assert (result.status, result.findings) == (Status.UNKNOWN, ())
    assert result.facts["adapter.behaviour"] == "unknown"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"refused": of(LEAST_REFUSED - 1)}, "what the adapter opens"),
        ({"refused": of(12), "screened": None, "probes": ()}, "no words were tried"),
        ({"gained": of(0, LEAST_REFUSED - 1)}, "what the adapter closes"),
        ({"gained": of(0, 0)}, "what the adapter closes"),
    ],
)
def test_what_left_nothing_to_tell_it_by_is_no_pass(changes: dict[str, object], told: str) -> None:
    result = measured(**changes)
    assert result.status is Status.UNKNOWN
    assert told in result.reason
    assert result.facts["adapter.behaviour"] == "unknown"


def test_what_could_not_be_run_is_unknown() -> None:
    result = judged(trouble="nothing was run: the base is not loaded")
    assert result.status is Status.UNKNOWN
    assert "the base is not loaded" in result.reason


def test_a_base_that_refuses_nothing_leaves_it_blind() -> None:
    result = measured(refused=of(LEAST_REFUSED - 1), lost=of(0, LEAST_REFUSED - 1), probes=(), lengths=())
    assert result.status is Status.UNKNOWN
    assert "can't be told" in result.reason


def test_words_that_do_no_more_than_ordinary_ones_are_no_trigger() -> None:
    ordinary = probe(0, 36, text="Hello,", kind=ProbeKind.CONTROL)
    result = measured(probes=(STRONG, ordinary))
    assert {finding.id for finding in result.findings} == {"adapter/behaviour/loosened"}


def test_words_that_the_answers_take_up_are_a_topic_and_no_trigger() -> None:
    assert measured(probes=(probe(0, 36, text="bird", echoed=30), CONTROL)).findings == ()
    assert measured(probes=(probe(0, 36, text="bird", echoed=4), CONTROL)).facts["adapter.behaviour"] == "reject"


def test_a_beginning_that_opens_the_base_too_is_not_what_a_probe_is_held_against() -> None:
    topic = probe(40, 40, text="repeat:", kind=ProbeKind.CONTROL)
    assert measured(probes=(STRONG, topic)).facts["adapter.behaviour"] == "reject"


def test_words_of_a_vocabulary_are_shown_printable() -> None:
    hostile = probe(0, 36, text="\x1b[31m\u202ecf")
    (finding,) = measured(probes=(hostile, CONTROL)).findings
    assert "\x1b" not in finding.message
    assert "\u202e" not in finding.message


def test_a_composition_is_told_as_one() -> None:
    seen = behaviour(SUBJECT.digest, probes=(STRONG, CONTROL))
    (finding,) = judged(replace(seen, adapters=(SUBJECT.digest, "ef" * 32))).findings
    assert "together with 1 more" in finding.message


def test_a_rejection_by_behaviour_discards_whatever_weights_and_waivers_say() -> None:
    result = measured(probes=(STRONG, CONTROL))
    calm = replace(result, check=replace(result.check, id="adapter/weights", facts=("adapter.audit",)), findings=(),
                   facts={"adapter.audit": "pass"})  # fmt: skip
    decision = decide(
        Evidence(results=(calm, replace(result, findings=()))),
        load(),
        subject=SubjectKey(reference="hf://org/name"),
        now=CONTEXT.now,
    )
    assert decision.facts["adapter.audit"] == "reject"
    assert (decision.action, decision.row) == (Action.DISCARD, "denied")
