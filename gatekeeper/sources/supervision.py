"""Our limits, put between the Hub's client and the network.

`hf_hub_download` retries and sleeps as it sees fit: it waits as long as a `Retry-After` says, resumes for ever while
single bytes arrive, and names files in the cache by whatever ETag the server sends. Event hooks on the client's own
HTTP session see each of its requests and answers, so the limits hold without replacing what the client is good at.
Hooks look up the attempt of the thread they run in; requests that are not ours pass untouched.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import GatekeeperError, SourceError
from gatekeeper.limits import MIB, Limits
from gatekeeper.progress import Advance
from gatekeeper.sources.failures import RETRIED, nonsense, refused

if TYPE_CHECKING:
    import httpx2

_PROGRESS_BYTES = 8 * MIB
"""What must arrive between two failures for the count of them to start anew: dribbling is no progress."""

_ETAG = re.compile(r'(?:W/)?"?[0-9A-Za-z][0-9A-Za-z._-]{0,127}"?')
"""What may become a file name in the cache."""

_INSTALLING = threading.Lock()


class OversizeError(Exception):
    """More bytes came than were announced."""


class Attempt:
    """One download of one file, as far as limits are concerned."""

    def __init__(self, *, what: str, commit: str, size: int, limits: Limits, advance: Advance) -> None:
        """Start counting.

        Args:
            what: The file, fit to be shown.
            commit: What the Hub must answer for.
            size: Bytes as listed.
            limits: For retries and waits.
            advance: Told of bytes as they arrive.
        """
        self.what = what
        self._commit = commit
        self._size = size
        self._limits = limits
        self._advance = advance
        self._failures = 0
        self._body = 0
        """Bytes of the file that the client holds."""

        self._told = 0
        """Bytes that the progress was told of: it never goes back."""

        self._told_before = 0
        """The same at the last failure."""

        self._pending = False

    def begin(self) -> None:
        """Note that the client starts from nothing."""
        self._body = 0

    def sent(self, request: httpx2.Request) -> None:
        """Note a request that is about to leave."""
        if self._pending:  # the last request got no answer, or not all of its body
            message = f"the Hub closed the connection again and again ({self.what})"
            self._failed(SourceError(message, hint="run again later"))
        self._pending = True
        seconds = self._limits.request_seconds
        request.extensions["timeout"] = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}

    def answered(self, response: httpx2.Response) -> None:
        """Note an answer; its body may still be to come."""
        headers = response.headers
        # A body that breaks off shows by the request that comes after it.
        self._pending = response.is_success and response.request.method == "GET"
        if response.status_code == 200:  # no part of the file, so the client drops what it holds of it
            self.begin()
        if response.status_code in RETRIED:
            error = refused(response.status_code, "", headers.get("X-Error-Message", ""), what=self.what)
            refuse_long_wait(headers, self._limits, what=self.what)
            self._failed(error)
        elif response.request.method == "HEAD" and response.status_code < 400:
            self._check_names(headers)

    def received(self, count: int) -> None:
        """Note bytes of body."""
        self._body += count
        if self._body > self._size:
            raise OversizeError
        self._tell(self._body)

    def finished(self) -> None:
        """Bring the progress to the file's size: what the cache held already was not received."""
        self._tell(self._size)

    def _tell(self, count: int) -> None:
        if count > self._told:
            self._advance(count - self._told)
            self._told = count

    def _failed(self, error: GatekeeperError) -> None:
        if self._told - self._told_before >= _PROGRESS_BYTES:
            self._failures = 0
        self._told_before = self._told
        self._failures += 1
        if self._failures > self._limits.retries:
            raise error

    def _check_names(self, headers: httpx2.Headers) -> None:
        """Refuse headers that the client would take for names of files and folders."""
        commit = headers.get("X-Repo-Commit", self._commit)
        if commit != self._commit:
            raise nonsense(self.what, f"asked for commit {self._commit}, answered for {commit}")
        for name in ("ETag", "X-Linked-Etag"):
            if name in headers and not _ETAG.fullmatch(headers[name]):
                raise nonsense(self.what, f"{name} is {headers[name]!r}")


_CURRENT: ContextVar[Attempt | None] = ContextVar("gatekeeper_attempt", default=None)


@contextmanager
def supervised(attempt: Attempt) -> Iterator[None]:
    """Hold the client's requests of this thread to the limits of `attempt`."""
    install()
    token = _CURRENT.set(attempt)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def refuse_long_wait(headers: httpx2.Headers, limits: Limits, *, what: str) -> float:
    """Read for how long an answer asks to wait, as the client does.

    That is `Retry-After` in seconds (RFC 9110, 10.2.3), or the time until a used-up `RateLimit` is renewed.

    Returns:
        Seconds to wait; 0 when nothing usable was said.

    Raises:
        SourceError: When the Hub asks for more than `limits.retry_after_seconds`.
    """
    from huggingface_hub.utils._http import parse_ratelimit_headers

    rate = parse_ratelimit_headers(headers)
    text = headers.get("Retry-After", "").strip()
    if rate and not rate.remaining:
        seconds = float(rate.reset_in_seconds)
    else:
        seconds = float(text[:12]) if text.isascii() and text.isdigit() else 0.0
    if seconds > limits.retry_after_seconds:
        raise SourceError(f"the Hub asks to wait {seconds:.0f} seconds ({what})", hint="run again after that time")
    return seconds


def install() -> None:
    """Prepare the Hub's client for this process; cheap when that is done.

    Its log and its progress bars are silenced (errors come as errors, progress through ours), and so is the request
    it makes for its own statistics: with telemetry on, building a User-Agent fetches `/api/agent-harnesses` from the
    default endpoint, whichever endpoint is in use.
    """
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with _INSTALLING:
        factory = _http._GLOBAL_CLIENT_FACTORY
        if isinstance(factory, _SupervisedFactory):
            return
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if not constants.HF_DEBUG:
            logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
        for name in ("httpx2", "httpcore2"):  # they log signed addresses and whole headers
            logging.getLogger(name).setLevel(logging.WARNING)
        huggingface_hub.set_client_factory(_SupervisedFactory(factory))


class _SupervisedFactory:
    """Makes what the client's factory makes, with our hooks; a factory set by somebody else stays in force."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __call__(self) -> httpx2.Client:
        client: httpx2.Client = self._factory()
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks.get("request", []), _on_request],
            "response": [*hooks.get("response", []), _on_response],
        }
        return client


def _on_request(request: httpx2.Request) -> None:
    if attempt := _CURRENT.get():
        attempt.sent(request)


def _on_response(response: httpx2.Response) -> None:
    if attempt := _CURRENT.get():
        attempt.answered(response)
