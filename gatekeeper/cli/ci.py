"""`gatekeeper ci`: the models of a pull request, each with its verdict, told where reviewers look."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli import ci_outputs as told
from gatekeeper.cli.bumps import find, tell
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, Signing, load_policy, results_cache, source_options
from gatekeeper.cli.options import (
    APPROVAL,
    CACHE_DIR,
    JOBS,
    LOCK,
    NO_CACHE,
    OFFLINE,
    POLICY,
    QUIET,
    SIGNING,
    VERBOSE,
    VERIFIER_ID,
    option,
)
from gatekeeper.cli.repair import FAILURE, REPAIR, repair_of, taken
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.review import Mode
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.bump import Bump, Bumps
    from gatekeeper.ci import Checkout, Event
    from gatekeeper.decision import Action
    from gatekeeper.lock import Lock
    from gatekeeper.policy import Policy
    from gatekeeper.repairing import Repair
    from gatekeeper.review import Judged, Review

_BLOCKING = ("audit", "patch", "escalate", "discard")
_TOKENS = ("GATEKEEPER_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
_SCHEDULED = "schedule"
_NAMES = 3
"""Files that one note names."""


def _actions(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    words = tuple((value or "").replace(",", " ").lower().split()) or _BLOCKING
    if unknown := [word for word in words if word not in _BLOCKING]:
        raise click.BadParameter(f"{printable(unknown[0], 40)!r} is none of {', '.join(_BLOCKING)}.")
    return words


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What is to be done, as it was asked for."""

    settings: Settings
    models: tuple[str, ...]
    base: str | None
    head: str
    mode: Mode
    fail_on: tuple[str, ...]
    report_dir: Path
    comment: bool


@click.command("ci")
@option(
    "--models",
    of="ci",
    metavar="REF...",
    help="Judge these instead of what a change names: references with blanks or commas between them.",
)
@option("--base-ref", of="ci", metavar="REV", help="What the change goes to.  [default: as the event says]")
@option("--head-ref", of="ci", metavar="REV", default="HEAD", show_default=True, help="The change.")
@option(
    "--mode",
    of="ci",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.ENFORCE.value,
    show_default=True,
    help="Whether what is not allowed fails the job.",
)
@option(
    "--fail-on",
    of="ci",
    callback=_actions,
    metavar="VERDICTS",
    help="Verdicts that block, with commas between them.  [default: audit,patch,escalate,discard]",
)
@option("--comment", of="ci", is_flag=True, help="Keep one comment on the pull request, with GITHUB_TOKEN.")
@option(
    "--report-dir",
    of="ci",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("gatekeeper-reports"),
    show_default=True,
    metavar="DIR",
    help="Where everything is written.",
)
@FAILURE
@option("--patch", of="ci", is_flag=True, help="Repair it where the table says patch; needs --failure and one model.")
@REPAIR
@POLICY
@APPROVAL
@LOCK
@OFFLINE
@CACHE_DIR
@NO_CACHE
@JOBS
@SIGNING
@VERIFIER_ID
@QUIET
@VERBOSE
def command(
    models: str | None,
    base_ref: str | None,
    head_ref: str,
    mode: str,
    fail_on: tuple[str, ...],
    comment: bool,
    report_dir: Path,
    failure: tuple[Path, ...],
    patch: bool,
    key: str | None,
    signer_command: str | None,
    signer_public_key: Path | None,
    verifier_id: str,
    **given: Any,
) -> int:
    """Judge every model that a change adds or moves to another revision.

    On GitHub the event says what the change is; a run by schedule judges all of gatekeeper.lock. Elsewhere, and where
    the event says nothing, --base-ref or --models does. Each model is gated once by the policy, held against
    gatekeeper.lock and compared with the revision that it had. Adapters are gated as they are, without their base.

    Into --report-dir go review.json, review.html, gatekeeper.sarif, code-scanning.sarif, summary.md, comment.md, and
    for each model its report, verdict and predicate. On GitHub the summary, the outputs of the step and annotations are
    written too.

    What the change itself may have written into [tool.gatekeeper] is not read.

    Exits with 0 when all is allowed, and in report-only mode whenever it finished; 1 when something is not allowed, 2
    when the input is wrong, 3 when a model could not be judged. Token of the Hub: HF_TOKEN.

    \b
    Examples:
      gatekeeper ci --base-ref origin/main --policy /etc/gatekeeper/policy.yaml
      gatekeeper ci --models "org/name@v2 org/adapter@main" --mode report-only
    """
    from gatekeeper.cli.signing import signer_of

    job = _Job(
        settings=Settings.of("", revision=None, exclude=(), format="text", **_settings(given)),
        models=tuple((models or "").replace(",", " ").split()),
        base=base_ref,
        head=head_ref or "HEAD",
        mode=Mode(mode),
        fail_on=fail_on,
        report_dir=report_dir,
        comment=comment,
    )
    try:
        signing = Signing(signer=signer_of(key, signer_command, signer_public_key), verifier_id=verifier_id)
        repair = _repair(failure, given, report_dir if patch else None) if failure else None
        if patch and not failure:
            raise InputError("--patch needs --failure", hint="nothing is repaired that nobody saw fail")
        return _run(job, signing, repair)
    except GatekeeperError as error:
        # Where only annotations are read, a job that ends with nothing but a code would say nothing.
        told.annotate("error", f"Blocked, nothing could be decided: {error.message}. {error.hint}")
        raise


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    names = ("policy", "approval", "lock", "offline", "cache_dir", "no_cache", "jobs", "quiet", "verbose")
    return {name: given[name] for name in names}


