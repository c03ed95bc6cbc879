"""A folder is walked inside its root; what leaves it, hangs or hides is reported and not read."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.artifact import IrregularityKind, Kind, LineageClaim, Reference, Scheme
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import Limits
from gatekeeper.sources import SourceOptions, open_artifact

SHA = "ab" * 20


def opened(path, **limits):
    reference = Reference(scheme=Scheme.FILE if Path(path).is_file() else Scheme.FOLDER, name=str(path))
    with open_artifact(reference, SourceOptions(limits=Limits(**limits))) as artifact:
        return artifact


def names(artifact):
    return [str(file.path) for file in artifact.files]


def kinds(artifact):
    return sorted((each.kind, each.path) for each in artifact.irregularities)


def fill(root, **files):
    for name, data in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_every_file_is_hashed_and_sorted(tmp_path):
    fill(tmp_path, b=b"2", a__c=b"1", a__a__x=b"", _hidden=b"3")
    artifact = opened(tmp_path)
    assert names(artifact) == ["_hidden", "a/a/x", "a/c", "b"]
    assert all(file.sha256 == hashlib.sha256(file.content.read(9)).hexdigest() for file in artifact.files)
    assert all(file.git_sha1 is None for file in artifact.files)
    assert (artifact.platform, artifact.commit, artifact.irregularities) == (None, "", ())


def test_a_single_file_and_a_link_to_one(tmp_path):
    fill(tmp_path, data__model_onnx=b"1")
    (tmp_path / "model.onnx").symlink_to("data/model_onnx")
    artifact = opened(tmp_path / "model.onnx")
    assert names(artifact) == ["model.onnx"]
    assert artifact.kind is Kind.GRAPH


def test_links_inside_are_followed_and_all_others_left_out(tmp_path):
    root = tmp_path / "root"
    fill(root, real=b"1", sub__x=b"2")
    fill(tmp_path, outside=b"secret")
    for name, target in {
        "inside": "real", "folder": "sub", "absolute": str(root / "real"), "out": "../outside", "etc": "/etc/passwd",
        "dangling": "nowhere", "self": "self", "up": ".", "outfolder": "..", "chain": "out",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    (root / "sub" / "back").symlink_to("..")
    artifact = opened(root)
    assert names(artifact) == ["absolute", "folder/x", "inside", "real", "sub/x"]
    left = {path for kind, path in kinds(artifact) if kind is IrregularityKind.SYMLINK_ESCAPE}
    assert left == {
        "out", "etc", "dangling", "self", "up", "outfolder", "chain", "sub/back", "folder/back",
    }  # fmt: skip
    assert len(artifact.irregularities) == len(left)


def test_a_maze_of_folder_links_ends(tmp_path):
    for name in "abcdefgh":
        (tmp_path / name).mkdir()
        for other in "abcdefgh":
            (tmp_path / name / other).symlink_to(f"../{other}")
    with pytest.raises(LimitError, match="max_files"):
        opened(tmp_path, max_files=2000)


def test_pipes_sockets_and_devices_are_never_opened(tmp_path, monkeypatch):
    fill(tmp_path, config=b"{}")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # names of sockets are short
        listener.bind("socket")
        artifact = opened(tmp_path)
    assert names(artifact) == ["config"]
    assert kinds(artifact) == [(IrregularityKind.SPECIAL_FILE, name) for name in ("link", "pipe", "socket")]


def test_a_snapshot_of_the_client_s_cache_reads_its_blobs_and_nothing_else(tmp_path):
    repo = tmp_path / "models--org--name"
    fill(repo, blobs__one=b"1", refs__main=b"r")
    fill(tmp_path, blobs__ab__shared=b"2", secret=b"s")
    root = repo / "snapshots" / SHA
    (root / "sub").mkdir(parents=True)
    for name, target in {
        "a": "../../blobs/one", "sub/b": "../../../blobs/one", "ref": "../../refs/main",
        "shared": "../../../blobs/ab/shared",
        "secret": "../../../secret",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    assert names(opened(root)) == ["a", "sub/b"]
    (tmp_path / "blobs" / ".huggingface-shared-blobs").write_bytes(b"1")
    artifact = opened(root)
    assert names(artifact) == ["a", "shared", "sub/b"]
    assert kinds(artifact) == [(IrregularityKind.SYMLINK_ESCAPE, "ref"), (IrregularityKind.SYMLINK_ESCAPE, "secret")]


def test_bookkeeping_is_left_out_at_the_top_alone_and_said(tmp_path):
    fill(
        tmp_path,
        **{
            ".git__config": b"1", ".cache__other": b"3", "sub__.git__y": b"4", ".cache__huggingface__.gitignore": b"*",
            ".cache__huggingface__CACHEDIR.TAG": b"2", ".cache__huggingface__download__a__x.bin.metadata": b"5",
            ".cache__huggingface__download__a__x.bin.lock": b"", ".cache__huggingface__upload__y.metadata": b"6",
        },
    )  # fmt: skip
    artifact = opened(tmp_path)
    assert names(artifact) == [".cache/other", "sub/.git/y"]
    assert kinds(artifact) == [(IrregularityKind.SKIPPED, ".cache/huggingface"), (IrregularityKind.SKIPPED, ".git")]


def test_what_the_client_does_not_write_is_no_bookkeeping(tmp_path):
    fill(tmp_path, **{".cache__huggingface__model.pkl": b"1", ".cache__huggingface__download__x.bin": b"2",
                      ".cache__huggingface__download__y.metadata": b"3" * 1025,
                      "sub__.cache__huggingface__download__z.metadata": b"4"})  # fmt: skip
    artifact = opened(tmp_path)
    assert names(artifact) == [
        ".cache/huggingface/download/x.bin", ".cache/huggingface/download/y.metadata", ".cache/huggingface/model.pkl",
        "sub/.cache/huggingface/download/z.metadata",
    ]  # fmt: skip
    assert kinds(artifact) == [(IrregularityKind.SKIPPED, ".cache/huggingface")]


@pytest.mark.parametrize("only_git", [False, True])
def test_a_folder_without_files_is_an_input_error(tmp_path, only_git):
    (tmp_path / (".git" if only_git else "sub")).mkdir()
    with pytest.raises(InputError, match="holds no files"):
        opened(tmp_path)


def test_strange_names(tmp_path):
    undecodable = os.fsdecode(b"w\xff.bin")
    for name in (undecodable, "new\nline", "back\\slash", "Same", "same", " space "):
        (tmp_path / name).write_bytes(b"1")
    artifact = opened(tmp_path)
    assert names(artifact) == sorted([undecodable, "Same", "same", " space "])
    assert artifact.digest
    assert kinds(artifact) == [
        (IrregularityKind.CASE_COLLISION, "same"),
        (IrregularityKind.PATH_ESCAPE, "back\\slash"),
        (IrregularityKind.PATH_ESCAPE, "new\nline"),
    ]


def test_limits_are_refused_by_name(tmp_path):
    fill(tmp_path, a=b"12345", b=b"12345")
    for field, value in (("max_files", 1), ("max_file_bytes", 4), ("max_total_bytes", 9)):
        with pytest.raises(LimitError, match=field):
            opened(tmp_path, **{field: value})
    with pytest.raises(LimitError, match="max_file_bytes"):
        opened(tmp_path / "a", max_file_bytes=4)


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_what_can_not_be_read_is_an_input_error(tmp_path, closed):
    fill(tmp_path, folder__file=b"1")
    path = tmp_path / "folder" if closed == "folder" else tmp_path / "folder" / "file"
    path.chmod(0)
    for parent in (tmp_path, *tmp_path.parents):  # pytest's own folders are closed to other users
        if parent.is_relative_to(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            opened(tmp_path)
    finally:
        if root:
            os.seteuid(0)
        path.chmod(0o700)


def test_what_a_repo_declares(tmp_path):
    card = b"---\nlicense: mit\nbase_model: [acme/a, acme/b]\nbase_model_relation: merge\n---\ntext"
    adapter = b'{"base_model_name_or_path": "acme/a", "revision": "v1"}'
    fill(tmp_path, **{"README.md": card, "adapter_config.json": adapter, "config.json": b'{"_name_or_path": "./x"}'})
    artifact = opened(tmp_path)
    assert artifact.kind is Kind.ADAPTER
    assert artifact.card["license"] == "mit"
    assert artifact.lineage == (
        LineageClaim(base="acme/a", said_by="card", relation="merge"),
        LineageClaim(base="acme/b", said_by="card", relation="merge"),
        LineageClaim(base="acme/a", said_by="adapter_config", revision="v1", relation="adapter"),
        LineageClaim(base="./x", said_by="config"),
    )


@pytest.mark.parametrize(
    ("card", "adapter"),
    [(b"---\nnever closed", b"[]"), (b"---\n- a\n---\n", b'{"a": 1, "a": 2}'), (b"---\n\xff\n---", b"{" * 500)],
)
def test_declarations_that_can_not_be_read_are_irregular(tmp_path, card, adapter):
    fill(tmp_path, **{"README.md": card, "adapter_config.json": adapter})
    artifact = opened(tmp_path)
    assert kinds(artifact) == [
        (IrregularityKind.CARD_UNREADABLE, "README.md"),
        (IrregularityKind.CARD_UNREADABLE, "adapter_config.json"),
    ]
    assert (artifact.card, artifact.lineage) == ({}, ())


@pytest.mark.parametrize("value", [7, None, {}, [], [[]], "", True])
def test_bases_of_the_wrong_type_are_no_claims(tmp_path, value):
    import json

    fill(tmp_path, **{"config.json": json.dumps({"_name_or_path": value}).encode()})
    assert opened(tmp_path).lineage == ()


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"model.onnx": b"", "config.json": b""}, Kind.GRAPH),
        ({"model.onnx": b"", "model.safetensors": b""}, Kind.MODEL),
        ({"config.json": b""}, Kind.MODEL),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b""}, Kind.ADAPTER),
    ],
)
def test_kinds(tmp_path, files, kind):
    fill(tmp_path, **files)
    assert opened(tmp_path).kind is kind


def test_a_file_that_grows_past_the_budget_stays_on_disk(tmp_path):
    fill(tmp_path, a=bytes(100), b=bytes(100))
    artifact = opened(tmp_path, memory_total_bytes=100, memory_file_bytes=100)
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert sorted(file.content.unchanged() for file in artifact.files) == [False, True]


def test_options_default_and_replace():
    assert replace(SourceOptions(), token="x").token == "x"
    assert "token" not in repr(SourceOptions(token="x"))
