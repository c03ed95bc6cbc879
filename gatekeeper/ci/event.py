"""What a CI says of why it runs: GitHub's event and environment → which commits are to be compared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target", "pull_request_review"})
_NAME = "name what to compare with by --base-ref, or the models by --models"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Why a job of GitHub Actions runs. All of it comes from outside: branch names are a stranger's to choose."""

    name: str
    """`pull_request`, `push`, `schedule`, …"""

    repository: str = ""
    """`owner/name`."""

    number: int = 0
    """Of the pull request; 0 when there is none."""

    from_fork: bool = False
    """Whether the change comes from another repository, so that the job's token may only read."""

    base: str = ""
    """Commit that the change goes to, or that was there before it; empty when the event has none."""

    base_branch: str = ""
    """Branch that the change goes to; of a push to a new branch the default one."""

    head: str = ""
    """Commit that is the change; empty when the event has none. What is checked out may be another."""

    forced: bool = False
    """Whether the branch was pushed over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Since:
    """What a change is compared with."""

    names: tuple[str, ...]
    """Revisions; the first that the repository has counts."""

    absent: str = ""
    """Why none of them may be there, in words; may be empty."""

    holds: str = ""
    """Commit that what is judged has to hold; empty for any."""


def read_event(environ: Mapping[str, str] = os.environ, limits: Limits = DEFAULT_LIMITS) -> Event | None:
    """Read why this job runs.

    Args:
        environ: `GITHUB_EVENT_NAME`, `GITHUB_EVENT_PATH`, `GITHUB_BASE_REF` and `GITHUB_REPOSITORY` count.
        limits: On the size and depth of the event.

    Returns:
        None outside of GitHub Actions.

    Raises:
        InputError: When the event is announced and can't be read.
    """
    name = environ.get("GITHUB_EVENT_NAME", "")
    if not name:
        return None
    payload = _payload(environ.get("GITHUB_EVENT_PATH", ""), limits)
    repository = environ.get("GITHUB_REPOSITORY", "") or _text(payload, "repository", "full_name")
    if name in _PULL_REQUESTS:
        return _of_pull_request(name, payload, repository, environ.get("GITHUB_BASE_REF", ""))
    if name == "merge_group":
        branch = _text(payload, "merge_group", "base_ref").removeprefix("refs/heads/")
        base = _text(payload, "merge_group", "base_sha")
        head = _text(payload, "merge_group", "head_sha")
        return Event(name=name, repository=repository, base=base, base_branch=branch, head=head)
    if name == "push":
        before = _text(payload, "before")
        created = not before.strip("0")
        default = _text(payload, "repository", "default_branch")
        forced = payload.get("forced") is True
        return Event(
            name=name, repository=repository, base="" if created else before, base_branch=default if created else "",
            forced=forced,
        )  # fmt: skip
    return Event(name=name, repository=repository)


def since(event: Event | None) -> Since:
    """Say what a change is compared with when nobody said so.

    Raises:
        InputError: When the event has nothing to compare with.
    """
    if event is None:
        return Since(
            names=("refs/remotes/origin/HEAD",),
            absent="nothing says what to compare with, and origin has no default branch here",
        )
    names = tuple(
        name for name in (event.base, event.base_branch and f"refs/remotes/origin/{event.base_branch}") if name
    )
    if not names:
        raise InputError(f"the event {printable(event.name, 60)!r} says nothing of what changed", hint=_NAME)
    absent = "what the change goes to was not fetched"
    if event.name == "push":
        pushed = "the branch was pushed over, and what" if event.forced else "what"
        absent = f"{pushed} it had before the push is not here"
    return Since(names=names, absent=absent, holds=event.head)


def _payload(path: str, limits: Limits) -> dict[str, Any]:
    shown = printable(path) or "(GITHUB_EVENT_PATH is not set)"
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(limits.json_bytes + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"the event {shown} can't be read: {error}", hint=_NAME) from error
    if len(data) > limits.json_bytes:
        raise InputError(f"the event {shown} is larger than {limits.json_bytes} bytes (limit json_bytes)", hint=_NAME)
    try:
        return load_json_object(data, depth=limits.json_depth)
    except ParseError as error:
        raise InputError(f"the event {shown} is no event: {error}", hint=_NAME) from error


def _of_pull_request(name: str, payload: Mapping[str, Any], repository: str, base_branch: str) -> Event:
    number = payload.get("number") or _at(payload, "pull_request", "number")
    head, base = (_text(payload, "pull_request", side, "repo", "full_name") for side in ("head", "base"))
    return Event(
        name=name,
        repository=repository,
        number=number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else 0,
        # A fork that was deleted has no repository any more.
        from_fork=head != (base or repository),
        base=_text(payload, "pull_request", "base", "sha"),
        base_branch=_text(payload, "pull_request", "base", "ref") or base_branch,
        head=_text(payload, "pull_request", "head", "sha"),
    )


def _at(payload: Any, *keys: str) -> Any:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def _text(payload: Mapping[str, Any], *keys: str) -> str:
    found = _at(payload, *keys)
    return found if isinstance(found, str) else ""
