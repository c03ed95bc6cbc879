"""Where the answer of `gatekeeper ci` goes: the report folder, and what GitHub's runner reads."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.line import Signing, save
from gatekeeper.errors import InputError
from gatekeeper.redaction import redact
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.report import ReviewLinks
    from gatekeeper.review import Judged, Review

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MODELS = "models"
_REPORTS = ("report.json", "report.html", "report.sarif")
_OWN = re.compile(r"[0-9]{3,}-[A-Za-z0-9._-]+")
COMMENT = "comment.md"
"""Name of the file with what is said on the pull request."""

_UPLOAD = "code-scanning.sarif"
"""Name of the file for code scanning, without what somebody answers for."""

_LINK_PART = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What lies in the report folder."""

    folder: Path
    links: ReviewLinks
    pages: Mapping[int, Path] = field(default_factory=dict)
    """Index in `Review.judged` → folder of that model's own reports."""

    notes: tuple[str, ...] = ()
    """What a person should know of how it was written, each once."""


def write(
    review: Review,
    folder: Path,
    signing: Signing,
    notes: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Written:
    """Write every report of a review, a folder for each model that was judged.

    Args:
        review: What was decided.
        folder: Where to.
        signing: Who signs the verdicts.
        notes: What is to be known of the run itself, a sentence each.
        environ: Of GitHub's runner and of the action, for links.

    Raises:
        InputError: When the folder can't be written to.
        GatekeeperError: When the disk is full or broken, or a verdict can't be signed.
    """
    from gatekeeper import report

    _clear(folder)
    pages, told = _write_models(review, folder, signing)
    links = _links(review, folder, pages, environ)
    home = _home(environ)
    views = {
        "review.json": report.review_json(review, links),
        "review.html": report.review_html(review, links),
        "gatekeeper.sarif": report.review_sarif(review, home=home),
        _UPLOAD: report.review_sarif(review, home=home, upload=True),
        "summary.md": report.review_markdown(review, links=links, notes=notes),
        COMMENT: report.review_comment(review, links=links, notes=notes),
    }
    for name, text in views.items():
        report.write_page(text, folder / name)
    return Written(folder=folder, links=links, pages=pages, notes=told)


def _clear(folder: Path) -> None:
    """Remove the models of an earlier run, which would pass for this one's; what is not ours stays.

    Raises:
        InputError: When the folder is a link, by which whoever wrote the repository chooses where we write, or when an
            old report can't be removed.
    """
    from gatekeeper import attest

    models = folder / _MODELS
    for place in (folder, models):
        if place.is_symlink():
            raise InputError(
                f"{printable(str(place))} is a symbolic link", hint="choose a --report-dir that is a folder of its own"
            )
    try:
        for old in models.iterdir() if models.is_dir() else ():
            if not _OWN.fullmatch(old.name) or not old.is_dir():
                continue
            if old.is_symlink():
                raise InputError(f"{printable(str(old))} is a symbolic link", hint="choose another --report-dir")
            attest.remove(old)
            for name in _REPORTS:
                (old / name).unlink(missing_ok=True)
            if not any(old.iterdir()):
                old.rmdir()
    except OSError as error:
        raise InputError(f"{printable(str(models))} can't be cleared: {error.strerror}") from error


def _write_models(review: Review, folder: Path, signing: Signing) -> tuple[dict[int, Path], tuple[str, ...]]:
    pages: dict[int, Path] = {}
    notes: dict[str, None] = {}
    known: dict[int, Path] = {}
    for number, judged in enumerate(review.judged):
        if judged.attestation is None:
            continue
        at = known.get(id(judged.attestation))
        if at is None:
            at = folder / _MODELS / f"{len(known) + 1:03d}-{_slug(judged)}"
            _make(at)
            notes[save(judged.attestation, at, signing)[1]] = None
            known[id(judged.attestation)] = at
        pages[number] = at
    return pages, tuple(note for note in notes if note)


def _slug(judged: Judged) -> str:
    return _ODD.sub("-", judged.bump.name)[:60].strip("-.") or "model"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{printable(str(folder))} can't be made: {error.strerror}", hint="choose another --report-dir"
        ) from error


