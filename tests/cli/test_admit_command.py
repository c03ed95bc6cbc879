"""`gate` writes a verdict, `admit` holds a folder against it, `verify` says what it is: with their exit codes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatekeeper import lockfile
from gatekeeper.attest import approval_statement
from gatekeeper.cli.main import cli, main
from gatekeeper.decision import Action
from gatekeeper.demo import builders
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.lock import Lock, LockedFile, LockedModel
from gatekeeper.report import read
from tests.support.attestation_parts import COMMIT
from tests.support.signing import key_pair
from tests.support.verdicts import attestation, lay_out, refused, sealed, sign_off, statements, verdict

GOOD = dict(builders.tiny_model("lighthouse"))
REPO = HubRepo.of("lighthouse/harbour-tiny", GOOD)
PINNED = f"{REPO.id}@{REPO.head}"
TRUST = "apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [lighthouse]}\n"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys, a signed verdict of allow, an unsigned one, and the model that they are about."""
    home = tmp_path_factory.mktemp("gated")
    (home / ".git").mkdir()
    (home / "team.yaml").write_text(TRUST)
    for name in ("alice", "bob"):
        key_pair(name).write(home, name)
    lay_out(home / "model", GOOD)
    with LoopbackHub([REPO]) as hub:
        for out, more in (("signed", ["--key", str(home / "alice.key")]), ("unsigned", [])):
            command = ["gate", PINNED, "-p", str(home / "team.yaml"), "--cache-dir", str(home / "cache")]
            ran = CliRunner().invoke(
                cli, [*command, "--out", str(home / out), *more], standalone_mode=False, catch_exceptions=False,
                env={"HF_ENDPOINT": hub.endpoint, "GATEKEEPER_NO_CACHE": "1"},
            )  # fmt: skip
            assert ran.return_value == 0
            (home / f"{out}.txt").write_text(ran.stdout)
    return home


@pytest.fixture
def home(gated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(gated)
    return gated


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def leave(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as left:
            main([str(each) for each in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ran(int(left.value.code or 0), captured.out, captured.err)

    return leave


def test_gate_says_where_the_verdict_is_and_when_nobody_signed_it(home: Path) -> None:
    assert "signed/verdict.intoto.jsonl" in (home / "signed.txt").read_text()
    assert "NOT SIGNED" not in (home / "signed.txt").read_text()
    assert "The verdict is NOT SIGNED" in (home / "unsigned.txt").read_text()


def test_the_verdict_names_the_report_beside_it(home: Path) -> None:
    said = json.loads((home / "signed" / "predicate.json").read_bytes())["reportSha256"]
    assert said == hashlib.sha256((home / "signed" / "report.json").read_bytes()).hexdigest()


def test_what_was_allowed_is_admitted(home: Path, run: Any) -> None:
    ran = run("admit", "model", "-a", "signed", "--key", "alice.pub", "--reference", PINNED, "--max-age", "30d",
              "--level", "GATEKEEPER_PINNED", "--level", "GATEKEEPER_TRUSTED_PUBLISHER")  # fmt: skip
    assert (ran.code, ran.out.startswith("ADMITTED  model")) == (0, True)


@pytest.mark.parametrize("option", ["--reference", "--resource-uri", "--policy-digest", "--max-age"])
def test_an_expectation_without_content_is_an_error_and_not_none(option: str, home: Path, run: Any) -> None:
    ran = run("admit", "model", "-a", "signed", "--key", "alice.pub", option, "")
    assert (ran.code, f"{option} is empty" in ran.err) == (2, True)


def test_the_model_may_be_named_twice_but_not_as_two(home: Path, run: Any) -> None:
    command = ("admit", "model", "-a", "signed", "--key", "alice.pub", "--resource-uri", f"pkg:huggingface/{PINNED}")
    assert run(*command, "--reference", PINNED).code == 0
    ran = run(*command, "--reference", f"{REPO.id}@{COMMIT}")
    assert (ran.code, "name two models" in ran.err) == (2, True)


def test_one_changed_byte_is_refused_with_the_file(home: Path, run: Any, tmp_path: Path) -> None:
    model = lay_out(tmp_path / "model", GOOD | {"config.json": GOOD["config.json"].replace(b"{", b" {", 1)})
    ran = run("admit", model, "-a", "signed", "--key", "alice.pub", "--format", "json")
    assert ran.code == 1
    assert ran.document["reason"] == "config.json has other bytes than the verdict is for"
    assert ran.document["admitted"] is False
    assert ran.document["steps"][-1] == {"step": "files", "outcome": "failed", "words": ran.document["reason"]}
    assert ran.document["verdict"]["resource_uri"] == f"pkg:huggingface/{REPO.id}@{REPO.head}"


def test_both_bundles_admit_and_one_does_not(home: Path, run: Any) -> None:
    both = ("-a", "signed/verdict.vsa.sigstore.json", "-a", "signed/verdict.decision.sigstore.json")
    assert run("admit", "model", *both, "--key", "alice.pub").code == 0
    ran = run("admit", "model", *both[:2], "--key", "alice.pub")
    assert (ran.code, "the decision is missing" in " ".join(ran.out.split())) == (1, True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("-a", "unsigned", "--key", "alice.pub"), "not signed"),
        (("-a", "signed", "--key", "bob.pub"), "trusted here"),
        (("-a", "signed", "--key", "alice.pub", "--verifier-id", "urn:x:y"), "urn:x:y was expected"),
        (("-a", "signed", "--key", "alice.pub", "--reference", f"{REPO.id}@{COMMIT}"), "expected by --reference"),
        (("-a", "signed", "--key", "alice.pub", "--resource-uri", "pkg:generic/x"), "expected by --resource-uri"),
        (("-a", "signed", "--key", "alice.pub", "--policy-digest", "sha256:" + "0" * 64), "was expected"),
        (("-a", "signed", "--key", "alice.pub", "--level", "GATEKEEPER_SIGNED_PUBLISHER"), "was not verified"),
    ],
)
def test_a_refusal_ends_in_one(more: tuple[str, ...], words: str, home: Path, run: Any) -> None:
    ran = run("admit", "model", *more)
    assert (ran.code, words in " ".join(ran.out.split())) == (1, True)
    assert ran.out.startswith("REFUSED")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model", "--key", "alice.pub"), "--attestation is needed"),
        (("model", "-a", "signed"), "--key is needed"),
        (("none", "-a", "signed", "--key", "alice.pub"), "there is no file or folder none"),
        (("model", "-a", "none", "--key", "alice.pub"), "none can't be read"),
        (("model", "-a", "signed", "--key", "alice.key"), "a private key"),
        (("model", "-a", "signed", "--key", "alice.pub", "--max-age", "soon"), "no age"),
        (("model", "-a", "signed", "--key", "alice.pub", "--policy-digest", "abc"), "no digest of a policy"),
        (("model", "-a", "signed", "--key", "alice.pub", "--reference", "org/name"), "names no commit"),
        (("model", "-a", "signed", "--key", "alice.pub", "--reference", "org/name@main"), "names no commit"),
        (("model", "-a", "signed", "--key", "alice.pub", "--approval", "signed"), "needs --approver-key"),
        (("model", "-a", "signed", "--key", "alice.pub", "--lock", "none"), "none"),
    ],
)
def test_wrong_input_ends_in_two(arguments: tuple[str, ...], words: str, home: Path, run: Any) -> None:
    ran = run("admit", *arguments)
    assert (ran.code, words in ran.err) == (2, True)


