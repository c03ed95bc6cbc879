"""Single mutations of signed documents: of their bytes, of their JSON, of the statement inside, and splices of two.

Each takes a document, a seeded source of choices and other documents by the same key; it gives None where it has
nothing to change. JSON is kept as pairs, so that a key can stand twice.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes | None]

_ODD = b'"{}[]:,=+/-_Aa0 \n\r\t\\\0\x80\xff'
_BLANKS = (b"\xef\xbb\xbf", b" ", b"\n", b"\r\n", b"\t", b"\x0b", b"\xc2\xa0", b"\xe2\x80\x8b", b"\0")
_URL_SAFE = str.maketrans("+/", "-_")


class Members(list[tuple[str, Any]]):
    """A JSON object as pairs."""


def parsed(text: bytes) -> Any:
    return json.loads(text, object_pairs_hook=Members)


def written(value: Any) -> bytes:
    return _text(value).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(key)}:{_text(each)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def flip_bit(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def replace_byte(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([dice.choice(_ODD)]) + data[at + 1 :]


def insert_byte(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + bytes([dice.choice(_ODD)]) + data[at:]


def delete_bytes(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.choice((1, 1, 2, 4, 64)) :]


def duplicate_bytes(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at : at + dice.choice((1, 1, 4, 64))] + data[at:]


def truncate(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    return data[: dice.choice((0, 1, len(data) - 1, len(data) - 2, dice.randrange(len(data))))]


def append(data: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    return data + dice.choice((data, b"{}", b"\n{}\n", b"}", b"null", b"\0", b"#", *others))


def add_blank(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.choice((0, len(data), dice.randrange(len(data))))
    return data[:at] + dice.choice(_BLANKS) + data[at:]


def change_case(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    """One letter, or a run of them."""
    words = list(re.finditer(rb"[A-Za-z]+", data))
    start, end = dice.choice(words).span()
    end = dice.choice((start + 1, end))
    return data[:start] + data[start:end].swapcase() + data[end:]


def change_digit(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.choice([found.start() for found in re.finditer(rb"[0-9]", data)])
    digit = dice.choice([each for each in b"0123456789" if each != data[at]])
    return data[:at] + bytes([digit]) + data[at + 1 :]


def swap_lines(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes | None:
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return None
    one, other = dice.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def repeat_line(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))
    return b"".join(lines)


def drop_line(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[dice.randrange(len(lines))]
    return b"".join(lines)


def _holders(value: Any) -> list[Any]:
    """Give every object and list in a document."""
    inside = [each for _, each in value] if isinstance(value, Members) else value if isinstance(value, list) else []
    return [*([value] if inside else []), *(found for each in inside for found in _holders(each))]


def _envelope(document: Members) -> Members:
    found = dict(document).get("dsseEnvelope", document)
    assert isinstance(found, Members)
    return found


def _get(members: Members, key: str) -> Any:
    return dict(members)[key]


def _set(members: Members, key: str, value: Any) -> None:
    members[:] = Members((name, value if name == key else each) for name, each in members)


def _statement(envelope: Members) -> Members:
    found = parsed(base64.b64decode(_get(envelope, "payload")))
    assert isinstance(found, Members)
    return found


def _restate(envelope: Members, statement: Members) -> None:
    _set(envelope, "payload", base64.b64encode(written(statement)).decode())


def _documents(data: bytes) -> list[Members]:
    return [parsed(line) for line in data.splitlines() if line.strip()]


Edit = Callable[[Members, random.Random, Sequence[Members]], bool]
"""Changes a document in place; says whether it found something to change."""


def of_document(edit: Edit) -> Mutation:
    """Edit the JSON of one line: the envelope or bundle itself."""

    def mutation(data: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes | None:
        documents = _documents(data)
        before = _lines(documents)
        if not edit(dice.choice(documents), dice, [each for other in others for each in _documents(other)]):
            return None
        after = _lines(documents)
        return None if after == before else after

    return mutation


def _lines(documents: Sequence[Members]) -> bytes:
    return b"".join(written(each) + b"\n" for each in documents)


def of_statement(edit: Edit) -> Mutation:
    """Edit the statement inside one line, under the signature of what it was."""

    def inside(document: Members, dice: random.Random, others: Sequence[Members]) -> bool:
        envelope = _envelope(document)
        statement = _statement(envelope)
        changed = edit(statement, dice, [_statement(_envelope(each)) for each in others])
        _restate(envelope, statement)
        return changed

    return of_document(inside)


def _swap_values(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    places = [(holder, at) for holder in _holders(document) for at in range(len(holder))]
    scalars = [(holder, at) for holder, at in places if not isinstance(_at(holder, at), list)]
    (one, at), (other, to) = dice.sample(scalars, 2)
    first, second = _at(one, at), _at(other, to)
    _put(one, at, second)
    _put(other, to, first)
    return True


def _at(holder: Any, at: int) -> Any:
    return holder[at][1] if isinstance(holder, Members) else holder[at]


def _put(holder: Any, at: int, value: Any) -> None:
    holder[at] = (holder[at][0], value) if isinstance(holder, Members) else value


def _object(document: Members, dice: random.Random) -> Members:
    return dice.choice([each for each in _holders(document) if isinstance(each, Members)])


def _drop_key(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    chosen = _object(document, dice)
    del chosen[dice.randrange(len(chosen))]
    return True


def _duplicate_key(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    chosen = _object(document, dice)
    key, value = dice.choice(chosen)
    chosen.insert(dice.randrange(len(chosen) + 1), (key, dice.choice((value, None, "", [], {}))))
    return True


def _rename_key(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    chosen = _object(document, dice)
    at = dice.randrange(len(chosen))
    key, value = chosen[at]
    chosen[at] = (dice.choice((key.upper(), key.title(), f"{key} ", f"_{key}", f"{key}\0", "", "x")), value)
    return True


def _replace_value(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    holder = dice.choice(_holders(document))
    at = dice.randrange(len(holder))
    value = _at(holder, at)
    _put(
        holder, at, dice.choice((None, "", "AAAA", 0, -1, 1e300, True, [], Members(), [value], Members([("x", value)])))
    )
    return True


def _respell(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    """Write base64 in another way that a lenient decoder reads alike."""
    envelope = _envelope(document)
    holders = [(envelope, "payload"), *((each, "sig") for each in _get(envelope, "signatures"))]
    members, key = dice.choice(holders)
    value = str(_get(members, key))
    padding = len(value) - len(value.rstrip("="))
    at = dice.randrange(len(value))
    spellings = [
        f"{value}=",
        f"{value}==",
        value[:at] + "\n" + value[at:],
        value[:at] + " " + value[at:],
        value[:at] + "!" + value[at:],
        value + "\n",
        value.translate(_URL_SAFE),
        value.rstrip("="),
        value[: len(value) - padding - 1] + _next(value.rstrip("=")[-1]) + "=" * padding if padding else value,
    ]
    _set(members, key, dice.choice([each for each in spellings if each != value]))
    return True


def _next(letter: str) -> str:
    """Give the neighbour in the alphabet: it differs in the lowest bit alone, which padding makes meaningless."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return alphabet[alphabet.index(letter) ^ 1]


