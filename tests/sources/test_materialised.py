"""A folder is filled with exactly the pinned bytes, whatever the Hub, the cache, the disk or an earlier run did."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import resource
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.artifact import Kind
from gatekeeper.decision import Action
from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from gatekeeper.errors import GatekeeperError, InputError, NotFoundError, SourceError
from gatekeeper.limits import Limits
from gatekeeper.lock import DriftKind, LockedFile, LockedModel, files_digest
from gatekeeper.sources import SourceOptions, layout, materialise, open_artifact, parse
from gatekeeper.sources.parts import STAGING

ALWAYS = -1
WEIGHTS = random.Random(7).randbytes(700_000)
FILES = {
    "config.json": b"{}",
    "empty.txt": b"",
    "model.safetensors": WEIGHTS,
    "sub/deep/tokenizer.json": b'{"version": "1.0"}',
    "zwilling/config.json": b"{}",
}
REPO = HubRepo.of("acme/tiny", FILES)
QUICK = Limits(retries=2, retry_seconds=0.01, request_seconds=5.0, retry_after_seconds=1.0)


def locked(repo: HubRepo = REPO, id: str = "acme/tiny") -> LockedModel:
    """What a lock says of the newest commit of a repo."""
    tree = repo.trees[repo.head].values()
    files = tuple(LockedFile(path=file.path, size=file.size, sha256=file.sha256) for file in tree)
    return LockedModel(
        id=id,
        commit=repo.head,
        digest=files_digest(files),
        kind=Kind.MODEL,
        files=files,
        policy=f"sha256:{'0' * 64}",
        verdict=Action.ALLOW,
        decided_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


MODEL = locked()


@pytest.fixture
def options(hub: LoopbackHub, tmp_path: Path) -> SourceOptions:
    hub.add(REPO)
    return SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache", limits=QUICK)


def held(folder: Path) -> dict[str, bytes]:
    """Everything below a folder that has a name of its own."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.parent.name != STAGING}


def leave_part(folder: Path, options: SourceOptions, hub: LoopbackHub, at: int) -> Path:
    """Let a fetch break off inside the weights, and give what it left of them."""
    hub.faults = Faults(truncate={"model.safetensors": at})
    with pytest.raises(SourceError):
        materialise(MODEL, folder, replace(options, limits=replace(QUICK, retries=0), jobs=1))
    hub.faults = Faults()
    (part,) = (path for path in (folder / STAGING).iterdir() if path.stat().st_size)
    return part


def test_the_folder_holds_the_pinned_files_and_nothing_else(options: SourceOptions, tmp_path: Path) -> None:
    result = materialise(MODEL, tmp_path / "out", options)
    assert held(tmp_path / "out") == FILES
    assert not (tmp_path / "out" / STAGING).exists()
    assert set(result.fetched) == set(FILES)
    assert (result.kept, result.copied, result.drift) == ((), (), ())


def test_what_is_there_and_right_is_kept_without_asking_anybody(options: SourceOptions, tmp_path: Path) -> None:
    materialise(MODEL, tmp_path / "out", options)
    unreachable = replace(options, endpoint="http://127.0.0.1:9")
    assert set(materialise(MODEL, tmp_path / "out", unreachable).kept) == set(FILES)


def test_progress_tells_of_every_byte_once(hub: LoopbackHub, options: SourceOptions, tmp_path: Path) -> None:
    from contextlib import contextmanager

    told: dict[str, list[int]] = {}

    class Counting:
        @contextmanager
        def task(self, label, total, unit):
            seen = told.setdefault(label, [])
            yield seen.append
            assert sum(seen) == total

    hub.faults = Faults(truncate={"model.safetensors": 300_000}, truncations=1)
    materialise(MODEL, tmp_path / "out", options, Counting())
    assert sum(told["fetching"]) == sum(map(len, FILES.values()))


@pytest.mark.parametrize(
    "faults",
    [
        Faults(busy=2),
        Faults(failing=1, only="/cdn/"),
        Faults(dropped=2, only="/resolve/"),
        Faults(truncate={"model.safetensors": 300_000}, truncations=1),
        Faults(truncate={"model.safetensors": 300_000}, truncations=1, ignore_ranges=True),
    ],
    ids=repr,
)
def test_a_hub_that_recovers_is_waited_for(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path, faults: Faults
) -> None:
    hub.faults = faults
    materialise(MODEL, tmp_path / "out", options)
    assert held(tmp_path / "out") == FILES


def test_an_interrupted_fetch_goes_on_where_it_stopped(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path
) -> None:
    part = leave_part(tmp_path / "out", options, hub, 300_000)
    there = part.stat().st_size
    assert 0 < there <= 300_000
    before = len(hub.requests)
    materialise(MODEL, tmp_path / "out", options)
    asked = [each.headers["range"] for each in hub.requests[before:] if "range" in each.headers and each.host == "cdn"]
    assert asked == [f"bytes={there}-{len(WEIGHTS) - 1}"]
    assert held(tmp_path / "out") == FILES
    assert not (tmp_path / "out" / STAGING).exists()


@pytest.mark.parametrize("spoil", ["flip", "longer", "whole and wrong"])
def test_a_part_that_is_not_the_beginning_is_thrown_away(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path, spoil: str
) -> None:
    part = leave_part(tmp_path / "out", options, hub, 300_000)
    data = bytearray(part.read_bytes())
    if spoil == "flip":
        data[1000] ^= 1
    else:
        data = bytearray(len(WEIGHTS) + (spoil == "longer"))
    part.write_bytes(data)
    assert materialise(MODEL, tmp_path / "out", options).drift == ()
    assert held(tmp_path / "out") == FILES


