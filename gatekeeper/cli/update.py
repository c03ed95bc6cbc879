"""`gatekeeper update`: what changed on the Hub since models were pinned, and moving the pins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.approving import read_approvals, tell_disbelieved
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, load_policy, results_cache, source_options
from gatekeeper.cli.options import (
    APPROVAL,
    CACHE_DIR,
    JOBS,
    LOCK,
    LOCKED_NAMES,
    NO_CACHE,
    POLICY,
    QUIET,
    TEXT_OR_JSON,
    VERBOSE,
    lock_path,
    option,
    stacked,
)
from gatekeeper.cli.progress import choose
from gatekeeper.codec import DOCUMENT, encode
from gatekeeper.errors import GatekeeperError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.decision import Approval
    from gatekeeper.lock import LockedModel
    from gatekeeper.pinning import Pin
    from gatekeeper.policy import Policy
    from gatekeeper.updating import Proposal

_DRIFTS = 20
"""Files that are told one by one when the Hub's bytes are not the pinned ones, unless everything is asked for."""

_SHARED = stacked(LOCK, POLICY, APPROVAL, CACHE_DIR, NO_CACHE, JOBS, TEXT_OR_JSON, QUIET, VERBOSE)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What became of one model."""

    model: LockedModel
    proposal: Proposal | None = None
    pin: Pin | None = None
    error: GatekeeperError | None = None

    @property
    def status(self) -> str:
        if self.pin:
            return "written" if self.pin.model else "refused"
        if self.proposal is None:
            return "error"
        return self.proposal.relation.value

    @property
    def exit_code(self) -> int:
        if self.error:
            return self.error.exit_code
        if self.pin:
            return self.pin.exit_code
        return int(self.status != "up to date")


@click.command("update")
@LOCKED_NAMES
@option("--to", of="update", metavar="REV", help="Branch, tag or commit to move to.  [default: the default branch]")
@option("--write", of="update", is_flag=True, help="Gate these commits and pin them.")
@_SHARED
def command(names: tuple[str, ...], to: str | None, write: bool, lock: Path | None, **given: Any) -> int:
    """Show what changed in the models that gatekeeper.lock pins, or in each NAME of them.

    The pinned commit is compared with the newest of the default branch, or with the one that --to names: chat
    template, code, licence, configuration, tensors by name and shape, files and authors, with what deserves attention
    first. No weights are downloaded: their headers are read by range. With --write the other commit is gated, and
    pinned with its verdict unless that is discard. One that is older, by the history that the Hub tells, is pinned only
    when --to names it.

    Exits with 0 when every model is up to date or was moved, 1 when another commit was not pinned, 2 when the input
    is wrong, 3 when the Hub could not be asked.

    \b
    Examples:
      gatekeeper update
      gatekeeper update org/name --to v2.0
      gatekeeper update org/name --write
    """
    from gatekeeper import lockfile, pinning

    path = lock_path(lock)
    pinned = lockfile.read(path)
    models = pinning.find_entries(pinned, names)
    if to and len(models) != 1:
        raise click.UsageError("--to is for one model: name it.")
    settings = Settings(
        reference="", revision=to, out=None, offline=False, metadata_only=False, exclude=(), only=(), skip=(),
        lock=path, **given,
    )  # fmt: skip
    chosen = load_policy(settings.policy)
    approvals, disbelieved = read_approvals(settings.approval, chosen, None, path) if write else ((), ())
    outcomes = []
    for outcome in _outcomes(models, settings, path, chosen, approvals, write=write):
        outcomes.append(outcome)
        if settings.format == "text":
            _print(outcome, verbose=settings.verbose)
    if settings.format == "json":
        document = {
            "lock": str(path),
            "models": [_document(outcome) for outcome in outcomes],
            "disbelieved_approvals": [asdict(each) for each in disbelieved],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print_end(outcomes, path)
        tell_disbelieved(disbelieved)
    return max((outcome.exit_code for outcome in outcomes), default=0)


def _outcomes(
    models: Sequence[LockedModel],
    settings: Settings,
    path: Path,
    policy: Policy,
    approvals: tuple[Approval, ...],
    *,
    write: bool,
) -> Iterator[_Outcome]:
    """Look at one model after the other; one that can't be looked at does not keep the others from being."""
    from gatekeeper import pinning, updating

    progress = choose(quiet=settings.quiet or settings.format == "json")
    source = source_options(settings)
    with results_cache(settings) as results:
        run = pinning.Pinning(
            path=path,
            policy=policy,
            approvals=approvals,
            update=True,
            source=source,
            progress=progress,
            results=results,
        )
        for model in models:
            try:
                proposal = updating.propose(model, settings.revision or "", source, progress)
            except GatekeeperError as error:
                yield _Outcome(model=model, error=error)
                continue
            wanted = write and _may_move(proposal, named=bool(settings.revision))
            pins = pinning.lock_models([proposal.reference] if wanted else [], run)
            yield _Outcome(model=model, proposal=proposal, pin=next(iter(pins), None))


