"""Incomplete sets of files, names that do not read as what they are, and names that only some readers meet."""

from __future__ import annotations

import json

import pytest

from gatekeeper.checks.files.paths import Paths
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.evidence import Status
from tests.support import samples
from tests.support.artifacts import look, slugs

SHARD = samples.honest_safetensors(a=4)


def test_a_missing_shard_is_said_without_an_index() -> None:
    assert slugs(look(Structure(), {"model-00001-of-00002.safetensors": SHARD})) == {"index-missing"}
    both = {f"model-0000{number}-of-00002.safetensors": SHARD for number in (1, 2)}
    assert look(Structure(), both).status is Status.PASS


def test_numbers_from_zero_and_other_names_are_no_shards() -> None:
    files = {f"part-0000{number}-of-00002.safetensors": SHARD for number in (0, 1)}
    files |= {"log-00001-of-00009.txt": b"x", "model-1-of-3.safetensors": SHARD}
    assert look(Structure(), files).status is Status.PASS


def test_the_index_of_a_variant_is_held_to_the_same() -> None:
    index = json.dumps({"weight_map": {"a": "../../outside.safetensors"}}).encode()
    assert slugs(look(Structure(), {"model.safetensors.index.fp16.json": index})) == {"index-missing"}


def test_an_index_of_a_million_files_is_refused_at_once() -> None:
    index = json.dumps({"weight_map": {str(number): f"f{number}" for number in range(20_000)}}).encode()
    assert slugs(look(Structure(), {"model.safetensors.index.json": index})) == {"index-unreadable"}


def test_a_shape_of_a_hundred_thousand_extents_costs_one_walk() -> None:
    entry = {"dtype": "F32", "shape": [1] * 100_000, "data_offsets": [0, 4]}
    assert look(Structure(), {"m.safetensors": samples.safetensors({"t": entry}, bytes(4))}).status is Status.PASS


@pytest.mark.parametrize("name", ["we\u202eights.safetensors", "config\u200b.json", "a\ue000.txt"])
def test_a_name_with_unseen_characters_is_said(name: str) -> None:
    assert slugs(look(Paths(), {name: b"x"})) == {"deceptive"}


def test_names_in_any_script_are_none() -> None:
    assert look(Paths(), {"modèle-ß.txt": b"x", "模型.json": b"{}", "नमूना.txt": b"x"}).status is Status.PASS


def dumped(array: bytes) -> bytes:
    """An array of 128 bytes as joblib wrote it before it padded them: the next opcode is the array's first byte."""
    wrapper = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x05\x00\x00\x00shapeK\x80\x85"
    wrapper += b"X\x05\x00\x00\x00dtypecnumpy\ndtype\n(X\x02\x00\x00\x00u1K\x00K\x01tR"
    wrapper += b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbub"
    return wrapper + array.ljust(128, b"\0") + b"."


def test_a_name_in_array_bytes_counts_for_who_reads_them_as_opcodes() -> None:
    call = samples.call("somelibrary.tools", "start", "x", end=b"0")[2:]
    assert slugs(look(Scanners(), {"m.joblib": dumped(call + b"N0" * 20)})) == {"unknown-global"}
    assert look(Scanners(), {"m.joblib": dumped(b"\xff" + call)}).status is Status.PASS
    assert look(Scanners(), {"m.joblib": dumped(b"")}).status is Status.PASS


def test_skops_is_known_by_its_schema() -> None:
    node = {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1, "protocol": 2,
            "content": {"module_path": "os", "function": "system"}, "_skops_version": "0.10"}  # fmt: skip
    archive = samples.zipped({"schema.json": json.dumps(node).encode()})
    assert "payload" in slugs(look(Scanners(), {"m.zip": archive}))
