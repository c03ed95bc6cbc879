"""A confined job can't outlive, outgrow, mislead or leave its server, and the server outlives every job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.confined import Bounds, Ending, Server, abilities, private_folder
from gatekeeper.confined.folders import sweep
from gatekeeper.limits import MIB

ROOT = Path(__file__).resolve().parents[1]
BOUNDS = Bounds(cpu_seconds=1, wall_seconds=20, memory_bytes=512 * MIB, file_bytes=MIB, output_bytes=MIB)
LINUX = sys.platform == "linux"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("tests.support.confined_jobs:do") as started:
        yield started


def do(server: Server, job: str, writable: Path | None = None, **bounds: Any) -> Ending:
    return server.run(job.encode(), replace(BOUNDS, **bounds), writable)


def test_answers_come_back_in_order(server: Server) -> None:
    ending = do(server, "echo:one two three")
    assert (ending.output, ending.error) == (b"onetwothree", "")


@pytest.mark.parametrize(
    ("job", "bounds", "output", "reason"),
    [
        ("loop", {}, b"begun", "cpu_seconds (1)"),
        ("sleep", {"wall_seconds": 0.2}, b"begun", "wall_seconds (0.2)"),
        ("nonsense", {}, b"whole", "in the middle of an answer"),
        ("segfault", {}, b"", "signal 11 (SIGSEGV)"),
        ("leave:3", {}, b"", "status 3"),
        ("give_up:0", {}, b"first", "SystemExit: 0"),
        ("give_up:\x1b[2J", {}, b"first", r"\u001b[2J"),
        ("no_such_job", {}, b"", "KeyError"),
        pytest.param("allocate", {}, b"", "memory_bytes", marks=pytest.mark.skipif(not LINUX, reason="RLIMIT_AS")),
    ],
)
def test_a_job_that_ends_badly_says_by_what_and_hurts_no_other(
    server: Server, job: str, bounds: dict[str, Any], output: bytes, reason: str
) -> None:
    ending = do(server, job, **bounds)
    assert ending.output == output
    assert reason in ending.error
    assert do(server, "echo:next").output == b"next"


def test_a_job_that_says_too_much_is_stopped(server: Server) -> None:
    ending = do(server, "chatter")
    assert "output_bytes" in ending.error
    assert len(ending.output) <= MIB + 2**16


def test_a_large_file_is_not_written(server: Server, tmp_path: Path) -> None:
    assert "File too large" in do(server, f"write:{tmp_path / 'x'}", tmp_path).error
    assert (tmp_path / "x").stat().st_size <= MIB


def test_what_a_job_prints_is_no_answer(server: Server) -> None:
    ending = do(server, "prints")
    assert (ending.output, ending.error) == (b"''", "")


def test_a_job_has_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "stand-in-secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    with (tmp_path / "open").open("w") as kept, Server("tests.support.confined_jobs:do") as server:
        os.set_inheritable(kept.fileno(), True)
        told = json.loads(do(server, "tell", tmp_path).output)
    assert set(told["environment"]) <= {
        "HOME", "TMPDIR", "PATH", "LC_ALL", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
        "__CF_USER_TEXT_ENCODING",
    }  # fmt: skip
    assert "stand-in-secret" not in str(told)
    assert told["environment"]["TMPDIR"] == told["folder"] == str(tmp_path)
    assert len(told["descriptors"]) == 4, "the standard three, and the pipe"
    assert told["isolated"] == 1
    assert not {"gatekeeper.gate", "gatekeeper.checks", "huggingface_hub"} & set(told["modules"])
    assert capfd.readouterr() == ("", "")


def test_the_folder_of_a_hostile_model_is_not_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with Server("tests.support.confined_jobs:do") as server:
        told = json.loads(do(server, "tell", tmp_path).output)
    assert str(tmp_path) not in told["path"]
    assert "" not in told["path"]


@pytest.mark.parametrize("name", ["fork", "posix_spawn", "subprocess", "exec", "socket", "unix", "kill", "limits"])
def test_what_the_kernel_can_refuse_is_refused(server: Server, tmp_path: Path, name: str) -> None:
    if not abilities()["system calls"]:
        pytest.skip("no seccomp here")
    came = json.loads(do(server, f"attempts:{tmp_path / 'outside'}").output)
    assert came[name] in {"PermissionError", "ValueError"}


def test_a_job_writes_to_its_folder_alone(server: Server, tmp_path: Path) -> None:
    if not abilities()["writing"]:
        pytest.skip("no Landlock here")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.write_text("kept")
    assert json.loads(do(server, f"attempts:{outside}", inside).output)["write"] == "PermissionError"
    assert json.loads(do(server, f"attempts:{inside / 'x'}", inside).output)["write"] == "done"
    assert outside.read_text() == "kept"


def test_a_job_reads_what_it_was_told_to(server: Server, tmp_path: Path) -> None:
    if not abilities()["writing"]:
        pytest.skip("no Landlock here")
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("one")
    other.write_text("other")
    assert server.run(f"read:{one}".encode(), BOUNDS, None, (one,)).output == b"one"
    assert "PermissionError" in server.run(f"read:{other}".encode(), BOUNDS, None, (one,)).error
    assert server.run(f"read:{other}".encode(), BOUNDS).output == b"other"


def test_jobs_share_nothing_but_what_was_warm(server: Server, tmp_path: Path) -> None:
    first, second = (json.loads(do(server, "tell", tmp_path).output) for _ in range(2))
    assert first["server"] == second["server"]
    assert first["pid"] != second["pid"]


def test_a_lost_server_is_started_again_once(tmp_path: Path) -> None:
    with Server("tests.support.confined_jobs:do") as server:
        endings = []
        for _ in range(3):
            told = do(server, "tell", tmp_path)
            endings.append(told.error)
            if not told.error:
                os.kill(json.loads(told.output)["server"], signal.SIGKILL)
                time.sleep(0.1)
    assert endings[:2] == ["", ""]
    assert "can't be started" in endings[2]


@pytest.mark.parametrize("entry", ["tests.support.no_such_module:do", "tests.support.confined_jobs:nothing"])
def test_a_server_that_can_not_start_is_an_error(entry: str) -> None:
    with Server(entry) as server:
        ending = server.run(b"echo:x", BOUNDS)
    assert (ending.output, ending.error) == (b"", "the server of confined children can't be started")


ORPHAN = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from gatekeeper.confined import Bounds, Server, private_folder
bounds = Bounds(cpu_seconds=60, wall_seconds=60, memory_bytes=0, file_bytes=1 << 20, output_bytes=1 << 20)
with private_folder() as folder, Server("tests.support.confined_jobs:do") as server:
    told = server.run(b"tell", bounds, folder).output
    print(told.decode(), flush=True)
    server.run(b"loop", bounds)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_outlives_a_killed_gate(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", ORPHAN, str(ROOT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT) as gate:
        assert gate.stdout is not None
        told = json.loads(gate.stdout.readline())
        gate.kill()
    deadline = time.monotonic() + 20
    while alive(told["server"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(told["server"])
    left = sorted(tmp_path.iterdir())
    assert left, "a killed process can't remove its folders"
    for folder in left:
        grow_old(folder)
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def grow_old(folder: Path) -> None:
    """Change times can't be set, so the sweep is told of them by the modification time that its grace looks at."""
    os.utime(folder, (0, 0))