def test_a_host_that_breaks_off_and_knows_no_ranges_is_given_up(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path
) -> None:
    hub.faults = Faults(truncate={"model.safetensors": 500_000}, ignore_ranges=True)
    with pytest.raises(SourceError):
        materialise(MODEL, tmp_path / "out", options)
    assert "model.safetensors" not in held(tmp_path / "out")


@pytest.mark.parametrize(
    ("faults", "kind", "words"),
    [
        (Faults(tamper={"model.safetensors": WEIGHTS[:-1] + b"!"}), DriftKind.CHANGED, "sha256"),
        (Faults(tamper={"model.safetensors": WEIGHTS[:-1]}), DriftKind.CHANGED, "699999"),
        (Faults(tamper={"model.safetensors": WEIGHTS + b"!"}), DriftKind.CHANGED, "700001"),
        (Faults(missing=frozenset({"model.safetensors"})), DriftKind.REMOVED, "not on the Hub"),
    ],
)
def test_other_bytes_are_told_and_not_placed(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path, faults: Faults, kind: DriftKind, words: str
) -> None:
    hub.faults = faults
    result = materialise(MODEL, tmp_path / "out", options)
    (drift,) = result.drift
    assert (drift.path, drift.kind) == ("model.safetensors", kind)
    assert words in drift.words
    assert held(tmp_path / "out") == {path: data for path, data in FILES.items() if path != "model.safetensors"}
    assert not (tmp_path / "out" / STAGING).exists()


def test_both_digests_are_told(hub: LoopbackHub, options: SourceOptions, tmp_path: Path) -> None:
    other = WEIGHTS[:-1] + b"!"
    hub.faults = Faults(tamper={"model.safetensors": other})
    (drift,) = materialise(MODEL, tmp_path / "out", options).drift
    assert all(hashlib.sha256(data).hexdigest() in drift.words for data in (WEIGHTS, other))


@pytest.mark.parametrize("size", [100_000, 300_000, 400_000, len(WEIGHTS), 800_000])
def test_a_part_of_bytes_that_changed_behind_the_commit_is_no_way_in(
    hub: LoopbackHub, options: SourceOptions, tmp_path: Path, size: int
) -> None:
    leave_part(tmp_path / "out", options, hub, 300_000)
    hub.faults = Faults(tamper={"model.safetensors": bytes(size)})
    (drift,) = materialise(MODEL, tmp_path / "out", options).drift
    assert drift.kind is DriftKind.CHANGED
    assert "model.safetensors" not in held(tmp_path / "out")


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


@pytest.mark.parametrize("commit", ["main", "", "../../x"])
def test_only_commits_are_fetched(options: SourceOptions, tmp_path: Path, commit: str) -> None:
    with pytest.raises(InputError, match="no commit"):
        materialise(replace(MODEL, commit=commit), tmp_path / "out", options)


def test_a_commit_that_the_hub_does_not_have_is_not_found(options: SourceOptions, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        materialise(replace(MODEL, commit="0" * 40), tmp_path / "out", options)


def test_the_token_stays_on_the_hub(hub: LoopbackHub, options: SourceOptions, tmp_path: Path) -> None:
    with LoopbackHub([replace(REPO, private=True)], tokens={"hf_" + "t" * 30}) as private:
        asked = replace(options, endpoint=private.endpoint, token="hf_" + "t" * 30)
        materialise(MODEL, tmp_path / "out", asked)
        assert {each.host: each.authorised for each in private.requests} == {"hub": True, "cdn": False}


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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_name_ever_has_other_bytes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a Hub does, for as many runs as it does it."""
    cuts = st.dictionaries(st.sampled_from(list(FILES)), st.integers(0, 700_000), max_size=2)
    tampered = st.dictionaries(
        st.sampled_from(list(FILES)),
        st.one_of(st.binary(max_size=40), st.just(WEIGHTS[::-1]), st.just(WEIGHTS[:-9])),
        max_size=2,
    )
    faults = st.builds(
        Faults,
        truncate=cuts,
        truncations=st.sampled_from([ALWAYS, 1]),
        tamper=tampered,
        missing=st.frozensets(st.sampled_from(list(FILES)), max_size=1),
        busy=st.integers(0, 2),
        failing=st.integers(0, 2),
        dropped=st.integers(0, 2),
        only=st.sampled_from(["", "/cdn/", "/resolve/"]),
        ignore_ranges=st.booleans(),
    )
    out = tmp_path_factory.mktemp("out")
    with LoopbackHub([REPO]) as hub:
        limits = replace(QUICK, retries=1, retry_seconds=0.001)
        options = SourceOptions(endpoint=hub.endpoint, cache_dir=out.parent / "none", limits=limits, jobs=3)
        for hub.faults in data.draw(st.lists(faults, min_size=1, max_size=3)):
            try:
                result = materialise(MODEL, out / "model", options)
            except GatekeeperError:
                result = None
            named = held(out / "model") if (out / "model").exists() else {}
            assert all(FILES[path] == content for path, content in named.items())
            if result and not result.drift:
                assert named == FILES
        hub.faults = Faults()
        materialise(MODEL, out / "model", options)
    assert held(out / "model") == FILES
