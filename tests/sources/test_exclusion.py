"""Patterns of files to leave out: what they match, what they may not leave, and what is noted of what they took."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.artifact import ExcludedFile, IrregularityKind
from gatekeeper.demo.hub import HubRepo
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.limits import Limits
from gatekeeper.sources import SourceOptions, open_artifact, parse
from gatekeeper.sources.exclusion import is_excluded, part
from tests.support.hub_artifacts import git_sha1


@pytest.mark.parametrize(
    ("pattern", "taken", "kept"),
    [
        ("a.bin", ["a.bin", "x/a.bin", "x/y/a.bin", "a.bin/inside"], ["b.bin", "aa.bin", "A.bin", "a.bin2"]),
        ("/a.bin", ["a.bin"], ["x/a.bin"]),
        ("*.pt", ["a.pt", "x/y/a.pt", ".pt"], ["a.pth", "a.PT"]),
        ("x/*.pt", ["x/a.pt"], ["a.pt", "x/y/a.pt", "z/x/a.pt"]),
        ("x/**/*.pt", ["x/a.pt", "x/y/a.pt", "x/y/z/a.pt"], ["a.pt", "y/a.pt"]),
        ("**/x/a", ["x/a", "y/x/a", "y/z/x/a/b"], ["a", "x/b"]),
        ("checkpoint-*/", ["checkpoint-5/a", "z/checkpoint-5/b/c"], ["checkpoint-5", "z/checkpoint-5"]),
        ("checkpoint-*", ["checkpoint-5/a", "checkpoint-5"], ["checkpoint"]),
        ("x/y", ["x/y", "x/y/z"], ["y", "z/x/y"]),
        ("rng_state_[0-9].pth", ["rng_state_0.pth"], ["rng_state_10.pth", "rng_state_a.pth"]),
        ("[*].bin", ["*.bin"], ["a.bin"]),
        ("**", ["a", "a/b"], []),
    ],
)
def test_patterns_match_as_the_manual_says(pattern: str, taken: list[str], kept: list[str]) -> None:
    assert [path for path in taken + kept if is_excluded(path, [pattern])] == taken


@pytest.mark.parametrize("pattern", ["", "/", "//", "!a", "a\\b", "./a", "../a", "a//b", "a/../b", "a/."])
def test_a_pattern_that_can_not_be_meant_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="no pattern"):
        is_excluded("a", [pattern])


NAMES = st.text("ab.*?[]", min_size=1, max_size=6).filter(lambda name: name not in {".", ".."})


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=3))
def test_a_pattern_with_a_slash_matches_part_by_part(path: list[str], pattern: list[str]) -> None:
    prefixes = [path[:length] for length in range(1, len(path) + 1)]
    expected = any(
        len(prefix) == len(pattern) and all(map(fnmatch.fnmatchcase, prefix, pattern)) for prefix in prefixes
    )
    assert is_excluded("/".join(path), ["/" + "/".join(pattern)]) is expected


@given(NAMES, NAMES, NAMES)
def test_a_pattern_can_not_reach_past_its_part(first: str, second: str, pattern: str) -> None:
    assert not is_excluded(f"{first}/{second}", [f"/{pattern}/x/y"])


def test_a_long_pattern_over_a_long_hostile_path_costs_little() -> None:
    path = "/".join(["a" * 200] * 5)
    assert not is_excluded(path, ["/".join(["**"] * 40 + ["*a" * 40 + "b"])])


def paths(*names: str) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in names]


def test_nothing_is_left_out_without_patterns() -> None:
    files = paths("a", "b")
    assert part(files, [], lambda path: path, "it") == (files, [])


def test_a_pattern_without_a_match_is_an_error_that_names_what_is_near() -> None:
    with pytest.raises(InputError, match="trainin_args") as caught:
        part(paths("training_args.bin", "model.safetensors"), ["trainin_args.bin"], lambda path: path, "it")
    assert "training_args.bin" in caught.value.hint


@pytest.mark.parametrize(
    ("names", "patterns", "said"),
    [
        (["a.txt", "b.txt"], ["*"], "leaves nothing"),
        (["model.safetensors"], ["model.safetensors"], "leaves nothing"),
        (["model.safetensors", "config.json"], ["*.safetensors"], "no weights"),
        (["x.onnx", "x.bin", "config.json"], ["x.*"], "no weights"),
    ],
)
def test_no_verdict_is_had_on_what_is_left_of_nothing(names: list[str], patterns: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        part(paths(*names), patterns, lambda path: path, "it")


def test_a_folder_hides_no_irregularity_and_hashes_nothing_that_is_left_out(tmp_path: Path) -> None:
    for name in ("model.safetensors", "Notes.txt", "notes.txt", "old/big.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 9)
    (tmp_path / "old" / "out").symlink_to("/etc/hostname")
    options = SourceOptions(exclude=("old/", "Notes.txt"), limits=Limits(max_file_bytes=9, max_total_bytes=20))
    with open_artifact(parse(str(tmp_path)), options) as artifact:
        assert [str(file.path) for file in artifact.files] == ["model.safetensors", "notes.txt"]
        assert [file.path for file in artifact.excluded] == ["Notes.txt", "old/big.bin"]
        assert {file.digest for file in artifact.excluded} == {""}
        assert artifact.exclude == options.exclude
    told = {each.kind for each in artifact.irregularities}
    assert told >= {IrregularityKind.SYMLINK_ESCAPE, IrregularityKind.CASE_COLLISION}


def test_a_file_alone_can_not_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with (
        pytest.raises(InputError, match="leaves nothing"),
        open_artifact(parse(str(tmp_path / "model.bin")), SourceOptions(exclude=("*.bin",))),
    ):
        pass


FILES = {"README.md": b"card", "model.safetensors": b"weights", "optimizer.pt": b"state" * 9, "old/notes.txt": b"n"}
REPO = HubRepo.of("acme/tiny", FILES)
OUT = ("optimizer.pt", "old/")


@pytest.fixture
def options(hub, tmp_path):
    hub.add(REPO)
    limits = Limits(retry_seconds=0.01, disk_reserve_bytes=0)
    return SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache", limits=limits, exclude=OUT)


def opened(options, text=f"acme/tiny@{REPO.head}"):
    with open_artifact(parse(text), options) as artifact:
        return artifact


def test_the_hub_is_not_asked_for_what_is_left_out(hub, options):
    artifact = opened(options)
    assert [str(file.path) for file in artifact.files] == ["README.md", "model.safetensors"]
    tree = REPO.trees[REPO.head]
    assert artifact.excluded == (
        ExcludedFile(path="old/notes.txt", size=1, digest=f"git:{git_sha1(b'n')}"),
        ExcludedFile(path="optimizer.pt", size=45, digest=f"sha256:{tree['optimizer.pt'].sha256}"),
    )
    assert not [request.target for request in hub.requests if "resolve" in request.target and "opti" in request.target]
    assert not list(options.cache_dir.rglob("optimizer.pt"))
    assert {each.path for each in artifact.platform.listed} == set(FILES)


def test_the_digest_is_the_subset_s(options):
    whole = opened(replace(options, exclude=()))
    assert opened(options).digest not in ("", whole.digest)


def test_offline_takes_what_an_online_run_left_out(options):
    online = opened(options)
    offline = replace(options, offline=True)
    again = opened(offline)
    assert (again.excluded, again.digest, again.offline) == (online.excluded, online.digest, True)
    for exclude in ((), ("old/",)):
        with pytest.raises(NotFoundError, match="only a part"):
            opened(replace(offline, exclude=exclude))
    opened(replace(options, exclude=()))
    assert opened(offline).excluded == online.excluded


def test_metadata_only_lists_nothing_that_is_left_out(options):
    artifact = opened(replace(options, metadata_only=True))
    assert [str(file.path) for file in artifact.files] == ["README.md", "model.safetensors"]


def test_a_hub_s_pattern_without_match_is_an_error(options):
    with pytest.raises(InputError, match="no file of"):
        opened(replace(options, exclude=("nothing.bin",)))
