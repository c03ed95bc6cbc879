"""A folder is filled with the pinned bytes alone, whatever lies in it, in the cache or on the disk."""

from __future__ import annotations

import fcntl
import os
import resource
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.demo.hub import Faults, LoopbackHub
from gatekeeper.errors import GatekeeperError, InputError, NotFoundError, SourceError
from gatekeeper.sources import SourceOptions, layout, materialise, open_artifact, parse
from gatekeeper.sources.parts import STAGING
from tests.support.pinned_repo import FILES, MODEL, QUICK, WEIGHTS, held, leave_part, served


@pytest.fixture
def options(hub: LoopbackHub, tmp_path: Path) -> SourceOptions:
    return served(hub, tmp_path / "cache")


def test_strangers_in_the_folder_are_an_error_and_stay(options: SourceOptions, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub" / "mine.txt").write_text("mine")
    (out / "link").symlink_to(tmp_path)
    for force in (False, True):
        with pytest.raises(InputError, match=r"link, sub/mine\.txt"):
            materialise(MODEL, out, options, force=force)
    assert (out / "sub" / "mine.txt").read_text() == "mine"
    assert not (out / "config.json").exists()


@pytest.mark.parametrize("there", ["file", "link", "shorter"])
def test_other_bytes_in_the_folder_are_replaced_by_force_alone(
    options: SourceOptions, tmp_path: Path, there: str
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.write_bytes(b"[]" if there != "shorter" else b"x")
    if there == "link":
        (out / "config.json").symlink_to(elsewhere)
    else:
        (out / "config.json").write_bytes(elsewhere.read_bytes())
    with pytest.raises(InputError, match=r"config\.json"):
        materialise(MODEL, out, options)
    assert (out / "config.json").read_bytes() == elsewhere.read_bytes()
    materialise(MODEL, out, options, force=True)
    assert held(out) == FILES
    assert not (out / "config.json").is_symlink()
    assert elsewhere.read_bytes() in (b"[]", b"x")


@pytest.mark.parametrize("place", ["linked folder", "folder for a file", "file for a folder", "staging link"])
def test_nothing_is_written_through_what_is_in_the_way(options: SourceOptions, tmp_path: Path, place: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    if place == "linked folder":
        (out / "sub").symlink_to(elsewhere)
    elif place == "folder for a file":
        (out / "config.json").mkdir()
    elif place == "file for a folder":
        (out / "sub").write_text("x")
    else:
        (out / STAGING).symlink_to(elsewhere)
    with pytest.raises(InputError):
        materialise(MODEL, out, options, force=True)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    "path", ["../out.txt", "/etc/x", "a//b", "a/./b", "a\\b", "a\nb", "C:/x", f"{STAGING}/x.part", "x" * 300]
)
def test_hostile_paths_are_refused_though_the_lock_is_ours(options: SourceOptions, tmp_path: Path, path: str) -> None:
    model = replace(MODEL, files=(replace(MODEL.files[0], path=path),))
    with pytest.raises(InputError):
        materialise(model, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_offline_the_cache_is_enough(options: SourceOptions, tmp_path: Path) -> None:
    with open_artifact(parse("hf://acme/tiny"), replace(options, limits=replace(QUICK, disk_reserve_bytes=0))):
        pass
    offline = replace(options, offline=True, endpoint="http://127.0.0.1:9")
    result = materialise(MODEL, tmp_path / "out", offline)
    assert held(tmp_path / "out") == FILES
    assert set(result.copied) == set(FILES) - {"empty.txt"}


def test_offline_without_the_file_says_so(options: SourceOptions, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not hold"):
        materialise(MODEL, tmp_path / "out", replace(options, offline=True))


@pytest.mark.parametrize("kind", ["other bytes", "fifo", "folder", "shorter"])
def test_a_poisoned_cache_is_passed_over(options: SourceOptions, tmp_path: Path, kind: str) -> None:
    snapshot = tmp_path / "cache" / "models--acme--tiny" / "snapshots" / MODEL.commit
    snapshot.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(snapshot / "model.safetensors")
    elif kind == "folder":
        (snapshot / "model.safetensors").mkdir()
    else:
        (snapshot / "model.safetensors").write_bytes(bytes(len(WEIGHTS) - (kind == "shorter")))
    assert "model.safetensors" in materialise(MODEL, tmp_path / "out", options).fetched
    assert held(tmp_path / "out") == FILES


def test_a_part_with_another_name_is_not_written_to(hub: LoopbackHub, options: SourceOptions, tmp_path: Path) -> None:
    part = leave_part(tmp_path / "out", options, hub, at=300_000)
    os.link(part, tmp_path / "copy")
    before = (tmp_path / "copy").read_bytes()
    materialise(MODEL, tmp_path / "out", options)
    assert held(tmp_path / "out") == FILES
    assert (tmp_path / "copy").read_bytes() == before
    assert (tmp_path / "out" / "model.safetensors").stat().st_nlink == 1


def test_another_run_in_the_same_folder_is_kept_out(options: SourceOptions, tmp_path: Path) -> None:
    staging = tmp_path / "out" / STAGING
    staging.mkdir(parents=True)
    descriptor = os.open(staging, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(SourceError, match="another fetch"):
            materialise(MODEL, tmp_path / "out", options)
    finally:
        os.close(descriptor)
    materialise(MODEL, tmp_path / "out", options)
    assert held(tmp_path / "out") == FILES


def test_two_runs_at_once_leave_right_files(hub: LoopbackHub, options: SourceOptions, tmp_path: Path) -> None:
    hub.faults = Faults(bytes_per_second=2_000_000)
    errors: list[GatekeeperError] = []

    def run() -> None:
        try:
            materialise(MODEL, tmp_path / "out", options)
        except GatekeeperError as error:
            errors.append(error)

    runs = [threading.Thread(target=run) for _ in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert held(tmp_path / "out") == FILES
    assert len(errors) < len(runs)


def test_a_disk_that_is_too_small_is_told_before_anything_is_asked(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path
) -> None:
    huge = replace(MODEL.files[0], size=2**60)
    with pytest.raises(SourceError, match="are to be fetched"):
        materialise(replace(MODEL, files=(huge,)), tmp_path / "out", options)
    assert not hub.requests
    assert not (tmp_path / "out").exists()


def test_a_disk_that_takes_no_more_is_told_and_the_fetch_goes_on_later(options: SourceOptions, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(SourceError, match="could not be filled"):
            materialise(MODEL, tmp_path / "out", options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "model.safetensors" not in held(tmp_path / "out")
    materialise(MODEL, tmp_path / "out", options)
    assert held(tmp_path / "out") == FILES


def test_a_file_is_no_destination(options: SourceOptions, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/below"):
        with pytest.raises(InputError, match="no folder"):
            materialise(MODEL, tmp_path / place, options)


def test_a_lock_whose_file_is_also_a_folder_ends_in_an_error(options: SourceOptions, tmp_path: Path) -> None:
    files = tuple(replace(MODEL.files[1], path=path) for path in ("a", "a/b"))
    with pytest.raises(SourceError, match="could not be filled"):
        materialise(replace(MODEL, files=files), tmp_path / "out", options)


def test_no_model_lies_in_anothers_folder(tmp_path: Path) -> None:
    assert layout([MODEL], tmp_path) == {"acme/tiny": tmp_path / "acme" / "tiny"}
    for other in ("Acme/Tiny", "acme"):
        with pytest.raises(InputError):
            layout([MODEL, replace(MODEL, id=other)], tmp_path)
    with pytest.raises(InputError):
        layout([replace(MODEL, id="../x")], tmp_path)
