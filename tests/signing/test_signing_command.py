"""A command signs, within limits, and its answer is believed only when the public key says so."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from gatekeeper.errors import InputError, SigningError
from gatekeeper.signing import command as module
from gatekeeper.signing import command_signer, envelope_json, parse_envelope, sign, verify_envelope
from tests.support.signing import key_pair

ALICE, MALLORY = key_pair("alice"), key_pair("mallory")


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


def refused(command: str) -> str:
    with pytest.raises(SigningError) as caught:
        command_signer(command, ALICE.public_key).sign(b"message")
    assert caught.value.exit_code == 3
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.fixture
def openssl(tmp_path: Path) -> str:
    """A command as people write it, with wrapped base64."""
    key, _ = ALICE.write(tmp_path)
    return shlex.join(["sh", "-c", f"openssl dgst -sha256 -sign {shlex.quote(str(key))} | openssl base64"])


def test_what_a_command_signs_is_verified(openssl: str) -> None:
    signer = command_signer(openssl, ALICE.public_key)
    assert signer.key_id == ALICE.public_key.key_id
    payload = b"x" * 1_000_000  # more than a pipe holds
    envelope = parse_envelope(envelope_json(sign(payload, signer)).encode())
    assert verify_envelope(envelope, [ALICE.public_key]) == ALICE.public_key


def test_a_command_may_leave_its_input_unread() -> None:
    assert "did not answer an ECDSA signature" in refused("true")


def test_a_signature_of_another_key_is_refused(tmp_path: Path, openssl: str) -> None:
    with pytest.raises(SigningError, match="not of the public key"):
        command_signer(openssl, MALLORY.public_key).sign(b"message")


def test_the_command_is_run_without_a_shell(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    refused(f"echo $(touch {mark}) ; touch {mark} > {mark}")
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        "print('hello')",
        "print('AAAA')",
        "print('é')",
        "import sys; sys.stdout.buffer.write(bytes(range(256)))",
        f"print({ALICE.signer.sign(b'another message').hex()!r})",
    ],
)
def test_other_answers_are_refused(program: str) -> None:
    assert "did not answer" in refused(python(program))


def test_a_right_signature_of_other_bytes_is_refused() -> None:
    import base64

    other = base64.b64encode(ALICE.signer.sign(b"another message")).decode()
    assert "not of the public key" in refused(python(f"print({other!r})"))


def test_a_failing_command_is_shown_with_what_it_said() -> None:
    said = refused(python("import sys; sys.exit('no \\x1b[31mtoken\\nin the slot')"))
    assert "ended with 1" in said
    assert "in the slot" in said


def test_a_command_that_writes_for_ever_is_stopped() -> None:
    assert "wrote too much" in refused("yes")


def test_a_command_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(module, "DEFAULT_LIMITS", replace(module.DEFAULT_LIMITS, signer_seconds=0.2))
    assert "signer_seconds" in refused("sleep 60")


@pytest.mark.parametrize("command", ["", "  ", "a 'b", "a\0b"])
def test_a_command_that_can_not_be_taken_apart_is_an_input_error(command: str) -> None:
    with pytest.raises(InputError):
        command_signer(command, ALICE.public_key)


def test_a_command_that_is_not_there_is_an_input_error() -> None:
    with pytest.raises(InputError, match="can't be started"):
        command_signer("/nowhere/sign", ALICE.public_key).sign(b"")


def test_a_talkative_command_may_sign(openssl: str) -> None:
    """What it says on its other stream is dropped when there is much of it, and never what it is judged by."""
    *_, script = shlex.split(openssl)
    chatty = shlex.join(["sh", "-c", f"{script}; yes | head -c 1000000 >&2"])
    assert command_signer(chatty, ALICE.public_key).sign(b"message")


def test_an_agent_that_stays_behind_does_not_hold_us(openssl: str) -> None:
    *_, script = shlex.split(openssl)
    staying = shlex.join(["sh", "-c", f"{script}; sleep 4 &"])
    signature = command_signer(staying, ALICE.public_key).sign(b"message")
    assert ALICE.public_key.verify(b"message", signature)
