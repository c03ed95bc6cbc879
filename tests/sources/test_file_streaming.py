"""A body that breaks off, ends early, falls silent or lies about its length is noticed, however it is read."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from gatekeeper.errors import SourceError
from gatekeeper.limits import MIB, Limits
from gatekeeper.lock import LockedFile, LockedModel
from gatekeeper.sources import Materialised, SourceOptions, materialise, streaming
from tests.support.locks import model_of

QUICK = Limits(retries=2, retry_seconds=0.01, request_seconds=5.0)
SMALL = random.Random(3).randbytes(10_000)
LARGE = random.Random(4).randbytes(MIB) * 6
COMMIT = "a" * 40

Answer = Callable[[socket.socket, int], None]
"""Writes an answer for the bytes from an offset on."""


def locked(data: bytes, commit: str = COMMIT) -> LockedModel:
    files = (LockedFile(path="model.safetensors", size=len(data), sha256=hashlib.sha256(data).hexdigest()),)
    return model_of("acme/one", commit, files)


@contextmanager
def host(answer: Answer) -> Iterator[tuple[str, list[int]]]:
    """Serve one file in some way; gives the address, and the offsets that were asked for."""
    asked: list[int] = []
    open_ones: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                open_ones.append(connection)
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(4096) or b"\r\n\r\n"
                _, _, asks = request.lower().partition(b"\r\nrange: bytes=")
                asked.append(int(asks.partition(b"-")[0] or 0))
                answer(connection, asked[-1])
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
        for each in open_ones:
            each.close()


def fetched(model: LockedModel, endpoint: str, folder: Path, limits: Limits = QUICK) -> Materialised:
    return materialise(model, folder / "m", SourceOptions(endpoint=endpoint, cache_dir=folder / "c", limits=limits))


def named(folder: Path) -> list[Path]:
    return list((folder / "m").glob("*.safetensors"))


def whole(data: bytes, connection: socket.socket, start: int, stop: int, length: int | None = None) -> None:
    """Answer as a host that knows ranges does, up to an offset."""
    size = len(data) - start if length is None else length
    status = f"206 Partial\r\nContent-Range: bytes {start}-{len(data) - 1}/{len(data)}" if start else "200 OK"
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + data[start:stop])


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0 200 OK\r\n\r\n{body}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{body}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["HTTP 1.0", "until it closes", "chunked", "nothing"],
)
def test_a_body_that_ends_early_without_a_length_is_no_endless_loop(tmp_path: Path, head: str) -> None:
    def answer(connection: socket.socket, start: int) -> None:
        connection.sendall(head.encode().replace(b"{body}", SMALL[:100]))

    with host(answer) as (endpoint, asked), pytest.raises(SourceError, match="ended after"):
        fetched(locked(SMALL), endpoint, tmp_path)
    assert len(asked) == 1 + QUICK.retries
    assert not named(tmp_path)


def test_empty_answers_to_ranges_are_no_endless_loop(tmp_path: Path) -> None:
    def answer(connection: socket.socket, start: int) -> None:
        told = f"206 P\r\nContent-Range: bytes {start}-{len(SMALL) - 1}/{len(SMALL)}" if start else "200 OK"
        body = b"0\r\n\r\n" if start else b"64\r\n" + SMALL[:100] + b"\r\n0\r\n\r\n"
        connection.sendall(f"HTTP/1.1 {told}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body)

    with host(answer) as (endpoint, asked), pytest.raises(SourceError, match="ended after 100 of"):
        fetched(locked(SMALL), endpoint, tmp_path)
    assert asked == [0, 100, 100]


@pytest.mark.parametrize("cut", [0, 1, 70_000, 3 * MIB, len(LARGE) - 1])
def test_a_large_body_that_breaks_off_is_taken_up_where_it_broke(tmp_path: Path, cut: int) -> None:
    def answer(connection: socket.socket, start: int) -> None:
        whole(LARGE, connection, start, max(start, cut) if len(asked) == 1 else len(LARGE))

    with host(answer) as (endpoint, asked):
        result = fetched(locked(LARGE), endpoint, tmp_path)
    assert result.fetched == ("model.safetensors",)
    assert named(tmp_path)[0].read_bytes() == LARGE
    assert asked == [0, cut]


def test_a_host_that_falls_silent_within_a_large_body_times_out(tmp_path: Path) -> None:
    silent = threading.Event()

    def answer(connection: socket.socket, start: int) -> None:
        whole(LARGE, connection, start, start + 2 * MIB if start < 4 * MIB else start)
        silent.wait(2)

    limits = replace(QUICK, retries=0, request_seconds=0.2)
    with host(answer) as (endpoint, _), pytest.raises(SourceError, match="could not be reached"):
        fetched(locked(LARGE), endpoint, tmp_path, limits)
    silent.set()
    assert not named(tmp_path)


def test_bytes_behind_the_announced_length_are_not_taken(tmp_path: Path) -> None:
    def answer(connection: socket.socket, start: int) -> None:
        whole(LARGE + SMALL, connection, start, len(LARGE) + len(SMALL), len(LARGE))

    with host(answer) as (endpoint, _):
        assert fetched(locked(LARGE), endpoint, tmp_path).fetched
    assert named(tmp_path)[0].read_bytes() == LARGE


@pytest.mark.parametrize("direct", [0, 1000, 10 * MIB], ids=["direct", "mostly", "library"])
def test_both_ways_of_reading_give_the_same_file_through_the_redirect(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct: int
) -> None:
    monkeypatch.setattr(streaming, "_DIRECT_BYTES", direct)
    repo = HubRepo.of("acme/one", {"model.safetensors": LARGE})
    hub.add(repo)
    hub.faults = Faults(truncate={"model.safetensors": 2 * MIB}, truncations=1)
    result = fetched(locked(LARGE, repo.head), hub.endpoint, tmp_path)
    assert (result.fetched, result.drift) == (("model.safetensors",), ())
    assert named(tmp_path)[0].read_bytes() == LARGE
    hub.faults = Faults(tamper={"model.safetensors": LARGE[::-1]})
    told = fetched(locked(LARGE, repo.head), hub.endpoint, tmp_path / "again").drift
    assert hashlib.sha256(LARGE[::-1]).hexdigest() in told[0].words
    assert not named(tmp_path / "again")
