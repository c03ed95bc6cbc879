"""Walks over files in small steps: pieces give what the file holds, two ways to walk a message agree, work ends."""

from __future__ import annotations

import ast
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.checks.files.protobuf import BYTES
from gatekeeper.checks.files.protobuf_stream import ProtobufStream
from gatekeeper.checks.files.python_calls import calls
from gatekeeper.checks.files.python_names import Deed
from gatekeeper.checks.files.window import PIECE, Pieces
from gatekeeper.parsing import ParseError, load_json

_WALKED = bytes(range(251)) * 800
"""Three pieces and a bit, of a period that no power of two shares."""


@given(st.lists(st.tuples(st.integers(0, len(_WALKED)), st.integers(0, 3 * PIECE)), max_size=8))
def test_a_piece_holds_what_the_file_holds_there(steps: list[tuple[int, int]]) -> None:
    pieces = Pieces(io.BytesIO(_WALKED))
    for start, length in steps:
        piece, place = pieces.at(start, length)
        assert piece[place : place + length] == _WALKED[start : start + length]


def _field(number: int, content: bytes) -> bytes:
    length = len(content)
    digits = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([number << 3 | BYTES]) + digits + content


@given(st.lists(st.tuples(st.integers(1, 15), st.binary(max_size=300)), max_size=20), st.integers(0, 400))
def test_both_walks_of_a_message_agree(parts: list[tuple[int, bytes]], most: int) -> None:
    data = b"".join(_field(*part) for part in parts) + b"\x08\x05"
    stream = ProtobufStream(io.BytesIO(data), len(data), fields=1_000)
    whole = stream.whole()
    walked = [(part.number, stream.read(part, most)) for part in stream.fields(whole) if part.wire == BYTES]
    assert stream.contents(whole, most) == walked == [(number, content[:most]) for number, content in parts]


@given(st.binary(max_size=60))
def test_both_walks_refuse_the_same(data: bytes) -> None:
    def outcome(*, at_once: bool) -> object:
        stream = ProtobufStream(io.BytesIO(data), len(data), fields=10)
        try:
            if at_once:
                return stream.contents(stream.whole(), 100)
            return [
                (part.number, stream.read(part, 100)) for part in stream.fields(stream.whole()) if part.wire == BYTES
            ]
        except ValueError as error:
            return str(error)

    assert outcome(at_once=True) == outcome(at_once=False)


def test_a_message_has_no_more_fields_than_may_be_read() -> None:
    data = _field(1, b"") * 11
    stream = ProtobufStream(io.BytesIO(data), len(data), fields=10)
    with pytest.raises(ValueError, match="more fields"):
        stream.contents(stream.whole(), 1)


def test_values_of_json_are_bounded_by_its_commas() -> None:
    assert load_json(b"[1,2,3]", depth=2, values=2) == [1, 2, 3]
    with pytest.raises(ParseError, match="more than 1 values"):
        load_json(b"[1,2,3]", depth=2, values=1)


def test_stars_are_followed_to_modules_that_do_something() -> None:
    source = "from torch import *\nfrom os import *\nfrom subprocess import *\nsystem('true')\nrun(['true'])\nload(1)\n"
    assert {(call.name, call.deed) for call in calls(ast.parse(source))} == {
        ("os.system", Deed.PROCESS), ("subprocess.run", Deed.PROCESS)}  # fmt: skip


def test_names_that_are_assigned_on_and_on_do_not_grow() -> None:
    lines = ["import os", "a0 = os", *(f"a{number + 1} = a{number}.path" for number in range(3_000)), "b = os"]
    found = list(calls(ast.parse("\n".join([*lines, "a3000.system('true')", "b.system('true')"]))))
    assert {call.name for call in found} == {"os.system"}
    assert max(len(call.name) for call in found) <= 200
