"""A Hub reference becomes exactly the bytes that were delivered, next to what the Hub says of them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.artifact import IrregularityKind, Kind
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub
from gatekeeper.errors import ContentChangedError, LimitError, NotFoundError
from gatekeeper.limits import Limits
from gatekeeper.sources import SourceOptions, open_artifact, parse

HEADER = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(8)
CARD = b"---\nlicense: mit\nbase_model: acme/base\n---\nhello"
FILES = {"README.md": CARD, "config.json": b"{}", "model.safetensors": WEIGHTS, "sub/notes.txt": b"n"}
REPO = HubRepo.of("acme/tiny", FILES, tags=("base_model:acme/base",), verified=True)
QUICK = Limits(retry_seconds=0.01, disk_reserve_bytes=0)


@pytest.fixture
def options(hub, tmp_path):
    hub.add(REPO)
    return SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache", limits=QUICK)


def opened(text, options):
    with open_artifact(parse(text), options) as artifact:
        return artifact


def kinds(artifact):
    return [(each.kind, each.path) for each in artifact.irregularities]


def blob(options, data):
    return options.cache_dir / "models--acme--tiny" / "blobs" / hashlib.sha256(data).hexdigest()


def test_files_are_the_delivered_bytes_and_the_record_is_the_listing(options):
    artifact = opened("hf://acme/tiny", options)
    assert {str(file.path): file.content.read(10**6) for file in artifact.files} == FILES
    assert all(file.sha256 == hashlib.sha256(FILES[str(file.path)]).hexdigest() for file in artifact.files)
    listed = {each.path: each for each in artifact.platform.listed}
    for file in artifact.files:
        said = listed[str(file.path)]
        assert file.sha256 == said.lfs_sha256 if said.lfs_sha256 else file.git_sha1 == said.git_oid
        assert file.size == said.size
    assert (artifact.commit, artifact.kind, artifact.offline) == (REPO.head, Kind.MODEL, False)
    assert (artifact.platform.returned_id, artifact.platform.publisher_verified) == ("acme/tiny", True)
    assert set(artifact.platform.siblings) == set(FILES)
    assert artifact.platform.scan == {"scansDone": True, "filesWithIssues": []}
    assert listed["model.safetensors"].security["jFrogScan"]["status"] == "safe"
    assert [commit.authors for commit in artifact.platform.commits] == [("author",)]
    assert artifact.card == {"license": "mit", "base_model": "acme/base"}
    assert {(claim.base, claim.said_by) for claim in artifact.lineage} == {("acme/base", "card"), ("acme/base", "tag")}
    assert artifact.irregularities == ()


def test_a_branch_is_resolved_once_and_only_the_commit_is_used_after(hub, options):
    opened("acme/tiny@main", options)
    first, *rest = [request.target for request in hub.requests]
    assert "/revision/main?" in first
    assert all(REPO.head in target or "/api/organizations/" in target for target in rest)


def test_only_the_hub_is_asked_for_what_is_needed(hub, options):
    opened("acme/tiny", options)
    assert not any("agent-harnesses" in request.target for request in hub.requests)
    assert all(request.headers["user-agent"].startswith("gatekeeper/") for request in hub.requests)


def test_a_second_run_downloads_nothing_and_hashes_again(hub, options):
    opened("acme/tiny", options)
    before = len(hub.requests)
    again = opened("acme/tiny", options)
    assert not any("/resolve/" in request.target for request in hub.requests[before:])
    assert again.digest == opened(f"acme/tiny@{REPO.head}", options).digest


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_tampering_at_the_same_size_shows_in_our_digest(hub, options, path):
    hub.faults = Faults(tamper={path: bytes(len(FILES[path]))})
    file = opened("acme/tiny", options).file(path)
    assert file.sha256 == hashlib.sha256(bytes(len(FILES[path]))).hexdigest()
    assert file.content.read(1000) == bytes(len(FILES[path]))


@pytest.mark.parametrize("delivered", [b"{", b"{}" * 50])
@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_another_size_than_announced_is_irregular_and_not_a_failure_of_the_run(hub, options, path, delivered):
    hub.faults = Faults(tamper={path: delivered})
    artifact = opened("acme/tiny", options)
    assert kinds(artifact) == [(IrregularityKind.SIZE_MISMATCH, path)]
    assert artifact.file(path) is None


def test_an_endless_delivery_is_stopped(hub, options):
    hub.faults = Faults(tamper={"config.json": bytes(40 * 2**20)})  # the client reads 10 MiB at a time
    assert kinds(opened("acme/tiny", options)) == [(IrregularityKind.SIZE_MISMATCH, "config.json")]
    assert max(request.body_bytes for request in hub.requests) < 20 * 2**20


def test_a_poisoned_cache_shows_in_our_digest(hub, options):
    opened("acme/tiny", options)
    blob(options, WEIGHTS).write_bytes(bytes(len(WEIGHTS)))
    assert (
        opened("acme/tiny", options).file("model.safetensors").sha256 == hashlib.sha256(bytes(len(WEIGHTS))).hexdigest()
    )


def test_a_cache_link_that_leads_out_is_not_followed(options, tmp_path):
    opened("acme/tiny", options)
    (tmp_path / "secret").write_bytes(b"secret")
    link = options.cache_dir / "models--acme--tiny" / "snapshots" / REPO.head / "config.json"
    link.unlink()
    link.symlink_to(tmp_path / "secret")
    artifact = opened("acme/tiny", options)
    assert kinds(artifact) == [(IrregularityKind.SYMLINK_ESCAPE, "config.json")]


def test_a_pipe_in_the_cache_does_not_hang(options):
    opened("acme/tiny", options)
    path = blob(options, WEIGHTS)
    path.unlink()
    os.mkfifo(path)
    assert kinds(opened("acme/tiny", options)) == [(IrregularityKind.SPECIAL_FILE, "model.safetensors")]


def test_a_renamed_repo_is_recorded(hub, options):
    hub.faults = Faults(rename={"old/tiny": "acme/tiny"})
    artifact = opened("old/tiny", options)
    assert (artifact.platform.requested_id, artifact.platform.returned_id) == ("old/tiny", "acme/tiny")
    assert len(artifact.files) == len(FILES)


def test_a_legacy_single_name_is_redirected_and_recorded(hub, options):
    hub.faults = Faults(rename={"gpt2": "acme/tiny"})
    assert opened("gpt2", options).platform.returned_id == "acme/tiny"


def test_a_pull_request_revision_is_accepted_and_recorded(hub, options):
    pull = HubCommit(files={**FILES, "extra.py": b"1"})
    hub.add(replace(REPO, branches={**REPO.branches, "refs/pr/3": (*REPO.branches["main"], pull)}))
    artifact = opened("acme/tiny@refs/pr/3", options)
    assert artifact.platform.requested_revision == "refs/pr/3"
    assert artifact.file("extra.py")


def test_listings_that_disagree_are_irregular(hub, options):
    hub.faults = Faults(without_siblings=frozenset({"config.json"}))
    assert kinds(opened("acme/tiny", options)) == [(IrregularityKind.UNLISTED, "config.json")]


def test_a_listed_file_that_is_not_delivered_is_irregular(hub, options):
    hub.faults = Faults(missing=frozenset({"config.json", "model.safetensors"}))
    assert kinds(opened("acme/tiny", options)) == [
        (IrregularityKind.MISSING, "config.json"),
        (IrregularityKind.MISSING, "model.safetensors"),
    ]


@pytest.mark.parametrize(
    "path", ["../evil", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\..\\b", "a\nb", "C:evil", "x" * 300, "\ud800"]
)
def test_listed_paths_that_escape_never_reach_the_client(hub, options, path):
    hub.faults = Faults(extra_entries=({"type": "file", "oid": "0" * 40, "size": 1, "path": path},))
    before = set(Path(options.cache_dir.parent).iterdir())
    artifact = opened("acme/tiny", options)
    assert (IrregularityKind.PATH_ESCAPE, path) in kinds(artifact)
    assert len(artifact.files) == len(FILES)
    assert sum("/resolve/" in request.target for request in hub.requests if request.method == "HEAD") == len(FILES)
    assert set(options.cache_dir.parent.iterdir()) - before == {options.cache_dir}


def test_paths_that_differ_by_case_alone_are_irregular(hub, options):
    hub.add(HubRepo.of("acme/case", {"A/x.txt": b"1", "a/x.txt": b"2", "caf\u00e9": b"3", "cafe\u0301": b"4"}))
    found = opened("acme/case", options)
    assert {kind for kind, _ in kinds(found)} == {IrregularityKind.CASE_COLLISION}
    assert {path for _, path in kinds(found)} == {"a/x.txt", "caf\u00e9"}
    assert len(found.files) == 4


def test_offline_opens_what_the_cache_holds_and_says_so(hub, options):
    opened("acme/tiny", options)
    before = len(hub.requests)
    offline = replace(options, offline=True)
    for text in ("acme/tiny", "acme/tiny@main", f"acme/tiny@{REPO.head}"):
        artifact = opened(text, offline)
        assert (artifact.offline, artifact.platform, artifact.commit) == (True, None, REPO.head)
        assert artifact.reference == parse(text)
        assert len(artifact.files) == len(FILES)
        assert artifact.irregularities == ()
    assert len(hub.requests) == before


@pytest.mark.parametrize("text", ["acme/tiny@other", "acme/absent", f"acme/tiny@{'0' * 40}"])
def test_offline_without_cache_is_not_found(options, text):
    opened("acme/tiny", options)
    with pytest.raises(NotFoundError) as caught:
        opened(text, replace(options, offline=True))
    assert "--offline" in caught.value.hint


def test_offline_refuses_a_snapshot_that_is_incomplete(options):
    opened("acme/tiny", replace(options, metadata_only=True))
    with pytest.raises(NotFoundError, match="only a part"):
        opened(f"acme/tiny@{REPO.head}", replace(options, offline=True))


def test_metadata_only_does_not_move_the_cache_s_branch(hub, options):
    opened("acme/tiny", options)
    second = HubCommit(files={**FILES, "new.txt": b"1"})
    hub.add(replace(REPO, branches={"main": (*REPO.branches["main"], second)}))
    assert opened("acme/tiny", replace(options, metadata_only=True)).commit != REPO.head
    assert opened("acme/tiny", replace(options, offline=True)).commit == REPO.head


def test_metadata_only_reads_weights_by_range_and_never_downloads_them(hub, options):
    big = bytes(3 * 2**20)
    weights = len(HEADER).to_bytes(8, "little") + HEADER + big
    hub.add(HubRepo.of("acme/big", {**FILES, "model.safetensors": weights, "vocab.txt": bytes(2**20 + 1)}))
    artifact = opened("acme/big", replace(options, metadata_only=True))
    assert artifact.metadata_only
    assert artifact.digest == ""
    sent = sum(request.body_bytes for request in hub.requests if request.host == "cdn")
    assert sent == 0
    file = artifact.file("model.safetensors")
    assert (file.sha256, file.size) == (None, len(weights))
    with file.content.open() as reader:
        assert reader.read(8 + len(HEADER)) == weights[: 8 + len(HEADER)]
        reader.seek(-5, os.SEEK_END)
        assert reader.read() == bytes(5)
        assert reader.read() == b""
    sent = sum(request.body_bytes for request in hub.requests if request.host == "cdn")
    assert 0 < sent <= 2 * 256 * 1024
    assert artifact.file("vocab.txt").sha256 is None
    assert artifact.file("vocab.txt").content.read(2**21) == bytes(2**20 + 1)
    assert artifact.file("config.json").sha256


def test_files_kept_in_memory_and_on_disk_are_both_what_was_hashed(hub, options):
    limits = replace(QUICK, memory_file_bytes=100, memory_total_bytes=60)
    artifact = opened("acme/tiny", replace(options, limits=limits))
    for file in artifact.files:
        assert hashlib.sha256(file.content.read(1000)).hexdigest() == file.sha256
    blob(options, WEIGHTS).write_bytes(WEIGHTS)
    weights = artifact.file("model.safetensors").content
    assert not weights.unchanged()
    with pytest.raises(ContentChangedError):
        weights.open()


def test_limits_are_refused_by_name(hub, options):
    for field, value in (("max_files", 3), ("max_file_bytes", 50), ("max_total_bytes", 100), ("response_bytes", 500)):
        with pytest.raises(LimitError, match=field):
            opened("acme/tiny", replace(options, limits=replace(QUICK, **{field: value})))
    hub.page = 1
    with pytest.raises(LimitError, match="listing_pages"):
        opened("acme/tiny", replace(options, limits=replace(QUICK, listing_pages=3)))
    assert not any("/resolve/" in request.target for request in hub.requests)


def test_pages_of_a_listing_are_all_read(hub, options):
    hub.page = 2
    assert len(opened("acme/tiny", options).files) == len(FILES)


def test_listed_card_that_can_not_be_parsed_is_irregular(hub, options):
    hub.add(HubRepo.of("acme/card", {"README.md": b"---\na: &x 1\nb: *x\n---\n", "adapter_config.json": b"{"}))
    artifact = opened("acme/card", options)
    assert kinds(artifact) == [
        (IrregularityKind.CARD_UNREADABLE, "README.md"),
        (IrregularityKind.CARD_UNREADABLE, "adapter_config.json"),
    ]
    assert (artifact.card, artifact.kind) == ({}, Kind.ADAPTER)


def test_progress_reaches_its_total(hub, options):
    class Bars:
        def __init__(self):
            self.bars = {}

        def task(self, label, total, unit):
            from contextlib import contextmanager

            @contextmanager
            def bar():
                self.bars[label] = [0, total, unit]
                yield lambda count: self.bars[label].__setitem__(0, self.bars[label][0] + count)

            return bar()

    total = sum(len(data) for data in FILES.values())
    for _ in ("downloaded", "from the cache"):
        bars = Bars()
        with open_artifact(parse("acme/tiny"), replace(options, jobs=1), bars):
            assert bars.bars == {"downloading": [total, total, "bytes"], "hashing": [total, total, "bytes"]}


def test_two_processes_on_one_cache_both_succeed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from gatekeeper.sources import *\n"
        "options = SourceOptions(endpoint=sys.argv[1], cache_dir=Path(sys.argv[2]))\n"
        "with open_artifact(parse('acme/tiny'), options) as artifact: print(artifact.digest)"
    )
    files = {**FILES, **{f"part{number}.bin": os.urandom(2**18) for number in range(8)}}
    with LoopbackHub([HubRepo.of("acme/tiny", files)], Faults(bytes_per_second=2**20)) as hub:
        command = [sys.executable, "-c", code, hub.endpoint, str(tmp_path)]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 64


def test_the_cache_is_left_as_the_client_has_it(options):
    opened("acme/tiny", options)
    from huggingface_hub import HfApi

    api = HfApi(endpoint=options.endpoint, token=False)
    verified = api.verify_repo_checksums("acme/tiny", revision=REPO.head, cache_dir=options.cache_dir)
    assert verified.checked_count == len(FILES)
    assert not verified.mismatches
    modes = {stat.S_IFMT(path.lstat().st_mode) for path in options.cache_dir.rglob("snapshots/*/*.json")}
    assert modes == {stat.S_IFLNK}
