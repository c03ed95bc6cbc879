"""The short way to one entry of a lock: byte searches and a few lines, for locks as this program writes them.

Loading a model must not wait for a parser: `tomllib` takes tens of milliseconds for the 200 KB of a hundred models. So
the one table is found that was asked for, and nothing else is looked at. The law, which a property test holds: of a
file that the full reader (`reading.parse`) takes, this says what that says, or nothing. What stands at other models of
a file that is no lock, `gatekeeper gate --locked` and whatever else reads it in full will say.
"""

from __future__ import annotations

Fields = dict[bytes, bytes]
"""Key → value, without quotes; in ASCII. Keys are those of `FIELDS`."""

FIELDS = (b"commit", b"digest", b"kind", b"signer", b"base", b"policy", b"verdict")
"""What a model's table says of what to load and why."""

_ORDER = (*FIELDS, b"decided", b"exclude")
_REQUIRED = frozenset((b"commit", b"digest", b"kind", b"policy", b"verdict", b"decided"))
_HEX = b"0123456789abcdef"
_ID = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/"
_TEXT = _ID + b"+=@:,~()[] "
_LONGEST = 200
"""Bytes of a name that this way takes."""

_ELSEWHERE = (b'"""', b"'''", b"\n<<<<<<< ", b"\n=======\n", b"\n>>>>>>> ")
"""With these in a file a line may be within a string, or of one side of a merge."""


def look_up(data: bytes, id: bytes) -> Fields | None:
    """Read what a lock in the plain form says of one model.

    Args:
        data: The whole file.
        id: `org/name`.

    Returns:
        Its fields; None when the model is not there, or in another form than the plain one.
    """
    if not id or id.translate(None, _ID) or not _is_of_version_1(data) or any(mark in data for mark in _ELSEWHERE):
        return None
    header = b'\n[models."%b"]\n' % id
    start = data.find(header)
    if start < 0 or data.find(header, start + 1) >= 0:
        return None
    start += len(header)
    end = data.find(b"\n[", start - 1)
    return _fields(_statements(data[start : end if end >= 0 else len(data)]))


def _is_of_version_1(data: bytes) -> bool:
    """Whether nothing but the version stands before the tables."""
    return _statements(data[: max(data.find(b"\n["), 0)]) == [b"version = 1"]


def _statements(part: bytes) -> list[bytes]:
    """Give the lines that are neither blank nor a comment."""
    return [line for line in part.split(b"\n") if line and line[:1] != b"#"]


def _fields(lines: list[bytes]) -> Fields | None:
    """Take apart the lines of a table; None unless each is as this program writes it, in its order."""
    fields = {}
    for line in lines:
        key, _, value = line.partition(b" = ")
        fields[key] = value
    if len(fields) != len(lines) or not fields.keys() >= _REQUIRED or [*fields] != [k for k in _ORDER if k in fields]:
        return None
    found = {key: _text(fields[key]) for key in FIELDS if key in fields}
    if not all(found.values()):
        return None
    hexadecimal = (
        _is_hex(found[b"commit"], b"", 40)
        and _is_hex(found[b"digest"], b"sha256:", 64)
        and _is_hex(found[b"policy"], b"sha256:", 64)
    )
    return found if hexadecimal else None


def _text(value: bytes) -> bytes:
    """Take the quotes from a string of plain characters; empty when it is anything else."""
    text = value[1:-1]
    plain = value[:1] == value[-1:] == b'"' and 0 < len(text) <= _LONGEST and not text.translate(None, _TEXT)
    return text if plain else b""


def _is_hex(text: bytes, begin: bytes, digits: int) -> bool:
    number = text[len(begin) :]
    return text.startswith(begin) and len(number) == digits and not number.translate(None, _HEX)
