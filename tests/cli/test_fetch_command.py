"""`gatekeeper fetch --locked` fills a folder from the lock, and says by its exit code what became of it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from gatekeeper.lock import Lock
from gatekeeper.lockfile import write
from gatekeeper.sources.parts import STAGING
from tests.e2e.commandline import ROOT, run
from tests.support.interrupting import interruptible
from tests.support.pinned_repo import FILES, MODEL, REPO, held, locked

ADAPTER = HubRepo.of("acme/adapter", {"adapter_config.json": b"{}"})


@pytest.fixture
def lock(tmp_path: Path, hub: LoopbackHub) -> Path:
    hub.add(REPO, ADAPTER)
    path = tmp_path / "gatekeeper.lock"
    write(path, Lock(models=(locked(ADAPTER, "acme/adapter"), MODEL)))
    return path


def test_all_models_come_to_folders_of_their_names(lock: Path, hub: LoopbackHub, tmp_path: Path) -> None:
    ran = run("fetch", "--locked", "models", home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 0, ran.err
    adapter = {"acme/adapter/adapter_config.json": b"{}"}
    assert held(tmp_path / "models") == {**{f"acme/tiny/{path}": data for path, data in FILES.items()}, **adapter}
    assert "acme/tiny@" in ran.out
    assert "5 files, 683.6 KiB" in ran.out
    again = run("fetch", "--locked", "models", "--format", "json", home=tmp_path)
    assert again.code == 0, again.err
    assert [model["downloaded_bytes"] for model in again.document["models"]] == [0, 0]
    assert [len(model["kept"]) for model in again.document["models"]] == [1, 5]


def test_one_model_can_lie_flat(lock: Path, hub: LoopbackHub, tmp_path: Path) -> None:
    ran = run("fetch", "--locked", "out", "acme/tiny", "--flat", home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 0, ran.err
    assert held(tmp_path / "out") == FILES
    several = run("fetch", "--locked", "two", "--flat", home=tmp_path, endpoint=hub.endpoint)
    assert several.code == 2
    assert "one model" in several.err


def test_other_bytes_on_the_hub_are_a_no(lock: Path, hub: LoopbackHub, tmp_path: Path) -> None:
    hub.faults = Faults(tamper={"config.json": b"[]"})
    ran = run("fetch", "--locked", "out", "acme/tiny", home=tmp_path, endpoint=hub.endpoint, COLUMNS="100")
    assert ran.code == 1
    assert "config.json has other bytes" in ran.out
    told = run("fetch", "--locked", "new", "acme/tiny", "-f", "json", home=tmp_path, endpoint=hub.endpoint)
    assert told.code == 1
    assert [drift["path"] for drift in told.document["models"][0]["drift"]] == ["config.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fetch", "out"), "--locked"),
        (("fetch", "--locked"), "DIR"),
        (("fetch", "--locked", "out", "acme/other"), "not in the lock"),
        (("fetch", "--locked", "out", "--lock", "none.lock"), "no lock"),
        (("fetch", "--locked", "empty"), "not pinned"),
    ],
)
def test_wrong_input_is_exit_2(
    lock: Path, hub: LoopbackHub, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "empty" / "acme" / "adapter").mkdir(parents=True)
    (tmp_path / "empty" / "acme" / "adapter" / "mine.py").write_text("x")
    ran = run(*arguments, home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 2
    assert words in ran.err


def test_what_could_not_be_fetched_is_exit_3(lock: Path, hub: LoopbackHub, tmp_path: Path) -> None:
    staging = tmp_path / "out" / "acme" / "adapter" / STAGING
    staging.mkdir(parents=True)
    descriptor = os.open(staging, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        ran = run("fetch", "--locked", "out", "acme/adapter", home=tmp_path, endpoint=hub.endpoint)
    finally:
        os.close(descriptor)
    assert ran.code == 3
    assert "another fetch" in ran.err


def test_an_interrupt_leaves_parts_alone_and_the_next_run_goes_on(lock: Path, hub: LoopbackHub, tmp_path: Path) -> None:
    hub.faults = Faults(bytes_per_second=400_000)
    environment = {**os.environ, "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper", "fetch", "--locked", "out", "acme/tiny", "--flat"],
        cwd=tmp_path,
        env={**environment, "HF_ENDPOINT": hub.endpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,
    )
    staging, until = tmp_path / "out" / STAGING, time.monotonic() + 60
    while not any(part.stat().st_size for part in staging.glob("*.part")) and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert b"Traceback" not in err
    assert "model.safetensors" not in held(tmp_path / "out")
    hub.faults = Faults()
    ran = run("fetch", "--locked", "out", "acme/tiny", "--flat", home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 0, ran.err
    assert held(tmp_path / "out") == FILES
    assert any(request.headers.get("range") for request in hub.requests)
    assert not staging.exists()
