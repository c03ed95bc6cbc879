"""`gatekeeper policy`: check, test and explain policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import PREFIX, TEXT_OR_JSON, complete_paths, option
from gatekeeper.errors import InputError
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.decision import RowOutcome
    from gatekeeper.policy import KnownChecks, LintFinding, Policy, PolicyTestReport

_POLICY = click.argument("policy", default="default", envvar=f"{PREFIX}POLICY", shell_complete=complete_paths)
_TESTS = option(
    "--tests",
    of="policy",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Folder of policy tests; built-in policies bring their own.",
)
_FACTS = option(
    "--facts",
    of="policy",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="JSON object of facts to try it on.",
)

_MAX_FACTS_BYTES = 1024 * 1024
"""Bytes of a file of facts."""


@click.group("policy")
def command() -> None:
    """Check, test and explain policies.

    POLICY is a path, or one of the built-in policies: default, strict. Without one it is the policy that `gate` would
    use: GATEKEEPER_POLICY, `policy` in [tool.gatekeeper], or the default.
    """


@command.command(short_help="Look for likely mistakes.")
@_POLICY
@_TESTS
@TEXT_OR_JSON
def lint(policy: str, tests: Path | None, format: str) -> None:
    """Look for likely mistakes: rows that can't be reached, waivers that expire, rows without tests."""
    from gatekeeper.policy import lint as find

    loaded = _load(policy)
    report = _run_tests(policy, loaded, tests)
    findings = find(loaded, now=datetime.now(UTC), known_checks=_known_checks(), report=report)
    if format == "json":
        _print_json({"policy": loaded.name, "digest": loaded.digest, "findings": [asdict(item) for item in findings]})
    else:
        _print_lint(loaded, findings)
    _exit(bool(findings))


@command.command(short_help="Try a policy on facts with known answers.")
@_POLICY
@_TESTS
@TEXT_OR_JSON
def test(policy: str, tests: Path | None, format: str) -> None:
    """Try a policy on facts with known answers; every row must be reached."""
    loaded = _load(policy)
    report = _run_tests(policy, loaded, tests)
    if report is None:
        raise InputError(f"{policy!r} brings no tests", hint="name their folder with --tests")
    if format == "json":
        cases = [{**asdict(case), "passed": case.passed} for case in report.cases]
        _print_json({"policy": loaded.name, "passed": report.passed, "cases": cases, "unreached": report.unreached})
    else:
        _print_tests(loaded, report)
    _exit(not report.passed)


@command.command()
@_POLICY
@_FACTS
@TEXT_OR_JSON
def explain(policy: str, facts: Path | None, format: str) -> None:
    """Print the table; with facts, why each row holds or not."""
    loaded = _load(policy)
    decision = None
    if facts is not None:
        from gatekeeper.policy import FactError
        from gatekeeper.policy import explain as decide

        try:
            decision = decide(loaded, _read_facts(facts))
        except FactError as error:
            raise InputError(f"{facts}: {error}", hint=error.hint) from error
    if format == "json":
        rows = [
            {"row": row.slug, "words": row.words, "when": row.when, "action": row.action, "ask": row.ask}
            for row in loaded.rows
        ]
        _print_json(asdict(decision) if decision else {"policy": loaded.name, "digest": loaded.digest, "rows": rows})
        return
    _print_table(loaded, {row.row: row for row in decision.rows} if decision else {})
    if decision:
        click.echo()
        entry(f"{decision.action.value}: ", f"{decision.because} ({decision.row})", decision.ask)


@command.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    from gatekeeper.policy import json_schema

    _print_json(json_schema())


@command.command()
@TEXT_OR_JSON
def facts(format: str) -> None:
    """Print every fact that an expression may use."""
    from gatekeeper.policy import VOCABULARY

    if format == "json":
        _print_json([asdict(fact) for fact in VOCABULARY])
        return
    names = max(len(fact.name) for fact in VOCABULARY) + 2
    for fact in VOCABULARY:
        values = " | ".join(fact.values) if fact.values else fact.type.value
        entry(f"{fact.name:<{names}}", f"{fact.meaning} ({values})", f"set by {fact.set_by}")


def _load(policy: str) -> Policy:
    from gatekeeper.policy import load

    return load(policy, known_checks=_known_checks())


def _known_checks() -> KnownChecks | None:
    from gatekeeper.checks import ALL

    # Without any check installed there is nothing to compare ids with.
    return {check.id: check.describe() for check in ALL} or None


def _run_tests(policy: str, loaded: Policy, folder: Path | None) -> PolicyTestReport | None:
    from gatekeeper.policy import BUILTIN_POLICIES, builtin_tests, read_tests, run_tests

    if folder is not None:
        return run_tests(loaded, read_tests(folder))
    return run_tests(loaded, builtin_tests(policy)) if policy in BUILTIN_POLICIES else None


def _read_facts(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FACTS_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    if len(data) > _MAX_FACTS_BYTES:
        raise InputError(f"{path} is larger than {_MAX_FACTS_BYTES} bytes")
    try:
        return load_json_object(data, depth=4)
    except ParseError as error:
        raise InputError(f"{path}: {error}", hint='facts are a JSON object, as {"bytes.hub": "match"}') from error


def _print_lint(policy: Policy, findings: tuple[LintFinding, ...]) -> None:
    for item in findings:
        where = f"{item.origin.source}:{item.origin.line}:{item.origin.column}"
        click.echo(f"{where}: {item.message} [{item.rule}]")
    count = len(findings)
    click.echo(f"policy {printable(policy.name)}: {count or 'no'} {'remark' if count == 1 else 'remarks'}")


def _print_tests(policy: Policy, report: PolicyTestReport) -> None:
    for case in report.cases:
        if not case.passed:
            expected = f"{case.expected_action.value} ({case.expected_row})"
            click.echo(f"{case.source}:{case.line}:{case.column}: {printable(case.name)}")
            click.echo(f"  expected {expected}, got {case.action.value} ({case.row}): {case.because}")
    for slug in report.unreached:
        click.echo(f"row `{slug}` is reached by no test")
    failed = sum(not case.passed for case in report.cases)
    click.echo(f"policy {printable(policy.name)}: {len(report.cases) - failed} of {len(report.cases)} cases pass")


def _print_table(policy: Policy, outcomes: Mapping[str, RowOutcome]) -> None:
    slugs = max(len(row.slug) for row in policy.rows) + 2
    for row in policy.rows:
        outcome = outcomes.get(row.slug)
        if outcome is None:
            told, then = row.words or " ".join(row.when.split()), row.ask
        else:
            told, then = f"{outcome.state.value}: {outcome.because}", ""
        entry(f"{row.slug:<{slugs}}{row.action.value:<10}", told, then)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


def _exit(answer_is_no: bool) -> None:
    click.get_current_context().exit(1 if answer_is_no else 0)
