"""`gatekeeper approve` and `--approval`: what is signed off is what `gate` then allows."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import save

from gatekeeper.cli.main import main
from tests.support.signing import key_pair

Run = Callable[..., tuple[int, Any]]
GIVEN = ("--by", "ana@example.org", "--reason", "the code was read", "--expires", "10d")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with an honest model that nobody published."""
    import numpy

    (tmp_path / ".git").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(save({"w": numpy.zeros(2, numpy.float32)}))
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    for name in [name for name in os.environ if name.startswith("GATEKEEPER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line; give its exit code, and what it printed, parsed where that is JSON."""

    def _run(*arguments: str) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as leaving:
            main([*arguments, "--quiet"])
        printed = capsys.readouterr()
        out = printed.out + printed.err
        return int(leaving.value.code or 0), json.loads(printed.out) if "json" in arguments else out

    return _run


def policy(place: Path, *names: str) -> None:
    """Write p.yaml, which lists approvers, and their keys."""
    listed = []
    for name in names:
        key_pair(name).write(place, name)
        listed.append(f"  - {{name: {name}, key: {{file: {name}.pub}}}}\n")
    head = "apiVersion: gatekeeper/v1\nkind: Policy\nname: mine\nextends: default\n"
    (place / "p.yaml").write_text(head + "approvers:\n" + "".join(listed))


def test_what_is_signed_off_is_allowed_and_every_report_says_so(run: Run, place: Path) -> None:
    code, told = run("approve", "./model", *GIVEN, "--ticket", "SEC-88")
    assert code == 0
    for words in ("unverified said audit", "provenance/revision/local", "SEC-88", "no: the review"):
        assert words in told
    (path,) = (place / "approvals").iterdir()
    assert path.name.startswith("model-")
    assert path.name.endswith(".intoto.json")
    code, report = run("gate", "./model", "--format", "json", "--out", "reports")
    assert (code, report["decision"]["row"]) == (0, "approved:unverified")
    (use,) = report["decision"]["approvals"]
    assert (use["state"], use["approval"]["by"], use["approval"]["signer"]) == ("used", "ana@example.org", "")
    _, text = run("gate", "./model")
    html = (place / "reports" / "report.html").read_text()
    for page in (text, html):
        for words in ("the code was read", "ana@example.org", "unsigned", "expires in 10 days", "SEC-88"):
            assert words in page


def test_it_counts_for_these_bytes_alone(run: Run, place: Path) -> None:
    run("approve", "./model", *GIVEN)
    with (place / "model" / "config.json").open("a") as file:
        file.write(" ")
    code, report = run("gate", "./model", "--format", "json")
    assert (code, report["decision"]["approvals"]) == (1, [])


def test_it_is_found_where_it_is_named(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("approve", "./model", *GIVEN, "--out", "signed/off")
    (path,) = (place / "signed" / "off").iterdir()
    assert run("gate", "./model")[0] == 1
    assert run("gate", "./model", "--approval", "signed/off")[0] == 0
    assert run("gate", "./model", "--approval", str(path))[0] == 0
    (place / "pyproject.toml").write_text('[tool.gatekeeper]\napproval = ["signed/off"]\n')
    assert run("gate", "./model")[0] == 0
    (place / "pyproject.toml").unlink()
    monkeypatch.setenv("GATEKEEPER_APPROVAL", f"signed/off{os.pathsep}{path}")
    assert run("gate", "./model")[0] == 0


def test_it_lies_beside_the_lock(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "gatekeeper.lock").touch()
    (place / "below").mkdir()
    monkeypatch.chdir(place / "below")
    assert run("approve", "../model", *GIVEN)[0] == 0
    assert len(list((place / "approvals").iterdir())) == 1
    assert run("gate", "../model")[0] == 0
    (place / ".git").rename(place / "below" / ".git")  # no further up than the repository
    assert run("gate", "../model")[0] == 1
    assert run("gate", "../model", "--lock", "../gatekeeper.lock")[0] == 0
    (place / "approvals").rename(place / "below" / "approvals")
    assert run("gate", "../model")[0] == 0
    (place / "below" / "gatekeeper.lock").touch()
    assert run("gate", "../model")[0] == 0
    assert run("gate", "../model", "--lock", "../gatekeeper.lock")[0] == 1  # beside that lock there is none
    assert run("approve", "../model", *GIVEN, "--lock", "../gatekeeper.lock")[0] == 0
    assert run("gate", "../model", "--lock", "../gatekeeper.lock")[0] == 0


def test_an_attestation_can_be_signed_off_instead(run: Run) -> None:
    run("gate", "./model", "--out", "reports")
    code, told = run("approve", "--attestation", "reports/report.json", *GIVEN, "--format", "json")
    assert (code, told["signed"], told["approval"]["row"]) == (0, False, "unverified")
    assert run("gate", "./model")[0] == 0
    code, told = run("approve", "--attestation", "reports/report.json", *GIVEN, "--policy", "strict")
    assert (code, "another policy" in told) == (2, True)


def test_one_of_the_listed_keys_must_sign(run: Run, place: Path) -> None:
    policy(place, "ana", "bob")
    key_pair("eve").write(place, "eve")
    code, told = run("approve", "./model", *GIVEN, "--policy", "p.yaml")
    assert (code, "must be signed" in told) == (2, True)
    code, told = run("approve", "./model", *GIVEN, "--policy", "p.yaml", "--key", "eve.key")
    assert (code, "none of the policy's approvers" in told, "ana, bob" in told) == (2, True, True)
    assert not (place / "approvals").exists()
    code, told = run("approve", "./model", *GIVEN, "--policy", "p.yaml", "--key", "bob.key")
    assert (code, "by bob, whom the policy lists" in told) == (0, True)
    code, report = run("gate", "./model", "--policy", "p.yaml", "--format", "json")
    assert (code, report["decision"]["approvals"][0]["approval"]["signer"]) == (0, "bob")
    # Under another policy it does not count.
    code, report = run("gate", "./model", "--format", "json")
    assert (code, report["decision"]["approvals"][0]["state"]) == (1, "refused")


def test_a_signature_without_approvers_is_said_to_be_held_against_nobody(run: Run, place: Path) -> None:
    key_pair("ana").write(place, "ana")
    code, told = run("approve", "./model", *GIVEN, "--key", "ana.key")
    assert (code, "nobody will hold the signature" in told) == (0, True)
    assert run("gate", "./model")[0] == 0


@pytest.mark.parametrize("damage", ["payload", "signature", "cut", "empty"])
def test_a_damaged_one_counts_for_nothing_and_is_told(damage: str, run: Run, place: Path) -> None:
    policy(place, "ana")
    run("approve", "./model", *GIVEN, "--policy", "p.yaml", "--key", "ana.key")
    (path,) = (place / "approvals").iterdir()
    envelope = json.loads(path.read_bytes())
    if damage == "payload":
        envelope["payload"] = envelope["payload"][:40] + "A" + envelope["payload"][41:]
    elif damage == "signature":
        envelope["signatures"][0]["sig"] = envelope["signatures"][0]["sig"][:-8] + "AAAAAAA="
    text = json.dumps(envelope)
    path.write_text({"cut": text[:-1], "empty": ""}.get(damage, text))
    code, told = run("gate", "./model", "--policy", "p.yaml", "--out", "reports")
    assert code == 1
    for page in (told, (place / "reports" / "report.html").read_text()):
        assert path.name in page
        assert "is not believed" in page
    _, report = run("gate", "./model", "--policy", "p.yaml", "--format", "json")
    assert report["decision"]["approvals"] == []
    (each,) = report["disbelieved_approvals"]
    assert each["file"] == f"approvals/{path.name}"
    # One that is named was meant for this run.
    code, told = run("gate", "./model", "--policy", "p.yaml", "--approval", str(path))
    assert (code, f"{path.name} is not believed" in " ".join(told.split())) == (2, True)


def test_one_of_a_stranger_stops_no_other(run: Run, place: Path) -> None:
    policy(place, "ana")
    run("approve", "./model", *GIVEN, "--policy", "p.yaml", "--key", "ana.key")
    key_pair("eve").write(place, "eve")
    assert run("approve", "./model", *GIVEN, "--key", "eve.key", "--out", "by-eve")[0] == 0
    (stranger,) = (place / "by-eve").iterdir()
    stranger.rename(place / "approvals" / "eve.intoto.json")
    code, report = run("gate", "./model", "--policy", "p.yaml", "--format", "json")
    assert (code, report["decision"]["row"]) == (0, "approved:unverified")
    assert [each["file"] for each in report["disbelieved_approvals"]] == ["approvals/eve.intoto.json"]


def test_a_model_can_not_bring_its_own(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run("approve", "./model", *GIVEN, "--out", "model/approvals")
    assert (code, "inside what is to be judged" in told) == (2, True)
    (place / "model" / "approvals").mkdir()
    monkeypatch.chdir(place / "model")
    code, told = run("gate", ".")
    assert (code, "inside what is to be judged" in told) == (2, True)
    monkeypatch.chdir(place)
    assert run("gate", "./model", "--approval", "model/approvals")[0] == 2


def test_nothing_is_signed_off_that_is_discarded(run: Run, place: Path) -> None:
    (place / "model" / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    code, told = run("approve", "./model", *GIVEN)
    assert (code, "discard can't be signed off" in told) == (1, True)
    code, told = run("approve", "./model", *GIVEN, "--format", "json")
    assert (code, told["approval"], told["decision"]["action"]) == (1, None, "discard")
    assert not (place / "approvals").exists()


def test_nothing_is_signed_off_that_is_allowed(run: Run) -> None:
    run("approve", "./model", *GIVEN)
    run("gate", "./model", "--out", "reports")
    code, told = run("approve", "--attestation", "reports/report.json", *GIVEN)
    assert (code, "allowed already, by approved:unverified" in told) == (1, True)


def test_nothing_is_signed_off_that_a_law_forbids(run: Run) -> None:
    run("gate", "./model", "--out", "reports", "--skip", "files/structure")
    code, told = run("approve", "--attestation", "reports/report.json", *GIVEN)
    assert (code, "a law forbids it: a required check" in told) == (1, True)


def test_one_that_is_there_is_kept_unless_forced(run: Run) -> None:
    assert run("approve", "./model", *GIVEN)[0] == 0
    code, told = run("approve", "./model", *GIVEN)
    assert (code, "is there already" in told) == (2, True)
    assert run("approve", "./model", *GIVEN, "--force")[0] == 0


TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("expires", "words"),
    [
        ("soon", "is no day"),
        ("0d", "is no day"),
        ("2026-13-01", "is no day"),
        ("20301231", "is no day"),
        ("9999d", "9,999 days away"),
        ("91d", "91 days away"),
        (str(TODAY - timedelta(days=1)), "is over"),
        (str(TODAY + timedelta(days=91)), "91 days away"),
    ],
)
def test_a_last_day_that_can_not_be_is_refused_before_anything_is_judged(expires: str, words: str, run: Run) -> None:
    code, told = run("approve", "./nowhere", "--by", "a", "--reason", "r", "--expires", expires)
    assert (code, words in told) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("./model", *GIVEN[2:]), "--by is missing"),
        (("./model", *GIVEN[:2], *GIVEN[4:]), "--reason is missing"),
        (("./model", *GIVEN[:4]), "--expires is missing"),
        (GIVEN, "REFERENCE, or --attestation"),
        (("./model", *GIVEN, "--attestation", "x.json"), "REFERENCE, or --attestation"),
        (("./model", *GIVEN[:1], "a\x1bb", *GIVEN[2:]), "can't be seen"),
        (("./model", *GIVEN[:1], " ", *GIVEN[2:]), "by is empty"),
        (("--attestation", "missing.json", *GIVEN), "can't be read"),
    ],
)
def test_who_why_and_until_when_are_needed(arguments: tuple[str, ...], words: str, run: Run, place: Path) -> None:
    code, told = run("approve", *arguments)
    assert (code, words in told) == (2, True)
    assert not (place / "approvals").exists()


def test_a_scan_decided_nothing_that_could_be_signed_off(run: Run) -> None:
    run("scan", "./model", "--out", "reports")
    code, told = run("approve", "--attestation", "reports/report.json", *GIVEN)
    assert (code, "of a scan" in told) == (2, True)
