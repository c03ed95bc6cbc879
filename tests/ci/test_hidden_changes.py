"""Changes that would pass unread if a short cut or an honest assumption were believed: each of them is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.bump import Bumps
from gatekeeper.ci import Since, bumps
from gatekeeper.errors import InputError
from tests.support.git_repos import Repo, loads


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
