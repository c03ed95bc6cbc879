"""Files that a policy names: read once, bounded, from beside it. Their bytes count in the policy's digest."""

from __future__ import annotations

from pathlib import Path as FilePath

from gatekeeper.policy.document import Document, Path
from gatekeeper.text import printable


def read_beside(document: Document, where: Path, name: str, *, limit: int, field: str) -> bytes:
    """Read a file that a policy names.

    Args:
        document: Says where the policy lies; paths are relative to that.
        where: Place of the name in it.
        name: As written.
        limit: Most bytes to accept.
        field: Name of that limit, for the message.

    Raises:
        PolicyError: When it can't be read, is no regular file or is too large.
    """
    path = FilePath(document.source).parent / name
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise ValueError("not a regular file")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        message = f"{printable(str(path))!r} can't be read: {reason[:1].lower()}{reason[1:]}"
        raise document.error(message, where, hint="paths are relative to the policy") from error
    if len(data) > limit:
        raise document.error(f"{printable(str(path))!r} is larger than {limit} bytes ({field})", where)
    return data
