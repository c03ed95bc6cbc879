"""`gatekeeper update` over the real client: commits of one repo on the loopback Hub, and a lock that pins the first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gatekeeper import lockfile
from gatekeeper.cli.main import cli
from gatekeeper.demo.builders import as_json, card, safetensors, tiny_model, torch_zip_with_call
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub
from gatekeeper.demo.hub.repos import EPOCH
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.lock import LockedModel
from tests.support.locks import digest_of_files

Files = Mapping[str, bytes]
NAME = "acme/tiny"
FIRST = {**tiny_model("acme"), "big.safetensors": safetensors({"big": (1024, 1024)}, seed="big")}
SECOND = {
    **FIRST,
    "README.md": card("# tiny", license="cc-by-nc-4.0"),
    "config.json": as_json({**json.loads(FIRST["config.json"]), "auto_map": {"AutoModel": "modeling.Tiny"}}),
    "tokenizer_config.json": as_json({"chat_template": "{% if 'x' in messages %}y{% endif %}"}),
    "modeling.py": b"class Tiny: ...\n",
    "big.safetensors": safetensors({"big": (1024, 1025)}, seed="big"),
}


def repo(*states: Files, **fields: Any) -> HubRepo:
    """A repo with a commit by another author for each state."""
    commits = tuple(
        HubCommit(files=files, title=f"State {n}", authors=(f"author-{n}",), date=EPOCH + timedelta(days=n))
        for n, files in enumerate(states)
    )
    return HubRepo(id=NAME, branches={"main": commits}, **fields)


@pytest.fixture
def place(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock that pins the first commit of a repo that has no other yet."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("GATEKEEPER_CACHE_DIR", str(tmp_path / "cache"))
    hub.add(repo(FIRST))
    assert run("lock", NAME).return_value == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "-q"], standalone_mode=False, catch_exceptions=False)


def document(*arguments: str) -> tuple[int, dict[str, Any]]:
    ran = run("update", *arguments, "--format", "json")
    (model,) = json.loads(ran.output)["models"]
    return ran.return_value, model


def entry(place: Path) -> LockedModel:
    (model,) = lockfile.read(place / "gatekeeper.lock").models
    return model


def test_what_is_pinned_and_newest_is_up_to_date(place: Path) -> None:
    ran = run("update")
    assert ran.return_value == 0
    assert "up to date" in ran.output


def test_a_newer_commit_is_told_with_what_changed_and_the_lock_stays(place: Path, hub: LoopbackHub) -> None:
    before = (place / "gatekeeper.lock").read_bytes()
    newer = repo(FIRST, SECOND)
    hub.add(newer)
    ran = run("update", NAME)
    assert ran.return_value == 1
    for words in (
        f"{entry(place).commit} → {newer.head}",
        "look at these first:",
        "code: modeling.py is new",
        "template: chat_template of tokenizer_config.json changed",
        "+{% if 'x' in messages %}",
        "the card's license: apache-2.0 → cc-by-nc-4.0",
        'config.json: auto_map.AutoModel = "modeling.Tiny" is new',
        "big: F32 [1024, 1024] → F32 [1024, 1025]",
        "author-1 has commits now and had none before",
        "State 1",
    ):
        assert words in " ".join(ran.output.split())
    assert (place / "gatekeeper.lock").read_bytes() == before


def test_weights_are_not_downloaded_to_be_compared(place: Path, hub: LoopbackHub) -> None:
    hub.add(repo(FIRST, SECOND))
    asked = len(hub.requests)
    run("update")
    weights = [each for each in hub.requests[asked:] if ".safetensors" in each.target and each.method == "GET"]
    assert weights
    assert all("range" in each.headers for each in weights)


def test_machines_read_the_same(place: Path, hub: LoopbackHub) -> None:
    newer = repo(FIRST, SECOND)
    hub.add(newer)
    code, model = document()
    assert code == model["exit_code"] == 1
    assert (model["status"], model["pinned"], model["proposed"]) == ("newer", entry(place).commit, newer.head)
    changes = model["comparison"]["changes"]
    assert {"code", "template", "licence", "configuration", "tensors"} <= {change["topic"] for change in changes}
    assert [change["attention"] for change in changes] == sorted(
        (change["attention"] for change in changes), key=["first", "look", "note"].index
    )


def test_write_gates_the_newer_commit_and_pins_it(place: Path, hub: LoopbackHub) -> None:
    newer = repo(FIRST, {**FIRST, "README.md": card("# tiny, better", license="apache-2.0")})
    hub.add(newer)
    lock = place / "gatekeeper.lock"
    lock.write_text("# kept\n" + lock.read_text())
    ran = run("update", "--write")
    assert ran.return_value == 0
    assert "written" in ran.output
    assert entry(place).commit == newer.head
    assert lock.read_text().startswith("# kept\n")
    assert run("update").return_value == 0


def test_a_newer_commit_with_a_payload_is_not_pinned(place: Path, hub: LoopbackHub) -> None:
    hub.add(repo(FIRST, {**FIRST, "pytorch_model.bin": torch_zip_with_call()}))
    before = entry(place)
    code, model = document("--write")
    assert (code, model["status"], model["verdict"]) == (1, "refused", "discard")
    assert entry(place) == before


def test_bytes_exchanged_behind_the_pinned_commit_are_told(place: Path, hub: LoopbackHub) -> None:
    pinned = entry(place)
    hub.add(repo(FIRST, SECOND))
    exchanged = replace(pinned.files[0], sha256="0" * 64)
    files = (exchanged, *pinned.files[1:])
    other = replace(pinned, files=files, digest=digest_of_files(files))
    lockfile.edit(place / "gatekeeper.lock", lambda lock: lockfile.with_model(lock, other))
    code, model = document()
    assert code == 1
    assert [(each["kind"], each["path"]) for each in model["drift"]] == [("changed", exchanged.path)]


def test_a_pinned_commit_that_is_gone_is_told_and_the_pins_are_compared(place: Path, hub: LoopbackHub) -> None:
    hub.add(repo(SECOND))
    code, model = document()
    assert code == 1
    assert model["pinned_commit_gone"]
    assert {each["path"] for each in model["drift"]} >= {"modeling.py", "config.json", "big.safetensors"}
    assert "has the pinned commit no more" in run("update").output


def test_another_revision_can_be_asked_for(place: Path, hub: LoopbackHub) -> None:
    newest = {**SECOND, "c.txt": b"c"}
    newer = repo(FIRST, SECOND, newest, versions={"v2": ("main", 1)})
    hub.add(newer)
    code, model = document(NAME, "--to", "v2")
    assert (code, model["proposed"]) == (1, newer.history["main"][1])


def test_what_is_older_is_said_to_be_and_moved_to_only_by_name(place: Path, hub: LoopbackHub) -> None:
    two = repo(FIRST, SECOND)
    hub.add(two)
    assert document("--write")[0] == 0
    newest = entry(place)
    # The default branch is set back; the later commit can still be had.
    hub.add(replace(two, branches={"kept": two.branches["main"], "main": two.branches["main"][:1]}))
    code, model = document("--write")
    assert (code, model["status"], entry(place)) == (1, "older", newest)
    told = run("update", "--write").output
    assert "older       acme/tiny" in told
    assert "an older commit is pinned only by --to and --write together" in told
    code, model = document("--to", "main", "--write")
    assert (code, model["status"], entry(place).commit) == (0, "written", repo(FIRST).head)


def test_what_is_neither_older_nor_newer_is_other(place: Path, hub: LoopbackHub) -> None:
    aside = repo(SECOND)
    hub.add(replace(aside, branches={**repo(FIRST).branches, "aside": aside.branches["main"]}))
    code, model = document("--to", "aside")
    assert (code, model["status"], model["proposed"]) == (1, "other", aside.head)


def test_a_large_file_outside_of_lfs_is_not_called_changed(place: Path, hub: LoopbackHub) -> None:
    """Its digest is not listed; with the pinned size nothing is known, with another one it is changed."""
    size = 2 * 2**20
    hub.add(repo({**FIRST, "vocab.txt": b"a" * size}, {**FIRST, "vocab.txt": b"a" * size, "b.txt": b"b"}))
    assert run("lock", NAME, "--update").return_value == 0
    hub.add(repo(*[{**FIRST, "vocab.txt": b"a" * size}] * 1, {**FIRST, "vocab.txt": b"a" * size}))
    ran = run("lock", NAME)
    assert ran.return_value == 1
    told = " ".join(ran.output.split())
    assert "vocab.txt was not downloaded, so nothing was compared" in told
    assert "vocab.txt has other bytes" not in told
    hub.add(repo({**FIRST, "vocab.txt": b"a" * (size + 1)}))
    assert f"vocab.txt has other bytes ({size} → {size + 1} bytes)" in " ".join(run("lock", NAME).output.split())


SIGN_OFF = ("--by", "ana", "--reason", "we read its code", "--expires", "9d")


def test_a_sign_off_counts_for_what_is_moved_to(place: Path, hub: LoopbackHub) -> None:
    newer = repo(FIRST, {**FIRST, "b.txt": b"b"})
    hub.add(newer)
    assert run("approve", f"{NAME}@{newer.head}", *SIGN_OFF).return_value == 0
    (place / "approvals" / "odd.intoto.json").write_bytes(b"{}")
    ran = run("update", "--write", "--format", "json")
    told = json.loads(ran.output)
    assert (ran.return_value, told["models"][0]["verdict"], entry(place).verdict) == (0, "allow", "allow")
    assert [each["file"] for each in told["disbelieved_approvals"]] == ["approvals/odd.intoto.json"]


def test_a_sign_off_counts_for_what_is_locked(place: Path, hub: LoopbackHub) -> None:
    assert entry(place).verdict == "audit"
    assert run("approve", f"{NAME}@{entry(place).commit}", *SIGN_OFF, "--out", "kept").return_value == 0
    assert run("lock", NAME).return_value == 0
    assert entry(place).verdict == "audit"
    for arguments in (("--approval", "kept"), ()):
        assert run("lock", NAME, *arguments).return_value == 0
        assert entry(place).verdict == ("allow" if arguments else "audit")
    (place / "kept").rename(place / "approvals")
    assert run("lock", NAME).return_value == 0
    assert entry(place).verdict == "allow"
    assert run("gate", "--locked").return_value == 0
    assert run("gate", "--locked", NAME).return_value == 0


def test_a_pull_request_is_compared_and_never_pinned(place: Path, hub: LoopbackHub) -> None:
    base = repo(FIRST)
    hub.add(replace(base, branches={**base.branches, "refs/pr/1": (HubCommit(files=SECOND),)}))
    before = entry(place)
    code, model = document("--to", "refs/pr/1", "--write")
    assert (code, model["status"]) == (2, "refused")
    assert "anybody" in model["refusal"]
    assert entry(place) == before


def test_one_model_that_can_not_be_looked_at_hides_no_other(place: Path, hub: LoopbackHub) -> None:
    other = replace(entry(place), id="acme/vanished")
    lockfile.edit(place / "gatekeeper.lock", lambda lock: lockfile.with_model(lock, other))
    ran = run("update")
    assert ran.return_value == 2
    assert "up to date" in ran.output
    assert "acme/vanished" in ran.output


def test_a_hub_that_fails_ends_in_3(place: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.sources.client.time.sleep", lambda _seconds: None)
    hub.faults = Faults(failing=-1)
    code, model = document()
    assert (code, model["status"]) == (3, "error")


def test_offline_nothing_is_said_to_be_up_to_date(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, model = document()
    assert (code, model["status"]) == (2, "error")


def test_wrong_input_is_refused_before_anything_is_asked(place: Path, hub: LoopbackHub) -> None:
    asked = len(hub.requests)
    with pytest.raises(NotFoundError, match="is not in the lock"):
        run("update", "acme/tinny")
    with pytest.raises(InputError):
        run("update", "--lock", "nowhere.lock")
    assert len(hub.requests) == asked
