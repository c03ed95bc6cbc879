"""Laws of the file parsers, tried on bytes that nobody would write by hand."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Any

import joblib
import numpy as np
import pytest
import safetensors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.checks.files.engines import UnpackError
from gatekeeper.checks.files.feed import escapes, safe_name
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import UnsupportedGgufError, read_gguf
from gatekeeper.checks.files.identify import identify
from gatekeeper.checks.files.inflate import BombError, inflate
from gatekeeper.checks.files.joblib_streams import joblib_streams
from gatekeeper.checks.files.npy_header import read_npy
from gatekeeper.checks.files.pickle_probe import has_proto, imports_names
from gatekeeper.checks.files.pickle_streams import split_streams
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.checks.files.safetensors_header import BITS, read_header
from gatekeeper.checks.files.scanner import Report, Signal, from_json, to_json
from gatekeeper.checks.files.tar_members import TarError, tar_members
from gatekeeper.checks.files.window import window
from gatekeeper.checks.files.zip_directory import ZipError, read_directory
from gatekeeper.checks.files.zip_rules import judge_zip
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import samples

SIZES = st.integers(0, 6)
law = settings(deadline=None, max_examples=60)
"""Machines that run tests are shared: no law is about seconds."""

hard_law = settings(deadline=None, max_examples=200)


@st.composite
def headers(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """A safetensors header, sound or nearly so, and the bytes behind it."""
    header: dict[str, Any] = {}
    at = 0
    for name in draw(st.lists(st.text(max_size=4), max_size=4, unique=True)):
        dtype = draw(st.sampled_from([*BITS, "F7"]))
        shape = draw(st.lists(SIZES, max_size=3))
        length = BITS.get(dtype, 8)
        for extent in shape:
            length *= extent
        begin = at + draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
        end = begin + length // 8 + draw(st.sampled_from([0, 0, 0, 0, 1]))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        at = end
    header.pop("__metadata__", None)
    if draw(st.booleans()):
        header["__metadata__"] = draw(
            st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.integers(), max_size=2)
        )
    return header, max(0, at + draw(st.sampled_from([0, 0, 0, 0, 1, -1])))


def library_accepts(data: bytes) -> bool:
    try:
        safetensors.deserialize(data)
    except safetensors.SafetensorError:
        return False
    return True


def gate_accepts(data: bytes) -> bool:
    try:
        return not read_header(io.BytesIO(data), len(data), DEFAULT_LIMITS).problems
    except StructureError:
        return False


@given(headers())
@hard_law
def test_safetensors_are_judged_as_the_library_judges_them(made: tuple[dict[str, Any], int]) -> None:
    header, length = made
    data = samples.safetensors(header, bytes(length))
    assert gate_accepts(data) == library_accepts(data)


@given(st.binary(max_size=60), st.integers(0, 80))
@example(b'{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}} ', 53)
@law
def test_what_the_gate_accepts_the_library_accepts(text: bytes, length: int) -> None:
    data = struct.pack("<Q", length) + text
    if gate_accepts(data):
        assert library_accepts(data)


@pytest.mark.parametrize(
    "data",
    [
        samples.safetensors(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}'),
        samples.safetensors(b"{}\n"),
        samples.safetensors(b'{"__metadata__":null}'),
    ],
)
def test_where_the_gate_is_stricter_than_the_library(data: bytes) -> None:
    """Unknown fields, other white space than spaces behind the header, and null metadata."""
    assert library_accepts(data)
    assert not gate_accepts(data)


@st.composite
def damaged(draw: st.DrawFn, *sound: bytes) -> bytes:
    """A sound file with some bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        action = draw(st.sampled_from(["set", "word", "cut", "insert", "truncate"]))
        if action == "set" and data:
            data[at] = draw(st.integers(0, 255))
        elif action == "word":
            data[at : at + 8] = struct.pack("<Q", draw(st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])))
        elif action == "cut":
            del data[at : at + draw(st.integers(1, 16))]
        elif action == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        else:
            del data[at:]
    return bytes(data)


GGUF = samples.honest_gguf(
    samples.gguf_pair("tokens", 9, struct.pack("<IQ", 8, 3) + samples.gguf_text("ab") * 3),
    samples.gguf_pair("nested", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 4, 2) + bytes(8)),
)


@given(damaged(GGUF))
@hard_law
def test_damaged_gguf_is_a_problem_and_never_a_crash(data: bytes) -> None:
    try:
        header = read_gguf(io.BytesIO(data), len(data), DEFAULT_LIMITS)
    except (StructureError, UnsupportedGgufError):
        return
    assert header.tensors <= DEFAULT_LIMITS.tensors


