"""`gatekeeper lock`: pin models to a commit, their bytes and the verdict on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.approving import read_approvals, tell_disbelieved
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, load_policy, results_cache, source_options
from gatekeeper.cli.options import (
    APPROVAL,
    CACHE_DIR,
    EXCLUDE,
    JOBS,
    LOCK,
    NO_CACHE,
    OFFLINE,
    POLICY,
    QUIET,
    TEXT_OR_JSON,
    VERBOSE,
    complete_locked,
    option,
    stacked,
)
from gatekeeper.decision import Action
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.artifact import Reference
    from gatekeeper.ci import Mention, Wanted
    from gatekeeper.decision import DisbelievedApproval
    from gatekeeper.pinning import Pin

MOST_DIFFERENCES = 20
"""Files that are listed for one model, unless everything is asked for."""

_TONES = {Action.ALLOW: "green"}
_SHARED = stacked(POLICY, APPROVAL, LOCK, OFFLINE, EXCLUDE, CACHE_DIR, NO_CACHE, JOBS, TEXT_OR_JSON, QUIET, VERBOSE)


@click.command("lock")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...", shell_complete=complete_locked)
@option("--update", of="lock", is_flag=True, help="Let a model that is pinned move to another commit.")
@option(
    "--remove",
    of="lock",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_locked,
    help="Take a model out of the lock; may be repeated.",
)
@option(
    "--from",
    "sources",
    of="lock",
    multiple=True,
    type=click.Path(path_type=str),
    metavar="PATH",
    help="Pin the models that code, scripts and configuration there name; nothing is run; may be repeated.",
)
@option("--dry-run", of="lock", is_flag=True, help="With --from: list what is named and stop.")
@_SHARED
def command(
    references: tuple[str, ...],
    update: bool,
    remove: tuple[str, ...],
    sources: tuple[str, ...],
    dry_run: bool,
    lock: Path | None,
    **given: Any,
) -> int:
    """Gate each REFERENCE and pin it in gatekeeper.lock: commit, files with sizes and digests, verdict.

    A branch or tag is resolved to its commit first. Every verdict but discard is pinned, as it is: `gatekeeper gate
    --locked` decides anew each time. A model that is pinned at another commit is shown with what differs, and moves
    with --update alone. Comments in the lock stay.

    Exits with 0 when everything is pinned, 1 when something is not, 2 when the input is wrong, 3 when a model could
    not be judged.

    \b
    Examples:
      gatekeeper lock org/name org/adapter@v1.2
      gatekeeper lock org/name --update
      gatekeeper lock --from src/ --dry-run
      gatekeeper lock --remove org/name
    """
    settings = Settings(
        reference="", revision=None, out=None, metadata_only=False, only=(), skip=(), lock=lock, **given
    )
    path = _path(lock)
    mentions = _mentioned(sources)
    if not (references or remove or sources):
        raise click.UsageError("Name a model, or --from, or --remove.")
    if dry_run and (references or remove or not sources):
        raise click.UsageError("--dry-run goes with --from alone.")
    wanted = _wanted(mentions)
    if sources and settings.format == "text":
        _print_mentions(mentions, wanted)
    removed = [] if dry_run else _remove(path, remove)
    pins, disbelieved = ([], ()) if dry_run else _pin(references, wanted, path, update, settings)
    if settings.format == "json":
        document = _document(path, mentions, wanted, removed, pins)
        click.echo(json.dumps({**document, "disbelieved_approvals": [asdict(each) for each in disbelieved]}, indent=2))
    elif not dry_run:
        _print_end(path, removed, pins)
        tell_disbelieved(disbelieved)
    return max([pin.exit_code for pin in pins] + [int(bool(each.conflict)) for each in wanted], default=0)


def _path(given: Path | None) -> Path:
    from gatekeeper.endings import LOCK_NAME
    from gatekeeper.lockfile import find

    path = (given or find() or Path(LOCK_NAME)).absolute()
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {printable(str(path.parent))} to write the lock to")
    return path


def _mentioned(sources: Sequence[str]) -> tuple[Mention, ...]:
    from gatekeeper.ci import collect

    return tuple(collect([Path(source) for source in sources]))


def _wanted(mentions: Sequence[Mention]) -> tuple[Wanted, ...]:
    from gatekeeper.ci import wanted

    return wanted(mentions)


def _remove(path: Path, names: Sequence[str]) -> list[str]:
    from gatekeeper import lockfile, pinning
    from gatekeeper.lock import Lock

    def without(lock: Lock) -> Lock:
        for name in names:
            pinning.find_entry(lock, name)
            lock = lockfile.without_model(lock, name)
        return lock

    if names:
        lockfile.read(path)
        lockfile.edit(path, without)
    return list(names)


def _pin(
    references: Sequence[str], wanted: Sequence[Wanted], path: Path, update: bool, settings: Settings
) -> tuple[list[Pin], tuple[DisbelievedApproval, ...]]:
    from gatekeeper import pinning
    from gatekeeper.cli.progress import choose

    asked = _references(references, wanted)
    pins = []
    chosen = load_policy(settings.policy)
    approvals, disbelieved = read_approvals(settings.approval, chosen, None, path)
    with results_cache(settings) as results:
        run = pinning.Pinning(
            path=path,
            policy=chosen,
            approvals=approvals,
            update=update,
            source=source_options(settings),
            progress=choose(quiet=settings.quiet or settings.format == "json"),
            results=results,
        )
        for pin in pinning.lock_models(asked, run):
            pins.append(pin)
            if settings.format == "text":
                _print_pin(pin, verbose=settings.verbose)
    return pins, disbelieved


def _references(references: Sequence[str], wanted: Sequence[Wanted]) -> list[Reference]:
    """Read all references before any is gated, so that a misspelt one costs no time."""
    from gatekeeper import sources

    asked = [sources.parse(reference) for reference in references]
    named = [sources.parse(f"hf://{each.name}", revision=each.revision or None) for each in wanted if not each.conflict]
    return list(dict.fromkeys([*asked, *named]))


def _print_pin(pin: Pin, *, verbose: bool) -> None:
    if pin.model:
        tone = _TONES.get(pin.model.verdict, "yellow")
        head = click.style(f"{pin.model.verdict.value:<9}", fg=tone, bold=True)
        because = pin.attestation.verdict.because if pin.attestation else ""
        entry(f"{head} ", f"{pin.model.id}@{pin.model.commit}: {because}")
        if pin.model.base:
            entry(" " * 10, f"base: {pin.model.base}")
    else:
        asked = str(pin.asked)
        told = pin.refusal if pin.refusal.startswith(asked) else f"{asked}: {pin.refusal}"
        entry(click.style(f"{'refused':<9}", fg="red", bold=True) + " ", told, pin.hint)
    shown = len(pin.differences) if verbose else MOST_DIFFERENCES
    for difference in pin.differences[:shown]:
        entry(" " * 10, difference.words)
    if pin.differences[shown:]:
        entry(" " * 10, f"and {plural(len(pin.differences) - shown, 'more file')} (--verbose lists them)")
    for note in pin.notes:
        entry(" " * 10, f"note: {note}")


def _print_mentions(mentions: Sequence[Mention], wanted: Sequence[Wanted]) -> None:
    for mention in mentions:
        name = f"{mention.name}@{mention.revision}" if mention.revision else mention.name
        why = f"({mention.unresolved})" if mention.unresolved else ""
        told = " ".join(each for each in (name or "?", mention.call, why) if each)
        entry(f"{printable(mention.place, 400)}  ", told)
    for each in wanted:
        if each.conflict:
            entry("refused   ", f"{each.name} is named at several revisions: {each.conflict}")
    unresolved = sum(not mention.name for mention in mentions)
    told = f"{plural(len(wanted), 'model')} in {plural(len(mentions), 'place')}"
    click.echo(f"{told}, {unresolved} of them can't be told" if unresolved else told)


def _print_end(path: Path, removed: Sequence[str], pins: Sequence[Pin]) -> None:
    for name in removed:
        entry(f"{'removed':<9} ", name)
    if not pins:
        return
    done = sum(pin.model is not None for pin in pins)
    refused = f", {len(pins) - done} refused" if done < len(pins) else ""
    click.echo(f"\n{plural(done, 'model')} pinned{refused}: {printable(str(path), 400)}")


def _document(
    path: Path, mentions: Sequence[Mention], wanted: Sequence[Wanted], removed: Sequence[str], pins: Sequence[Pin]
) -> dict[str, Any]:
    return {
        "lock": str(path),
        "pins": [_pin_document(pin) for pin in pins],
        "removed": list(removed),
        "mentions": [asdict(mention) | {"place": mention.place} for mention in mentions],
        "conflicts": {each.name: each.conflict for each in wanted if each.conflict},
    }


def _pin_document(pin: Pin) -> dict[str, Any]:
    verdict = pin.attestation.verdict if pin.attestation else None
    return {
        "reference": str(pin.asked),
        "pinned": pin.model is not None,
        "commit": pin.commit or (pin.model.commit if pin.model else ""),
        "before": pin.before.commit if pin.before else "",
        "base": str(pin.model.base or "") if pin.model else "",
        "verdict": verdict.action.value if verdict else "",
        "because": verdict.because if verdict else "",
        "refusal": pin.refusal,
        "hint": pin.hint,
        "differences": [asdict(difference) for difference in pin.differences],
        "notes": list(pin.notes),
        "exit_code": pin.exit_code,
    }
