"""The benchmark of file checks counts as it says: intervals, targets, and one bad case does not end a run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import scanning
from benchmarks.files import Result, missed_targets, wilson
from tests.support.samples import HONEST

GOOD = Result(
    tool="gatekeeper", id="malicious/f/a", label="malicious", family="f", held_out=False, apart="", word="block",
    said="", seconds=0.1, cpu_seconds=0.1, peak_bytes=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("hits", "total", "shown"),
    [(0, 0, "-"), (0, 10, "0/10 0.0 % [0.0, 27.8]"), (10, 10, "10/10 100.0 % [72.2, 100.0]"),
     (81, 263, "81/263 30.8 % [25.5, 36.6]")],
)  # fmt: skip
def test_intervals_are_those_of_wilson(hits: int, total: int, shown: str) -> None:
    assert wilson(hits, total) == shown


def test_no_target_is_missed_by_good_results() -> None:
    honest = replace(GOOD, label="benign", word="silent")
    apart = replace(honest, apart="a graph", word="block")
    other = replace(GOOD, tool="hayward", word="crash")
    assert missed_targets([GOOD, honest, apart, other, replace(GOOD, label="broken", word="review")]) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"word": "silent"}, "99 %"),
        ({"label": "benign", "word": "block"}, "discarded"),
        ({"label": "benign", "word": "review"}, "5 %"),
        ({"label": "broken", "word": "silent"}, "broken"),
        ({"word": "crash"}, "crash"),
        ({"word": "timeout"}, "timeout"),
        ({"seconds": 10.5}, "10 s"),
        ({"peak_bytes": 601 * 10**6}, "600 MB"),
    ],
)
def test_each_target_can_be_missed(changes: dict[str, object], words: str) -> None:
    assert any(words in line for line in missed_targets([replace(GOOD, **changes)]))  # type: ignore[arg-type]


def _raises(folder: Path) -> scanning.Answer:
    raise ValueError(folder.name)


def _dies(folder: Path) -> scanning.Answer:
    import os

    os._exit(7)


def _waits(folder: Path) -> scanning.Answer:
    time.sleep(60)
    return "silent", ""


@pytest.mark.parametrize(("run", "word"), [(_raises, "crash"), (_dies, "crash"), (_waits, "timeout")])
def test_a_case_that_goes_wrong_is_a_result(monkeypatch: pytest.MonkeyPatch, run: object, word: str) -> None:
    monkeypatch.setattr(scanning, "WALL_SECONDS", 0.5)
    assert scanning.one(run, Path("case"))["word"] == word  # type: ignore[arg-type]


def test_our_adapter_tells_a_payload_from_an_honest_file(tmp_path: Path) -> None:
    run = scanning.gatekeeper()
    name, data = HONEST["safetensors"]()
    (tmp_path / name).write_bytes(data)
    assert run(tmp_path)[0] == "silent"
    (tmp_path / "model.pkl").write_bytes(b"cposix\nsystem\n(Vtrue\ntR.")
    assert run(tmp_path)[0] == "block"