def _links(review: Review, folder: Path, pages: Mapping[int, Path], environ: Mapping[str, str]) -> ReviewLinks:
    from gatekeeper.report import ReviewLinks

    reports = tuple(
        (pages[number] / "report.html").relative_to(folder).as_posix() if number in pages else ""
        for number in range(len(review.judged))
    )
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID", "")
    # Lines are those of the commit that was judged, which need not be the one that the event is about.
    commit = review.bumps.head or environ.get("GITHUB_SHA", "")
    if not server.startswith("https://") or not _LINK_PART.fullmatch(repository):
        return ReviewLinks(reports=reports)
    base = f"{server}/{repository}"
    return ReviewLinks(
        reports=reports,
        run=f"{base}/actions/runs/{run}" if run.isdecimal() else "",
        files=f"{base}/blob/{commit}/" if re.fullmatch(r"[0-9a-f]{40,64}", commit) else "",
    )


def _home(environ: Mapping[str, str]) -> str:
    """Give the address of the action's repository, which has the page on checks; empty when nobody says it."""
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("ACTION_REPOSITORY", "")
    return f"{server}/{repository}" if server.startswith("https://") and _LINK_PART.fullmatch(repository) else ""


def outputs(review: Review, written: Written) -> dict[str, str]:
    """Give the outputs of a step by their names; all values are one line."""
    verdicts = [_verdict(judged, written.pages.get(number)) for number, judged in enumerate(review.judged)]
    stated = sorted({page for page in written.pages.values() if (page / "predicate.json").is_file()})
    # The platform signs one predicate with its subjects: of several models each has its own, beside its report.
    only = stated[0] if len(stated) == 1 else None
    from gatekeeper.signing import DECISION

    return {
        "verdict": review.worst or "",
        "verdicts": json.dumps(verdicts),
        "report-html": str(written.folder / "review.html"),
        "report-json": str(written.folder / "review.json"),
        "sarif-file": str(written.folder / _UPLOAD),
        "predicate-path": str(only / "predicate.json") if only else "",
        "predicate-type": DECISION if only else "",
        "checksums-path": str(only / "subjects.sha256") if only else "",
        "changed-models": json.dumps([_changed(judged) for judged in review.judged]),
    }


def _changed(judged: Judged) -> dict[str, str]:
    bump = judged.bump
    return {"kind": bump.kind, "name": bump.name, "revision": bump.revision, "role": bump.role}


def _verdict(judged: Judged, page: Path | None) -> dict[str, Any]:
    attestation: Attestation | None = judged.attestation
    return {
        **_changed(judged),
        "commit": attestation.subject.commit if attestation else "",
        "verdict": judged.action or "",
        "row": attestation.verdict.row if attestation else "",
        "trouble": judged.trouble.message if judged.trouble else "",
        "report": str(page / "report.json") if page else "",
    }


def hand_over(review: Review, written: Written, notes: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Give the runner the summary and the outputs, where there is one.

    Args:
        review: What was decided.
        written: Where its reports lie.
        notes: What is to be known of the run itself, a sentence each.
        environ: `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT` count.

    Raises:
        InputError: When one of its files can't be written: the job would go on with no answer, or an old one.
    """
    from gatekeeper import report

    # The platform shows nothing at all of a summary that is too long: notes are within its bounds.
    summary = report.review_markdown(review, links=written.links, notes=notes)
    _append(environ.get("GITHUB_STEP_SUMMARY", ""), summary)
    _append(environ.get("GITHUB_OUTPUT", ""), _assignments(outputs(review, written)))


def _assignments(values: Mapping[str, str]) -> str:
    """Write values in the form that takes several lines, ended by a word that nobody can have foreseen."""
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def _append(path: str, text: str) -> None:
    if not path:
        return
    try:
        with Path(path).open("ab") as stream:
            stream.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(f"{printable(path)} can't be written: {error.strerror}") from error


def annotate(level: str, message: str) -> None:
    """Print one annotation of our own, where a runner reads them."""
    if on_github():
        told = redact(printable(message, 1_000)).replace("%", "%25")
        click.echo(f"::{level} title=gatekeeper::{told}")


def on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what is printed is read by GitHub's runner."""
    return environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def quoted() -> Iterator[None]:
    """Print what comes from strangers so that the runner takes no line of it for a command."""
    if not on_github():
        yield
        return
    word = secrets.token_hex(16)
    click.echo(f"::stop-commands::{word}")
    try:
        yield
    finally:
        with suppress(BrokenPipeError):
            click.echo(f"::{word}::")
