"""The laws: what no policy, waiver or approval can switch off.

Two are about the table itself and are checked when it loads (`check_table`). The others are applied to whatever the
table said (`overrule`); they can only make an outcome stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gatekeeper.decision import Action, RowOutcome, RowState
from gatekeeper.errors import PolicyError
from gatekeeper.evidence import FactValue, Hazard
from gatekeeper.policy.policy import Row

UNWAIVABLE = frozenset({Hazard.TAMPERED, Hazard.PAYLOAD})
"""Hazards of findings that no waiver can lift."""

_BELOW_ESCALATE = frozenset({Action.ALLOW, Action.AUDIT, Action.PATCH})
_ALLOW = frozenset({Action.ALLOW})


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What the laws look at."""

    facts: Mapping[str, FactValue]
    hazards: frozenset[str]
    """Hazards of all findings, waived or not."""

    rows: tuple[RowOutcome, ...]
    """Every row of the table, tried on the facts."""

    def may_be(self, name: str, *values: FactValue) -> bool:
        """Whether a fact reads one of the values, or could, because it is missing."""
        return name not in self.facts or self.facts[name] in values

    def may_hold(self, name: str, word: str) -> bool:
        """Whether a list fact holds a word, or could, because it is missing or no list."""
        value = self.facts.get(name)
        return not isinstance(value, tuple) or word in value


@dataclass(frozen=True, kw_only=True, slots=True)
class Law:
    """One law: when it is touched, these actions become `escalate`."""

    slug: str
    words: str
    """One sentence for a person."""

    forbids: frozenset[Action]
    touched: Callable[[Case], bool]


def _tampered(case: Case) -> bool:
    return (
        Hazard.TAMPERED in case.hazards
        or case.may_hold("findings.hazards", Hazard.TAMPERED)
        or case.may_be("bytes.hub", "mismatch")
        or case.may_be("bytes.lock", "mismatch")
        or case.may_be("signature.status", "invalid")
    )


def _payload(case: Case) -> bool:
    return Hazard.PAYLOAD in case.hazards or case.may_hold("findings.hazards", Hazard.PAYLOAD)


def _indeterminate(case: Case) -> bool:
    return any(row.state is RowState.INDETERMINATE for row in case.rows)


def _required_unknown(case: Case) -> bool:
    return case.facts.get("checks.required_unknown") != ()


def _remedy_unverified(case: Case) -> bool:
    return case.may_be("remedy.exists", True) and case.may_be("remedy.verified", False)


LAWS: tuple[Law, ...] = (
    Law(
        slug="tampered",
        words="bytes that differ from what was published, or an invalid signature, end in at least escalate",
        forbids=_BELOW_ESCALATE,
        touched=_tampered,
    ),
    Law(
        slug="payload",
        words="a file that would run code when it is loaded ends in at least escalate",
        forbids=_BELOW_ESCALATE,
        touched=_payload,
    ),
    Law(
        slug="indeterminate",
        words="a row that can't be evaluated ends in at least escalate",
        forbids=_BELOW_ESCALATE,
        touched=_indeterminate,
    ),
    Law(
        slug="required-unknown",
        words="a required check that is unknown never ends in allow",
        forbids=_ALLOW,
        touched=_required_unknown,
    ),
    Law(
        slug="remedy-unverified",
        words="a patched artifact whose remedy is not verified never ends in allow",
        forbids=_ALLOW,
        touched=_remedy_unverified,
    ),
)
"""In the order in which they are named when several are touched."""


def overrule(action: Action, case: Case) -> tuple[Law, ...]:
    """Give the laws that forbid what the table said; empty when it may stand."""
    return tuple(law for law in LAWS if action in law.forbids and law.touched(case))


def check_table(rows: Iterable[Row]) -> None:
    """Refuse a table whose order could let something through.

    The last row must be `when: true` with an action other than allow, so that whatever no row speaks of is not
    allowed. Below the first allow row stand only allow rows and that last row, so that every other row has been
    tried before something is allowed.

    Args:
        rows: The whole table, at least one row.

    Raises:
        PolicyError: At the row that is out of place.
    """
    table = tuple(rows)
    last = table[-1]
    if not last.condition.always:
        raise _misplaced(last, "is the last row, so its `when` must be `true`")
    if last.action is Action.ALLOW:
        raise _misplaced(last, "is the last row: what no other row speaks of may not be allowed")
    allowing = next((row for row in table if row.action is Action.ALLOW), None)
    if allowing is None:
        return
    for row in table[table.index(allowing) + 1 : -1]:
        if row.action is not Action.ALLOW:
            raise _misplaced(row, f"({row.action.value}) stands below the allow row `{allowing.slug}`")


def _misplaced(row: Row, message: str) -> PolicyError:
    origin = row.origin
    return PolicyError(
        f"row `{row.slug}` {message}",
        source=origin.source,
        line=origin.line,
        column=origin.column,
        hint="the order of the table is a law: see the policies' README",
    )
