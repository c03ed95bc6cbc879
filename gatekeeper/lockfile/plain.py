"""The short way through a lock: a few operations on the whole text, for locks as this program writes them.

Loading a model must not wait for a parser: `tomllib` takes tens of milliseconds for the 150 KB of a hundred models.
So the text is parted by its quotes and lines, and each kind of part is looked at as one. The law, which a property test
holds: where this answers, the full reader (`reading.parse`) reads the very same; where it does not, nothing is said.
"""

from __future__ import annotations

Entries = dict[bytes, dict[bytes, bytes]]
"""Id → key → value, without quotes; in ASCII. Keys are those of `FIELDS`."""

FIELDS = (b"commit", b"digest", b"kind", b"signer", b"base", b"policy", b"verdict")
"""What a model's table says of what to load and why."""

_RANKS = {key: rank for rank, key in enumerate((*FIELDS, b"decided", b"exclude"), 1)}
_OPTIONAL = (b"signer", b"base", b"exclude")
_HEX = b"0123456789abcdef"
_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_ID = _WORD + b".-/"
_PATH = _ID + b"+=@,~()[] "
_CONTROL = bytes({*range(32), 127} - {9})
_KINDS = frozenset({b'"model"', b'"adapter"', b'"graph"'})
_VERDICTS = frozenset({b'"allow"', b'"audit"', b'"patch"', b'"escalate"', b'"discard"'})
_DAYS = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}
_LONGEST_ID = 96
_LONGEST = 200
"""Bytes of a path, name or pattern that this way takes."""


def scan(data: bytes) -> Entries | None:
    """Read a lock that is written in the plain form.

    Args:
        data: The whole file.

    Returns:
        Its entries; None when anything in it is outside the plain form, be it a lock or none.
    """
    if not data.endswith(b"\n"):
        return None
    head, *tables = data.split(b"\n[models.")
    if b"#" in data:
        head = _without_comments(b"\n" + head)
        tables = [_without_comments(table) if b"#" in table else table for table in tables]
    if head.strip(b"\n") != b"version = 1" or len(tables) % 2:
        return None
    entries: Entries = {}
    files: list[list[bytes]] = []
    for model, listing in zip(tables[::2], tables[1::2], strict=True):
        header, _, body = model.partition(b"\n")
        files_header, _, files_body = listing.partition(b"\n")
        id, fields = header[1:-2], _fields(body)
        if header != b'"%b"]' % id or files_header != b'"%b".files]' % id or id in entries or fields is None:
            return None
        entries[id] = fields
        files.append(files_body.split(b'"'))
    return entries if not entries or (_are_models(entries) and _are_files(files)) else None


def _without_comments(part: bytes) -> bytes:
    """Take out lines that are a comment, but never the first, which has lost its beginning.

    A line that is no text as TOML takes it stays, and is refused by what looks at it next.
    """
    first, *lines = part.split(b"\n")
    return b"\n".join([first, *(line for line in lines if line[:1] != b"#" or not _is_comment(line))])


