"""Raw, bounded requests to a Hub through its client's own session.

The client's typed objects drop three of the five scanners and keep no redirects, so listings are read as JSON. The
session, the headers, the token, proxies and certificates are the client's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from gatekeeper import __version__
from gatekeeper.errors import GatekeeperError, InputError, LimitError, SourceError
from gatekeeper.limits import MIB
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.redaction import keep_secret
from gatekeeper.sources.failures import RETRIED, nonsense, refused, unreachable
from gatekeeper.sources.options import SourceOptions
from gatekeeper.sources.references import PUBLIC_ENDPOINT, hub_endpoint
from gatekeeper.sources.streaming import OtherFileError, Sink, blocks
from gatekeeper.sources.supervision import install, refuse_long_wait

if TYPE_CHECKING:
    import httpx2

_REDIRECTS = 5
_PROGRESS_BYTES = 8 * MIB
"""What must arrive between two failures for the count of them to start anew: dribbling is no progress."""

_CHUNK_BYTES = 1 << 16
_LONGEST_BACKOFF_SECONDS = 8.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole answer, bounded."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""

    body: bytes
    url: str
    """Where it came from in the end."""

    next_page: str
    """Address of the next page of a listing; empty when there is none."""


class _AgainError(Exception):
    """An answer that a later attempt may not get."""

    def __init__(self, error: GatekeeperError, wait: float) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


class HubClient:
    """One Hub, as one run sees it. Safe to use from several threads."""

    def __init__(self, options: SourceOptions) -> None:
        """Take endpoint, token and limits from the options.

        Raises:
            InputError: When the endpoint is no address, or the token can't be one.
            SourceError: When the client can't find out which token to send.
        """
        from huggingface_hub.utils._headers import build_hf_headers

        install()
        self.endpoint = hub_endpoint(options.endpoint)
        self.token = options.token or None
        self.limits = options.limits
        try:
            headers = build_hf_headers(token=self.token, library_name="gatekeeper", library_version=__version__)
        except Exception as error:  # a login that must be renewed over the network can fail in many ways
            raise SourceError(
                f"the Hub's client could not find out which token to send: {type(error).__name__}",
                hint="set HF_TOKEN",
            ) from None
        _guard_token(headers.get("authorization", "").removeprefix("Bearer "))
        # Compressed bodies would make the byte limits guesses.
        self._headers = {**headers, "Accept-Encoding": "identity"}

    def url(self, *segments: str) -> str:
        """Give an address on the Hub; slashes inside the last segment are quoted, in others kept."""
        *front, last = segments
        return "/".join([self.endpoint, *(quote(part) for part in front), quote(last, safe="")])

    def json(self, url: str, params: Mapping[str, str], *, what: str) -> tuple[Any, str]:
        """Get and parse a JSON document.

        Args:
            url: Where.
            params: Query, besides what `url` holds.
            what: The repo that it is about, fit to be shown.

        Returns:
            The document, and the address of the next page or an empty text.

        Raises:
            SourceError: When the Hub can't be reached, fails, or answers something else.
            NotFoundError: When there is no such repo or revision.
            AccessError: When the token at hand may not see it.
            LimitError: When the answer is larger than `limits.response_bytes`.
        """
        answer = self._persist(lambda: self._get(url, params, what), what)
        if answer.status != 200:
            code, message = (answer.headers.get(f"x-error-{name}", "") for name in ("code", "message"))
            raise refused(answer.status, code, message, what=what)
        try:
            document = load_json(answer.body, depth=self.limits.json_depth, half_pairs=True)
        except ParseError as error:
            raise nonsense(what, str(error)) from None
        return document, answer.next_page and self._on_hub(answer.url, answer.next_page, what)

    def read_range(self, url: str, start: int, end: int, *, size: int, what: str) -> bytes:
        """Read the bytes `start` to `end` (exclusive) of a file, from wherever the Hub redirects to.

        Args:
            url: The file's address on the Hub.
            start: First byte.
            end: One past the last byte, at most `size`.
            size: Bytes of the whole file, as listed.
            what: The file, fit to be shown.

        Raises:
            SourceError: When the Hub can't be reached, fails, knows no ranges, or delivers a file of another size.
            NotFoundError: When the file can't be had.
            AccessError: When the token at hand may not read it.
        """
        return self._persist(lambda: self._get_range(url, start, end, size, what), what)

    def stream(self, url: str, sink: Sink, *, size: int, what: str) -> None:
        """Give a sink the bytes of a file that it lacks, from wherever the Hub redirects to.

        A connection that breaks is taken up again where it broke; a host that knows no ranges begins anew.

        Args:
            url: The file's address on the Hub.
            sink: Takes the bytes; has `size` of them in the end. What it raises leaves here as it is.
            size: Bytes that the file must have.
            what: The file, fit to be shown.

        Raises:
            OtherFileError: When the Hub has no such file, or one of another size.
            SourceError: When the Hub can't be reached, fails, or answers for another range.
            NotFoundError: When there is no such repo or commit.
            AccessError: When the token at hand may not read it.
        """
        import httpx2

        most = sink.held

        def attempt() -> None:
            try:
                self._stream(url, sink, size, what)
            except httpx2.HTTPError:
                # A host that breaks off and knows no ranges could begin anew for ever: only new ground is progress.
                if sink.held - most < _PROGRESS_BYTES:
                    raise

        while sink.held < size:
            self._persist(attempt, what)
            most = max(most, sink.held)

    def _stream(self, url: str, sink: Sink, size: int, what: str) -> None:
        import httpx2
        from huggingface_hub import get_session

        start = sink.held
        headers = {**self._headers, **({"Range": f"bytes={start}-{size - 1}"} if start else {})}
        # Files lie on other hosts; the session takes the token off when it goes there.
        with get_session().stream(
            "GET", url, headers=headers, timeout=self.limits.request_seconds, follow_redirects=True
        ) as response:
            self._refuse_failure(response, what)
            self._refuse_other_file(response, start, size, what)
            if response.status_code == 200 and start:
                sink.restart()
            for block in blocks(response, self.limits.request_seconds):
                if not sink.take(block):
                    raise OtherFileError(sink.held + len(block))
        if sink.held < size:  # without an announced length a body that breaks off looks like one that ends
            raise httpx2.RemoteProtocolError(f"the body ended after {sink.held} of {size} bytes")

    def _refuse_other_file(self, response: httpx2.Response, start: int, size: int, what: str) -> None:
        """Hold an answer's status and announced size against what was asked for."""
        status, headers = response.status_code, response.headers
        told = headers.get("Content-Range", "")
        if status == 416:  # it ends before what is held of it
            _, _, whole = told.rpartition("/")
            raise OtherFileError(int(whole[:20]) if whole.isascii() and whole.isdigit() else 0)
        if status >= 400:
            code = headers.get("X-Error-Code", "")
            if code == "EntryNotFound":
                raise OtherFileError(None)
            raise refused(status, code, headers.get("X-Error-Message", ""), what=what)
        if status == 206 and start:
            begin, _, whole = told.rpartition("/")
            if whole != str(size) and whole.isascii() and whole.isdigit():
                raise OtherFileError(int(whole[:20]))
            if begin != f"bytes {start}-{size - 1}":
                raise nonsense(what, f"asked for bytes from {start} on, answered with {told or 'none'}")
        elif status != 200:
            raise nonsense(what, f"status {status}")
        elif (length := headers.get("Content-Length", "")).isascii() and length.isdigit() and int(length[:20]) != size:
            raise OtherFileError(int(length[:20]))

    def _persist(self, request: Callable[[], _Result], what: str) -> _Result:
        """Try, wait and try again, within the limits."""
        import httpx2
        from huggingface_hub.errors import OfflineModeIsEnabled

        wait = self.limits.retry_seconds
        for left in range(self.limits.retries, -1, -1):
            pause = wait
            try:
                return request()
            except _AgainError as again:
                if not left:
                    raise again.error from None
                pause = max(wait, again.wait)
            # A connection error in another thread makes the client close the session that all share: RuntimeError.
            except (httpx2.HTTPError, RuntimeError) as error:
                if not left:
                    raise unreachable(error, endpoint=self.endpoint) from None
            except (httpx2.InvalidURL, OfflineModeIsEnabled) as error:
                raise unreachable(error, endpoint=self.endpoint) from None
            time.sleep(pause)
            wait = min(2 * wait, _LONGEST_BACKOFF_SECONDS)
        raise AssertionError(f"the last attempt for {what} answers or raises")

    def _get(self, url: str, params: Mapping[str, str], what: str) -> Answer:
        from huggingface_hub import get_session

        for _ in range(_REDIRECTS):
            with get_session().stream(
                "GET",
                url,
                params=dict(params) or None,
                headers=self._headers,
                timeout=self.limits.request_seconds,
                follow_redirects=False,
            ) as response:
                if not response.has_redirect_location:
                    return self._read(response, what)
                target = self._on_hub(url, response.headers["Location"], what)
            url, params = target, {} if urlsplit(target).query else params
        raise nonsense(what, "it redirects again and again")

    def _read(self, response: httpx2.Response, what: str) -> Answer:
        self._refuse_failure(response, what)
        limit = self.limits.response_bytes
        body = _body(response, limit)
        if len(body) > limit:
            raise LimitError(f"the Hub's answer for {what} is larger than {limit} bytes (limit response_bytes)")
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            url=str(response.request.url),
            next_page=response.links.get("next", {}).get("url", ""),
        )

    def _get_range(self, url: str, start: int, end: int, size: int, what: str) -> bytes:
        from huggingface_hub import get_session

        headers = {**self._headers, "Range": f"bytes={start}-{end - 1}"}
        # Files lie on other hosts; the session takes the token off when it goes there.
        with get_session().stream(
            "GET", url, headers=headers, timeout=self.limits.request_seconds, follow_redirects=True
        ) as response:
            self._refuse_failure(response, what)
            if response.status_code >= 400:
                code, message = (response.headers.get(f"X-Error-{name}", "") for name in ("Code", "Message"))
                raise refused(response.status_code, code, message, what=what)
            told = response.headers.get("Content-Range", "the whole file")
            whole = response.status_code == 200 and (start, end) == (0, size)
            if not whole and (response.status_code != 206 or told != f"bytes {start}-{end - 1}/{size}"):
                raise nonsense(what, f"asked for bytes {start}-{end - 1} of {size}, answered with {told}")
            data = _body(response, end - start)
        if len(data) != end - start:
            raise nonsense(what, f"{end - start} bytes were promised and another number came")
        return data

    def _refuse_failure(self, response: httpx2.Response, what: str) -> None:
        if response.status_code in RETRIED:
            wait = refuse_long_wait(response.headers, self.limits, what=what)
            message = response.headers.get("X-Error-Message", "")
            raise _AgainError(refused(response.status_code, "", message, what=what), wait)

    def _on_hub(self, base: str, target: str, what: str) -> str:
        """Resolve an address that the Hub sent us to; listings and their redirects stay on the Hub."""
        address = urljoin(base, target)
        if address.startswith(f"{PUBLIC_ENDPOINT}/"):  # mirrors hand on the public Hub's own addresses
            address = self.endpoint + address.removeprefix(PUBLIC_ENDPOINT)
        if _origin(address) != _origin(self.endpoint):
            raise nonsense(what, f"it leads to another host, {_origin(address)}")
        return address


def _body(response: httpx2.Response, limit: int) -> bytes:
    """Read a body until it ends or is longer than `limit` bytes."""
    body = bytearray()
    for chunk in response.iter_bytes(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _guard_token(token: str) -> None:
    """Hide the token from now on; refuse one whose header the HTTP library would quote in an error."""
    if not token:
        return
    keep_secret(token)
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise InputError("the token at hand contains characters that no token has", hint="check HF_TOKEN")


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