def _add_signature(document: Members, dice: random.Random, others: Sequence[Members]) -> bool:
    signatures = _get(_envelope(document), "signatures")
    donated = [each for other in others for each in _get(_envelope(other), "signatures")]
    signatures.insert(dice.randrange(2), dice.choice([*signatures, *donated]))
    return True


def _remove_signature(document: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    envelope = _envelope(document)
    signature = _get(envelope, "signatures")[0]
    _set(envelope, "signatures", dice.choice(([], None, [Members()], [Members([("keyid", "")])], signature)))
    return True


def _splice_parts(document: Members, dice: random.Random, others: Sequence[Members]) -> bool:
    """Take one part of an envelope from another one by the same key."""
    envelope, other = _envelope(document), _envelope(dice.choice(others))
    key = dice.choice(("payload", "signatures"))
    before = _get(envelope, key)
    _set(envelope, key, _get(other, key))
    return bool(before != _get(other, key))


def _splice_whole(document: Members, dice: random.Random, others: Sequence[Members]) -> bool:
    """Put another envelope, with a signature that holds, in this one's place."""
    envelope, other = _envelope(document), _envelope(dice.choice(others))
    envelope[:] = other
    return True


def _splice_statement(statement: Members, dice: random.Random, others: Sequence[Members]) -> bool:
    """Take the subjects, the predicate or its type from another statement by the same key."""
    key, other = dice.choice(("subject", "subject", "predicate", "predicateType")), dice.choice(others)
    before = _get(statement, key)
    _set(statement, key, _get(other, key))
    return bool(before != _get(other, key))


def _swap_subjects(statement: Members, dice: random.Random, _: Sequence[Members]) -> bool:
    """Give two subjects each other's digest."""
    subjects = _get(statement, "subject")
    if len(subjects) < 2:
        return False
    one, other = dice.sample(subjects, 2)
    first, second = _get(one, "digest"), _get(other, "digest")
    _set(one, "digest", second)
    _set(other, "digest", first)
    return True


OF_BYTES: Mapping[str, Mutation] = {
    "flip a bit": flip_bit,
    "replace a byte": replace_byte,
    "insert a byte": insert_byte,
    "delete bytes": delete_bytes,
    "duplicate bytes": duplicate_bytes,
    "truncate": truncate,
    "append": append,
    "add a blank": add_blank,
    "change case": change_case,
    "change a digit": change_digit,
}

OF_LINES: Mapping[str, Mutation] = {"swap lines": swap_lines, "repeat a line": repeat_line, "drop a line": drop_line}

OF_ENVELOPES: Mapping[str, Mutation] = {
    **OF_BYTES,
    "swap values": of_document(_swap_values),
    "drop a key": of_document(_drop_key),
    "duplicate a key": of_document(_duplicate_key),
    "rename a key": of_document(_rename_key),
    "replace a value": of_document(_replace_value),
    "respell base64": of_document(_respell),
    "add a signature": of_document(_add_signature),
    "remove the signature": of_document(_remove_signature),
    "splice a part": of_document(_splice_parts),
    "splice a whole envelope": of_document(_splice_whole),
    "state: swap values": of_statement(_swap_values),
    "state: drop a key": of_statement(_drop_key),
    "state: duplicate a key": of_statement(_duplicate_key),
    "state: rename a key": of_statement(_rename_key),
    "state: replace a value": of_statement(_replace_value),
    "state: splice": of_statement(_splice_statement),
    "state: swap subjects": of_statement(_swap_subjects),
}

NEVER = frozenset(
    {"duplicate a key", "respell base64", "add a signature", "remove the signature", "splice a part"}
    | {name for name in OF_ENVELOPES if name.startswith("state: ")}
)
"""What no strict reader takes, whatever it means."""
