"""Bodies of files as they stream: who takes them, and how they are read off a connection in large blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from gatekeeper.limits import KIB, MIB

if TYPE_CHECKING:
    import httpx2

_STREAM_BYTES = 256 * KIB
"""Bytes asked of a connection at once while a large file streams."""

_DIRECT_BYTES = 4 * MIB
"""Bodies from here on are read from the connection itself, which is closed afterwards: a new one costs less."""


class Sink(Protocol):
    """What takes the bytes of a file as they come."""

    @property
    def held(self) -> int:
        """Bytes that it has; the next ones follow them."""
        ...

    def restart(self) -> None:
        """Forget them."""
        ...

    def take(self, data: bytes) -> bool:
        """Add the next bytes; False when they are more than the file has."""
        ...


class OtherFileError(Exception):
    """The Hub has no such file, or one of another size."""

    def __init__(self, size: int | None) -> None:
        """Keep the size that was announced; None when there is no file."""
        super().__init__(size)
        self.size = size


def blocks(response: httpx2.Response, seconds: float) -> Iterator[bytes]:
    """Give a body as it is on the wire: nobody was asked to compress, and the digest tells if somebody did.

    The HTTP library hands on 64 KiB at a time, each copied three times. Of a large body whose length was announced the
    rest is read from the connection that it offers (its extension `network_stream`), at half of the processor time.

    Raises:
        httpx2.HTTPError: When the connection breaks, or is silent for so many seconds.
    """
    import httpcore2
    import httpx2

    body = response.iter_raw()
    first = next(body, b"")
    yield first  # with it the library's buffer is empty: it gives all that it has, up to the announced length
    left = _announced(response) - len(first)
    if left < _DIRECT_BYTES:
        yield from body
        return
    connection = response.extensions["network_stream"]
    while left:
        try:
            block = connection.read(min(left, _STREAM_BYTES), timeout=seconds)
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
            raise httpx2.ReadError(str(error)) from error
        if not block:
            raise httpx2.RemoteProtocolError("the connection was closed within the body")
        left -= len(block)
        yield block


def _announced(response: httpx2.Response) -> int:
    """Give how many bytes of body follow its head on the connection; 0 when that can't be told, or others follow."""
    length = response.headers.get("Content-Length", "")
    plain = response.http_version == "HTTP/1.1" and "Transfer-Encoding" not in response.headers
    return int(length[:20]) if plain and length.isascii() and length.isdigit() else 0
