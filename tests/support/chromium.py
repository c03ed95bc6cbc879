"""Headless Chromium over its debugging pipe: the smallest client that browser tests need.

Messages are JSON ended by a NUL byte, read by the browser from descriptor 3 and written to descriptor 4
(Chrome DevTools Protocol, `--remote-debugging-pipe`).
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
_PATIENCE = 240.0
"""Seconds to wait for an answer before a test fails."""


def executable() -> str | None:
    """Give the path of a Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One running browser with one open tab."""

    def __init__(self, write_to: int, read_from: int) -> None:
        self._out, self._in = write_to, read_from
        self._pending = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._send("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol on the tab and wait for its result."""
        return self._send(method, params, session=self._session)

    def open(self, address: str) -> None:
        """Go to a page and wait until it and all that it asks for is loaded or refused."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._keep(self._receive())

    def evaluate(self, expression: str) -> Any:
        """Run an expression in the page and give its value."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Lay the page out as on a screen of this many CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def media(self, kind: str = "screen", *, scheme: str = "light") -> None:
        """Pretend to be a medium (`screen` or `print`) with a preferred colour scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=kind, features=features)

    def requests(self) -> list[str]:
        """Give the addresses that the page asked for, itself included."""
        asked = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in asked]

    def _send(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._receive()).get("id") != number:
            self._keep(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _keep(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self.events.append(message)

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self._in, 1 << 20) if ready else b""
            if not chunk:
                raise AssertionError("the browser ended or fell silent")
            self._pending += chunk
        head, _, self._pending = self._pending.partition(b"\0")
        return dict(json.loads(head))


@contextmanager
def opened(*, proxy: str = "") -> Iterator[Browser]:
    """Start a browser, or skip the test; where one is required, fail it."""
    path = executable()
    if path is None:
        reason = f"no Chromium: none of {', '.join(NAMES)} is on the PATH"
        if os.environ.get("GATEKEEPER_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with browser(path, proxy=proxy) as tab:
        yield tab


@contextmanager
def browser(path: str, *, proxy: str = "") -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it with all of its children.

    Args:
        path: The executable.
        proxy: `host:port` that every request goes through, those to the loopback interface too.
    """
    flags = [f"--proxy-server={proxy}", "--proxy-bypass-list=<-loopback>"] if proxy else []
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        theirs_in, ours_out = _pipe()
        ours_in, theirs_out = _pipe()
        process = os.posix_spawn(
            path,
            [path, *_FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(Path(profile, "stderr")), os.O_WRONLY | os.O_CREAT, 0o600),
            ],
            setpgroup=0,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_out, ours_in)
        finally:
            os.close(ours_out)
            os.close(ours_in)
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _pipe() -> tuple[int, int]:
    """Make a pipe with high descriptors: 3 and 4 are wanted by the child, and copies don't outlive its start."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in low)
    for descriptor in low:
        os.close(descriptor)
    return high[0], high[1]


def version(path: str) -> str:
    """Give what the browser calls itself."""
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