@given(st.integers(0, len(GGUF) - 80))
@law
def test_a_gguf_that_is_cut_off_is_never_accepted(cut: int) -> None:
    data = GGUF[:cut]
    with pytest.raises((StructureError, UnsupportedGgufError)):
        read_gguf(io.BytesIO(data), len(data), DEFAULT_LIMITS)


@given(damaged(samples.honest_safetensors(a=3, b=2)))
@hard_law
def test_damaged_safetensors_are_a_problem_and_never_a_crash(data: bytes) -> None:
    if gate_accepts(data):
        assert library_accepts(data)


MEMBERS = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=8),
    st.binary(max_size=200),
    max_size=5,
)


@given(MEMBERS, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
@law
def test_what_zipfile_writes_is_sound_and_read_the_same(members: dict[str, bytes], method: int) -> None:
    data = samples.zipped(members, method)
    reader = io.BytesIO(data)
    directory = read_directory(reader, len(data), DEFAULT_LIMITS)
    assert list(judge_zip(reader, PurePosixPath(), len(data), DEFAULT_LIMITS)) == []
    read = {}
    for member in directory.members:
        packed = window(reader, member.data, member.compressed)
        stream = inflate(packed, member.method, packed=member.compressed, most=1000, limits=DEFAULT_LIMITS)
        read[member.name] = b"".join(stream)
    assert read == members


ZIP = samples.zipped({"a/data.pkl": samples.SYSTEM, "a/data/0": bytes(40)}, zipfile.ZIP_DEFLATED)


@given(damaged(ZIP, samples.torch_zip(samples.EVAL)))
@hard_law
def test_a_damaged_zip_is_a_problem_and_never_a_crash(data: bytes) -> None:
    list(judge_zip(io.BytesIO(data), PurePosixPath(), len(data), DEFAULT_LIMITS))
    try:
        directory = read_directory(io.BytesIO(data), len(data), DEFAULT_LIMITS)
    except ZipError:
        return
    for member in directory.members:
        packed = window(io.BytesIO(data), member.data, member.compressed)
        try:
            for _ in inflate(packed, member.method, packed=member.compressed, most=10_000, limits=DEFAULT_LIMITS):
                pass
        except (UnpackError, BombError):
            continue


@given(st.sampled_from(list(Format)), st.binary(max_size=300))
@law
def test_unpacking_noise_ends_in_an_error_that_is_known(kind: Format, data: bytes) -> None:
    try:
        for _ in inflate(io.BytesIO(data), kind, packed=len(data), most=1000, limits=DEFAULT_LIMITS):
            pass
    except (UnpackError, BombError):
        return


@given(st.integers(0, 3000), st.integers(1, 2000))
@law
def test_nothing_is_unpacked_beyond_what_is_allowed(length: int, most: int) -> None:
    packed = zlib.compress(bytes(length))
    given_out = 0
    try:
        for piece in inflate(io.BytesIO(packed), Format.ZLIB, packed=len(packed), most=most, limits=DEFAULT_LIMITS):
            given_out += len(piece)
    except BombError:
        assert length > most
    else:
        assert given_out == length
    assert given_out <= most


@given(damaged(samples.tarred({"a": b"x" * 600, "b/c": b"y"}, {"l": "a"})))
@hard_law
def test_a_damaged_tar_ends_in_an_error_that_is_known(data: bytes) -> None:
    try:
        members = list(tar_members(io.BytesIO(data), DEFAULT_LIMITS))
    except TarError:
        return
    assert all(member.start + member.size <= len(data) for member in members if member.is_file)


DTYPES = st.sampled_from(["<f4", ">i8", "|b1", "<U3", "|S5", "<M8[s]", "<c16", "|V7", "|O"])


@given(DTYPES, st.lists(st.integers(0, 4), max_size=3))
@law
def test_npy_headers_are_read_as_numpy_writes_them(dtype: str, shape: list[int]) -> None:
    out = io.BytesIO()
    np.save(out, np.empty(shape, dtype))
    data = out.getvalue()
    header = read_npy(io.BytesIO(data))
    assert header.objects == (dtype == "|O")
    if not header.objects:
        assert header.length is not None
        assert header.start + header.length == len(data)


@given(damaged(samples.npy(bytes(8), "<f4", "(2,)")))
@law
def test_a_damaged_npy_header_is_a_problem_and_never_a_crash(data: bytes) -> None:
    try:
        read_npy(io.BytesIO(data))
    except StructureError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["scanner", "signals", "gaps", "truncated", "rule", "level"]), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(PLAIN, min_size=1, max_size=4), st.integers(0, 5), st.binary(max_size=20))