def _is_comment(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return line.translate(None, _CONTROL) == line


def _fields(body: bytes) -> dict[bytes, bytes] | None:
    """Part the lines of a model's table into keys, in their order, and values as written."""
    fields = {}
    last = 0
    for line in body.split(b"\n"):
        if line:
            key, _, value = line.partition(b" = ")
            rank = _RANKS.get(key, 0)
            if rank <= last or not value:
                return None
            last = rank
            fields[key] = value
    return fields


def _are_models(entries: Entries) -> bool:
    """Check the values of all models at once, and take their quotes and what nobody asks for from them."""
    tables = entries.values()
    try:
        columns = {key: [fields[key] for fields in tables] for key in _RANKS if key not in _OPTIONAL}
    except KeyError:
        return False
    columns |= {key: [fields[key] for fields in tables if key in fields] for key in _OPTIONAL}
    bases = [value[1:-1].partition(b"@") for value in columns[b"base"]]
    sound = (
        _are_hex(columns[b"commit"], b'"', 40)
        and _are_hex(columns[b"digest"] + columns[b"policy"], b'"sha256:', 64)
        and _KINDS.issuperset(columns[b"kind"])
        and _VERDICTS.issuperset(columns[b"verdict"])
        and all(map(_is_moment, set(columns[b"decided"])))
        and _are_texts(columns[b"signer"] + columns[b"base"], _PATH + b":")
        and _are_ids([*entries, *(id for id, _, _ in bases)])
        and _are_hex([b"%b%b" % (at, commit) for _, at, commit in bases if at], b"@", 40, end=b"")
        and all(map(_is_list, columns[b"exclude"]))
    )
    if sound:
        for id, fields in entries.items():
            entries[id] = {key: fields[key][1:-1] for key in FIELDS if key in fields}
    return sound


def _are_hex(values: list[bytes], begin: bytes, digits: int, *, end: bytes = b'"') -> bool:
    """Whether each value is that many hexadecimal digits between a beginning and an end."""
    length = len(begin) + digits + len(end)
    if not set(map(len, values)) <= {length}:
        return False
    whole, count = b"".join(values), len(values)
    fixed = [*enumerate(begin), *enumerate(end, len(begin) + digits)]
    if any(whole[place::length] != bytes((byte,)) * count for place, byte in fixed):
        return False
    return whole.translate(None, _HEX) == (begin + end).translate(None, _HEX) * count


def _are_texts(values: list[bytes], characters: bytes) -> bool:
    """Whether each value is a string of such characters; neither quotes nor backslashes are among them."""
    return all(
        2 < len(value) <= _LONGEST and value[:1] == value[-1:] == b'"' and not value[1:-1].translate(None, characters)
        for value in values
    )


def _is_list(value: bytes) -> bool:
    return value[:1] == b"[" and value[-1:] == b"]" and _are_texts(value[1:-1].split(b", "), _ID + b"*?")


def _are_ids(ids: list[bytes]) -> bool:
    """Whether each is surely the id of a model."""
    whole = b"/%b/" % b"/".join(ids)
    wrong = (b"//", b"/.", b"/-", b"./", b"-/", b"--", b"..", b".git/")
    if whole.translate(None, _ID) or any(token in whole for token in wrong):
        return False
    return max(map(len, ids)) <= _LONGEST_ID and max([id.count(b"/") for id in ids]) <= 1


def _is_moment(value: bytes) -> bool:
    """Whether it is a time in UTC, such as 2026-01-31T10:00:00Z, that the calendar has."""
    numbers = [value[:4], value[5:7], value[8:10], value[11:13], value[14:16], value[17:19]]
    if b"%b-%b-%bT%b:%b:%bZ" % tuple(numbers) != value or len(value) != 20 or not b"".join(numbers).isdigit():
        return False
    year, month, day, hour, minute, second = map(int, numbers)
    on_calendar = year > 0 and 1 <= month <= 12 and 1 <= day <= _DAYS.get(month, 31)
    return on_calendar and hour < 24 and minute < 60 and second < 60


def _are_files(tables: list[list[bytes]]) -> bool:
    """Whether tables are of files: each path once, each with a size and a digest.

    Args:
        tables: The lines of each, parted by their quotes: nothing, a path, the size, a digest, the end of the line and
            whatever stands before the next, a path, and so on.
    """
    gaps: list[bytes] = []
    paths: list[bytes] = []
    sizes: list[bytes] = []
    digests: list[bytes] = []
    for pieces in tables:
        names = pieces[1::4]
        if len(pieces) % 4 != 1 or not names or pieces[0].strip(b"\n") or len(set(names)) != len(names):
            return False
        gaps += pieces[4::4]
        paths += names
        sizes += pieces[2::4]
        digests += pieces[3::4]
    if any(gap[:3] != b" }\n" or gap[3:].strip(b"\n") for gap in set(gaps)):
        return False
    return _are_hex(digests, b"", 64, end=b"") and _are_paths(paths) and _are_sizes(sizes)


def _are_paths(paths: list[bytes]) -> bool:
    whole = b"/%b/" % b"/".join(paths)
    if whole.translate(None, _PATH) or any(token in whole for token in (b"//", b"/./", b"/../")):
        return False
    return max(map(len, paths)) <= _LONGEST


def _are_sizes(sizes: list[bytes]) -> bool:
    """Whether each reads ` = { size = 612, sha256 = `.

    They are joined by line ends, then parted where one ends and the next begins: when that gives as many numbers as
    there are sizes, each was in this form.
    """
    begin, end = b" = { size = ", b", sha256 = "
    whole = b"\n".join(sizes)
    if not (whole.startswith(begin) and whole.endswith(end)):
        return False
    numbers = whole[len(begin) : -len(end)].split(end + b"\n" + begin)
    lengths = set(map(len, numbers))
    if len(numbers) != len(sizes) or not b"".join(numbers).isdigit() or min(lengths) < 1 or max(lengths) > 18:
        return False
    apart = b"\n%b\n" % b"\n\n".join(numbers)
    return apart.count(b"\n0") == apart.count(b"\n0\n")
