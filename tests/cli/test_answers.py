"""Where answers are kept by default, how that is switched off, and what doctor says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatekeeper.cli.answers import KEY_VARIABLE, open_answers
from gatekeeper.cli.main import cli
from gatekeeper.errors import InputError
from tests.support import samples


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GATEKEEPER_NO_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def invoke(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
    return json.loads(result.output)


def findings(*arguments: str) -> Any:
    return [result["findings"] for result in invoke("scan", *arguments, "--format", "json")["results"]]


def test_answers_are_kept_and_given_again_unless_that_is_switched_off(home: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "evil.pkl").write_bytes(samples.SYSTEM)
    fresh = findings(str(model), "--no-cache")
    assert not list(home.iterdir())
    assert findings(str(model)) == findings(str(model)) == fresh
    assert len(list((home / ".cache" / "gatekeeper-answers").iterdir())) == 1
    assert (home / ".local" / "state" / "gatekeeper" / "cache.key").stat().st_size == 32


def test_a_cache_that_can_not_be_had_is_no_error(home: Path, tmp_path: Path) -> None:
    (home / ".cache").write_text("a file where a folder should be")
    model = tmp_path / "model"
    model.mkdir()
    (model / "evil.pkl").write_bytes(samples.SYSTEM)
    assert findings(str(model)) == findings(str(model), "--no-cache")
    symptoms = {symptom["what"]: symptom for symptom in invoke("doctor", "--format", "json")}
    assert symptoms["answers"]["state"] == "note"


def test_a_secret_seals_a_shared_cache(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "k" * 32)
    opened, where = open_answers(tmp_path / "shared")
    with opened as answers:
        assert answers is not None
    assert where == str(tmp_path / "shared" / "gatekeeper-answers")
    assert not list(home.iterdir()), "no key of this user's is made"


def test_an_empty_secret_is_none_and_a_short_one_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "")
    opened, _ = open_answers(None)
    with opened as answers:
        assert answers is not None
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(InputError, match=KEY_VARIABLE):
        open_answers(None)


def test_the_key_never_lies_in_the_cache(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "shared" / "gatekeeper-answers"))
    opened, reason = open_answers(tmp_path / "shared")
    with opened as answers:
        assert answers is None
    assert "would lie in the cache" in reason
