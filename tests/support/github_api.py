"""A loopback API of GitHub: comments of pull requests, the token's user, uploads to code scanning, and faults.

with GitHubApi() as api:
    api.faults["POST"] = 403
    upsert_comment(api.url, "acme/app", 7, api.token, body, marker)
    print(api.comments)
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    token: str
    body: Any


@dataclass
class GitHubApi:
    """The API, for as long as it is entered."""

    token: str = "ghs_" + "t0ken" * 6
    login: str = ""
    """Who the token is; empty for the token of a job, which may not ask."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    """SARIF documents that were uploaded, with commit and ref."""

    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    """Method → status that it is answered with; 0 drops the connection."""

    passing: int = 0
    """How many more requests are answered with 503."""

    redirect: str = ""
    """Where everything is redirected to; empty for nowhere."""

    url: str = ""

    def comment(self, body: str, login: str = BOT, kind: str = "Bot") -> None:
        """Put a comment there."""
        user = {"login": login, "type": kind}
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": user})

    def __enter__(self) -> GitHubApi:
        """Serve until it is left."""
        api = self

        class Handler(_Handler):
            served = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: GitHubApi

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        api = self.served
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        body = json.loads(raw) if raw else None
        api.asked.append(Asked(method, self.path, token, body))
        if api.redirect:
            self._send(302, {}, {"Location": api.redirect + self.path})
        elif api.passing:
            api.passing -= 1
            self._send(503, {}, {"Retry-After": "0"})
        elif method in api.faults:
            if api.faults[method] == 0:
                self.close_connection = True
                self.connection.close()
                return
            self._send(api.faults[method], {"message": "no"}, {})
        elif token != api.token:
            self._send(401, {"message": "Bad credentials"}, {})
        else:
            self._send(*self._route(method, body), {})

    def _route(self, method: str, body: Any) -> tuple[int, Any]:
        api, parts = self.served, urlsplit(self.path)
        path = parts.path.split("/")[1:]
        if path == ["user"]:
            return (200, {"login": api.login, "type": "User"}) if api.login else (403, {"message": "not accessible"})
        match method, path[0:1] + path[3:]:
            case "GET", ["repos", "issues", _, "comments"]:
                query = parse_qs(parts.query)
                size, page = (
                    int(query.get(name, [default])[0]) for name, default in (("per_page", "30"), ("page", "1"))
                )
                return 200, api.comments[(page - 1) * size : page * size]
            case "POST", ["repos", "issues", _, "comments"]:
                api.comment(body["body"], *((api.login, "User") if api.login else ()))
                return 201, api.comments[-1]
            case "PATCH", ["repos", "issues", "comments", number]:
                found = next((each for each in api.comments if each["id"] == int(number)), None)
                if found:
                    found["body"] = body["body"]
                return (200, found) if found else (404, {"message": "Not Found"})
            case "POST", ["repos", "code-scanning", "sarifs"]:
                sarif = json.loads(gzip.decompress(base64.b64decode(body["sarif"])))
                api.uploads.append({"commit": body["commit_sha"], "ref": body["ref"], "sarif": sarif})
                return 202, {"id": "1", "url": f"{api.url}/sarifs/1"}
        return 404, {"message": "Not Found"}

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
