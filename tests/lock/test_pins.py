"""`pinned`: what a program that loads models gets, and what it costs in modules."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper import pinned, pins
from gatekeeper.artifact import Kind
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.lock import Lock, LockedBase
from gatekeeper.lockfile import dump, write
from tests.support.locks import entry

ROOT = Path(__file__).parents[2]
TINY = entry("acme/tiny")
ADAPTER = replace(
    entry("acme/lora"), kind=Kind.ADAPTER, base=LockedBase(id=TINY.id, commit=TINY.commit), signer="acme-release"
)
LOCK = Lock(models=(ADAPTER, TINY))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "gatekeeper.lock", LOCK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pin_says_what_to_load(home: Path) -> None:
    model = pinned("acme/tiny")
    assert (model.id, model.revision, model.kind, model.verdict) == (TINY.id, TINY.commit, "model", "allow")
    assert (model.digest, model.policy, model.signer) == (f"sha256:{TINY.digest}", TINY.policy, "")
    assert model.kwargs == {"revision": TINY.commit}
    assert model.vllm == {
        "model": TINY.id,
        "revision": TINY.commit,
        "tokenizer_revision": TINY.commit,
        "code_revision": TINY.commit,
    }
    assert (model.base, model.lock) == (None, str(home / "gatekeeper.lock"))


def test_an_adapter_brings_its_base(home: Path) -> None:
    model = pinned("acme/lora")
    assert model.base is not None
    assert (model.base.id, model.base.kwargs, model.signer) == (TINY.id, {"revision": TINY.commit}, "acme-release")


def test_a_base_that_nobody_could_tell_has_no_arguments(home: Path) -> None:
    write(home / "gatekeeper.lock", Lock(models=(replace(ADAPTER, base=LockedBase(id="acme/gone", commit="")),)))
    base = pinned("acme/lora").base
    assert base is not None
    assert (base.id, base.revision) == ("acme/gone", "")
    for ask in (lambda: base.kwargs, lambda: base.vllm):
        with pytest.raises(InputError, match="gatekeeper lock acme/gone"):
            ask()


def test_an_unknown_name_says_which_were_perhaps_meant(home: Path) -> None:
    with pytest.raises(NotFoundError, match=r"it has acme/tiny.*`gatekeeper lock acme/tinny` pins it"):
        pinned("acme/tinny")
    for name in ("", "zzz", "acme/tiny/", "ACME/TINY", "\udcff", 'a"b'):
        with pytest.raises(NotFoundError):
            pinned(name)


def test_the_lock_is_looked_for_where_it_was_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = home / "other.lock"
    write(other, Lock(models=(entry("acme/tiny", salt="other"),)))
    below = home / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert pinned("acme/tiny").revision == TINY.commit
    assert pinned("acme/tiny", lock=other).revision == entry("acme/tiny", salt="other").commit
    monkeypatch.setenv("GATEKEEPER_LOCK", str(other))
    assert pinned("acme/tiny").revision == entry("acme/tiny", salt="other").commit
    assert pinned("acme/tiny", lock="../../gatekeeper.lock").revision == TINY.commit
    monkeypatch.setenv("GATEKEEPER_LOCK", str(home / "nowhere.lock"))
    with pytest.raises(NotFoundError, match=r"nowhere\.lock can't be read"):
        pinned("acme/tiny")


def test_without_a_lock_it_says_how_to_make_one(home: Path) -> None:
    (home / "gatekeeper.lock").unlink()
    with pytest.raises(NotFoundError, match="`gatekeeper lock acme/tiny` writes one"):
        pinned("acme/tiny")


@pytest.mark.parametrize("changes", [{"salt": "2"}, {"salt": "2", "paths": ("config.json",)}])
def test_another_file_under_the_same_name_is_seen(home: Path, changes: dict[str, object]) -> None:
    path = home / "gatekeeper.lock"
    assert pinned("acme/tiny").revision == TINY.commit
    times = path.stat()
    later = entry("acme/tiny", **changes)  # type: ignore[arg-type]
    write(path, Lock(models=(ADAPTER, later)))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert pinned("acme/tiny").revision == later.commit


@pytest.mark.parametrize("head", ["version = 1", "version = 1 # takes the long way"])
def test_what_was_looked_up_is_remembered(head: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "gatekeeper.lock").write_text(dump(LOCK).replace("version = 1", head))
    first = pinned("acme/tiny")
    monkeypatch.setattr(pins, "look_up", None)
    assert pinned("acme/tiny").revision == first.revision
    if head != "version = 1":  # the long way knows them all
        assert pinned("acme/lora").id == "acme/lora"


@pytest.mark.parametrize(
    ("old", "new"),
    [("version = 1", "version = 1 # one"), ('"acme/tiny"', "'acme/tiny'"), ('kind = "model"', 'kind = """model"""')],
)
def test_other_ways_to_write_the_same_are_read_too(home: Path, old: str, new: str) -> None:
    (home / "gatekeeper.lock").write_text(dump(LOCK).replace(old, new))
    assert pinned("acme/tiny").revision == TINY.commit


@pytest.mark.parametrize("new", ["version = 2", "version = 1\n<<<<<<< HEAD", "version = 1\n\0"])
def test_a_broken_lock_gives_nothing(home: Path, new: str) -> None:
    (home / "gatekeeper.lock").write_text(dump(LOCK).replace("version = 1", new))
    with pytest.raises(InputError):
        pinned("acme/tiny")


def test_it_loads_next_to_nothing(home: Path) -> None:
    """What it costs in time is measured in benchmarks/pins.py; here: which modules a load brings in at all."""
    script = (
        "import sys; before = set(sys.modules)\n"
        "from gatekeeper import pinned; print(pinned('acme/tiny').revision)\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    commit, loaded = ran.stdout.splitlines()
    assert commit == TINY.commit
    ours = {"gatekeeper", "gatekeeper.pins", "gatekeeper.lockfile"}
    assert set(loaded.split()) == {"__future__", *ours, "gatekeeper.lockfile.places", "gatekeeper.lockfile.plain"}