@law
def test_streams_are_split_where_they_end(values: list[Any], protocol: int, tail: bytes) -> None:
    parts = [pickle.dumps(value, protocol) for value in values]
    streams = split_streams(b"".join(parts) + tail, len(parts))
    ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
    assert [stream.end for stream in streams] == ends
    assert all(stream.complete for stream in streams)


@given(st.binary(max_size=400))
@law
def test_noise_is_split_without_a_crash(data: bytes) -> None:
    streams = split_streams(data, 5)
    assert sum(stream.end - stream.start for stream in streams) <= len(data)


@given(JSON, st.integers(0, 5))
@law
def test_data_without_imports_is_no_program(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert not imports_names(data)
    assert has_proto(data) == (protocol >= 2)


@given(st.text(st.sampled_from("cio(.RtbN \nabI1"), max_size=60))
@law
def test_what_runs_as_a_pickle_has_a_sound_stack(text: str) -> None:
    """Whatever the probe calls a program is one to `pickletools.dis`, as far as it was read."""
    data = text.encode()
    if imports_names(data):
        assert any(op.name in ("GLOBAL", "INST") for op, _, _ in _walked(data))


def _walked(data: bytes) -> list[Any]:
    found = []
    try:
        for step in pickletools.genops(io.BytesIO(data)):
            found.append(step)  # noqa: PERF402 - what was walked before the error counts
    except ValueError:
        pass
    return found


ARRAYS = st.builds(
    lambda dtype, shape: np.zeros(shape, dtype),
    st.sampled_from(["f4", "i8", "U2", "S3", "M8[s]", "O", "f4,i2"]),
    st.lists(st.integers(0, 3), max_size=2),
)


@given(st.lists(ARRAYS | PLAIN, max_size=4))
@hard_law
def test_joblib_files_are_followed_to_their_end(values: list[Any]) -> None:
    out = io.BytesIO()
    joblib.dump([*values, "the end"], out)
    streams = joblib_streams(out.getvalue())
    assert b"the end" in streams[0]
    assert streams[0].endswith(b".")


@given(st.binary(max_size=300), st.text(max_size=12))
@law
def test_every_file_has_a_format(data: bytes, name: str) -> None:
    path = PurePosixPath(name.replace("\0", "").replace("/", "") or "x")
    found = identify(io.BytesIO(data), path, len(data), DEFAULT_LIMITS)
    assert found in Format
    assert (found is Format.EMPTY) == (not data)


@given(damaged(ZIP, GGUF, samples.SYSTEM, samples.onnx_model(), samples.honest_safetensors()))
@law
def test_damaged_files_have_a_format(data: bytes) -> None:
    for name in ("a", "m.onnx", "m.bin", "saved_model.pb", "m.msgpack"):
        identify(io.BytesIO(data), PurePosixPath(name), len(data), DEFAULT_LIMITS)


@given(st.text(max_size=200))
@law
def test_names_from_archives_become_harmless(name: str) -> None:
    safe = safe_name(name)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set("/\\\0 \n")
    assert safe.isascii()
    assert len(safe) <= 80


@given(st.lists(st.sampled_from(["a", "..", ".", "b c"]), min_size=1, max_size=4), st.sampled_from("/\\"))
@law
def test_names_that_leave_the_folder_are_told(parts: list[str], separator: str) -> None:
    assert escapes(separator.join(parts)) == (".." in parts)
    assert escapes(separator + separator.join(parts))


@given(st.binary(max_size=20), st.binary(max_size=40), st.binary(max_size=20), st.integers(0, 60), st.integers(0, 60))
@law
def test_a_window_is_a_slice(before: bytes, inside: bytes, after: bytes, offset: int, count: int) -> None:
    view = window(io.BytesIO(before + inside + after), len(before), len(inside))
    view.seek(offset)
    assert view.read(count) == inside[offset : offset + count]
    assert view.seek(0, 2) == len(inside)


SIGNALS = st.builds(
    Signal,
    rule=st.text(max_size=5),
    level=st.sampled_from(["info", "low", "medium", "high", "critical"]),
    category=st.text(max_size=5),
    message=st.text(max_size=5),
    name=st.text(max_size=5),
    call=st.text(max_size=5),
    offset=st.integers(0, 2**40),
)


@given(st.builds(Report, scanner=st.text(max_size=5), signals=st.tuples(SIGNALS), gaps=st.tuples(st.text(max_size=5))))
@law
def test_reports_survive_the_pipe(report: Report) -> None:
    assert from_json(json.loads(json.dumps(to_json(report)))) == report


@given(JSON)
@law
def test_nonsense_from_a_child_is_refused(value: Any) -> None:
    try:
        report = from_json(value)
    except ValueError:
        return
    assert isinstance(report, Report)
