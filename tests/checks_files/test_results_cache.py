"""Answers that are kept are those that would be given again; nothing else is kept, and no answer gets better."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import inspect
from gatekeeper.checks.files import results_cache
from gatekeeper.checks.files.limited_child import Scanning
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.confined import Server
from gatekeeper.evidence import CheckResult, Status
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from gatekeeper.sealed_cache import SealedCache
from tests.support import samples
from tests.support.artifacts import CONTEXT, artifact, shared_scanners

FILES = {
    "evil.pkl": samples.SYSTEM,
    "odd.pkl": b"cdriftwood\nThing\n.",
    "packed.zip": samples.zipped({"../up.pkl": samples.SYSTEM, "b.pkl": pickle.dumps({"a": 1})}),
    "tokenizer_config.json": b'{"chat_template": "{{ a.__class__ }}"}',
    "config.json": b"{}",
    "a.rar": b"Rar!\x1a\x07\x01\x00" + bytes(100),
}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SealedCache]:
    with SealedCache(tmp_path / "cache", bytes(32)) as opened:
        yield opened


def look(subject: Artifact, cache: SealedCache | None, **limits: Any) -> CheckResult:
    limited = replace(DEFAULT_LIMITS, **limits)
    context = replace(CONTEXT, results=cache, limits=limited, scanner_server=shared_scanners())
    return inspect(Scanners(), subject, context)


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From here on, a scanner that is started is a failure."""

    def forbid() -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("a child was started")

        monkeypatch.setattr(Server, "start", refuse)

    return forbid


def test_the_second_answer_is_the_first_and_starts_no_child(cache: SealedCache, no_child: Any) -> None:
    without = look(artifact(FILES), None)
    first = look(artifact(FILES), cache)
    no_child()
    again = look(artifact(FILES), cache)
    assert again == first == without
    assert first.findings
    assert first.status is Status.UNKNOWN


@pytest.mark.parametrize("change", ["bytes", "name", "format", "limits", "version", "code", "libraries"])
def test_whatever_the_answer_depends_on_changes_its_name(
    cache: SealedCache, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> set[str]:
        return {path.name for path in Path(f"/proc/self/fd/{cache._folder}").iterdir()}

    look(artifact({"evil.pkl": samples.SYSTEM}), cache)
    before = names()
    files, limits = {"evil.pkl": samples.SYSTEM}, {}
    if change == "bytes":
        files = {"evil.pkl": samples.EVAL}
    elif change == "name":
        files = {"evil2.pkl": samples.SYSTEM}
    elif change == "format":
        files = {"evil.zip": samples.SYSTEM}
    elif change == "limits":
        limits = {"pickle_bytes": 10 * MIB}
    elif change == "version":
        monkeypatch.setattr(Scanners, "version", 99)
    else:
        name = {"code": "code_digest", "libraries": "library_versions"}[change]
        monkeypatch.setattr(results_cache, name, lambda *_: "other")
    look(artifact(files), cache, **limits)
    assert len(before) == 1
    assert len(names()) == 2


def test_a_poisoned_entry_does_not_hide_a_payload(cache: SealedCache, tmp_path: Path) -> None:
    look(artifact(FILES), cache)
    for entry in (tmp_path / "cache").iterdir():
        entry.write_bytes(b"\0" * 32 + b'{"claims":[],"gaps":[]}')
    assert look(artifact(FILES), cache) == look(artifact(FILES), None)
    assert cache.refused > 0


def test_an_entry_that_we_sealed_but_can_not_read_is_looked_up_anew(cache: SealedCache, tmp_path: Path) -> None:
    first = look(artifact({"evil.pkl": samples.SYSTEM}), cache)
    (entry,) = (tmp_path / "cache").iterdir()
    for value in (b"", b"[]", b'{"claims":[{"x":1}],"gaps":[]}', b"[" * 100_000):
        cache.put(entry.name, value)
        assert look(artifact({"evil.pkl": samples.SYSTEM}), cache) == first


def test_what_ran_out_of_memory_is_looked_at_again(cache: SealedCache, tmp_path: Path) -> None:
    subject = {"greedy.pkl": pickle.dumps(bytes(48 * MIB))}
    assert look(artifact(subject), cache, child_memory_bytes=64 * MIB).status is Status.UNKNOWN
    assert not list((tmp_path / "cache").iterdir())


def test_what_could_not_be_scanned_in_time_is_looked_at_again(
    cache: SealedCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scanning, "_refusal", lambda *_: "no time")
    assert look(artifact({"evil.pkl": samples.SYSTEM}), cache).status is Status.UNKNOWN
    assert not list((tmp_path / "cache").iterdir())


def test_files_that_were_not_hashed_have_no_name(cache: SealedCache, tmp_path: Path) -> None:
    subject = artifact({"evil.pkl": samples.SYSTEM})
    files = tuple(replace(file, sha256=None) for file in subject.files)
    look(replace(subject, files=files, metadata_only=True), cache)
    assert not list((tmp_path / "cache").iterdir())


def test_files_that_cost_nothing_are_not_kept(cache: SealedCache, tmp_path: Path) -> None:
    look(artifact({"model.safetensors": samples.honest_safetensors(), "config.json": b"{}"}), cache)
    assert not list((tmp_path / "cache").iterdir())
