"""Tests of a policy: files that say which facts must end in which action and row.

A case says only the facts that differ from the defaults. A policy's tests are complete when every row is reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from gatekeeper.decision import Action
from gatekeeper.errors import PolicyError
from gatekeeper.policy import builtin
from gatekeeper.policy.document import MAX_BYTES, Document, parse
from gatekeeper.policy.gathering import FactError, complete
from gatekeeper.policy.policy import Policy
from gatekeeper.policy.schema import Model, validate
from gatekeeper.policy.table import decide_facts

MAX_CASES = 2_000
"""Cases in one file."""


class _Expectation(Model):
    action: Literal["allow", "audit", "patch", "escalate", "discard"]
    row: Annotated[str, Field(pattern=r"^(law:)?[a-z0-9-]+$", max_length=80)]


class _Case(Model):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    facts: dict[str, Any] = Field(default={}, max_length=200)
    expect: _Expectation


class _TestDocument(Model):
    apiVersion: Literal["gatekeeper/v1"]  # noqa: N815 - the key's customary spelling
    kind: Literal["PolicyTest"]
    policy: Annotated[str, Field(min_length=1, max_length=100)]
    cases: list[_Case] = Field(min_length=1, max_length=MAX_CASES)


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyTest:
    """One file of tests."""

    document: Document
    content: _TestDocument


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """What became of one case."""

    name: str
    source: str
    """File that it stands in."""

    line: int
    column: int
    expected_action: Action
    expected_row: str
    action: Action
    row: str
    because: str
    """Why the policy decided as it did."""

    @property
    def passed(self) -> bool:
        """Whether action and row are the expected ones."""
        return self.action is self.expected_action and self.row == self.expected_row


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyTestReport:
    """What became of all cases."""

    cases: tuple[CaseResult, ...]
    unreached: tuple[str, ...]
    """Rows that the tests should reach and do not, in table order."""

    @property
    def passed(self) -> bool:
        """Whether every case passed and every row was reached."""
        return not self.unreached and all(case.passed for case in self.cases)


def read_tests(folder: Path) -> tuple[PolicyTest, ...]:
    """Read every `*.yaml` file of a folder, in order of names.

    Raises:
        PolicyError: When the folder holds none, or one can't be used, with line and column.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise PolicyError(f"no tests in {str(folder)!r}", hint="policy tests are files that end in .yaml")
    return tuple(_read(path) for path in paths)


def builtin_tests(name: str) -> tuple[PolicyTest, ...]:
    """Give the tests of a built-in policy."""
    return tuple(_parsed(raw, source) for source, raw in builtin.read_tests(name))


def run_tests(policy: Policy, tests: Iterable[PolicyTest]) -> PolicyTestReport:
    """Try every case.

    Rows that come from a built-in policy need no test of a policy that extends it: they have their own.

    Raises:
        PolicyError: When a case sets a fact that does not exist or does not fit.
    """
    cases = tuple(
        _run(policy, test.document, case, index) for test in tests for index, case in enumerate(test.content.cases)
    )
    reached = {case.row for case in cases}
    is_builtin = policy.sources[0].name in builtin.BUILTIN_POLICIES
    unreached = (row.slug for row in policy.rows if row.slug not in reached and (is_builtin or not row.origin.builtin))
    return PolicyTestReport(cases=cases, unreached=tuple(unreached))


def _read(path: Path) -> PolicyTest:
    try:
        with path.open("rb") as stream:
            return _parsed(stream.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise PolicyError(f"{str(path)!r} can't be read: {error.strerror}") from error


def _parsed(raw: bytes, source: str) -> PolicyTest:
    document = parse(raw, source)
    return PolicyTest(document=document, content=validate(_TestDocument, document))


def _run(policy: Policy, document: Document, case: _Case, index: int) -> CaseResult:
    try:
        facts = complete(case.facts)
    except FactError as error:
        raise document.error(str(error), ("cases", index, "facts", error.name), key=True, hint=error.hint) from error
    decision = decide_facts(facts, policy)
    line, column = document.position(("cases", index))
    return CaseResult(
        name=case.name,
        source=document.source,
        line=line,
        column=column,
        expected_action=Action(case.expect.action),
        expected_row=case.expect.row,
        action=decision.action,
        row=decision.row,
        because=decision.because,
    )
