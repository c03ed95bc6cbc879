"""A child that dies, hangs, lies or grows costs the answer about one file, never the others', never the parent."""

from __future__ import annotations

import json
import pickle
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.checks.files.child import SCANNERS
from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.limited_child import Scanning, Verdict
from gatekeeper.checks.files.scanner import Report, Signal, from_json, to_json
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.evidence import Status
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from tests.support import samples
from tests.support.artifacts import look, shared_scanners, slugs

JOBS = "tests.support.scanner_jobs"


def feeds(folder: Path, names: dict[str, str]) -> list[Feed]:
    copies = folder / "copies"
    copies.mkdir()
    made = []
    for name, text in names.items():
        copy = copies / (f"bad-{len(made)}" if text else name)
        copy.write_text(text)
        made.append(Feed(path=name, copy=copy, kind=FeedKind.PICKLE))
    return made


def scan(folder: Path, names: dict[str, str], job: str, **limits: Any) -> dict[str, Verdict]:
    items = feeds(folder, names)
    scratch = folder / "scratch"
    scratch.mkdir()
    server = shared_scanners(f"{JOBS}:{job}")
    with Scanning(replace(DEFAULT_LIMITS, **limits), folder / "copies", scratch, server) as scanning:
        verdicts = {verdict.feed.path: verdict for verdict in scanning.scan(items)}
    assert not list(scratch.iterdir())
    return verdicts


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("leave", "ended early with status 3"),
        ("abort", "crashed with signal"),
        ("sleep", "wall_seconds"),
        ("loop", "cpu_seconds"),
        ("part", "ended early with status 3"),
        ("talk", "output_bytes"),
        *((how, "nonsense") for how in ("object", "list", "deep", "bytes", "nan", "other copy", "true")),
        *((how, "nonsense") for how in ("other scanner", "twice", "long gap", "refund")),
    ],
)
def test_a_file_that_ends_the_child_blinds_no_other(tmp_path: Path, how: str, reason: str) -> None:
    names = {"a": "", "bad": how, "b": "", "c": ""}
    limits = {"child_wall_seconds": 1, "child_output_bytes": MIB, "child_cpu_seconds": 1}
    if how != "sleep":
        del limits["child_wall_seconds"]
    verdicts = scan(tmp_path, names, "bad", **limits)
    assert reason in verdicts["bad"].error
    assert not any(verdicts[name].error for name in ("a", "b", "c"))
    assert all(len(verdicts[name].reports) == len(SCANNERS) for name in ("a", "b", "c"))
    assert len(verdicts["bad"].reports) < len(SCANNERS)


def test_what_was_said_before_the_end_counts(tmp_path: Path) -> None:
    verdicts = scan(tmp_path, {"bad": "part"}, "bad")
    assert [report.scanner for report in verdicts["bad"].reports] == [SCANNERS[0].name]
    assert verdicts["bad"].error


def test_a_child_that_says_nothing_has_not_looked(tmp_path: Path) -> None:
    verdicts = scan(tmp_path, {"a": "", "b": ""}, "silent")
    assert [verdict.error for verdict in verdicts.values()] == ["the scanners did not answer"] * 2


def test_a_file_that_is_greedy_after_others_gets_a_child_to_itself(tmp_path: Path) -> None:
    verdicts = scan(tmp_path, dict.fromkeys("abcde", ""), "third")
    assert not any(verdict.error for verdict in verdicts.values())


def test_all_that_lies_in_a_file_has_one_account(tmp_path: Path) -> None:
    names = {f"zip!{number}": "loop" for number in range(30)} | {"b": ""}
    verdicts = scan(tmp_path, names, "bad", child_cpu_seconds=1)
    stopped = [verdict for verdict in verdicts.values() if "cpu_seconds (1) were used up" in verdict.error]
    assert 1 <= len(stopped) <= 2, "one child for the first, and no second try"
    refused = [verdict for verdict in verdicts.values() if "scanning the file used up" in verdict.error]
    assert len(stopped) + len(refused) == 30
    assert not verdicts["b"].error


def test_the_time_of_an_artifact_is_bounded_as_well(tmp_path: Path) -> None:
    verdicts = scan(tmp_path, {"a": "", "b": ""}, "asleep", child_wall_seconds=1, scan_seconds=1)
    assert "scan_seconds" in verdicts["b"].error


