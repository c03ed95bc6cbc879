"""The loopback Hub as HTTP: routes, redirects, ranges, error codes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from gatekeeper.demo.hub import answers
from gatekeeper.demo.hub.repos import HubFile, HubRepo

_ID = r"(?P<id>[^/]+(?:/[^/]+)?)"
_REV = r"(?P<revision>[^/]+)"
_CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedRequest:
    """One request as the Hub saw it."""

    method: str
    target: str
    """Path and query as sent."""

    headers: Mapping[str, str]
    """By lower-case name, without `authorization`."""

    authorised: bool
    """Whether a token came with it."""

    host: str
    """`hub` or `cdn`."""

    status: int
    """Status of the answer; 0 when the connection was dropped."""

    body_bytes: int
    """Bytes of body that were sent."""


class _DropError(Exception):
    """The connection is to be closed without a word."""


class _RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {**({"X-Error-Code": code} if code else {}), **(headers or {})}


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server_version = "loopback-hub"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = _CHUNK_BYTES

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log: requests are kept by the hub."""

    def do_GET(self) -> None:
        """Answer one request; whatever happens, it is noted."""
        self.hub = self.server.hub  # type: ignore[attr-defined]
        self.hub.begin()
        self._status = self._sent = 0
        try:
            length = int(self.headers.get("Content-Length") or 0)
            self._form = parse_qs(self.rfile.read(length).decode()) if length else {}
            target = urlsplit(self.path)
            self._query = parse_qs(target.query)
            self._misbehave(target.path)
            self._route(target.path)
        except _RefusalError as refusal:
            self._refuse(refusal)
        except _DropError:
            self.close_connection = True
        finally:
            self._log()

    do_HEAD = do_POST = do_GET  # noqa: N815 - named by the base class

    # --- routes ---------------------------------------------------------------------------------------------------

    def _route(self, path: str) -> None:
        for pattern, method in _ROUTES:
            if match := pattern.fullmatch(path):
                parts = {name: unquote(part or "") for name, part in match.groupdict().items()}
                return method(self, **parts)
        raise _RefusalError(404, "Sorry, we can't find the page you are looking for.")

    def _info(self, id: str, revision: str = "") -> None:
        repo, commit = self._find(id, revision)
        if self.hub.faults.info_body is not None:
            return self._send(200, self.hub.faults.info_body)
        flags = {name: self._flag(name) for name in ("blobs", "securityStatus")}
        self._json(answers.info(repo, commit, self.hub.faults, blobs=flags["blobs"], security=flags["securityStatus"]))
        return None

    def _tree(self, id: str, revision: str, under: str) -> None:
        repo, commit = self._find(id, revision)
        if self.hub.faults.tree_body is not None:
            return self._send(200, self.hub.faults.tree_body)
        expand = self._flag("expand")
        entries = answers.tree(
            repo, commit, self.hub.faults, under=under, recursive=self._flag("recursive"), expand=expand
        )
        if under and not entries:
            raise _RefusalError(404, f"{under} does not exist", "EntryNotFound")
        return self._page(entries, 50 if expand else 1000)

    def _paths_info(self, id: str, revision: str) -> None:
        repo, commit = self._find(id, revision)
        expand = self._form.get("expand", ["false"])[0].lower() == "true"
        tree = repo.trees[commit]
        wanted = [tree[path] for path in self._form.get("paths", []) if path in tree]
        self._json([answers.entry(repo, commit, file, self.hub.faults, expand=expand) for file in wanted])

    def _commits(self, id: str, revision: str) -> None:
        repo, commit = self._find(id, revision)
        self._page(answers.commits(repo, commit), 50)

    def _refs(self, id: str) -> None:
        repo, _ = self._find(id, "")
        self._json(answers.refs(repo, pull_requests="include_prs" in self._query))

    def _organisation(self, name: str) -> None:
        repos = (repo for repo in self.hub.repos if repo.id.split("/")[0].lower() == name.lower())
        verified = next((repo.verified for repo in repos if repo.verified is not None), None)
        if verified is None:
            raise _RefusalError(404, "Organization not found")
        self._json(answers.organisation(name, verified=verified))

    def _resolve(self, id: str, revision: str, path: str) -> None:
        repo, commit = self._find(id, revision)
        if repo.gated and self._token not in self.hub.granted:
            raise _RefusalError(
                403 if self._authorised else 401, f"Access to model {repo.id} is restricted.", "GatedRepo"
            )
        file = repo.trees[commit].get(path)
        common = {"X-Repo-Commit": commit}
        if file is None or path in self.hub.faults.missing:
            raise _RefusalError(404, "Entry not found", "EntryNotFound", common)
        if not file.in_lfs:
            return self._deliver(file, {**common, "ETag": f'"{self.hub.faults.etag or file.oid}"'})
        where = f"{self.hub.cdn}/cdn/{quote(repo.id)}/{commit}/{quote(path)}?Expires=1&Signature=inert"
        etag = self.hub.faults.etag or file.sha256
        linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(file.size), "Accept-Ranges": "bytes"}
        body = f"Found. Redirecting to {where}".encode()
        return self._send(302, body, {**common, **linked, "Location": where, "ETag": f'"{file.oid}"'}, "text/plain")

    def _content(self, id: str, revision: str, path: str) -> None:
        repo = self.hub.repo(id)
        file = repo.trees.get(revision, {}).get(path) if repo else None
        if file is None:
            raise _RefusalError(403, "no such object")
        self._deliver(file, {"ETag": f'"{file.sha256}"'})

    # --- who may see what -----------------------------------------------------------------------------------------

    @property
    def _token(self) -> str:
        return str(self.headers.get("Authorization") or "").removeprefix("Bearer ")

    @property
    def _authorised(self) -> bool:
        return self._token in self.hub.tokens

    def _find(self, name: str, revision: str) -> tuple[HubRepo, str]:
        if name in self.hub.faults.rename:
            there = self.path.replace(f"/{name}", f"/{self.hub.faults.rename[name]}", 1)
            raise _RefusalError(307, f"Temporary Redirect. Redirecting to {there}", headers={"Location": there})
        if self._token and self.hub.tokens and not self._authorised:
            raise _RefusalError(401, "Invalid credentials in Authorization header")
        repo = self.hub.repo(name)
        if repo is None or (repo.private and not self._authorised):
            raise _RefusalError(404 if self._authorised else 401, "Repository not found", "RepoNotFound")
        if repo.disabled:
            raise _RefusalError(403, "Access to this resource is disabled.", "DisabledRepo")
        if name != repo.id:
            there = self.path.replace(f"/{name}", f"/{repo.id}", 1)
            raise _RefusalError(307, f"Temporary Redirect. Redirecting to {there}", headers={"Location": there})
        commit = repo.resolve(revision or "main")
        if commit is None:
            raise _RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repo, commit

    def _misbehave(self, path: str) -> None:
        faults = self.hub.faults
        if self.hub.strikes("dropped", path):
            raise _DropError
        if self.hub.strikes("busy", path):
            headers = {} if faults.retry_after is None else {"Retry-After": str(faults.retry_after)}
            if faults.rate_limit:
                headers["RateLimit"] = faults.rate_limit
            raise _RefusalError(429, "Too many requests", headers=headers)
        if self.hub.strikes("failing", path):
            raise _RefusalError(503, "Service unavailable")

    # --- sending --------------------------------------------------------------------------------------------------

    def _flag(self, name: str) -> bool:
        return self._query.get(name, ["false"])[0].lower() in ("true", "1")

    def _json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), headers)

    def _page(self, entries: list[Any], usual: int) -> None:
        size = self.hub.page or usual
        start = int(self._query.get("cursor", ["0"])[0])
        following = self.hub.faults.next_page
        if following is None and start + size < len(entries):
            query = {name: values[0] for name, values in self._query.items()} | {"cursor": str(start + size)}
            following = f"{self.hub.endpoint}{urlsplit(self.path).path}?{urlencode(query)}"
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        self._json(entries[start : start + size], headers)

    def _refuse(self, refusal: _RefusalError) -> None:
        message = f"{refusal.message} {self._token}" if self.hub.faults.echo_token else refusal.message
        headers = refusal.headers if refusal.status < 400 else {**refusal.headers, "X-Error-Message": message}
        self._send(refusal.status, json.dumps({"error": message}).encode(), headers)

    def _deliver(self, file: HubFile, headers: Mapping[str, str]) -> None:
        """Send a file, or the range of it that was asked for, with the faults that its path has."""
        other = self.hub.faults.tamper.get(file.path)
        size = file.size if other is None or self.command == "HEAD" else len(other)
        span = self._range(size)
        ranged = span is not None
        start, end = span or (0, size)
        common = {**headers, "Accept-Ranges": "bytes"}
        if ranged:
            common["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(206 if ranged else 200, end - start, common, "application/octet-stream")
        if self.command == "HEAD":
            return
        stop = end
        cut = self.hub.faults.truncate.get(file.path)
        if cut is not None and self.hub.strikes("truncations", file.path):
            stop = max(start, min(end, cut))
        self._stream(file, other, start, stop)
        if stop < end:
            raise _DropError

    def _stream(self, file: HubFile, other: bytes | None, start: int, stop: int) -> None:
        pace = self.hub.faults.bytes_per_second
        chunk = min(_CHUNK_BYTES, max(1, pace // 20)) if pace else _CHUNK_BYTES
        with file.open() as reader:
            reader.seek(start)
            while start < stop:
                data = (
                    reader.read(min(chunk, stop - start)) if other is None else other[start : min(start + chunk, stop)]
                )
                self._write(data)
                start += len(data)
                if pace:
                    self.wfile.flush()
                    time.sleep(len(data) / pace)
        self.wfile.flush()

    def _range(self, size: int) -> tuple[int, int] | None:
        match = _RANGE.fullmatch(self.headers.get("Range") or "")
        if not match or match[0] == "bytes=-" or self.hub.faults.ignore_ranges:
            return None
        if not match[1]:
            return max(0, size - int(match[2])), size
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if start >= end:
            raise _RefusalError(416, "Range Not Satisfiable", headers={"Content-Range": f"bytes */{size}"})
        return start, end

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        self._head(status, len(body), headers or {}, kind)
        if self.command != "HEAD":
            self._write(body)
        self.wfile.flush()

    def _head(self, status: int, length: int, headers: Mapping[str, str], kind: str) -> None:
        self._status = status
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)
        self._sent += len(data)

    def _log(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() != "authorization"}
        self.hub.log(
            LoggedRequest(
                method=self.command,
                target=self.path,
                headers=headers,
                authorised="Authorization" in self.headers,
                host=self.server.name,  # type: ignore[attr-defined]
                status=self._status,
                body_bytes=self._sent,
            )
        )


# Those with a fixed word after the id come first: `/api/models/gpt2/refs` is no repo named `refs` of `gpt2`.
_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., None]], ...] = tuple(
    (re.compile(pattern), method)
    for pattern, method in (
        (rf"/api/models/{_ID}/revision/{_REV}", Handler._info),
        (rf"/api/models/{_ID}/tree/{_REV}(?:/(?P<under>.+))?", Handler._tree),
        (rf"/api/models/{_ID}/paths-info/{_REV}", Handler._paths_info),
        (rf"/api/models/{_ID}/commits/{_REV}", Handler._commits),
        (rf"/api/models/{_ID}/refs", Handler._refs),
        (rf"/api/models/{_ID}", Handler._info),
        (r"/api/organizations/(?P<name>[^/]+)/overview", Handler._organisation),
        (rf"/{_ID}/resolve/{_REV}/(?P<path>.+)", Handler._resolve),
        (rf"/cdn/{_ID}/(?P<revision>[0-9a-f]{{40}})/(?P<path>.+)", Handler._content),
    )
)
