"""The loopback Hub as a server: start and stop, the request log, the fault switches."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterable
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from gatekeeper.demo.hub.faults import ALWAYS, Faults
from gatekeeper.demo.hub.handler import Handler, LoggedRequest
from gatekeeper.demo.hub.repos import HubRepo


class LoopbackHub:
    """A Hub on 127.0.0.1, as a context manager; the system chooses the ports.

    There are two: as on the real Hub, files in LFS are redirected to another origin, which must get no token.

    Args:
        repos: What it serves.
        faults: What it does wrong; `faults` may be set anew while it runs.
        tokens: Tokens that open private repos, and gated ones where they are in `granted` too.
        granted: Tokens with access to gated repos.
        page: Entries on one page of a listing; None means the real Hub's (1000, with `expand` 50).
    """

    def __init__(
        self,
        repos: Iterable[HubRepo],
        faults: Faults | None = None,
        *,
        tokens: Iterable[str] = (),
        granted: Iterable[str] = (),
        page: int | None = None,
    ) -> None:
        """Take what to serve; nothing listens before `with`."""
        self._repos = {repo.id.lower(): repo for repo in repos}
        self._lock = threading.Condition()
        self._under_way = 0
        self._requests: list[LoggedRequest] = []
        self.granted = frozenset(granted)
        self.tokens = frozenset(tokens) | self.granted
        self.page = page
        self._servers: list[_Server] = []
        self.faults = faults or Faults()

    def __enter__(self) -> LoopbackHub:
        self._servers = [_Server(self, "hub"), _Server(self, "cdn")]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._servers:
            self._servers.pop().stop()

    @property
    def endpoint(self) -> str:
        """Base address, for `HF_ENDPOINT` or `endpoint=`."""
        return self._servers[0].address

    @property
    def cdn(self) -> str:
        """Base address of what serves files in LFS."""
        return self._servers[1].address

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """What was asked so far; an answer that is just being finished is waited for, a second at most."""
        with self._lock:
            self._lock.wait_for(lambda: not self._under_way, timeout=1.0)
            return tuple(self._requests)

    @property
    def faults(self) -> Faults:
        """What it does wrong now."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Set other faults; counts start anew."""
        with self._lock:
            self._faults = faults
            self._left = {
                "busy": faults.busy,
                "failing": faults.failing,
                "dropped": faults.dropped,
                "truncations": faults.truncations,
            }

    def add(self, *repos: HubRepo) -> None:
        """Serve more repos, or newer states of those that are there."""
        with self._lock:
            self._repos |= {repo.id.lower(): repo for repo in repos}

    def repo(self, name: str) -> HubRepo | None:
        """Give a repo by its id; letter case does not matter, as on the real Hub."""
        return self._repos.get(name.lower())

    @property
    def repos(self) -> tuple[HubRepo, ...]:
        """Everything that it serves."""
        return tuple(self._repos.values())

    def begin(self) -> None:
        """Note that a request came; `log` must follow."""
        with self._lock:
            self._under_way += 1

    def log(self, request: LoggedRequest) -> None:
        """Note a request that was answered."""
        with self._lock:
            self._requests.append(request)
            self._under_way -= 1
            self._lock.notify_all()

    def strikes(self, switch: str, path: str) -> bool:
        """Whether a counting fault hits a request for `path`; counts it when it does."""
        if switch != "truncations" and not re.search(self._faults.only, path):
            return False
        with self._lock:
            left = self._left[switch]
            if left > 0:
                self._left[switch] = left - 1
            return left > 0 or left == ALWAYS


class _Server(ThreadingHTTPServer):
    """One listening port with the connections it has open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: LoopbackHub, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub
        self.name = name
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        # `serve_forever` polls for its end; a short interval keeps stopping fast.
        self._thread = threading.Thread(target=self.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        with self._guard:
            waiting = tuple(self._open)
        for connection in waiting:  # idle keep-alive connections would wait for their client's next request
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