def weighed(folder: Path, files: dict[str, bytes]) -> dict[str, Verdict]:
    copies, scratch = folder / "copies", folder / "scratch"
    copies.mkdir()
    scratch.mkdir()
    items = []
    for name, data in files.items():
        copy = copies / f"{len(items)}.pkl"
        copy.write_bytes(data)
        items.append(Feed(path=name, copy=copy, kind=FeedKind.PICKLE))
    limits = replace(DEFAULT_LIMITS, scan_opcodes=1000)
    with Scanning(limits, copies, scratch, shared_scanners()) as scanning:
        return {verdict.feed.path: verdict for verdict in scanning.scan(items)}


def refused(verdict: Verdict) -> set[str]:
    return {report.scanner for report in verdict.reports if any("scan_opcodes" in gap for gap in report.gaps)}


def test_pickles_are_weighed_before_others_scan_them(tmp_path: Path) -> None:
    heavy = pickle.dumps(list(range(3000)), 2) + samples.SYSTEM
    verdicts = weighed(tmp_path, {"heavy.pkl": heavy, "light.pkl": samples.SYSTEM})
    assert refused(verdicts["heavy.pkl"]) == {"hayward", "picklescan"}
    assert refused(verdicts["light.pkl"]) == set()
    assert all(report.signals for report in verdicts["light.pkl"].reports)


def test_what_is_too_heavy_for_others_is_walked_all_the_same() -> None:
    heavy = pickle.dumps(list(range(3000)), 2)[:-1] + b"0" + samples.SYSTEM[2:]
    assert "payload" in slugs(look(Scanners(), {"heavy.pkl": heavy}, scan_opcodes=1000))


def test_members_of_an_archive_are_weighed_together(tmp_path: Path) -> None:
    light = pickle.dumps(list(range(300)), 2)
    verdicts = weighed(tmp_path, {**{f"a.zip!{number}.pkl": light for number in range(5)}, "b.pkl": light})
    late = [name for name, verdict in verdicts.items() if refused(verdict)]
    assert late
    assert all(name.startswith("a.zip!") for name in late)
    assert len(late) < 5


def test_a_child_without_memory_for_it_gives_gaps() -> None:
    # Enough for the interpreter and the scanners, not for two copies of the pickle.
    result = look(
        Scanners(),
        {"greedy.pkl": pickle.dumps(bytes(48 * MIB)) + samples.call("some.thing", "f"), "evil.pkl": samples.SYSTEM},
        child_memory_bytes=96 * MIB,
    )
    assert slugs(result) == {"payload", "unknown-global"}
    assert {gap.path for gap in result.gaps} == {"greedy.pkl"}


def test_no_child_is_started_for_files_that_hold_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    files = {
        "model.safetensors": samples.honest_safetensors(),
        "config.json": b'{"model_type": "bert"}',
        "tokenizer_config.json": b"{}",
        "model.gguf": samples.honest_gguf(),
        "a.npz": samples.zipped({"a.npy": samples.npy(bytes(4), "<f4", "(1,)")}),
    }
    assert look(Scanners(), files).status is Status.PASS


def test_files_that_were_not_downloaded_are_gaps() -> None:
    from tests.support.artifacts import artifact

    subject = artifact({"pytorch_model.bin": samples.SYSTEM, "config.json": b"{}"})
    files = tuple(replace(file, sha256=None) for file in subject.files)
    result = look(Scanners(), replace(subject, files=files, metadata_only=True))
    assert [(gap.path, gap.reason) for gap in result.gaps] == [
        ("pytorch_model.bin", "not downloaded, so it was not scanned")
    ]


def test_what_is_too_large_for_the_scanners_is_a_gap() -> None:
    big = {"a.pkl": samples.SYSTEM + bytes(3000), "b.h5": samples.hdf5(bytes(3000)), "c.pkl": samples.EVAL}
    result = look(Scanners(), big, pickle_bytes=1000, scan_file_bytes=1000)
    assert {gap.path for gap in result.gaps} == {"a.pkl", "b.h5"}
    assert {finding.location.path for finding in result.findings} == {"c.pkl"}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    look(Scanners(), {"a.pkl": samples.SYSTEM, "b.zip": samples.zipped({"../x": samples.SYSTEM})})
    assert not list(tmp_path.iterdir())


def test_reports_survive_the_pipe_and_are_cut_to_size() -> None:
    signal = Signal(rule="r", level="high", category="c", message="m" * 5000, name="a.b", offset=3)
    report = Report(scanner="s", signals=(signal,) * 3000, gaps=("g" * 5000,), truncated=True)
    back = from_json(json.loads(json.dumps(to_json(report))))
    assert len(back.signals) == 1000
    assert back.truncated
    assert back.signals[0].offset == 3
    assert any("more than 1000" in gap for gap in back.gaps)