def _repair(failure: tuple[Path, ...], given: dict[str, Any], out: Path | None) -> Repair:
    return repair_of("", failure, taken(given), out)


def _run(job: _Job, signing: Signing, repair: Repair | None) -> int:
    from gatekeeper import ci

    policy = load_policy(job.settings.policy)
    event = ci.read_event()
    place = ci.checkout()
    path = job.settings.lock or (place.root if place else Path()) / "gatekeeper.lock"
    found = _bumps(job, event, policy, path)
    with told.quoted():
        tell(found)
    review = _review(job, found, policy, place, path, repair)
    notes = [*_rights(event), *_controls(found, policy, place, job, path)]
    written = told.write(review, job.report_dir, signing, notes)
    with told.quoted():
        _tell(review, written)
    notes += _comment(job, event, written)
    _annotate(review, notes)
    told.hand_over(review, written, notes)
    return review.exit_code


def _bumps(job: _Job, event: Event | None, policy: Policy, path: Path) -> Bumps:
    """Say what is judged: what was named, all of the lock, or what the change does."""
    from gatekeeper import ci
    from gatekeeper.bump import Bumps

    everything = not job.models and event is not None and event.name == _SCHEDULED and not job.base
    if not job.models and not everything:
        return find(job.base, job.head, policy, event=event)
    here = ci.checkout()
    named = _pinned(path, here) if everything else [_named(text) for text in dict.fromkeys(job.models)]
    return Bumps(base="", head=here.commit if here else "", bumps=tuple(named))


def _pinned(path: Path, place: Checkout | None) -> list[Bump]:
    """Give all that a lock pins, each at its own line."""
    from gatekeeper import ci, lockfile
    from gatekeeper.bump import Bump, BumpKind
    from gatekeeper.mention import Mention

    models = lockfile.read(path).models
    name = "gatekeeper.lock"  # whatever this one is called, it is read as such
    lines = {each.name: each.line for each in ci.extract(name, path.read_bytes())}
    file = (_inside(path, place) if place else "") or path.name
    places = {model.id: Mention(path=file, line=lines.get(model.id, 0), call=name) for model in models}
    return [
        Bump(kind=BumpKind.NAMED, name=model.id, revision=model.commit, new=(places[model.id],)) for model in models
    ]


def _named(text: str) -> Any:
    from gatekeeper import sources
    from gatekeeper.artifact import Scheme
    from gatekeeper.bump import Bump, BumpKind

    reference = sources.parse(text)
    local = reference.scheme is not Scheme.HUB
    return Bump(kind=BumpKind.NAMED, name=reference.name, revision=reference.revision, local=local)


def _review(
    job: _Job, found: Bumps, policy: Policy, place: Checkout | None, path: Path, repair: Repair | None
) -> Review:
    from gatekeeper import reviewing
    from gatekeeper.cli.approving import read_approvals
    from gatekeeper.cli.progress import choose
    from gatekeeper.decision import Action

    settings = job.settings
    approvals, disbelieved = read_approvals(settings.approval, policy, None, path if path.exists() else None)
    with results_cache(settings) as results:
        return reviewing.review(
            found,
            reviewing.Reviewing(
                policy=policy,
                source=source_options(settings),
                mode=job.mode,
                fail_on=frozenset(Action(word) for word in job.fail_on),
                root=_root(job, found, place),
                lock=_lock(path),
                lock_before=_lock_before(found, place, path),
                approvals=approvals,
                disbelieved_approvals=disbelieved,
                repair=repair,
                progress=choose(quiet=settings.quiet),
                results=results,
            ),
        )


