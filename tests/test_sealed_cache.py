"""An entry that this key did not make for this name is never believed, and hurts nothing but time."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper import sealed_cache
from gatekeeper.sealed_cache import SealedCache, key_from, stored_key

KEY = bytes(range(32))
NAME, OTHER = "a" * 64, "b" * 64


def test_what_was_put_is_given_back_in_another_run(tmp_path: Path) -> None:
    with SealedCache(tmp_path / "cache", KEY) as first:
        assert first.get(NAME) is None
        first.put(NAME, b"value")
        first.put(OTHER, b"")
    with SealedCache(tmp_path / "cache", KEY) as again:
        assert (again.get(NAME), again.get(OTHER)) == (b"value", b"")
        assert again.refused == 0
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def flip(entry: Path, at: int) -> None:
    data = bytearray(entry.read_bytes())
    data[at] ^= 1
    entry.write_bytes(data)


def linked(entry: Path) -> None:
    entry.rename(entry.parent.parent / "elsewhere")
    entry.symlink_to(entry.parent.parent / "elsewhere")


def with_another_key(entry: Path) -> None:
    with SealedCache(entry.parent, bytes(32)) as foreign:
        foreign.put(NAME, b"nothing found")


def folder(entry: Path) -> None:
    entry.unlink()
    entry.mkdir()


def pipe(entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry)


POISON: dict[str, Callable[[Path], object]] = {
    "tag": lambda entry: flip(entry, 0),
    "value": lambda entry: flip(entry, -1),
    "cut": lambda entry: entry.write_bytes(entry.read_bytes()[:-1]),
    "longer": lambda entry: entry.write_bytes(entry.read_bytes() + b"x"),
    "empty": lambda entry: entry.write_bytes(b""),
    "huge": lambda entry: os.truncate(entry, 5 * 2**20),
    "other name": lambda entry: (entry.parent / OTHER).rename(entry),
    "other key": with_another_key,
    "link": linked,
    "pipe": pipe,
    "group may write": lambda entry: entry.chmod(0o660),
    "all may read": lambda entry: entry.chmod(0o604),
}


@pytest.mark.parametrize("how", POISON)
def test_a_poisoned_entry_is_not_believed_but_counted_and_replaced(tmp_path: Path, how: str) -> None:
    with SealedCache(tmp_path / "cache", KEY) as cache:
        cache.put(NAME, b"payload found")
        cache.put(OTHER, b"nothing found")
        POISON[how](tmp_path / "cache" / NAME)
        assert cache.get(NAME) is None
        assert cache.refused == 1
        cache.put(NAME, b"payload found")
        assert cache.get(NAME) == b"payload found"
        assert cache.refused == 1


def test_a_folder_in_an_entrys_place_costs_the_entry_alone(tmp_path: Path) -> None:
    with SealedCache(tmp_path / "cache", KEY) as cache:
        cache.put(NAME, b"value")
        folder(tmp_path / "cache" / NAME)
        assert cache.get(NAME) is None
        cache.put(NAME, b"value")
        assert cache.get(NAME) is None
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [NAME], "nothing unfinished is left"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_an_entry_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    with SealedCache(tmp_path / "cache", KEY) as cache:
        cache.put(NAME, b"value")
        os.chown(tmp_path / "cache" / NAME, 12345, 12345)
        assert cache.get(NAME) is None
        assert cache.refused == 1


def test_a_linked_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="cache"):
        SealedCache(tmp_path / "cache", KEY)


@pytest.mark.parametrize("name", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n"])
def test_names_are_digests(tmp_path: Path, name: str) -> None:
    with SealedCache(tmp_path / "cache", KEY) as cache:
        for act in (cache.get, lambda name: cache.put(name, b"")):
            with pytest.raises(ValueError, match="name"):
                act(name)


def test_several_writers_leave_one_whole_entry(tmp_path: Path) -> None:
    values = {bytes([number]) * 100_000 for number in range(8)}
    seen: set[bytes | None] = set()

    def write(value: bytes) -> None:
        with SealedCache(tmp_path / "cache", KEY) as cache:
            for _ in range(20):
                cache.put(NAME, value)
                seen.add(cache.get(NAME))

    threads = [threading.Thread(target=write, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= values
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [NAME]


def test_tidying_removes_what_was_used_least_lately_and_only_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_cache, "_MOST_BYTES", 4000)
    monkeypatch.setattr(sealed_cache, "_LEFT_BYTES", 3000)
    names = [format(number, "064x") for number in range(5)]
    place = tmp_path / "cache"
    place.mkdir()
    (place / "thesis.txt").write_bytes(bytes(10_000))
    (place / ".notes.tmp").write_text("mine")
    stale = place / f".{'0' * 32}.tmp"
    stale.touch()
    os.utime(stale, (0, 0))
    with SealedCache(place, KEY) as cache:
        for age, name in enumerate(names):
            cache.put(name, bytes(968))
            os.utime(place / name, (age, age))
        assert cache.get(names[0]) is not None, "used just now"
    assert {path.name for path in place.iterdir()} == {names[0], names[3], names[4], "thesis.txt", ".notes.tmp"}


def test_a_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "gatekeeper" / "cache.key"
    key = stored_key(path)
    assert stored_key(path) == key
    assert len(key) == 32
    assert key != stored_key(tmp_path / "other.key")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["cache.key"]


def test_those_who_make_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(stored_key(tmp_path / "cache.key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("fault", ["readable", "short", "long", "link", "folder"])
def test_a_key_that_others_may_know_is_none(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "cache.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    if fault == "readable":
        path.chmod(0o640)
    elif fault in ("short", "long"):
        path.write_bytes(KEY[:-1] if fault == "short" else KEY + b"x")
    else:
        path.rename(tmp_path / "real")
        path.symlink_to(tmp_path / "real") if fault == "link" else path.mkdir()
    with pytest.raises((OSError, ValueError)):
        stored_key(path)


def test_keys_of_texts_are_not_guessed() -> None:
    assert key_from("x" * 32) != key_from("y" * 32)
    assert len(key_from("x" * 32)) == 32
    with pytest.raises(ValueError, match="shorter"):
        key_from("x" * 31)