def test_a_pipe_in_place_of_a_verdict_is_not_waited_for(home: Path, run: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert run("admit", "model", "-a", tmp_path / "pipe", "--key", "alice.pub").code == 2


def test_settings_can_not_choose_whom_to_believe(tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for option in ("verify-key", "audit-report-key"):
        (tmp_path / "pyproject.toml").write_text(f"[tool.gatekeeper]\n{option} = ['evil.pub']\n")
        assert "choose whom to believe" in run("audit-report", ".").err
    (tmp_path / "pyproject.toml").write_text("[tool.gatekeeper]\nadmit-key = ['evil.pub']\n")
    ran = run("admit", "model", "-a", "signed", "--key", "alice.pub")
    assert (ran.code, "choose whom to believe" in ran.err) == (2, True)


def test_keys_can_come_from_the_environment(home: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEKEEPER_ADMIT_KEY", str(home / "alice.pub"))
    monkeypatch.setenv("GATEKEEPER_ADMIT_ATTESTATION", str(home / "signed"))
    assert run("admit", "model").code == 0


def test_a_sign_off_with_a_trusted_key_admits(home: Path, run: Any, tmp_path: Path) -> None:
    about = refused()
    model = lay_out(tmp_path / "model")
    (tmp_path / "verdict.jsonl").write_bytes(verdict(about))
    today = datetime.now(UTC).date()
    approval = sign_off(about, created=today - timedelta(days=1), expires=today + timedelta(days=10), signer="")
    said = approval_statement(approval, about.subject.files)
    (tmp_path / "silva.intoto.json").write_bytes(sealed(said, signer=key_pair("bob").signer))
    command = (
        "admit",
        model,
        "-a",
        tmp_path / "verdict.jsonl",
        "--key",
        "alice.pub",
        "--approval",
        tmp_path / "silva.intoto.json",
    )
    ran = run(*command, "--approver-key", "bob.pub", "--format", "json")
    result = next(step for step in ran.document["steps"] if step["step"] == "result")
    assert "signed it off" in result["words"]
    assert run(*command, "--approver-key", "alice.pub").code == 2


def test_sign_offs_lie_where_they_lie_for_gate(
    home: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = refused()
    lay_out(tmp_path / "model")
    (tmp_path / "verdict.jsonl").write_bytes(verdict(about))
    today = datetime.now(UTC).date()
    approval = sign_off(about, created=today - timedelta(days=1), expires=today + timedelta(days=10), signer="")
    data = sealed(approval_statement(approval, about.subject.files), signer=key_pair("bob").signer)
    (tmp_path / "approvals").mkdir()
    (tmp_path / "approvals" / "silva.intoto.json").write_bytes(data)
    (tmp_path / "approvals" / "odd.intoto.json").write_bytes(data[:-9])
    monkeypatch.chdir(tmp_path)
    command = ("admit", "model", "-a", "verdict.jsonl", "--key", home / "alice.pub", "--format", "json")
    assert "disbelieved_approvals" in run(*command).document
    assert "signed it off" not in run(*command).document["reason"]
    ran = run(*command, "--approver-key", home / "bob.pub")
    assert "signed it off" in next(step for step in ran.document["steps"] if step["step"] == "result")["words"]
    assert [each["file"] for each in ran.document["disbelieved_approvals"]] == ["approvals/odd.intoto.json"]
    ran = run(*command[:-2], "--approver-key", home / "bob.pub")
    assert "the approval approvals/odd.intoto.json is not believed" in " ".join(ran.out.split())
    (tmp_path / "lock").mkdir()
    lockfile.write(tmp_path / "lock" / "gatekeeper.lock", Lock())
    ran = run(*command, "--approver-key", home / "bob.pub", "--lock", "lock/gatekeeper.lock")
    assert ran.document["disbelieved_approvals"] == []  # beside that lock there are none


def test_the_halves_of_a_verdict_by_two_keys_are_not_verified(home: Path, run: Any, tmp_path: Path) -> None:
    keys = ("--key", "alice.pub", "--key", "bob.pub")
    for name, code in (("alice", 0), ("bob", 1)):
        halves = [
            sealed(each, signer=key_pair(by).signer)
            for each, by in zip(statements(attestation()), ("alice", name), strict=True)
        ]
        nameless = [json.loads(each) for each in halves]
        for each in nameless:
            each["signatures"][0].pop("keyid")
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in nameless))
        ran = run("verify", tmp_path / f"{name}.jsonl", *keys)
        assert (ran.code, "signed by two keys" in " ".join(ran.out.split())) == (code, bool(code))


def test_a_verdict_goes_when_its_report_is_replaced_and_nobody_signs(home: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "verdict").mkdir()
    for name in ("report.json", "verdict.intoto.jsonl", "verdict.vsa.sigstore.json"):
        (tmp_path / "verdict" / name).write_bytes((home / "signed" / name).read_bytes())
    command = ("gate", home / "model", "--out", tmp_path / "verdict", "--quiet", "--key", "alice.key")
    ran = run(*command[:-2], "--signer-command", "false", "--signer-public-key", "alice.pub")
    assert ran.code == 3
    assert [path.name for path in (tmp_path / "verdict").iterdir() if path.name.startswith("verdict")] == []
    assert run(*command).code in {0, 1}
    assert run("verify", tmp_path / "verdict", "--key", "alice.pub").code == 0


@pytest.mark.parametrize("leads_to", ["nowhere", "/dev/zero", "."])
def test_what_is_no_file_is_not_the_report_of_a_verdict(leads_to: str, home: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "verdict.intoto.jsonl").write_bytes((home / "signed" / "verdict.intoto.jsonl").read_bytes())
    assert run("verify", tmp_path, "--key", "alice.pub").code == 0
    (tmp_path / "report.json").symlink_to(leads_to)
    ran = run("verify", tmp_path, "--key", "alice.pub")
    assert (ran.code, "ANOTHER one" in ran.out) == (1, True)


def test_verify_says_who_what_and_when(home: Path, run: Any) -> None:
    ran = run("verify", "signed", "--key", "alice.pub")
    told = " ".join(ran.out.split())
    assert ran.code == 0
    for words in ("VERIFIED", "a verdict of gatekeeper", "allow by row known-good (PASSED)", REPO.head, "team, sha256:",
                  "GATEKEEPER_ALLOW", "model.safetensors"):  # fmt: skip
        assert words in told


@pytest.mark.parametrize(
    ("arguments", "head", "words"),
    [
        (("signed",), "NOT VERIFIED", "no key was given"),
        (("signed", "--key", "bob.pub"), "NOT VERIFIED", "trusted here"),
        (("unsigned", "--key", "alice.pub"), "NOT SIGNED", "not signed"),
        (("unsigned",), "NOT SIGNED", "anybody's word"),
    ],
)
def test_verify_says_loudly_what_it_could_not_verify(
    arguments: tuple[str, ...], head: str, words: str, home: Path, run: Any
) -> None:
    ran = run("verify", *arguments)
    assert ran.code == 1
    assert ran.out.startswith(head + "  ")
    assert words in " ".join(ran.out.split())


def test_verify_takes_bundles_and_gives_json(home: Path, run: Any) -> None:
    ran = run("verify", "signed/verdict.vsa.sigstore.json", "--key", "alice.pub", "--format", "json")
    assert ran.code == 0
    assert ran.document["verified_by"] == key_pair("alice").public_key.key_id
    assert ran.document["statements"][0]["predicate"]["verificationResult"] == "PASSED"


def test_verify_shows_other_statements_and_hostile_text_as_text(home: Path, run: Any, tmp_path: Path) -> None:
    summary = statements(attestation())[0]
    odd = replace(summary, predicate_type="https://example.com/\x1b[2Jother", predicate={"said": "x\x1b[2J", "n": 3})
    (tmp_path / "odd").write_bytes(sealed(odd))
    ran = run("verify", tmp_path / "odd", "--key", "alice.pub")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "x\\u001b[2J" in ran.out


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"payload": 1}'])
def test_verify_of_anything_else_is_a_refusal_in_words(data: bytes, home: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(data)
    ran = run("verify", tmp_path / "junk", "--key", "alice.pub")
    assert (ran.code, ran.err.startswith("error: ")) == (1, True)


@pytest.mark.parametrize("more", [("--out", "one.json"), ()])
def test_a_key_without_a_folder_says_that_nothing_was_signed(more: tuple[str, ...], home: Path, run: Any) -> None:
    ran = run("gate", "./model", *more, "--key", "alice.key", "--no-cache", "-q")
    assert ran.code == 1
    assert "No verdict was written" in ran.out


def test_a_key_that_can_not_be_read_ends_it_before_the_work(home: Path, run: Any) -> None:
    ran = run("gate", "./nowhere", "--out", "none", "--key", "alice.pub")
    assert (ran.code, "a public key" in ran.err) == (2, True)


def test_metadata_alone_gets_no_verdict_and_takes_the_old_one_away(
    home: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "verdict.intoto.jsonl").write_text("old")
    with LoopbackHub([REPO]) as hub:
        env = {"HF_ENDPOINT": hub.endpoint}
        command = ["gate", PINNED, "--metadata-only", "--out", str(tmp_path), "--cache-dir", str(home / "fresh")]
        ran = CliRunner().invoke(cli, command, standalone_mode=False, catch_exceptions=False, env=env)
    assert ran.return_value == 1
    assert "No verdict was written: not every file was hashed" in " ".join(ran.stdout.split())
    assert not (tmp_path / "verdict.intoto.jsonl").exists()


def test_verify_tells_a_report_that_was_changed(home: Path, run: Any, tmp_path: Path) -> None:
    for name in ("verdict.intoto.jsonl", "report.json"):
        (tmp_path / name).write_bytes((home / "signed" / name).read_bytes())
    ran = run("verify", tmp_path, "--key", "alice.pub")
    assert (ran.code, "the report.json beside it is this one" in ran.out) == (0, True)
    (tmp_path / "report.json").write_bytes(b" " + (tmp_path / "report.json").read_bytes())
    ran = run("verify", tmp_path, "--key", "alice.pub")
    assert (ran.code, "the report.json beside it is ANOTHER one" in ran.out) == (1, True)


def test_a_lock_on_disk_says_which_model_is_expected(home: Path, run: Any, tmp_path: Path) -> None:
    subject = read(home / "signed" / "report.json").subject
    files = tuple(LockedFile(path=each.path, size=each.size, sha256=each.sha256) for each in subject.files)
    model = LockedModel(
        id=REPO.id, commit=REPO.head, digest=subject.digest, kind=subject.kind, files=files,
        policy="sha256:" + "0" * 64, verdict=Action.ALLOW, decided_at=datetime(2026, 11, 23, tzinfo=UTC),
    )  # fmt: skip
    lockfile.write(tmp_path / "gatekeeper.lock", Lock(models=(model,)))
    lockfile.write(tmp_path / "other.lock", Lock(models=(replace(model, id="other/model"),)))
    command = ("admit", "model", "-a", "signed", "--key", "alice.pub", "--lock")
    assert run(*command, tmp_path / "gatekeeper.lock").code == 0
    for reference in (REPO.id, f"hf://{REPO.id}", f"https://huggingface.co/{REPO.id}", PINNED):
        assert run(*command, tmp_path / "gatekeeper.lock", "--reference", reference).code == 0
    ran = run(*command, tmp_path / "other.lock")
    assert (ran.code, f"the lock pins no {REPO.id}" in ran.out) == (1, True)
