"""The walk sees what an unpickler would import and call, says what is odd, and costs no more than its limits say."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.checks.files.feed import FeedKind
from gatekeeper.checks.files.pickle_globals import Standing, standing
from gatekeeper.checks.files.pickle_record import Record
from gatekeeper.checks.files.pickle_tape import LINE
from gatekeeper.checks.files.pickle_walk import walk_file
from gatekeeper.checks.files.scanner import Report
from gatekeeper.checks.files.walk_scanner import WEIGHTS_ONLY, report
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from tests.support import samples


def walk(data: bytes, *, legacy: bool = False, **limits: int) -> Record:
    return walk_file(io.BytesIO(data), len(data), replace(DEFAULT_LIMITS, **limits), legacy=legacy)


def slugs(data: bytes, **limits: int) -> set[str]:
    return {problem.slug for problem in walk(data, **limits).problems}


def objections(found: Report) -> set[tuple[str, str]]:
    return {(signal.rule, signal.name) for signal in found.signals if signal.rule != WEIGHTS_ONLY}


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


SYSTEM = b"cposix\nsystem\n"
NAMES = {
    "global": SYSTEM,
    "stack": text("posix") + text("system") + b"\x93",
    "short": b"\x8c\x05posix\x8c\x06system\x93",
    "memo": b"\x8c\x06system\x94\x8c\x05posix\x94" + b"h\x01h\x00\x93",
    "old-memo": b"S'system'\np7\n0S'posix'\ng7\n\x93",
    "escaped": rb"S'p\x6fsix'" + b"\n" + rb"V\u0073ystem" + b"\n\x93",
    "dup-and-pop": b"\x8c\x05posix20\x8c\x06system\x93",
    "mark-popped": b"\x8c\x05posix(NNN1\x8c\x06system\x93",
    "in-a-frame": b"\x95" + struct.pack("<Q", 15) + b"\x8c\x05posix\x8c\x06system\x93",
    "python-2": b"cos\nsystem\n",
}


@pytest.mark.parametrize("way", NAMES)
@pytest.mark.parametrize("call", [b"(X\x04\x00\x00\x00truetR.", b"X\x04\x00\x00\x00true\x85R."])
def test_a_name_is_seen_however_it_is_spelt(way: str, call: bytes) -> None:
    (name,) = walk(b"\x80\x04" + NAMES[way] + call).imports
    assert name in {"posix.system", "os.system"}


CALLS = {
    "reduce": SYSTEM + b")R.",
    "inst": b"(X\x04\x00\x00\x00truei" + SYSTEM[1:] + b".",
    "obj": b"(" + SYSTEM + b"X\x04\x00\x00\x00trueo.",
    "newobj": SYSTEM + b")\x81.",
    "newobj-ex": SYSTEM + b")}\x92.",
    "imported-only": SYSTEM + b".",
    "popped": SYSTEM + b"0N.",
    "second-stream": b"N.\x80\x02" + SYSTEM + b")R.",
    "then-garbage": SYSTEM + b")R\xff\xff",
    "then-nothing": SYSTEM + b")R",
    "then-underflow": SYSTEM + b")R000000.",
}


@pytest.mark.parametrize("way", CALLS)
def test_what_is_imported_counts_however_it_is_used_and_whatever_follows(way: str) -> None:
    assert ("dangerous-global", "posix.system") in objections(report(walk(b"\x80\x02" + CALLS[way])))


def test_what_no_unpickler_reaches_is_not_counted() -> None:
    assert not walk(b"\x80\x02R" + SYSTEM + b")R.").imports


@pytest.mark.parametrize("protocol", range(6))
def test_honest_values_give_no_objection(protocol: int) -> None:
    value = {"a": [1, 2.5, "x" * 5000, True, None, b"z", (1, 2, 3, 4), 10**40, {1, 2}, frozenset({3}), bytearray(b"q")]}
    found = report(walk(pickle.dumps(value, protocol)))
    assert objections(found) == set()
    assert not found.gaps
    assert not found.truncated


ODD_FILLS = {
    "nothing-into-anything": b"K\x01(e0",
    "a-list-by-number": b"](K\x01eK\x00K\x02s0",
    "bytes-that-change": b"\x96\x01\x00\x00\x00\x00\x00\x00\x00aK\x01a0",
}


@pytest.mark.parametrize("way", ODD_FILLS)
def test_what_follows_an_odd_filling_is_seen(way: str) -> None:
    """CPython's unpicklers go on after each of these."""
    seen = walk(b"\x80\x05" + ODD_FILLS[way] + SYSTEM + b")R.")
    assert "posix.system" in seen.imports
    assert {problem.slug for problem in seen.problems} == {"pickle-odd"}


