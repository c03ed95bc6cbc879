"""Decision: the action, the row that asked for it, and why every other row did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gatekeeper.evidence import FactValue


class Action(StrEnum):
    """What to do with an artifact, mildest first. Compare by `rank`."""

    ALLOW = "allow"
    AUDIT = "audit"
    PATCH = "patch"
    ESCALATE = "escalate"
    DISCARD = "discard"

    @property
    def rank(self) -> int:
        """0 for allow to 4 for discard."""
        return list(Action).index(self)


class RowState(StrEnum):
    """Whether a row of the decision table holds for the facts."""

    HOLDS = "holds"
    FAILS = "fails"
    INDETERMINATE = "indeterminate"
    """A fact was missing, of the wrong type or not a number, or the expression failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowOutcome:
    """One row of the table, tried on the facts."""

    row: str
    """Slug."""

    action: Action
    words: str
    """The condition in words; may be empty."""

    when: str
    """The expression as written."""

    state: RowState
    because: str
    """Which facts made it hold, fail or indeterminate, in words."""

    ask: str
    """What the deployer is asked to do when it fires."""


class WaiverState(StrEnum):
    """What became of a waiver."""

    USED = "used"
    UNUSED = "unused"
    """It matches this artifact but no finding."""

    EXPIRED = "expired"
    REFUSED = "refused"
    """A law forbids it: tampering and payloads can't be waived."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverUse:
    """A waiver that concerns this artifact; printed in every report."""

    finding: str
    """Id of the finding that it waives."""

    subject: str
    """Commit reference or digest that it is bound to."""

    reason: str
    approver: str
    expires: date
    """Last day on which it counts, in UTC."""

    state: WaiverState
    note: str = ""
    """`expires in 9 days`, or why it was refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A person's sign-off on one artifact under one policy, after an audit or an escalation, until a day."""

    reference: str
    """What was approved, pinned, for people; the binding is `subject`."""

    subject: str
    """`sha256:<hex>`: digest of the whole artifact."""

    policy_digest: str
    """Under which policy: with another one the approval does not count."""

    action: Action
    """What the table had said: audit or escalate."""

    row: str
    """Slug of the row that had said it."""

    findings: tuple[str, ...]
    """Ids of the findings that were open then, sorted; a finding that is not among them is not covered."""

    unknown: tuple[str, ...]
    """Checks that could not look then, sorted; one that is not among them is not covered."""

    by: str
    reason: str
    ticket: str = ""
    created: date
    """First day on which it counts, in UTC."""

    expires: date
    """Last day on which it counts, in UTC."""

    signer: str = ""
    """Name of the approver whose key the signature was verified with; empty when it is unsigned."""

    sha256: str = ""
    """Digest of the envelope that it was read from, hexadecimal; empty when it was read from none."""


class ApprovalState(StrEnum):
    """What became of an approval."""

    USED = "used"
    UNUSED = "unused"
    """It is bound to this artifact and nothing needed it, or it does not count yet."""

    EXPIRED = "expired"
    REFUSED = "refused"
    """A law forbids it, or something was found that it does not cover."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalUse:
    """An approval that is bound to this artifact; printed in every report."""

    approval: Approval
    state: ApprovalState
    note: str = ""
    """`expires in 9 days`, or why it was refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisbelievedApproval:
    """A file among the approvals that counts for nothing; printed in every report, since somebody meant it to count."""

    file: str
    """Its path, printable."""

    why: str
    """A clause that follows its name, printable: `is not believed: it is not signed, …`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The verdict on one artifact under one policy."""

    action: Action
    row: str
    """Slug of the row that fired, of the law that overruled it (`law:<name>`), or of the row whose audit or
    escalation somebody signed off (`approved:<row>`)."""

    because: str
    """One sentence for a person."""

    ask: str
    """What the deployer is asked to do."""

    rows: tuple[RowOutcome, ...]
    """Every row of the table in order."""

    facts: Mapping[str, FactValue]
    """What the table was tried on."""

    laws: tuple[str, ...] = ()
    """Laws that changed the outcome, in words."""

    waivers: tuple[WaiverUse, ...] = ()
    approvals: tuple[ApprovalUse, ...] = ()
    policy_name: str = ""
    policy_digest: str = ""
    """`sha256:<hex>` over the raw bytes of the policy and of what it extends."""

    required: tuple[str, ...] = field(default=())
    """Checks that the policy requires."""
