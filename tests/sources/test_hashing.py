"""What was hashed is what is read, whoever writes, swaps or hangs."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from gatekeeper.errors import ContentChangedError, LimitError
from gatekeeper.hashing import MemoryBudget, Stop, StoppedError, hash_file, in_parallel
from gatekeeper.limits import Limits
from gatekeeper.sources.ranged import RangeContent

NO_MEMORY = Limits(memory_file_bytes=-1)


def hashed(path, *, git=False, limits=NO_MEMORY):
    return hash_file(path, git=git, budget=MemoryBudget(limits), advance=lambda _: None)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(b"original")
    return tmp_path / "file"


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 2**20, 2**20 + 1, 3 * 2**20])
@pytest.mark.parametrize("limits", [NO_MEMORY, Limits(memory_file_bytes=4 * 2**20)])
def test_digests_are_those_of_the_bytes(tmp_path, size, limits):
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    seen = []
    result = hash_file(tmp_path / "x", git=True, budget=MemoryBudget(limits), advance=seen.append)
    assert (result.size, sum(seen)) == (size, size)
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert result.git_sha1 == hashlib.sha1(b"blob %d\0" % size + data).hexdigest()
    assert result.content.read(size) == data
    with result.content.open() as reader:
        assert reader.seekable()
        assert reader.seek(-min(3, size), os.SEEK_END) == size - min(3, size)
        assert reader.read() == data[-3:] if size else True
    assert result.content.unchanged()
    if size:
        with pytest.raises(LimitError):
            result.content.read(size - 1)


def write_in_place(path):
    with path.open("r+b") as writer:
        writer.write(b"ORIGINAL")


def write_and_set_times_back(path):
    status = path.stat()
    write_in_place(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_rename(path):
    other = path.with_name("other")
    other.write_bytes(b"original")
    shutil.copystat(path, other)
    other.rename(path)


def replace_by_link(path):
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def remove(path):
    path.unlink()


def append(path):
    with path.open("ab") as writer:
        writer.write(b"!")


CHANGES = [
    write_in_place,
    write_and_set_times_back,
    replace_by_rename,
    replace_by_link,
    replace_by_pipe,
    remove,
    append,
]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_after_hashing_is_noticed(path, change):
    content = hashed(path).content
    assert content.unchanged()
    change(path)
    assert not content.unchanged()
    with pytest.raises(ContentChangedError):
        content.open()
    with pytest.raises(ContentChangedError):
        content.read(100)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_kept_in_memory_can_not_change(path, change):
    content = hashed(path, limits=Limits()).content
    change(path)
    assert content.read(100) == b"original"
    assert content.unchanged()


def test_a_write_at_once_after_hashing_a_fresh_file_is_noticed(tmp_path):
    for number in range(10):
        path = tmp_path / str(number)
        path.write_bytes(b"original")
        content = hashed(path).content
        write_and_set_times_back(path)
        assert not content.unchanged()


def test_a_file_that_is_written_while_it_is_hashed_is_refused(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(bytes(8 * 2**20))
    os.utime(path)
    time.sleep(0.03)

    def meddle(_count):
        with path.open("r+b") as writer:
            writer.write(b"x")

    with pytest.raises(ContentChangedError):
        hash_file(path, git=False, budget=MemoryBudget(NO_MEMORY), advance=meddle)


@pytest.mark.parametrize("limits", [NO_MEMORY, Limits()])
def test_pipes_links_and_folders_are_not_hashed(tmp_path, limits):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "target").write_bytes(b"1")
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(ContentChangedError):
        hashed(tmp_path / "pipe", limits=limits)
    for name in ("link", ".", "absent"):
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
            hashed(tmp_path / name, limits=limits)


def open_descriptors():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_no_descriptor_stays_open(path):
    before = open_descriptors()
    contents = [hashed(path).content for _ in range(20)]
    write_in_place(path)
    for content in contents:
        with pytest.raises(ContentChangedError):
            content.open()
    assert open_descriptors() <= before


def test_parallel_work_keeps_order_and_stops_at_the_first_error():
    assert in_parallel(lambda item: item * 2, range(100), jobs=7, stop=Stop()) == [item * 2 for item in range(100)]
    assert in_parallel(str, [], jobs=4, stop=Stop()) == []
    begun, ended = [], []
    stop = Stop()
    watched = stop.watch(lambda _units: None)

    def work(item):
        begun.append(item)
        if item == 1:
            raise ValueError("no")
        try:
            while True:  # as a long download does, until its next report is refused
                watched(1)
                time.sleep(0.001)
        except StoppedError:
            ended.append(item)
            raise

    with pytest.raises(ValueError, match="no"):
        in_parallel(work, range(500), jobs=4, stop=stop)
    assert len(begun) < 500
    assert sorted([*ended, 1]) == sorted(begun)


def test_ranged_content_reads_what_is_asked_for_and_keeps_little():
    data = os.urandom(20 * 2**18 + 17)
    asked = []

    def fetch(start, end):
        asked.append((start, end))
        return data[start:end]

    content = RangeContent(fetch, len(data))
    with content.open() as reader:
        assert reader.read(8) == data[:8]
        assert asked == [(0, 2**18)]
        reader.seek(-9, os.SEEK_END)
        assert reader.read() == data[-9:]
        reader.seek(2**18 - 3)
        assert reader.read(6) == data[2**18 - 3 : 2**18 + 3]
        assert reader.tell() == 2**18 + 3
        with pytest.raises(ValueError, match="before the file"):
            reader.seek(-1)
        reader.seek(len(data) + 5)
        assert reader.read() == b""
    assert len(asked) == 3
    assert content.read(len(data)) == data
    assert all(end - start <= 2**18 for start, end in asked)
    assert content.unchanged()
    with pytest.raises(LimitError):
        content.read(len(data) - 1)
