"""Changes that would pass unread if a short cut or an honest assumption were believed: each of them is listed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.bump import Bumps
from gatekeeper.ci import Since, bumps
from gatekeeper.errors import InputError
from gatekeeper.lock import Lock
from gatekeeper.lockfile import dump
from tests.support.git_repos import Repo, loads
from tests.support.locks import entry


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repo")
    made.commit(
        {
            "prod.py": loads("acme/good", "v1"),
            "try.py": loads("acme/tried", "v1"),
            "prod.safetensors": b"\0good",
            "try.safetensors": b"\0tried",
        }
    )
    made.git("checkout", "-q", "-b", "work")
    return made


def told(found: Bumps) -> list[tuple[str, str, str]]:
    return [(bump.kind.value, bump.name, bump.revision) for bump in found.bumps]


def test_a_change_that_is_not_checked_out_is_refused(repo: Repo) -> None:
    change = repo.commit({"prod.py": loads("evil/new", "v1")})
    repo.git("checkout", "-q", "main")
    with pytest.raises(InputError, match="is not the change") as refused:
        bumps(repo.root, Since(names=("main",), holds=change))
    assert "pull_request" in refused.value.hint
    with pytest.raises(InputError, match="is not the change"):
        bumps(repo.root, Since(names=("main",), holds="e" * 40))
    repo.git("checkout", "-q", "--detach", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "work")
    assert told(bumps(repo.root, Since(names=("main",), holds=change))) == [("changed", "evil/new", "v1")]


def test_weights_that_take_the_place_of_others_are_a_change(repo: Repo) -> None:
    repo.commit({"prod.safetensors": b"\0tried", "try.safetensors": None})
    assert told(bumps(repo.root, "main")) == [("changed", "prod.safetensors", "")]
    repo.commit({"prod.safetensors": b"\0tried", "try.safetensors": b"\0good"})
    assert told(bumps(repo.root, "main")) == [("changed", "prod.safetensors", ""), ("changed", "try.safetensors", "")]


def test_a_model_that_takes_the_place_of_another_is_a_change_wherever_it_was_named_before(repo: Repo) -> None:
    repo.commit({"prod.py": loads("acme/tried", "v1"), "try.py": loads("acme/good", "v1")})
    assert told(bumps(repo.root, "main")) == [("changed", "acme/tried", "v1"), ("changed", "acme/good", "v1")]
    repo.commit({"prod.py": loads("acme/tried", "v1"), "try.py": "# touched\n" + loads("acme/tried", "v1")})
    assert told(bumps(repo.root, "main")) == [("changed", "acme/tried", "v1")]


def test_a_model_that_comes_to_a_file_is_listed_though_a_file_that_was_touched_names_it(repo: Repo) -> None:
    repo.commit({"new.py": loads("acme/tried", "v1"), "try.py": "# touched\n" + loads("acme/tried", "v1")})
    assert told(bumps(repo.root, "main")) == [("added", "acme/tried", "v1")]
    repo.commit({"new.py": loads("acme/tried", "v1"), "try.py": None})
    assert told(bumps(repo.root, "main")) == []


def test_an_entry_of_the_lock_that_holds_other_bytes_of_the_same_commit_is_a_change(repo: Repo) -> None:
    one = entry("acme/pinned")
    repo.git("checkout", "-q", "main")
    repo.commit({"gatekeeper.lock": dump(Lock(models=(one,)))})
    repo.git("checkout", "-q", "-B", "work")
    again = replace(one, decided_at=one.decided_at + timedelta(days=1))
    repo.commit({"gatekeeper.lock": dump(Lock(models=(again,)))})
    assert told(bumps(repo.root, "main")) == []
    for other in (replace(one, exclude=("*.bin",)), entry("acme/pinned", salt="other")):
        repo.commit({"gatekeeper.lock": dump(Lock(models=(replace(other, commit=one.commit),)))})
        assert told(bumps(repo.root, "main")) == [("changed", "acme/pinned", one.commit)]


@pytest.mark.parametrize(
    ("target", "unread"),
    [
        ("served/two", True),
        ("served/docs", False),
        ("/mnt/models", True),
        ("../elsewhere", True),
        ("nowhere", True),
        ("prod.safetensors", True),
        ("notes", False),
    ],
)
def test_a_link_that_leads_to_other_models_is_told(repo: Repo, target: str, unread: bool) -> None:
    repo.git("checkout", "-q", "main")
    repo.commit({"served/two/model.safetensors": b"\0two", "served/docs/a.md": "text", "notes": "text"})
    repo.git("checkout", "-q", "-B", "work")
    (repo.root / "current").symlink_to(target)
    repo.commit({})
    found = bumps(repo.root, "main").unread
    assert found == (("current is a symbolic link, and what it leads to was not looked at",) if unread else ())


def test_grafts_do_not_say_what_the_history_is(repo: Repo) -> None:
    head = repo.commit({"prod.py": loads("evil/new", "v1")})
    (repo.root / ".git" / "info").mkdir(exist_ok=True)
    (repo.root / ".git" / "info" / "grafts").write_text(f"{repo.git('rev-parse', 'main')} {head}\n{head}\n")
    assert told(bumps(repo.root, "main")) == [("changed", "evil/new", "v1")]


def test_a_merge_that_keeps_the_old_side_brings_back_what_the_target_had_left(repo: Repo) -> None:
    repo.commit({"prod.py": loads("evil/old", "v1")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "work")
    repo.commit({"prod.py": loads("acme/good", "v1")})
    repo.git("checkout", "-q", "work")
    repo.git("merge", "-q", "-s", "ours", "--no-edit", "main")
    assert told(bumps(repo.root, "main")) == [("changed", "evil/old", "v1")]


def test_an_octopus_brings_all_of_its_arms(repo: Repo) -> None:
    for name in ("one", "two"):
        repo.git("checkout", "-q", "-B", name, "main")
        repo.commit({f"{name}.py": loads(f"evil/{name}", "v1")})
    repo.git("checkout", "-q", "-B", "work", "main")
    repo.git("merge", "-q", "--no-edit", "one", "two")
    assert told(bumps(repo.root, "main")) == [("added", "evil/one", "v1"), ("added", "evil/two", "v1")]


def test_only_the_mode_or_the_case_of_a_name_is_no_bump(repo: Repo) -> None:
    (repo.root / "prod.py").chmod(0o755)
    repo.git("mv", "try.py", "TRY.py")
    repo.commit({})
    assert told(bumps(repo.root, "main")) == []


def test_attributes_and_drivers_of_the_repository_change_nothing(repo: Repo) -> None:
    for name in ("diff.own.command", "diff.own.textconv", "filter.own.smudge", "filter.own.process", "core.pager"):
        repo.git("config", name, "touch ran; false")
    repo.git("config", "diff.external", "touch ran; false")
    attributes = "* -diff -text export-ignore diff=own binary linguist-generated\n"
    repo.commit({".gitattributes": attributes, "prod.py": loads("evil/new", "v1")})
    assert told(bumps(repo.root, "main")) == [("changed", "evil/new", "v1")]
    assert not (repo.root / "ran").exists()
