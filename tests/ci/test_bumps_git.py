"""Bumps out of real repositories: what is a change, what git may never do, and what to run when it lacks a commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gatekeeper.bump import Bump, Bumps
from gatekeeper.ci import bumps, file_at, since, staged_bumps
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import Limits
from gatekeeper.mention import Ignored, Pattern, Role
from tests.support.git_repos import Repo, loads


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repo")
    made.commit({"serve.py": loads("acme/tiny", "v1"), "keep.py": loads("acme/kept", "v1")})
    made.git("checkout", "-q", "-b", "work")
    return made


def told(found: Bumps) -> list[tuple[str, str, str]]:
    return [(bump.kind.value, bump.name, bump.revision) for bump in found.bumps]


def only(found: Bumps) -> Bump:
    (bump,) = found.bumps
    return bump


def test_another_revision_is_a_change_with_both_places(repo: Repo) -> None:
    head = repo.commit({"serve.py": "\n" + loads("acme/tiny", "v2")})
    found = bumps(repo.root, "main")
    bump = only(found)
    assert (bump.kind, bump.name, bump.revision) == ("changed", "acme/tiny", "v2")
    assert [(each.path, each.line, each.revision) for each in (*bump.old, *bump.new)] == [
        ("serve.py", 1, "v1"),
        ("serve.py", 2, "v2"),
    ]
    assert (found.head, found.base, found.unread) == (head, repo.git("rev-parse", "main"), ())


def test_another_name_in_the_same_place_is_a_change(repo: Repo) -> None:
    repo.commit({"serve.py": loads("other/tiny", "v1")})
    bump = only(bumps(repo.root, "main"))
    assert (bump.kind, bump.name, bump.old[0].name) == ("changed", "other/tiny", "acme/tiny")


def test_code_of_the_repo_that_may_run_now_is_a_change(repo: Repo) -> None:
    repo.commit({"more.py": "x = 1\n", "serve.py": loads("acme/tiny", "v1", trust_remote_code=True)})
    found = bumps(repo.root, "main")
    # Whether an extractor reads the switch is its own affair: told or not, it is never another kind.
    assert told(found) in ([], [("changed", "acme/tiny", "v1")])


def test_added_removed_and_moved(repo: Repo) -> None:
    repo.commit({"serve.py": None, "new.py": "y = 1\n" * 30 + loads("acme/tiny", "v1") + loads("acme/new")})
    assert told(bumps(repo.root, "main")) == [("added", "acme/new", "")]
    repo.commit({"new.py": loads("acme/new")})
    assert told(bumps(repo.root, "main")) == [("added", "acme/new", ""), ("removed", "acme/tiny", "v1")]


def test_a_renamed_file_is_followed(repo: Repo) -> None:
    text = "# a comment\n" * 20
    repo.git("checkout", "-q", "main")
    repo.commit({"long.py": text + loads("acme/long", "v1")})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit({"long.py": None, "other/longer.py": text + loads("acme/else", "v1")})
    bump = only(bumps(repo.root, "main"))
    assert (bump.kind, bump.old[0].path, bump.new[0].path) == ("changed", "long.py", "other/longer.py")


def test_what_the_target_did_meanwhile_is_no_change_also_in_its_merge(repo: Repo) -> None:
    repo.commit({"serve.py": loads("acme/tiny", "v2")})
    repo.git("checkout", "-q", "main")
    repo.commit({"elsewhere.py": loads("acme/unseen")})
    repo.git("checkout", "-q", "work")
    assert told(bumps(repo.root, "main")) == [("changed", "acme/tiny", "v2")]
    repo.git("checkout", "-q", "--detach", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "work")
    assert told(bumps(repo.root, "main")) == [("changed", "acme/tiny", "v2")]


def test_what_can_not_be_told_is_listed_when_it_is_new_or_more(repo: Repo) -> None:
    repo.git("checkout", "-q", "main")
    repo.commit({"dynamic.py": "m = AutoModel.from_pretrained(choose())\n"})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit({"dynamic.py": "# moved\nm = AutoModel.from_pretrained(choose())\n"})
    assert told(bumps(repo.root, "main")) == []
    repo.commit({"dynamic.py": "m = AutoModel.from_pretrained(choose())\n" * 2})
    assert told(bumps(repo.root, "main")) == [("unresolved", "", "")]


def test_a_file_that_can_not_be_parsed_is_never_the_same_as_before(repo: Repo) -> None:
    repo.git("checkout", "-q", "main")
    repo.commit({"broken.py": "from_pretrained(\n"})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit({"broken.py": 'from_pretrained("evil/model"\n'})
    assert told(bumps(repo.root, "main")) == [("unresolved", "", "")]


def test_model_files_of_the_repository(repo: Repo) -> None:
    repo.git("checkout", "-q", "main")
    repo.commit({"a.safetensors": b"\0old", "moved.onnx": b"\0moved", "gone.pt": b"\0gone"})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit(
        {"a.safetensors": b"\0new", "moved.onnx": None, "to/moved.onnx": b"\0moved", "gone.pt": None, "n.gguf": b"\0n"}
    )
    found = bumps(repo.root, "main")
    assert told(found) == [("changed", "a.safetensors", ""), ("removed", "gone.pt", ""), ("added", "n.gguf", "")]
    assert all(bump.local for bump in found.bumps)


def test_links_submodules_and_large_files_are_told_as_unread(repo: Repo) -> None:
    (repo.root / "link.py").symlink_to("/etc/hostname")
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendored")
    repo.git("add", "link.py")
    (repo.root / "large.py").write_text("x = 1\n" * 1_000)
    repo.git("add", "large.py")
    repo.git("commit", "-q", "-m", "odd")
    unread = bumps(repo.root, "main", limits=Limits(source_bytes=1_000)).unread
    assert [sentence.split(" ", 1)[0] for sentence in unread] == ["vendored", "link.py", "large.py"]


@pytest.mark.parametrize(
    "name", ["a\nb.py", "q\"uo'te.py", "$(touch pwned).py", "-rf.py", "sp ace\t.py", "é.py", ":!x.py"]
)
def test_any_name_of_a_file_is_read(repo: Repo, name: str) -> None:
    repo.commit({name: loads("acme/odd")})
    bump = only(bumps(repo.root, "main"))
    assert (bump.name, bump.new[0].path) == ("acme/odd", name)
    assert not (repo.root / "pwned").exists()


def test_a_name_that_is_no_utf_8_is_told_with_its_bytes(repo: Repo) -> None:
    Path(os.fsdecode(os.fsencode(repo.root) + b"/b\xff.py")).write_text(loads("acme/odd"))
    Path(os.fsdecode(os.fsencode(repo.root) + b"/b\xff.onnx")).write_bytes(b"\0")
    repo.commit({})
    found = bumps(repo.root, "main")
    assert ("added", "acme/odd", "") in told(found)
    assert found.bumps[0].new[0].path.startswith("b\\xff")
    assert any("no UTF-8" in sentence for sentence in found.unread)


def test_nothing_of_the_repository_or_of_the_environment_is_run(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = repo.root / "trap"
    script = repo.root.parent / "script.sh"
    script.write_text(f"#!/bin/sh\ntouch '{trap}'\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "diff.bad.textconv",
        "diff.bad.command",
        "core.pager",
        "core.sshCommand",
    ):
        repo.git("config", key, str(script))
    for hook in ("post-index-change", "post-checkout"):
        path = repo.root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(script.read_bytes())
        path.chmod(0o755)
    environment = {"GIT_EXTERNAL_DIFF": str(script), "GIT_PAGER": str(script), "GIT_SSH_COMMAND": str(script)}
    for name, value in {**environment, "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    repo.write({".gitattributes": "*.py diff=bad filter=bad\n", "serve.py": loads("acme/tiny", "v9")})
    subprocess.run(["git", "add", "-A"], cwd=repo.root, check=True, env={"PATH": os.environ["PATH"]})
    trap.unlink(missing_ok=True)
    assert told(staged_bumps(repo.root)) == [("changed", "acme/tiny", "v9")]
    assert told(bumps(repo.root, "main")) == []
    assert not trap.exists()


def test_what_is_staged_is_compared_with_what_is_checked_out(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "new")
    repo.write({"a.py": loads("acme/first")})
    repo.git("add", "-A")
    assert told(staged_bumps(repo.root)) == [("added", "acme/first", "")]
    repo.git("commit", "-q", "-m", "first")
    assert told(staged_bumps(repo.root)) == []
    repo.write({"a.py": loads("acme/second")})
    assert told(staged_bumps(repo.root)) == []


def test_patterns_and_what_is_ignored(repo: Repo) -> None:
    repo.commit({"deploy/x.hcl2": 'uri = "acme/mine@v3"\n', "docs/a.py": loads("a/doc"), "b.py": loads("own/model")})
    pattern = Pattern(path="deploy/*", regex=r'uri = "(?P<name>[^"@]+)@(?P<revision>[^"]+)"', role=Role.ADAPTER)
    ignore = (Ignored(path="docs/*"), Ignored(name="own/*"))
    found = bumps(repo.root, "main", patterns=[pattern], ignore=ignore)
    assert [(bump.name, bump.revision, bump.role) for bump in found.bumps] == [("acme/mine", "v3", Role.ADAPTER)]


def test_a_name_that_is_a_path_here_too_is_not_guessed(repo: Repo) -> None:
    repo.commit({"evil/model/config.json": "{}", "a.py": loads("evil/model")})
    bump = only(bumps(repo.root, "main"))
    assert (bump.kind, bump.name) == ("unresolved", "evil/model")
    assert "path of this repository" in bump.new[0].unresolved


def test_prose_and_changed_modes_are_not_read(repo: Repo) -> None:
    (repo.root / "serve.py").chmod(0o755)
    repo.commit({"README.md": loads("acme/prose")})
    found = bumps(repo.root, "main")
    assert (found.bumps, found.files) == ((), 0)


def clone(repo: Repo, folder: Path, *arguments: str) -> Path:
    subprocess.run(["git", "clone", "-q", *arguments, f"file://{repo.root}", str(folder)], check=True)
    return folder


def test_a_shallow_clone_says_what_to_fetch(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"serve.py": loads("acme/tiny", "v2")})
    folder = clone(repo, tmp_path / "shallow", "--depth", "1", "--branch", "work")
    with pytest.raises(InputError) as unknown:
        bumps(folder, "origin/main")
    assert "no commit origin/main" in unknown.value.message
    assert "fetch-depth: 0" in unknown.value.hint
    subprocess.run(["git", "fetch", "-q", "--depth", "1", "origin", "main:main"], cwd=folder, check=True)
    with pytest.raises(InputError) as cut:
        bumps(folder, "main")
    assert "cut off" in cut.value.message
    assert "--deepen" in cut.value.hint
    subprocess.run(["git", "fetch", "-q", "--unshallow"], cwd=folder, check=True)
    assert told(bumps(folder, "main")) == [("changed", "acme/tiny", "v2")]


def test_a_partial_clone_fetches_nothing_behind_our_back(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.commit({"serve.py": loads("acme/tiny", "v2")})
    folder = clone(repo, tmp_path / "partial", "--filter=blob:none", "--no-checkout", "--branch", "work")
    with pytest.raises(InputError) as error:
        bumps(folder, "origin/main")
    assert "partial clone" in error.value.hint


@pytest.mark.parametrize("revision", ["nosuch", "--upload-pack=touch pwned", "", "a\nb", "HEAD:serve.py", "$(id)"])
def test_a_revision_that_is_none_is_refused(repo: Repo, revision: str) -> None:
    with pytest.raises(InputError):
        bumps(repo.root, revision)
    with pytest.raises(InputError):
        bumps(repo.root, "main", revision)


def test_histories_without_anything_in_common_are_refused(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"x.py": loads("acme/x")})
    with pytest.raises(InputError, match="no history in common"):
        bumps(repo.root, "main")


def test_no_repository_and_no_git_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no git repository"):
        bumps(tmp_path, "main")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="not installed"):
        bumps(tmp_path, "main")


def test_without_an_event_the_default_branch_of_origin_is_meant(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing says what to compare with"):
        bumps(repo.root, since(None))
    repo.commit({"serve.py": loads("acme/tiny", "v2")})
    repo.git("checkout", "-q", "main")
    folder = clone(repo, tmp_path / "clone")
    subprocess.run(["git", "checkout", "-q", "work"], cwd=folder, check=True)
    assert told(bumps(folder, since(None))) == [("changed", "acme/tiny", "v2")]


def test_a_difference_beyond_the_limits_is_refused_or_told(repo: Repo) -> None:
    repo.commit({f"f{number}.py": loads(f"acme/m{number}") for number in range(30)})
    with pytest.raises(LimitError, match="diff_files"):
        bumps(repo.root, "main", limits=Limits(diff_files=10))
    with pytest.raises(LimitError, match="diff_bytes"):
        bumps(repo.root, "main", limits=Limits(diff_bytes=200))
    found = bumps(repo.root, "main", limits=Limits(diff_content_bytes=500))
    assert any("diff_content_bytes" in sentence for sentence in found.unread)


def test_a_file_of_a_commit(repo: Repo) -> None:
    assert file_at(repo.root, "main", "serve.py") == loads("acme/tiny", "v1").encode()
    assert file_at(repo.root, "main", "none.py") is None
    assert file_at(repo.root, "main", "serve.py", Limits(lock_bytes=3)) is None
