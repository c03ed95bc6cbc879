"""Laws of the walk over pickles: it never trips, agrees with CPython on honest streams, and sees every name."""

from __future__ import annotations

import contextlib
import io
import pickle
import pickletools
from collections import Counter, OrderedDict, defaultdict
from dataclasses import replace
from datetime import UTC
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.checks.files.pickle_record import Broken, Record, Spent
from gatekeeper.checks.files.pickle_walk import walk_file, walk_pickle
from gatekeeper.limits import DEFAULT_LIMITS

SMALL = replace(DEFAULT_LIMITS, pickle_opcodes=500, pickle_memo=100, pickle_marks=20, pickle_depth=20)
CODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
ARGUMENTS = [
    b"",
    b"\x00",
    b"\x01",
    b"\x05",
    b"\x00\x00\x00\x00",
    b"\x02\x00\x00\x00ab",
    b"os\nsystem\n",
    b"1\n",
    b"'a'\n",
]
OPERATIONS = st.tuples(st.sampled_from(CODES), st.sampled_from(ARGUMENTS)).map(b"".join)
PROGRAMS = st.lists(OPERATIONS, max_size=60).map(b"".join)

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=200)
    | st.binary(max_size=300) | st.dates() | st.datetimes(timezones=st.just(UTC)) | st.timedeltas() | st.decimals()
    | st.fractions() | st.uuids() | st.builds(PurePosixPath, st.just("a")) | st.complex_numbers(allow_nan=False)
)  # fmt: skip
KEYS = st.text(max_size=10) | st.integers()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner, max_size=5)
        | st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict) | st.sets(KEYS, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=3).map(lambda value: defaultdict(list, value))
        | st.lists(KEYS, max_size=4).map(Counter) | inner.map(lambda value: [value, value])
    ),
    max_leaves=15,
)  # fmt: skip


class Listening(pickle.Unpickler):
    """CPython's own, on values that were made here; keeps the names that it asks for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add(name)
        return super().find_class(module, name)


@given(PROGRAMS | st.binary(max_size=300))
@example(b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.")
@example(b"(" * 30 + b".")
@settings(max_examples=200, deadline=None)
def test_no_program_trips_the_walk_or_passes_its_bounds(data: bytes) -> None:
    for legacy in (False, True):
        record = walk_file(io.BytesIO(data), len(data), SMALL, legacy=legacy)
        assert record.opcodes <= 2 * SMALL.pickle_opcodes
        assert all(problem.message.isprintable() for problem in record.problems)


@given(VALUES, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_honest_values_are_followed_to_their_end_and_every_name_is_seen(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    record = Record(limits=DEFAULT_LIMITS)
    assert walk_pickle(io.BytesIO(data), 0, len(data), record) == len(data)
    assert not record.problems
    assert record.opcodes == sum(1 for _ in pickletools.genops(data))
    unpickler = Listening(data)
    unpickler.load()
    old = {"list", "set", "range", "complex", "bytearray"}
    assert unpickler.names <= {found.attribute for found in record.imports.values()} | old


@given(VALUES, st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_names_lie_where_the_disassembler_finds_them(value: Any, protocol: int) -> None:
    data = pickle.dumps([value, OrderedDict(), Fraction(1, 3)], protocol)
    record = walk_file(io.BytesIO(data), len(data), DEFAULT_LIMITS)
    imports = {at for opcode, _, at in pickletools.genops(data) if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL")}
    assert {found.offset for found in record.imports.values()} <= imports


@given(VALUES, st.integers(0, 5), st.data())
@settings(max_examples=30, deadline=None)
def test_a_stream_that_is_cut_is_never_whole(value: Any, protocol: int, data: st.DataObject) -> None:
    stream = pickle.dumps(value, protocol)
    cut = data.draw(st.integers(0, len(stream) - 1))
    try:
        walk_pickle(io.BytesIO(stream[:cut]), 0, cut, Record(limits=DEFAULT_LIMITS))
    except (Broken, Spent):
        return
    raise AssertionError("half a pickle was taken for a whole one")


def greedy(seen: Record) -> bool:
    return any(problem.slug == "pickle-greedy" for problem in seen.problems)


@given(PROGRAMS)
@example(b"cos\nsystemX")
@settings(max_examples=60, deadline=None)
def test_what_cpython_imports_the_walk_has_seen(program: bytes) -> None:
    """Whatever names an unpickler asks for, also of a stream that breaks later, the walk lists."""

    class Refusing(pickle._Unpickler):  # type: ignore[name-defined,misc]
        names: list[str] = []  # noqa: RUF012 - replaced below

        def find_class(self, module: str, name: str) -> Any:
            self.names.append(f"{module}.{name}")
            return object

    unpickler = Refusing(io.BytesIO(program), fix_imports=False)
    unpickler.names = []
    with contextlib.suppress(Exception):
        unpickler.load()
    seen = walk_file(io.BytesIO(program), len(program), SMALL)
    assert set(unpickler.names) <= set(seen.imports) or seen.gaps or greedy(seen)