def test_sweeping_leaves_what_is_not_ours_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = ("gatekeeper-private-notes", "gatekeeper-copies-abc", "other", "gatekeeper-private-abcdefgh")
    kept = [tmp_path / name for name in names]
    for folder in kept:
        folder.mkdir(mode=0o700)
        (folder / "precious").write_text("x")
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (target / ".gatekeeper-private").touch()
    (tmp_path / "gatekeeper-private-aaaaaaaa").symlink_to(target)
    open_to_all = tmp_path / "gatekeeper-private-bbbbbbbb"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    (open_to_all / ".gatekeeper-private").touch()
    with private_folder() as alive:
        for folder in (*kept, target, open_to_all, alive):
            grow_old(folder)
        sweep(tmp_path)
        assert alive.is_dir()
    assert all((folder / "precious").is_file() for folder in kept)
    assert target.is_dir()
    assert open_to_all.is_dir()
    assert not alive.exists()


def test_a_young_folder_without_a_lock_is_left(tmp_path: Path) -> None:
    young = tmp_path / "gatekeeper-private-cccccccc"
    young.mkdir(mode=0o700)
    (young / ".gatekeeper-private").touch()
    sweep(tmp_path)
    assert young.is_dir()
    grow_old(young)
    sweep(tmp_path)
    assert not young.exists()


def test_abilities_are_said_by_name() -> None:
    told = abilities()
    assert set(told) == {"cpu", "wall", "memory", "file size", "processes", "system calls", "writing", "network"}
    assert told["cpu"]
    assert told["wall"]
    assert told["file size"]
