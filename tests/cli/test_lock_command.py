"""`gatekeeper lock` and `gate --locked` as people run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli.main import cli
from gatekeeper.demo import builders
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub
from gatekeeper.errors import GatekeeperError

GOOD = dict(builders.tiny_model("lighthouse"))
BASE = HubRepo.of("lighthouse/harbour-tiny", GOOD)
OTHER = {**GOOD, "config.json": GOOD["config.json"] + b"\n"}
MOVED = HubRepo(id=BASE.id, branches={"main": (HubCommit(files=GOOD), HubCommit(files=OTHER, title="Better"))})
ADAPTER = HubRepo.of("new-arrival/harbour-lora-1.5", dict(builders.adapter(BASE.id)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "gatekeeper.yaml").write_text(
        "apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [lighthouse]}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEKEEPER_POLICY", str(tmp_path / "gatekeeper.yaml"))
    monkeypatch.setenv("GATEKEEPER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def served(home: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    hub.add(BASE, ADAPTER)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    yield hub  # noqa: PT022 - the environment lasts as long as the Hub


def gatekeeper(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def code(result: Result) -> int:
    if isinstance(result.exception, GatekeeperError):
        return result.exception.exit_code
    if result.exception:
        raise result.exception
    return int(result.return_value or 0)


def test_the_lock_lies_here_or_where_one_is_above(home: Path, served: LoopbackHub, monkeypatch) -> None:
    assert code(gatekeeper("lock", BASE.id)) == 0
    below = home / "service"
    below.mkdir()
    monkeypatch.chdir(below)
    assert code(gatekeeper("lock", ADAPTER.id)) == 0
    assert (home / "gatekeeper.lock").read_text().count("[models.") == 4
    assert list(below.iterdir()) == []


def test_every_model_of_the_lock_is_gated_and_the_worst_decides(home: Path, served: LoopbackHub) -> None:
    assert code(gatekeeper("lock", BASE.id)) == 0
    alone = gatekeeper("gate", "--locked")
    assert (code(alone), "allow     lighthouse/harbour-tiny" in alone.output) == (0, True)
    gatekeeper("lock", ADAPTER.id)
    ran = gatekeeper("gate", "--locked", "--format", "json", "--out", "out")
    documents = json.loads(ran.output)
    assert code(ran) == 1
    assert [each["decision"]["action"] for each in documents] == ["allow", "audit"]
    assert (home / "out" / ADAPTER.id / "report.json").is_file()
    served.add(HubRepo(id=BASE.id, branches=BASE.branches, private=True))
    refused = gatekeeper("gate", "--locked", "--format", "json")
    first = json.loads(refused.output)[0]
    assert (code(refused), first["error"]["exit_code"]) == (2, 2)


def test_drift_is_shown_in_words_and_not_allowed(home: Path, served: LoopbackHub) -> None:
    gatekeeper("lock", BASE.id)
    served.faults = Faults(tamper={"config.json": GOOD["config.json"].replace(b"llama", b"lIama")})
    ran = gatekeeper("gate", "--locked", "--cache-dir", str(home / "fresh"))
    assert code(ran) == 1
    assert "config.json has other bytes" in " ".join(ran.output.split())
    assert "although the commit is the pinned one" in " ".join(ran.output.split())


def test_a_branch_that_moved_is_discarded_with_both_commits(home: Path, served: LoopbackHub) -> None:
    gatekeeper("lock", BASE.id)
    served.add(MOVED)
    ran = gatekeeper("gate", f"{BASE.id}@main", "--locked", "--format", "json")
    document = json.loads(ran.output)
    messages = " ".join(each["message"] for result in document["results"] for each in result["findings"])
    assert code(ran) == 1
    assert f"pinned at {BASE.head}, this is {MOVED.head}" in messages
    assert "config.json has other bytes" in messages
    assert code(gatekeeper("gate", BASE.id, "--locked")) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gate", "--locked", "nobody/x"], "nobody/x is not in the lock"),
        (["gate", "--locked", "./"], "is local"),
        (["gate", "--locked", BASE.id, "--exclude", "README.md"], "is pinned with nothing left out"),
        (["gate", "--locked", "--format", "html"], "for one model"),
        (["gate", "--locked", "--revision", "main"], "for one model"),
        (["gate", "--locked", "--out", "x.json"], "must be a folder"),
        (["gate", "--locked", "--lock", "nowhere.lock"], "no lock at nowhere.lock"),
        (["lock", "--remove", "nobody/x"], "nobody/x is not in the lock"),
        (["lock", "--from", "nowhere"], "no file or folder nowhere"),
        (["lock", BASE.id, "--lock", "no/folder/x.lock"], "no folder"),
        (["lock", "not a reference"], "no file or folder, and no id"),
    ],
)
def test_wrong_input_is_told_from_a_no(arguments: list[str], said: str, home: Path, served: LoopbackHub) -> None:
    gatekeeper("lock", BASE.id)
    ran = gatekeeper(*arguments)
    assert code(ran) == 2
    assert said in str(ran.exception)


def test_without_a_lock_or_with_an_empty_one_nothing_is_held(home: Path) -> None:
    assert "no gatekeeper.lock here" in str(gatekeeper("gate", "--locked").exception)
    (home / "gatekeeper.lock").write_text("version = 1\n")
    assert "pins nothing" in str(gatekeeper("gate", "--locked").exception)


def test_usage_is_said(home: Path) -> None:
    for arguments in (["gate"], ["lock"], ["lock", "--dry-run"], ["lock", "--dry-run", "x/y", "--from", "."]):
        assert type(gatekeeper(*arguments).exception).__name__ == "UsageError"


def test_what_code_names_is_listed_and_pinned(home: Path, served: LoopbackHub) -> None:
    (home / "src").mkdir()
    (home / "src" / "serve.py").write_text(
        f'B = "{BASE.id}"\nAutoModel.from_pretrained(B, revision="main")\n'
        f'PeftModel.from_pretrained(base, "{ADAPTER.id}")\nAutoModel.from_pretrained(args.model)\n'
    )
    listed = gatekeeper("lock", "--from", "src", "--dry-run")
    assert code(listed) == 0
    assert f"src/serve.py:2  {BASE.id}@main AutoModel.from_pretrained" in listed.output
    assert "src/serve.py:4  ? AutoModel.from_pretrained" in listed.output
    assert "2 models in 3 places, 1 of them can't be told" in listed.output
    assert not (home / "gatekeeper.lock").exists()
    ran = gatekeeper("lock", "--from", "src", "--format", "json")
    document = json.loads(ran.output)
    assert code(ran) == 0
    assert [pin["verdict"] for pin in document["pins"]] == ["allow", "audit"]
    assert document["pins"][1]["base"] == f"{BASE.id}@{BASE.head}"
    assert len(document["mentions"]) == 3


def test_code_that_disagrees_with_itself_is_not_guessed(home: Path, served: LoopbackHub) -> None:
    for number, revision in enumerate(("main", "v1")):
        (home / f"m{number}.py").write_text(f'AutoModel.from_pretrained("{BASE.id}", revision="{revision}")\n')
    ran = gatekeeper("lock", "--from", ".")
    assert code(ran) == 1
    assert "is named at several revisions: main in m0.py:1, v1 in m1.py:1" in " ".join(ran.output.split())
    assert not (home / "gatekeeper.lock").exists()


def test_a_model_is_taken_out(home: Path, served: LoopbackHub) -> None:
    gatekeeper("lock", BASE.id, ADAPTER.id)
    assert code(gatekeeper("lock", "--remove", BASE.id)) == 0
    text = (home / "gatekeeper.lock").read_text()
    assert f'[models."{BASE.id}"]' not in text
    assert f'[models."{ADAPTER.id}"]' in text


def test_the_move_of_a_base_tells_of_its_adapters(home: Path, served: LoopbackHub) -> None:
    gatekeeper("lock", BASE.id, ADAPTER.id)
    served.add(MOVED)
    assert code(gatekeeper("lock", BASE.id)) == 1
    ran = gatekeeper("lock", BASE.id, "--update")
    assert code(ran) == 0
    told = "".join(ran.output.split())  # ids may be wrapped at a hyphen
    assert f"note:{ADAPTER.id}waspinnedwith{BASE.id}@{BASE.head}" in told