BROKEN = {
    b"\x80\x02h\x09.": "memo entry",
    b"\x80\x02R.": "stack",
    b"\x80\x02t.": "mark",
    b"\x80\x02}(K\x01u.": "without a value",
    b"\x80\x02\xee.": "no opcode",
    b"\x80\x09N.": "protocol 9",
    b"\x80\x02K\x01)R.": "can't be called",
    b"c\xff\n\xff\n.": "no text",
}


@pytest.mark.parametrize("data", BROKEN)
def test_a_break_is_told_with_its_reason(data: bytes) -> None:
    (problem,) = walk(data).problems
    assert problem.slug == "pickle-broken"
    assert BROKEN[data] in problem.message


@pytest.mark.parametrize("data", [pickle.dumps([1, "two", 3.0] * 50), b"cos\nsys", b"\x80\x02X\xff\xff\xff\x7fabc"])
def test_bytes_that_are_missing_are_told(data: bytes) -> None:
    for cut in range(1, len(data)):
        assert walk(data[:cut]).truncated, cut


@pytest.mark.parametrize("inside", [1, 3, 8])
def test_what_goes_beyond_its_frame_is_told(inside: int) -> None:
    """CPython's unpickler in C forgets what it has of such an argument, and so reads another name."""
    name = b"c" + b"collections\nOrderedDict\n"
    assert slugs(b"\x80\x04\x95" + struct.pack("<Q", inside) + name + b".") == {"pickle-odd"}
    whole = b"\x80\x04\x95" + struct.pack("<Q", len(name) + 1) + name + b"."
    assert not slugs(whole)
    assert not slugs(b"\x80\x04\x95" + struct.pack("<Q", len(name)) + name + b"0N.")


@pytest.mark.parametrize("index", [b"0\0junk", b"+0", b"0_0", b" 0"])
def test_what_follows_an_odd_memo_index_is_seen(index: bytes) -> None:
    record = walk(b"\x80\x02Nq\x00g" + index + b"\n" + SYSTEM + b")R.")
    assert "posix.system" in record.imports
    assert "pickle-odd" in {problem.slug for problem in record.problems}


def test_a_frame_that_promises_more_than_there_is_is_a_truncation() -> None:
    assert walk(b"\x80\x04\x95" + struct.pack("<Q", 500) + b"N.").truncated


@pytest.mark.parametrize("before", [b"c\xff\xff", b"cposix\n\xff\xff", b"i\xff\xff"])
def test_a_name_that_begins_behind_a_frame_is_seen(before: bytes) -> None:
    """CPython's unpickler in C drops what a line has in the frame, and asks for what is left of it."""
    name = b"system\n" if b"posix" in before else SYSTEM[1:]
    seen = walk(b"\x80\x04(\x95" + struct.pack("<Q", len(before)) + before + name + b")R.")
    assert "posix.system" in seen.imports
    assert "pickle-odd" in {problem.slug for problem in seen.problems}


def test_what_follows_an_array_without_a_length_is_seen() -> None:
    """To joblib the file is broken there; `pickle.load` goes on."""
    kind = b"cnumpy\ndtype\n" + text("O9") + b"\x85R"
    wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + text("dtype") + kind + b"ub"
    seen = walk(b"\x80\x03" + wrapper + SYSTEM + b")R.")
    assert "posix.system" in seen.imports
    assert "pickle-broken" in {problem.slug for problem in seen.problems}


def test_what_stands_in_such_a_frame_is_seen() -> None:
    """CPython's unpickler in Python takes what is there for the whole frame, and runs it."""
    seen = walk(b"\x80\x04\x95" + struct.pack("<Q", 500) + samples.SYSTEM[2:])
    assert seen.truncated
    assert "posix.system" in seen.imports


