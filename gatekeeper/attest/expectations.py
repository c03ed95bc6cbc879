"""What a deployer expects of a verdict, held against it step by step: on paper, before any file is looked at.

The steps are those of the VSA specification ("How to verify", version 1.2), with ours after them. Pure: no clock, no
files; time is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from gatekeeper.attest.resource import DEFAULT_VERIFIER
from gatekeeper.attest.summary import Result
from gatekeeper.attest.verdict import Verdict, verify_verdict
from gatekeeper.decision import ApprovalState, WaiverState
from gatekeeper.errors import SignatureError
from gatekeeper.signing import PublicKey
from gatekeeper.text import printable

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of whoever decided may be ahead of ours."""


class Outcome(StrEnum):
    """How a step ended."""

    HELD = "held"
    FAILED = "failed"
    NOT_ASKED = "not-asked"
    """The deployer expects nothing there."""

    NOT_REACHED = "not-reached"
    """An earlier step failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was verified, or was not."""

    name: str
    """Slug."""

    outcome: Outcome
    words: str
    """One sentence for a person, printable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectations:
    """What a deployer expects. Only the keys and the verifier have to be known."""

    keys: tuple[PublicKey, ...]
    """Any one of these must have signed."""

    verifier_id: str = DEFAULT_VERIFIER
    """The verifier that these keys speak for."""

    resources: tuple[str, ...] = ()
    """URIs, one of which the verdict must be about; empty to expect none."""

    expected_by: str = ""
    """Where the resources were read, for words: `--reference`, a lock."""

    policy_digest: str = ""
    """`sha256:<hex>`; empty for any policy."""

    levels: tuple[str, ...] = ()
    """All of these must have been verified."""

    max_age: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOff:
    """What became of the sign-offs that came with a verdict other than allow."""

    counts: bool
    words: str
    """Whose it is and until when, or why it does not count."""


PAPER_STEPS = ("signature", "verifier", "resource", "policy", "levels", "age", "expiries", "result")
"""Names of the steps below, in order; `result` comes last, since a sign-off can settle it."""


def check_verdict(
    verdict: Verdict, expected: Expectations, now: datetime, sign_off: SignOff | None = None
) -> tuple[Step, ...]:
    """Hold a verdict against what is expected of it.

    The first step that fails ends it: what is not signed by a trusted key is not worth further words.

    Args:
        verdict: As read.
        expected: By the deployer.
        now: UTC.
        sign_off: What may let a verdict other than allow count all the same; None for nothing.
    """
    tries: dict[str, Callable[[], Step]] = {
        "signature": lambda: _signature(verdict, expected.keys),
        "verifier": lambda: _verifier(verdict, expected),
        "resource": lambda: _resource(verdict, expected),
        "policy": lambda: _policy(verdict, expected),
        "levels": lambda: _levels(verdict, expected.levels),
        "age": lambda: _age(verdict, expected.max_age, now),
        "expiries": lambda: _expiries(verdict, now.astimezone(UTC).date()),
        "result": lambda: _result(verdict, sign_off),
    }
    steps: list[Step] = []
    for name in PAPER_STEPS:
        failed = any(step.outcome is Outcome.FAILED for step in steps)
        steps.append(not_reached(name) if failed else tries[name]())
    return tuple(steps)


def not_reached(name: str) -> Step:
    """Make the step that an earlier failure kept from being taken."""
    return Step(name=name, outcome=Outcome.NOT_REACHED, words="not looked at")


def held(name: str, words: str) -> Step:
    """Make a step that held."""
    return Step(name=name, outcome=Outcome.HELD, words=words)


def failed(name: str, words: str) -> Step:
    """Make a step that failed."""
    return Step(name=name, outcome=Outcome.FAILED, words=words)


def _not_asked(name: str, words: str) -> Step:
    return Step(name=name, outcome=Outcome.NOT_ASKED, words=words)


def _signature(verdict: Verdict, keys: Sequence[PublicKey]) -> Step:
    try:
        key = verify_verdict(verdict, keys)
    except SignatureError as error:
        return failed("signature", error.message)
    return held("signature", f"signed by the key {key.key_id}")


def _verifier(verdict: Verdict, expected: Expectations) -> Step:
    said = verdict.summary.verifier.id
    if said != expected.verifier_id:
        return failed(
            "verifier", f"the verifier is {printable(said)}, and {printable(expected.verifier_id)} was expected"
        )
    return held("verifier", f"the verifier is {printable(said)}")


def _resource(verdict: Verdict, expected: Expectations) -> Step:
    said = verdict.summary.resource_uri
    if not expected.resources:
        return _not_asked("resource", f"nothing says which model is expected; the verdict is for {printable(said)}")
    if said not in expected.resources:
        wanted = printable(expected.resources[0]) if len(expected.resources) == 1 else "one of those"
        by = f" by {expected.expected_by}" if expected.expected_by else ""
        return failed("resource", f"it is a verdict for {printable(said)}, and {wanted} was expected{by}")
    return held("resource", f"it is for {printable(said)}")


def _policy(verdict: Verdict, expected: Expectations) -> Step:
    said = verdict.decision.policy.digest
    if not expected.policy_digest:
        return _not_asked("policy", f"any policy is taken; it was {printable(verdict.decision.policy.name)}, {said}")
    if said != expected.policy_digest:
        return failed("policy", f"the policy is {said}, and {printable(expected.policy_digest)} was expected")
    return held("policy", f"the policy is {said}")


def _levels(verdict: Verdict, levels: Sequence[str]) -> Step:
    has = verdict.summary.verified_levels
    if not levels:
        return _not_asked("levels", f"none is asked for; verified: {printable(', '.join(has), 400)}")
    if missing := [level for level in levels if level not in has]:
        return failed(
            "levels", f"{printable(missing[0], 80)} was not verified; verified: {printable(', '.join(has), 400)}"
        )
    return held("levels", f"verified: {printable(', '.join(levels), 400)}")


def _age(verdict: Verdict, max_age: timedelta | None, now: datetime) -> Step:
    decided = verdict.decision.decided_at
    age = now - decided
    shown = f"decided {decided:%Y-%m-%d %H:%M:%S} UTC"
    if age < -CLOCK_SKEW:
        return failed("age", f"{shown}, which is yet to come: one of the two clocks is wrong")
    if max_age is None:
        return _not_asked("age", f"{shown}; any age is taken")
    if age > max_age:
        return failed("age", f"{shown}: it is {_span(age)} old, and at most {_span(max_age)} is allowed")
    return held("age", f"{shown}, at most {_span(max_age)} ago")


def _expiries(verdict: Verdict, today: date) -> Step:
    used = list(_until(verdict))
    if gone := [(what, until) for what, until in used if until < today]:
        what, until = gone[0]
        return failed("expiries", f"the verdict rests on {what}, which expired after {until.isoformat()}")
    if not used:
        return held("expiries", "it rests on no waiver and no sign-off")
    what, until = min(used, key=lambda each: each[1])
    return held("expiries", f"it rests on {what}, until {until.isoformat()}")


def _until(verdict: Verdict) -> Iterator[tuple[str, date]]:
    for waiver in verdict.decision.waivers:
        if waiver.state is WaiverState.USED:
            yield f"a waiver of {printable(waiver.finding, 80)} by {printable(waiver.approver, 80)}", waiver.expires
    for use in verdict.decision.approvals:
        if use.state is ApprovalState.USED:
            yield f"a sign-off by {printable(use.approval.by, 80)}", use.approval.expires


def _result(verdict: Verdict, sign_off: SignOff | None) -> Step:
    decision = verdict.decision
    row = printable(decision.row, 80)
    if verdict.summary.verification_result is Result.PASSED:
        return held("result", f"{Result.PASSED}: allow by row {row}")
    said = f"{Result.FAILED}: {decision.verdict.value} by row {row}: {printable(decision.because, 400)}"
    if sign_off is None:
        return failed("result", said)
    return (held if sign_off.counts else failed)("result", f"{said}; {sign_off.words}")


def _span(age: timedelta) -> str:
    """Write a span in its largest whole unit, rounded down."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{seconds // size} {unit}{'s' * (seconds // size != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"
