"""`gatekeeper keygen` makes a pair that signs and verifies, and loses no key that is there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli.keygen import command
from gatekeeper.cli.signing import signer_of
from gatekeeper.errors import InputError
from gatekeeper.redaction import redact
from gatekeeper.signing import generate, load_public_key, load_signer
from tests.support.signing import key_pair

ALICE = key_pair("alice")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("KEY", "KEY_PASSWORD", "SIGNER_COMMAND", "SIGNER_PUBLIC_KEY", "KEYGEN_OUT", "KEYGEN_FORCE"):
        monkeypatch.delenv(f"GATEKEEPER_{name}", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_pair_signs_and_verifies(home: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in home.iterdir()) == ["gatekeeper.key", "gatekeeper.pub"]
    signer, public = load_signer("gatekeeper.key"), load_public_key((home / "gatekeeper.pub").read_bytes())
    assert public.verify(b"message", signer.sign(b"message"))
    assert public.key_id in result.output
    assert stat.S_IMODE((home / "gatekeeper.key").stat().st_mode) == 0o600


def test_the_private_key_is_nobody_elses_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        run()
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "gatekeeper.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["gatekeeper.key", "gatekeeper.pub"])
def test_nothing_is_replaced_unless_it_is_asked_for(there: str, home: Path) -> None:
    (home / there).write_text("old")
    result = run()
    assert isinstance(result.exception, InputError)
    assert "exists already" in result.exception.message
    assert [path.name for path in home.iterdir()] == [there]
    assert (home / there).read_text() == "old"
    assert run("--force").exit_code == 0
    load_signer("gatekeeper.key")


def test_a_pair_that_can_not_be_written_whole_replaces_nothing(home: Path) -> None:
    (home / "gatekeeper.key").write_text("old")
    (home / "gatekeeper.pub").mkdir()
    assert isinstance(run("--force").exception, InputError)
    assert sorted(path.name for path in home.iterdir()) == ["gatekeeper.key", "gatekeeper.pub"]
    assert (home / "gatekeeper.key").read_text() == "old"


def test_an_empty_key_is_an_error_and_not_nobody(home: Path) -> None:
    assert signer_of(None, None, None) is None
    for given in (("", None), (None, ""), ("", "true")):
        with pytest.raises(InputError, match="is empty"):
            signer_of(*given, None)


def test_a_link_is_not_followed(home: Path) -> None:
    (home / "elsewhere").write_text("old")
    (home / "gatekeeper.key").symlink_to("elsewhere")
    assert isinstance(run().exception, InputError)
    run("--force")
    assert (home / "elsewhere").read_text() == "old"


@pytest.mark.parametrize(
    ("out", "public"), [("a.key", "a.pub"), ("a.pem", "a.pub"), ("a", "a.pub"), ("v1.2", "v1.2.pub")]
)
def test_the_public_key_lies_beside_it(out: str, public: str, home: Path) -> None:
    run("--out", out)
    assert {path.name for path in home.iterdir()} == {out, public}


@pytest.mark.parametrize("out", ["a.pub", "nowhere/a.key"])
def test_bad_places_are_refused(out: str, home: Path) -> None:
    assert isinstance(run("--out", out).exception, InputError)
    assert not list(home.iterdir())


def test_it_answers_machines(home: Path) -> None:
    answer = json.loads(run("--format", "json").output)
    assert answer["key_id"] == load_signer(answer["private_key"]).key_id
    assert answer["encrypted"] is False


def test_a_password_from_the_environment_seals_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEKEEPER_KEY_PASSWORD", "correct horse")
    result = run()
    assert "encrypted" in result.output
    assert "correct horse" not in result.output
    signer = signer_of("gatekeeper.key", None, None)
    assert signer is not None
    assert signer.key_id in result.output
    monkeypatch.setenv("GATEKEEPER_KEY_PASSWORD", "battery staple")
    with pytest.raises(InputError, match="decrypted"):
        signer_of("gatekeeper.key", None, None)
    assert "battery staple" not in redact("it is battery staple")
    monkeypatch.setenv("GATEKEEPER_KEY_PASSWORD", "x" * 2000)
    assert isinstance(run("--force").exception, InputError)
    monkeypatch.delenv("GATEKEEPER_KEY_PASSWORD")
    with pytest.raises(InputError, match="encrypted"):
        signer_of("gatekeeper.key", None, None)


def test_its_options_decide_who_signs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, public = ALICE.write(home)
    assert signer_of(None, None, None) is None
    for signer in (signer_of(str(key), None, None), signer_of(None, "true", public)):
        assert signer is not None
        assert signer.key_id == ALICE.public_key.key_id
    for wrong, said in (
        ((str(key), "true", public), "both"),
        ((None, "true", None), "needs --signer-public-key"),
        ((str(key), None, public), "goes with"),
        ((None, "true", home / "none"), "can't be read"),
    ):
        with pytest.raises(InputError, match=said):
            signer_of(*wrong)


def test_a_key_open_to_everybody_is_used_with_a_warning(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, _ = ALICE.write(home)
    signer_of(str(key), None, None)
    assert capsys.readouterr().err == ""
    key.chmod(0o644)
    signer_of(str(key), None, None)
    told = capsys.readouterr()
    assert "chmod 600" in told.err
    assert told.out == ""


def test_on_a_terminal_the_password_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    answers = iter(["correct horse", "correct horse", "", ""])
    monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda prompt: next(answers))
    with click.Context(command):
        from gatekeeper.cli.keygen import _new_password

        assert _new_password() == b"correct horse"
        assert _new_password() is None


def test_on_a_terminal_a_sealed_key_asks_for_its_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, _ = generate(b"correct horse")
    (home / "sealed.key").write_bytes(private)
    (home / "sealed.key").chmod(0o600)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    answers = iter(["correct horse", "battery staple"])
    monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda prompt: next(answers))
    assert signer_of("sealed.key", None, None) is not None
    with pytest.raises(InputError, match="decrypted"):
        signer_of("sealed.key", None, None)


def test_an_error_is_an_exit_code_for_the_shell(home: Path) -> None:
    (home / "gatekeeper.key").write_text("old")
    ran = subprocess.run([sys.executable, "-m", "gatekeeper", "keygen"], capture_output=True, text=True, check=False,
                         env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})  # fmt: skip
    assert ran.returncode == 2
    assert "hint: choose another place" in ran.stderr
