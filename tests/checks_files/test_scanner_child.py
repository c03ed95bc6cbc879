"""A child that dies, hangs, lies or grows costs the answer about one file, never the others', never the parent."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.checks.files import limited_child
from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.limited_child import Scanning, Verdict, child_limits
from gatekeeper.checks.files.scanner import Report, Signal, from_json, to_json
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.evidence import Status
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from tests.support import samples
from tests.support.artifacts import look, slugs

ROOT = Path(__file__).resolve().parents[2]


def feeds(folder: Path, *names: str) -> list[Feed]:
    made = []
    for name in names:
        copy = folder / name
        copy.write_bytes(samples.SYSTEM)
        made.append(Feed(path=name, copy=copy, kind=FeedKind.PICKLE))
    return made


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Run other lines in the child: what scanners that were taken over could do."""

    def install(lines: str) -> None:
        start = "import json, os, sys, time\nrequest = json.load(sys.stdin)\nfiles = request['files']\n"
        start += "def answer(number, **more):\n"
        start += "    report = {'scanner': 's', 'signals': [], 'gaps': [], 'truncated': False}\n"
        start += "    print(json.dumps({'id': number, 'reports': [{**report, **more}]}), flush=True)\n"
        monkeypatch.setattr(limited_child, "_START", start + lines)

    return install


def scan(items: list[Feed], **limits: Any) -> dict[str, Verdict]:
    return {verdict.feed.path: verdict for verdict in Scanning(replace(DEFAULT_LIMITS, **limits)).scan(items)}


DIES_ON_BAD = """
for number, file in enumerate(files):
    if 'bad' in file['copy']:
        {death}
    answer(number)
"""


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os._exit(3)", "ended early with status 3"),
        ("os.abort()", "crashed with signal 6"),
        ("time.sleep(60)", "child_wall_seconds"),
        ("print('x' * 5000000, flush=True)", "child_output_bytes"),
        ("print('{}', flush=True)", "nonsense"),
        ("print('[1]', flush=True)", "nonsense"),
        ("print(json.dumps({'id': 99, 'reports': []}), flush=True)", "nonsense"),
        ("answer(number, scanner=5)", "nonsense"),
        ("answer(number, gaps=['x' * 100000])", "nonsense"),
    ],
)
def test_a_file_that_ends_the_child_blinds_no_other(
    tmp_path: Path, stand_in: Callable[[str], None], death: str, reason: str
) -> None:
    stand_in(DIES_ON_BAD.format(death=death))
    verdicts = scan(feeds(tmp_path, "a", "bad", "b", "c"), child_wall_seconds=1, child_output_bytes=MIB)
    assert reason in verdicts["bad"].error
    assert not any(verdicts[name].error for name in ("a", "b", "c"))
    assert all(verdicts[name].reports for name in ("a", "b", "c"))


def test_a_file_that_is_greedy_after_others_gets_a_child_to_itself(
    tmp_path: Path, stand_in: Callable[[str], None]
) -> None:
    stand_in("for number, file in enumerate(files):\n    if number == 2: os._exit(1)\n    answer(number)\n")
    verdicts = scan(feeds(tmp_path, "a", "b", "c", "d", "e"))
    assert not any(verdict.error for verdict in verdicts.values())


def test_the_time_of_an_artifact_is_bounded_as_well(tmp_path: Path, stand_in: Callable[[str], None]) -> None:
    stand_in("time.sleep(60)")
    verdicts = scan(feeds(tmp_path, "a", "b"), child_wall_seconds=1, scan_seconds=1)
    assert "scan_seconds" in verdicts["b"].error


def test_the_child_inherits_nothing(
    tmp_path: Path, stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "stand-in-secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    stand_in("answer(0, gaps=[*sorted(os.environ), os.getcwd(), str(sys.flags.isolated)])")
    ((report,),) = [verdict.reports for verdict in scan(feeds(tmp_path, "a")).values()]
    assert "HF_TOKEN" not in report.gaps
    assert "PYTHONPATH" not in report.gaps
    assert str(Path.cwd()) not in report.gaps
    assert report.gaps[-1] == "1"


def test_the_child_limits_itself_before_it_reads(tmp_path: Path) -> None:
    lines = "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
    lines += "from gatekeeper.checks.files.child import limit\n"
    lines += "limit({'cpu': 7, 'file': 1000, 'memory': 2**31})\n"
    lines += "names = 'CPU CORE FSIZE AS'.split()\n"
    lines += "print([resource.getrlimit(getattr(resource, 'RLIMIT_' + name)) for name in names])\n"
    result = subprocess.run([sys.executable, "-c", lines, str(ROOT)], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout.replace("(", "[").replace(")", "]")) == [[7, 7], [0, 0], [1000, 1000], [2**31] * 2]


def test_a_child_without_memory_for_it_gives_gaps() -> None:
    # Enough for the interpreter and the scanners, not for two copies of the pickle.
    result = look(
        Scanners(),
        {"greedy.pkl": pickle.dumps(bytes(48 * MIB)) + samples.call("some.thing", "f"), "evil.pkl": samples.SYSTEM},
        child_memory_bytes=96 * MIB,
    )
    assert slugs(result) == {"payload", "unknown-global"}
    assert {gap.path for gap in result.gaps} == {"greedy.pkl"}
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


def test_limits_are_told_by_name() -> None:
    told = child_limits()
    assert set(told) == {"cpu", "wall", "file size", "memory"}
    assert told["memory"] == (os.uname().sysname == "Linux")