def _root(job: _Job, found: Bumps, place: Checkout | None) -> Path | None:
    """Give the folder that paths of the newer commit are relative to; None when it is not checked out."""
    if job.models:
        return Path()
    return place.root if place and place.commit == found.head else None


def _lock(path: Path) -> Lock:
    from gatekeeper import lockfile
    from gatekeeper.lock import Lock

    return lockfile.read(path) if path.exists() else Lock()


def _lock_before(found: Bumps, place: Checkout | None, path: Path) -> Lock:
    """Read the older commit's lock; one that can't be read any more has no say in what the newer one is worth."""
    from gatekeeper import ci, lockfile
    from gatekeeper.lock import Lock

    if not found.base or place is None:
        return Lock()
    try:
        data = ci.file_at(place.root, found.base, path.resolve().relative_to(place.root.resolve()).as_posix())
        return lockfile.parse(data.decode("utf-8")) if data else Lock()
    except (ValueError, GatekeeperError):
        return Lock()


def _controls(found: Bumps, policy: Policy, place: Checkout | None, job: _Job, lock: Path) -> list[str]:
    """Tell of files that steer the verdict and that the change itself touches."""
    from gatekeeper import ci
    from gatekeeper.cli.approving import approvals_folder

    if place is None or not (found.base and found.head):
        return []
    changed = ci.changed_paths(place.root, found.base, found.head)
    policies = {path for source in policy.sources if (path := _inside(Path(source.name), place))}
    given = job.settings.approval or (approvals_folder(lock if lock.exists() else None),)
    places = {path for each in given if (path := _inside(each, place))}
    approvals = [path for path in changed if path in places or any(path.startswith(f"{each}/") for each in places)]
    touched = {"policy that judges it": sorted(policies & changed), "approvals that count for it": sorted(approvals)}
    # One note each: whoever edits a hundred files must not hide what else there is to say.
    return [f"This change also edits the {what}: {_few(names)}." for what, names in touched.items() if names]


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    return ", ".join(printable(name, 100) for name in names[:_NAMES]) + more


def _rights(event: Event | None) -> list[str]:
    if event is None or event.name != "pull_request_target":
        return []
    return ["This job runs on pull_request_target, with secrets and a token that may write: use pull_request."]


def _inside(path: Path, place: Checkout) -> str:
    """Give a path as git tells it; empty when it lies outside of the repository."""
    root, real = place.root.resolve(), path.resolve()
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else ""


def _comment(job: _Job, event: Event | None, written: told.Written) -> list[str]:
    """Say it on the pull request where that was asked for; give why it was not."""
    from gatekeeper import ci, report

    if not job.comment:
        return []
    if event is None or not event.number:
        return ["No comment was written: there is no pull request."]
    if event.from_fork:
        return ["No comment was written: the change comes from a fork, whose jobs may only read."]
    token = next((value for name in _TOKENS if (value := os.environ.get(name))), "")
    if not token:
        return ["No comment was written: GITHUB_TOKEN is not set."]
    url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    body = (written.folder / told.COMMENT).read_text("utf-8")
    why = ci.upsert_comment(url, event.repository, event.number, token, body, report.MARKER)
    return [f"No comment was written: {why}."] if why else []


def _annotate(review: Review, notes: list[str]) -> None:
    from gatekeeper import report

    if told.on_github():
        for line in report.review_annotations(review, notes):
            click.echo(line)


def _tell(review: Review, written: told.Written) -> None:
    """Print the verdicts for a person who reads the log."""
    click.echo("")
    for judged in review.judged:
        entry(f"{_word(judged):<11}", _what(judged), judged.trouble.hint if judged.trouble else "")
    for note in written.notes:
        entry("note: ", note)
    blocked = review.exit_code if review.mode is Mode.ENFORCE else int(any(map(review.blocks, review.judged)))
    answer = "nothing blocks"
    if blocked:
        answer = "blocked" if review.mode is Mode.ENFORCE else "would be blocked (report only)"
        answer += ": not everything could be decided" if any(each.trouble for each in review.judged) else ""
    click.echo(f"{plural(len(review.judged), 'model')}, {answer}; reports in {printable(str(written.folder), 400)}")


def _word(judged: Judged) -> str:
    action: Action | None = judged.action
    return action.value if action else ("undecided" if judged.trouble else judged.bump.kind.value)


def _what(judged: Judged) -> str:
    name = judged.bump.name or (judged.bump.place.place if judged.bump.place else "?")
    if judged.attestation:
        commit = judged.attestation.subject.commit[:12]
        return f"{name}{'@' + commit if commit else ''}: {judged.attestation.verdict.because}"
    if judged.trouble:
        return f"{name}: {judged.trouble.message}"
    return name
