"""One comment on a pull request, updated in place, over GitHub's REST API (docs.github.com/rest/issues/comments).

Whatever goes wrong here is told in words and costs nobody their verdict. The token goes to the API's own address and
nowhere else: redirects are not followed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.redaction import keep_secret, redact
from gatekeeper.text import printable

if TYPE_CHECKING:
    from email.message import Message
    from urllib.request import OpenerDirector

_VERSION = "2022-11-28"
_PER_PAGE = 100
_PASSING = frozenset({429, 500, 502, 503, 504})
_PAUSE = 0.5
"""Seconds before the first further attempt; the next waits twice as long."""

_LONGEST = 10.0
"""Seconds that an answer may ask us to wait."""

_WHY = {
    401: "the token is not accepted",
    403: "the token may not write comments: the job needs `permissions: pull-requests: write`",
    404: "there is no such pull request for this token, or it may not write comments",
    422: "GitHub does not take the comment",
}


class _RefusedError(Exception):
    """The API did not do what it was asked; the message says why."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class _Api:
    url: str
    token: str
    limits: Limits
    opener: OpenerDirector

    def ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """Ask once more while the trouble may pass; give the JSON of the answer."""
        for attempt in range(self.limits.github_retries):
            try:
                return self._once(method, path, body)
            except _PassingError as error:
                time.sleep(min(error.wait or _PAUSE * 2**attempt, _LONGEST))
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: Mapping[str, str] | None) -> Any:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request

        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "User-Agent": "gatekeeper",
            "X-GitHub-Api-Version": _VERSION,
        }
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310 - checked by _api
        try:
            with self.opener.open(request, timeout=self.limits.github_seconds) as answer:
                told = answer.read(self.limits.github_bytes + 1)
        except HTTPError as error:
            with error:
                raise _refusal(error.code, error.headers) from None
        except (OSError, HTTPException, ValueError) as error:
            raise _PassingError(f"{self.url} can't be reached: {printable(str(error), 120)}") from None
        if len(told) > self.limits.github_bytes:
            raise _RefusedError(f"the answer is larger than {self.limits.github_bytes} bytes (limit github_bytes)")
        try:
            return load_json(told, depth=self.limits.json_depth)
        except ParseError as error:
            raise _RefusedError(f"the answer can't be read: {error}") from None


class _PassingError(_RefusedError):
    """It may go another time."""

    def __init__(self, message: str, status: int = 0, wait: float = 0.0) -> None:
        super().__init__(message, status)
        self.wait = wait


def upsert_comment(
    api_url: str,
    repository: str,
    number: int,
    token: str,
    body: str,
    marker: str,
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """Write our comment on a pull request, or write it anew where it stands already.

    Ours is one that begins with the marker and was written by whoever the token is, so that nobody can have the
    verdict written into a comment that they can change afterwards.

    Args:
        api_url: `https://api.github.com`, or that of an enterprise's own.
        repository: `owner/name`.
        number: Of the pull request.
        token: Is sent to `api_url` alone.
        body: Markdown, beginning with `marker`.
        marker: By which the comment is found.
        limits: Bounds on pages, answers and waiting.

    Returns:
        Why there is no comment, in words and printable; empty when there is.
    """
    keep_secret(token)
    try:
        api = _api(api_url, token, limits)
        place = _place(repository, number)
        comments = f"{place}/issues/{number}/comments"
        found = _ours(api, comments, marker)
        if found is None:
            api.ask("POST", comments, {"body": body})
        elif found.get("body") != body:
            api.ask("PATCH", f"{place}/issues/comments/{found['id']}", {"body": body})
    except _RefusedError as error:
        return redact(printable(str(error), 300))
    return ""


def _api(url: str, token: str, limits: Limits) -> _Api:
    from urllib.parse import urlsplit
    from urllib.request import HTTPRedirectHandler, build_opener

    class Stay(HTTPRedirectHandler):
        """Follow nothing: the token would go along."""

        def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
            return None

    try:
        parts = urlsplit(url)
        loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    except ValueError:
        raise _RefusedError("the address of the API is none") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise _RefusedError("the address of the API does not begin with https://")
    return _Api(url=url.rstrip("/"), token=token, limits=limits, opener=build_opener(Stay))


def _place(repository: str, number: int) -> str:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", repository, re.ASCII) or number < 1:
        raise _RefusedError("the repository or the number of the pull request is not known")
    return f"/repos/{repository}"


def _ours(api: _Api, comments: str, marker: str) -> dict[str, Any] | None:
    me = _whoami(api)
    for comment in _comments(api, comments):
        body, user = comment.get("body"), comment.get("user")
        if not (isinstance(body, str) and body.startswith(marker) and isinstance(comment.get("id"), int)):
            continue
        author = user if isinstance(user, dict) else {}
        if author.get("login") == me if me else author.get("type") == "Bot":
            return comment
    return None


def _whoami(api: _Api) -> str:
    """Give the name of the token's user; empty for the token of a job, which stands for a bot and may not ask."""
    try:
        user = api.ask("GET", "/user")
    except _RefusedError as error:
        if error.status in {403, 404}:
            return ""
        raise
    login = user.get("login") if isinstance(user, dict) else None
    return login if isinstance(login, str) else ""


def _comments(api: _Api, place: str) -> Iterator[dict[str, Any]]:
    for page in range(1, api.limits.github_pages + 1):
        found = api.ask("GET", f"{place}?per_page={_PER_PAGE}&page={page}")
        if not isinstance(found, list):
            raise _RefusedError("the list of comments is none")
        yield from (each for each in found if isinstance(each, dict))
        if len(found) < _PER_PAGE:
            return


def _refusal(status: int, headers: Message) -> _RefusedError:
    limited = status == 403 and (headers.get("Retry-After") or headers.get("X-RateLimit-Remaining") == "0")
    if status in _PASSING or limited:
        waited = headers.get("Retry-After") or ""
        wait = float(waited) if waited.isdecimal() and len(waited) < 6 else 0.0
        return _PassingError(f"GitHub answers {status}" + (": too many requests" if limited or status == 429 else ""),
                             status, wait)  # fmt: skip
    why = _WHY.get(status, "it moved: give its new address" if 300 <= status < 400 else "")
    return _RefusedError(f"GitHub answers {status}" + (f": {why}" if why else ""), status)