def _may_move(proposal: Proposal, *, named: bool) -> bool:
    """Whether a pin may move there: a branch that was set back must not take it along unseen."""
    from gatekeeper.updating import Relation

    return proposal.relation is not Relation.SAME and (named or proposal.relation is not Relation.OLDER)


def _print(outcome: _Outcome, *, verbose: bool) -> None:
    head = f"{outcome.status:<10}  "
    if outcome.error:
        entry(head, f"{outcome.model.id}: {outcome.error.message}", outcome.error.hint)
        return
    if outcome.proposal is None:
        return
    if outcome.proposal.commit == outcome.model.commit:
        entry(head, f"{outcome.model.id}@{outcome.model.commit}")
        return
    _print_proposal(outcome.proposal, verbose=verbose)
    if outcome.pin and outcome.pin.model and outcome.pin.attestation:
        verdict = outcome.pin.attestation.verdict
        entry(head, f"{outcome.model.id}@{outcome.pin.model.commit}: {verdict.action}: {verdict.because}")
    elif outcome.pin:
        entry(head, f"{outcome.model.id}: {outcome.pin.refusal}", outcome.pin.hint)


def _print_proposal(proposal: Proposal, *, verbose: bool) -> None:
    entry(f"{proposal.relation:<10}  ", f"{proposal.entry.id}: {proposal.entry.commit} → {proposal.commit}")
    if proposal.drift:
        gone = "the Hub has the pinned commit no more; this one beside the pins:"
        exchanged = "the Hub's bytes of the pinned commit are not the pinned ones:"
        click.echo(f"  {gone if proposal.gone else exchanged}")
    shown = len(proposal.drift) if verbose else _DRIFTS
    for each in proposal.drift[:shown]:
        click.echo(f"    {each.words}")
    if proposal.drift[shown:]:
        click.echo(f"    and {plural(len(proposal.drift) - shown, 'more file')} (--verbose lists them)")
    for line in proposal.comparison.words() if proposal.comparison else ():
        click.echo(f"  {line}")


def _print_end(outcomes: Sequence[_Outcome], path: Path) -> None:
    shown = printable(str(path), 400)
    waiting = [outcome for outcome in outcomes if outcome.proposal and outcome.exit_code and not outcome.pin]
    click.echo(f"\n{plural(len(outcomes), 'model')} of {shown}, {len(waiting)} to look at")
    if any(_may_move(outcome.proposal, named=False) for outcome in waiting if outcome.proposal):
        click.echo("--write gates them, and pins them")
    if any(outcome.status == "older" for outcome in waiting):
        click.echo("an older commit is pinned only by --to and --write together")


def _document(outcome: _Outcome) -> dict[str, Any]:
    proposal, pin, error = outcome.proposal, outcome.pin, outcome.error
    verdict = pin.attestation.verdict if pin and pin.attestation else None
    return {
        "id": outcome.model.id,
        "status": outcome.status,
        "pinned": outcome.model.commit,
        "proposed": proposal.commit if proposal else "",
        "pinned_commit_gone": proposal.gone if proposal else None,
        "drift": [{"kind": each.kind, "path": each.path, "words": each.words} for each in _drift(proposal)],
        "comparison": encode(proposal.comparison, DOCUMENT) if proposal and proposal.comparison else None,
        "verdict": verdict.action if verdict else "",
        "refusal": pin.refusal if pin else "",
        "error": {"message": error.message, "hint": error.hint, "exit_code": error.exit_code} if error else None,
        "exit_code": outcome.exit_code,
    }


def _drift(proposal: Proposal | None) -> tuple[Any, ...]:
    return proposal.drift if proposal else ()
