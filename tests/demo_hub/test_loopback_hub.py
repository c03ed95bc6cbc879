"""The loopback Hub is faithful where the real client, unmodified, can't tell it from the Hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub

HEADER = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(8)
TOKEN = "hf_" + "t" * 34
FILES = {"config.json": b"{}", "README.md": b"hello", "sub/dir/notes.txt": b"n", "model.safetensors": WEIGHTS}


def repo(**fields) -> HubRepo:
    return HubRepo.of("acme/tiny", FILES, **fields)


@pytest.fixture
def api(hub):
    hub.add(repo(card={"license": "mit"}, tags=("license:mit",), verified=True))
    return HfApi(endpoint=hub.endpoint, token=False)


def test_the_client_downloads_the_very_bytes_and_verifies_them(api, hub, tmp_path):
    folder = Path(snapshot_download("acme/tiny", endpoint=hub.endpoint, cache_dir=tmp_path, token=False))
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    verified = api.verify_repo_checksums("acme/tiny", revision=repo().head, cache_dir=tmp_path)
    assert verified.checked_count == len(FILES)
    assert not verified.mismatches
    assert not verified.missing_paths


def test_the_client_reads_every_listing(api):
    made = repo()
    info = api.model_info("acme/tiny", securityStatus=True, files_metadata=True)
    assert (info.sha, info.author, info.gated, info.tags) == (made.head, "acme", False, ["license:mit"])
    sizes = {sibling.rfilename: sibling.size for sibling in info.siblings}
    assert sizes == {name: len(data) for name, data in FILES.items()}
    lfs = next(sibling.lfs for sibling in info.siblings if sibling.rfilename == "model.safetensors")
    assert lfs.sha256 == made.trees[made.head]["model.safetensors"].sha256
    tree = list(api.list_repo_tree("acme/tiny", recursive=True, expand=True))
    assert {entry.path for entry in tree} == {*FILES, "sub", "sub/dir"}
    assert {entry.path for entry in api.list_repo_tree("acme/tiny")} == {*(set(FILES) - {"sub/dir/notes.txt"}), "sub"}
    [described] = api.get_paths_info("acme/tiny", ["model.safetensors"], expand=True)
    assert described.security.safe
    assert described.last_commit.oid == made.head
    assert [(commit.commit_id, commit.authors) for commit in api.list_repo_commits("acme/tiny")] == [
        (made.head, ["author"])
    ]
    assert api.get_organization_overview("acme").is_verified


def test_the_client_reads_a_safetensors_header_by_range(api, hub):
    metadata = api.get_safetensors_metadata("acme/tiny")
    assert metadata.parameter_count == {"F32": 2}
    assert any("bytes=" in request.headers.get("range", "") for request in hub.requests)


def test_history_branches_tags_and_pull_requests(hub):
    first, second = HubCommit(files={"a": b"1"}), HubCommit(files={"a": b"2"}, authors=("b", "c"))
    pull = HubCommit(files={"a": b"3"})
    made = HubRepo(
        id="acme/old",
        branches={"main": (first, second), "refs/pr/1": (first, second, pull)},
        versions={"v1": ("main", 0)},
    )
    hub.add(made)
    api = HfApi(endpoint=hub.endpoint, token=False)
    refs = api.list_repo_refs("acme/old", include_pull_requests=True)
    assert [ref.target_commit for ref in refs.branches] == [made.head]
    assert [ref.name for ref in refs.tags] == ["v1"]
    assert [ref.ref for ref in refs.pull_requests] == ["refs/pr/1"]
    assert [commit.authors for commit in api.list_repo_commits("acme/old")] == [["b", "c"], ["author"]]
    assert api.model_info("acme/old", revision="v1").sha == made.history["main"][0]
    assert api.model_info("acme/old", revision="refs/pr/1").sha == made.resolve("refs/pr/1")


def test_listings_come_in_pages(hub):
    hub.page = 2
    hub.add(HubRepo.of("acme/many", {f"file{number}": b"" for number in range(7)}))
    api = HfApi(endpoint=hub.endpoint, token=False)
    assert len(list(api.list_repo_tree("acme/many"))) == 7
    assert sum("/tree/" in request.target for request in hub.requests) == 4


def test_renamed_repos_are_followed_by_api_and_downloads(hub, tmp_path):
    hub.add(repo())
    hub.faults = Faults(rename={"old/tiny": "acme/tiny"})
    assert HfApi(endpoint=hub.endpoint, token=False).model_info("old/tiny").id == "acme/tiny"
    path = hf_hub_download("old/tiny", "model.safetensors", endpoint=hub.endpoint, cache_dir=tmp_path, token=False)
    assert Path(path).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("made", "revision", "path", "token", "error"),
    [
        (None, None, "config.json", TOKEN, RepositoryNotFoundError),
        (repo(private=True), None, "config.json", "", RepositoryNotFoundError),
        (repo(gated="auto"), None, "config.json", "", GatedRepoError),
        (repo(gated="auto"), None, "config.json", TOKEN, GatedRepoError),
        (repo(), "nowhere", "config.json", "", RevisionNotFoundError),
        (repo(), None, "absent.json", "", EntryNotFoundError),
    ],
)
def test_refusals_are_those_that_the_client_knows(tmp_path, made, revision, path, token, error):
    with LoopbackHub([made] if made else [], tokens=[TOKEN]) as hub, pytest.raises(error):
        hf_hub_download(
            "acme/tiny", path, revision=revision, endpoint=hub.endpoint, cache_dir=tmp_path, token=token or False
        )


def test_a_disabled_repo_says_so(hub):
    hub.add(repo(disabled=True))
    with pytest.raises(DisabledRepoError):
        HfApi(endpoint=hub.endpoint, token=False).model_info("acme/tiny")


def test_tokens_open_private_and_granted_gated_repos(tmp_path):
    with LoopbackHub([repo(private=True, gated="manual")], granted=[TOKEN]) as hub:
        path = hf_hub_download("acme/tiny", "model.safetensors", endpoint=hub.endpoint, cache_dir=tmp_path, token=TOKEN)
        assert Path(path).read_bytes() == WEIGHTS
        assert {request.authorised for request in hub.requests if request.host == "hub"} == {True}
        assert {request.authorised for request in hub.requests if request.host == "cdn"} == {False}
        assert TOKEN not in repr(hub.requests)


def test_same_size_tampering_passes_the_client_and_other_sizes_do_not(hub, tmp_path):
    hub.add(repo())
    hub.faults = Faults(tamper={"model.safetensors": bytes(len(WEIGHTS)), "config.json": b"{ }"})
    path = hf_hub_download("acme/tiny", "model.safetensors", endpoint=hub.endpoint, cache_dir=tmp_path, token=False)
    assert Path(path).read_bytes() == bytes(len(WEIGHTS))
    with pytest.raises(OSError, match="Consistency check failed"):
        hf_hub_download("acme/tiny", "config.json", endpoint=hub.endpoint, cache_dir=tmp_path, token=False)


def test_a_broken_delivery_is_tried_again_by_the_client(hub, tmp_path):
    hub.add(repo())
    hub.faults = Faults(truncate={"model.safetensors": 20}, truncations=1)
    path = hf_hub_download("acme/tiny", "model.safetensors", endpoint=hub.endpoint, cache_dir=tmp_path, token=False)
    assert Path(path).read_bytes() == WEIGHTS
    assert [request.body_bytes for request in hub.requests if request.host == "cdn"] == [20, len(WEIGHTS)]


def test_files_on_disk_have_the_same_ids_as_in_memory(tmp_path):
    (tmp_path / "w").write_bytes(WEIGHTS)
    on_disk = HubRepo.of("acme/tiny", {**FILES, "model.safetensors": tmp_path / "w"})
    assert on_disk.head == repo().head


def test_scan_statuses_are_told_for_files_and_repo(hub):
    hub.add(repo(scans={"model.safetensors": {"protectAiScan": "unsafe"}}))
    api = HfApi(endpoint=hub.endpoint, token=False)
    assert api.model_info("acme/tiny", securityStatus=True).security_repo_status == {
        "scansDone": True,
        "filesWithIssues": [{"path": "model.safetensors", "level": "unsafe"}],
    }
    hub.faults = Faults(scan_pending=True)
    [entry] = api.get_paths_info("acme/tiny", ["config.json"], expand=True)
    assert entry.security.status == "queued"
