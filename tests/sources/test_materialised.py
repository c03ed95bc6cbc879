"""A folder is filled with exactly the pinned bytes, whatever the Hub or an earlier run did."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.demo.hub import Faults, LoopbackHub
from gatekeeper.errors import GatekeeperError, InputError, NotFoundError, SourceError
from gatekeeper.lock import DriftKind
from gatekeeper.sources import SourceOptions, materialise
from gatekeeper.sources.parts import STAGING
from tests.support.pinned_repo import FILES, MODEL, QUICK, REPO, WEIGHTS, held, leave_part, served

ALWAYS = -1


@pytest.fixture
def options(hub: LoopbackHub, tmp_path: Path) -> SourceOptions:
    return served(hub, tmp_path / "cache")


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