GREEDY = {
    "marks": samples.marks(),
    "laughs": samples.laughs(),
    "tuples": b"\x80\x02)" + b"".join(b"q\x01" + b"h\x01" * 9 + b"(" + b"h\x01" * 10 + b"t" for _ in range(12)) + b".",
    "deep": samples.deep(20_000),
    "memo": samples.memo_bomb(),
    "bytes": samples.call("builtins", "bytearray", b"\x8a\x08" + struct.pack("<q", 10**15)),
    "range": samples.call("builtins", "range", b"\x8a\x08" + struct.pack("<q", 10**15)),
    "array": samples.call(
        "numpy.core.multiarray", "_reconstruct", b"cnumpy\nndarray\n", b"\x8a\x08" + struct.pack("<q", 10**15) + b"\x85"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GREEDY)
def test_greed_is_told_and_costs_little(case: str) -> None:
    tracemalloc.start()
    try:
        assert "pickle-greedy" in slugs(GREEDY[case])
        assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    finally:
        tracemalloc.stop()


def test_honest_sharing_is_no_greed() -> None:
    shared = ["word"] * 1000
    value = [[shared, shared] for _ in range(1000)]
    cyclic: list[Any] = [1]
    cyclic.append(cyclic)
    assert not slugs(pickle.dumps([value, cyclic, list(range(100_000)), bytes(10 * MIB), bytearray(b"x")], 4))


def test_a_budget_that_is_used_up_is_a_gap() -> None:
    many = pickle.dumps([float(number) for number in range(1000)])
    assert "opcodes" in walk(many, pickle_opcodes=500).gaps[0]
    names = b"".join(b"ca\nn%d\n0" % number for number in range(20))
    assert "names" in walk(b"\x80\x02" + names + b"N.", pickle_globals=10).gaps[0]
    assert "pickles" in walk(b"N." * 20, pickle_streams=10).gaps[0]


def test_a_payload_before_the_budget_ends_is_still_told() -> None:
    found = walk(b"\x80\x02" + SYSTEM + b")R" + b"N0" * 1000 + b".", pickle_opcodes=100)
    assert list(found.imports) == ["posix.system"]


def test_size_does_not_matter_to_memory() -> None:
    data = pickle.dumps([bytes(1 * MIB), "x" * MIB] * 40 + [1])
    tracemalloc.start()
    try:
        assert not walk(data).problems
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shift", [-3, -2, -1, 0, 1, 2, 3, 40])
def test_names_are_read_across_blocks(shift: int) -> None:
    filler = b"\x80\x02B" + struct.pack("<I", 4 * MIB - 2 * LINE + shift) + bytes(4 * MIB - 2 * LINE + shift) + b"0"
    small = b"N0" * (MIB // 2)
    assert list(walk(filler + small + SYSTEM + b")R.").imports) == ["posix.system"]


HIDDEN = {
    "computed-name": samples.call("builtins", "str", "posix")[:-1] + text("system") + b"\x93)R.",
    "computed-callee": samples.call("operator", "itemgetter", "x")[:-1] + b")R.",
    "hooked": b"\x80\x02cargparse\nNamespace\n)R}" + text("__setstate__") + b"ccollections\nCounter\nsb.",
}


@pytest.mark.parametrize("case", HIDDEN)
def test_what_is_hidden_is_told(case: str) -> None:
    assert "pickle-computed" in slugs(HIDDEN[case])


def test_attributes_of_a_class_itself_are_not_set_by_honest_files() -> None:
    patch = b"\x80\x02ccollections\nOrderedDict\nN}" + text("pop") + b"NsNs\x86b."
    assert "pickle-patch" in slugs(b"\x80\x02ccollections\nOrderedDict\n}b.")
    assert walk(patch).problems


@pytest.mark.parametrize("data", [b"\x80\x02\x82\x07.", b"\x80\x05\x97\x98.", b"Pweights/../../etc\n.", b"\x80\x02NQ."])
def test_what_the_file_does_not_hold_is_told(data: bytes) -> None:
    rules = {rule for rule, _ in objections(report(walk(data)))}
    assert rules == {"pickle-outside"}


def test_storages_of_torch_are_no_foreign_ids() -> None:
    assert objections(report(walk(samples.tensor_state("a", "b")))) == set()


def test_a_class_may_be_made_but_not_called() -> None:
    made = b"\x80\x02csklearn.linear_model._base\nLinearRegressionCopy\n"
    name = b"cnltk.stem.porter\nPorterStemmer\n"
    assert standing("nltk.stem.porter", "PorterStemmer") is Standing.REVIEWED
    assert objections(report(walk(b"\x80\x02" + name + b")\x81}b."))) == set()
    called = ("unknown-global", "nltk.stem.porter.PorterStemmer")
    assert called in objections(report(walk(b"\x80\x02" + name + b")R.")))
    given = b"\x80\x02ccollections\ndefaultdict\n" + name + b"\x85R."
    assert called in objections(report(walk(given)))
    plain = b"\x80\x02ccopy_reg\n_reconstructor\n" + name + b"c__builtin__\nobject\nN\x87R."
    assert objections(report(walk(plain))) == set()
    assert objections(report(walk(made + b")\x81.")))


def nested(inner: bytes, protocol: int) -> bytes:
    head = b"\x80\x04ctorch.storage\n_load_from_bytes\n"
    if protocol == 2:
        packed = inner.decode("latin-1").encode()
        return (
            head
            + b"c_codecs\nencode\n"
            + b"X"
            + struct.pack("<I", len(packed))
            + packed
            + text("latin1")
            + b"\x86R\x85R."
        )
    return head + b"B" + struct.pack("<I", len(inner)) + inner + b"\x85R."


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_in_bytes_that_torch_would_unpickle_is_walked(protocol: int) -> None:
    streams = samples.legacy_streams(samples.tensor_state("w"))
    honest = samples.torch_legacy(streams, samples.legacy_storage(bytes(16)))
    assert objections(report(walk(nested(honest, protocol)))) == set()
    streams[3] = samples.SYSTEM
    evil = samples.torch_legacy(streams)
    assert ("dangerous-global", "posix.system") in objections(report(walk(nested(evil, protocol))))


def test_a_pickle_in_a_pickle_has_a_bottom_and_is_nothing_else() -> None:
    data = samples.torch_legacy(samples.legacy_streams(samples.tensor_state("w")))
    for _ in range(8):
        data = nested(data, 4)
    assert any("nested" in gap for gap in walk(data).gaps)
    assert "pickle-odd" in slugs(nested(samples.torch_zip(samples.SYSTEM), 4))
    assert "pickle-computed" in slugs(samples.call("torch.storage", "_load_from_bytes", b"N"))
    given = b"\x80\x02cfunctools\npartial\nctorch.storage\n_load_from_bytes\n\x85R."
    assert ("unknown-global", "torch.storage._load_from_bytes") in objections(report(walk(given)))


def test_old_torch_files_end_where_their_tensors_begin() -> None:
    streams = samples.legacy_streams(samples.tensor_state("w"))
    found = walk(samples.torch_legacy(streams, samples.legacy_storage(samples.SYSTEM)), legacy=True)
    assert "posix.system" not in found.imports
    assert walk(samples.torch_legacy(streams[:3]), legacy=True).truncated
    assert FeedKind.TORCH_LEGACY in FeedKind


def test_names_reached_through_an_object_are_never_reviewed() -> None:
    assert standing("collections", "OrderedDict") is Standing.REVIEWED
    assert standing("collections", "OrderedDict.fromkeys") is Standing.UNKNOWN
    assert standing("torch.serialization", "os.system") is Standing.DANGEROUS
    assert standing("__builtin__", "eval") is Standing.DANGEROUS
    assert standing("copy_reg", "_reconstructor") is Standing.REVIEWED
    assert standing("commands", "getoutput") is Standing.DANGEROUS
    assert standing("os.path", "join") is Standing.DANGEROUS
    assert standing("ossify", "thing") is Standing.UNKNOWN


EXCESSIVE = {
    "left on the stack": (b"\x80\x02" + b"N2222.", "pickle-odd"),
    "left above a mark": (b"\x80\x02N(N.", "pickle-odd"),
    "memoised again": (b"\x80\x04]\x94\x94.", "pickle-odd"),
    "a number of many digits": (b"I" + b"9" * 5_000 + b"\n.", "pickle-greedy"),
}


@pytest.mark.parametrize("case", EXCESSIVE)
def test_what_no_pickler_writes_is_told(case: str) -> None:
    data, slug = EXCESSIVE[case]
    assert slugs(data) == {slug}


@pytest.mark.parametrize("protocol", range(6))
def test_what_picklers_write_is_not_taken_for_that(protocol: int) -> None:
    shared = ["x"]
    circle: list[object] = [shared, shared, "x", "x", 10**4_000]
    circle.append((circle, (circle,)))
    assert not slugs(pickle.dumps(circle, protocol))
