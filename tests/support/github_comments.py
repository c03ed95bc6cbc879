"""The comments of one pull request, served on the loopback address as GitHub's REST API does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

REPOSITORY = "harbour/pilot"
NUMBER = 7
TOKEN = "ghs_ofTheJob0123456789"


class Comments:
    """`comments` is what stands there, `asked` every request; with `refuses`, each is answered with that status."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """For GITHUB_API_URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, token: str, body: dict[str, str]) -> tuple[int, Any]:
        """Do what a request asks, as the bot that a job's token stands for."""
        self.asked.append((method, path))
        place = f"/repos/{REPOSITORY}/issues/"
        if self.refuses:
            return self.refuses, {"message": "refused"}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if method == "GET" and path.startswith(f"{place}{NUMBER}/comments?"):
            return 200, self.comments
        if method == "POST" and path == f"{place}{NUMBER}/comments":
            made = {"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]", "type": "Bot"}, **body}
            self.comments.append(made)
            return 201, made
        if method == "PATCH" and path.startswith(f"{place}comments/"):
            found = self.comments[int(path.rpartition("/")[2]) - 1]
            found.update(body)
            return 200, found
        return (403 if path == "/user" else 404), {"message": "Resource not accessible by integration"}


def _handler(comments: Comments) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, told = comments.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _any  # noqa: N815 - the names that the base class looks for

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler
