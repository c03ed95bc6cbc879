"""`gatekeeper explain`: what a check looks at, why, what it cannot see, how to mend."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.layout import section
from gatekeeper.cli.options import TEXT_OR_JSON, complete_checks, option
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from gatekeeper.evidence import CheckDescription, RuleDescription


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Give the ids that begin so: of frameworks after `--controls`, else of checks."""
    from gatekeeper.cli.controls import complete_frameworks

    if context.params.get("controls"):
        return complete_frameworks(incomplete)
    return complete_checks(context, parameter, incomplete)


@click.command("explain")
@click.argument("id_", metavar="[ID]", required=False, shell_complete=_complete)
@option(
    "--controls",
    of="explain",
    is_flag=True,
    help="List the frameworks whose controls the gate's output is evidence relevant to; ID is then one of them.",
)
@TEXT_OR_JSON
def command(id_: str | None, controls: bool, format: str) -> int:
    """Explain a check or a finding by its ID; without one, list all checks.

    \b
    Examples:
      gatekeeper explain
      gatekeeper explain files/structure
      gatekeeper explain provenance/revision/unpinned
      gatekeeper explain --controls mitre-atlas
    """
    if controls:
        from gatekeeper.cli.controls import print_controls

        print_controls(id_, format)
        return 0
    from gatekeeper import checks

    described = {check.id: check.describe() for check in checks.ALL}
    if id_ is None:
        _print_all(described, format)
    elif id_ in described:
        _print_check(described[id_], format)
    else:
        _print_rule(_rule(id_, described), described, format)
    return 0


def _rule(id_: str, described: dict[str, CheckDescription]) -> RuleDescription:
    rules = {rule.id: rule for check in described.values() for rule in check.rules}
    if id_ in rules:
        return rules[id_]
    from difflib import get_close_matches

    near = get_close_matches(id_, [*described, *rules], n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`gatekeeper explain` lists all checks"
    raise InputError(f"no check or finding is called {id_!r}", hint=hint)


def _print_all(described: dict[str, CheckDescription], format: str) -> None:
    if format == "json":
        click.echo(json.dumps([_plain(check) for check in described.values()], indent=2))
        return
    width = max(map(len, described), default=0)
    for check in described.values():
        click.echo(f"{check.id:<{width}}  {check.title}")


def _print_check(check: CheckDescription, format: str) -> None:
    if format == "json":
        click.echo(json.dumps(_plain(check), indent=2))
        return
    click.echo(f"{click.style(check.id, bold=True)}  {check.title}\n")
    parts = (
        ("What it looks at", check.looks_at),
        ("Why it matters", check.why),
        ("What it cannot see", check.cannot_see),
        ("How to mend", check.mend),
    )
    for heading, body in parts:
        section(heading, body)
    if check.rules:
        click.echo(click.style("Findings that it can make", bold=True))
        for rule in check.rules:
            click.echo(f"  {rule.id}  ({rule.severity.label}, {rule.hazard})\n    {rule.title}")
        click.echo()
    if check.facts:
        section("Facts that it sets", ", ".join(check.facts))


def _print_rule(rule: RuleDescription, described: dict[str, CheckDescription], format: str) -> None:
    check = next(check for check in described.values() if rule in check.rules)
    if format == "json":
        click.echo(json.dumps({**_plain(rule), "check": check.id, "why": check.why}, indent=2))
        return
    click.echo(f"{click.style(rule.id, bold=True)}  {rule.title}\n")
    click.echo(f"  severity  {rule.severity.label}\n  hazard    {rule.hazard}\n")
    for heading, body in (("Why it matters", check.why), ("How to mend", rule.mend)):
        section(heading, body)
    click.echo(f"More: gatekeeper explain {check.id}")


def _plain(described: CheckDescription | RuleDescription) -> dict[str, object]:
    """Give a JSON object with severities as words."""
    plain = asdict(described)
    for rule in plain.get("rules", [plain]):
        rule["severity"] = rule["severity"].label
    return plain
