"""`gatekeeper bumps`: which models a change adds, changes or removes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.options import POLICY, TEXT_OR_JSON, option
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.bump import Bump, Bumps
    from gatekeeper.ci import Event
    from gatekeeper.policy import Policy

_PLACES = 3
"""Places of one model that are told."""


@click.command("bumps")
@option(
    "--base",
    of="bumps",
    metavar="REV",
    help="What the change goes to.  [default: the pull request's or the push's, else origin's default branch]",
)
@option("--head", of="bumps", metavar="REV", default="HEAD", show_default=True, help="The change.")
@option("--staged", of="bumps", is_flag=True, help="What is staged for the next commit, beside the one checked out.")
@POLICY
@TEXT_OR_JSON
def command(base: str | None, head: str, staged: bool, policy: str | None, format: str) -> int:
    """List the models and adapters that a change in this git repository adds, changes or removes.

    Only files that differ are read, on both sides; nothing of the repository is run and no network is asked. What the
    base's branch did meanwhile is no change. Whatever names a model in a way that can't be told is listed as
    unresolved. Patterns and what is to be ignored stand in the policy (`ci`).

    Exits with 0 when all of it could be told, 1 when something could not, 2 when the revisions are not there.

    \b
    Examples:
      gatekeeper bumps --base origin/main
      gatekeeper bumps --base v1.0 --head v1.1 --format json
      gatekeeper bumps --staged
    """
    if staged and (base or head != "HEAD"):
        raise click.UsageError("--staged is about what is not committed: it takes no --base and no --head.")
    found = find(base, head, rules_of(policy), staged=staged)
    if format == "json":
        from gatekeeper.codec import DOCUMENT, encode

        click.echo(json.dumps(encode(found, DOCUMENT), indent=2))
    else:
        tell(found)
    return int(bool(found.unread) or any(bump.kind == "unresolved" for bump in found.bumps))


def rules_of(policy: str | None) -> Policy | None:
    """Load the policy for what it says of pull requests; the built-in ones say nothing, and loading takes time."""
    if policy is None or policy in {"default", "strict"}:
        return None
    from gatekeeper.cli.line import load_policy

    return load_policy(policy)


def find(
    base: str | None, head: str, rules: Policy | None, *, staged: bool = False, event: Event | None = None
) -> Bumps:
    """Find the bumps of the repository here, by the rules of a policy; errors as for `ci.bumps`."""
    from gatekeeper import ci

    patterns, ignore = (rules.patterns, rules.ignored) if rules else ((), ())
    if staged:
        return ci.staged_bumps(Path(), patterns=patterns, ignore=ignore)
    return ci.bumps(Path(), base or ci.since(event or ci.read_event()), head, patterns=patterns, ignore=ignore)


def tell(found: Bumps) -> None:
    """Print the bumps for a person, one a line."""
    for bump in found.bumps:
        click.echo(f"{bump.kind:<11}{_places(bump)}  {_what(bump)}")
    for sentence in found.unread:
        click.echo(f"{'unread':<11}{printable(sentence, 400)}")
    click.echo(f"{plural(len(found.bumps), 'bump')} in {plural(found.files, 'changed file')} that may name some")


def _places(bump: Bump) -> str:
    mentions = bump.new or bump.old
    more = f" and {len(mentions) - _PLACES} more" if len(mentions) > _PLACES else ""
    return printable(", ".join(dict.fromkeys(each.place for each in mentions[:_PLACES])) + more, 400)


def _what(bump: Bump) -> str:
    """Say what stands there now, and what stood there before."""
    if bump.local:
        return "a model file of this repository"
    old = dict.fromkeys(_named(each.name, each.revision) for each in bump.old)
    if bump.kind == "unresolved":
        why = " or ".join(dict.fromkeys(each.unresolved for each in bump.new))
        now = f"{bump.name}: {why}" if bump.name else why
    else:
        now = _named(bump.name, bump.revision)
    if bump.new and any(each.remote_code for each in bump.new):
        now += " (with its own code)"
    arrow = f"{', '.join(old)} → " if old and bump.new else ""
    return f"{printable(arrow + now, 400)} ({bump.role})"


def _named(name: str, revision: str) -> str:
    return f"{name or '?'}@{revision}" if revision else name or "?"
