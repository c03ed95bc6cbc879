"""Signing by a command, for keys that never leave a key service or a token."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from threading import Thread
from typing import IO

from gatekeeper.errors import InputError, SignatureError, SigningError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import strict
from gatekeeper.signing.keys import PublicKey, is_ecdsa
from gatekeeper.signing.signer import Signer
from gatekeeper.text import printable

_DYING_SECONDS = 1.0
"""Seconds after a command's end in which its streams end too; an agent that it started may hold them open for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _CommandSigner:
    public_key: PublicKey
    arguments: tuple[str, ...]

    @property
    def key_id(self) -> str:
        return self.public_key.key_id

    def sign(self, message: bytes) -> bytes:
        signature = _signature(self.arguments[0], _answer(self.arguments, message))
        # Found out now rather than by whoever deploys.
        if not self.public_key.verify(message, signature):
            raise SigningError(
                f"the signer {printable(self.arguments[0])} answered a signature that is not of the public key "
                f"{self.key_id}",
                hint="give the public key that belongs to it; it must sign the SHA-256 of its whole standard input",
            )
        return signature


def command_signer(command: str, public_key: PublicKey) -> Signer:
    """Sign by running a command for each signature: message on its standard input, base64 of the DER on its output.

    Args:
        command: Program and arguments, in the shell's spelling; no shell runs it.
        public_key: What its answers are verified with, at once.

    Raises:
        InputError: When the command can't be taken apart.
    """
    try:
        arguments = tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"the signer command can't be taken apart: {error}", hint="check its quotes") from error
    if not arguments or "\0" in command:
        raise InputError("the signer command is empty or has a null byte", hint="give a program and its arguments")
    return _CommandSigner(public_key=public_key, arguments=arguments)


def _answer(arguments: tuple[str, ...], message: bytes) -> bytes:
    """Run the command, within limits of time and output.

    It stays in our session and group, so that it can ask for a PIN at the terminal.
    """
    name = printable(arguments[0])
    with tempfile.TemporaryFile() as given:
        given.write(message)
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603  (the deployer's own command, no shell)
                arguments, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise InputError(
                f"the signer {name} can't be started: {error.strerror}", hint="give a program that is on PATH"
            ) from error
    assert process.stdout is not None  # noqa: S101  (both are pipes)
    assert process.stderr is not None  # noqa: S101
    output, complaints = _Reader(process.stdout, whole=False), _Reader(process.stderr, whole=True)
    try:
        code = process.wait(DEFAULT_LIMITS.signer_seconds)
    except subprocess.TimeoutExpired:
        raise SigningError(
            f"the signer {name} took more than {DEFAULT_LIMITS.signer_seconds:g} s (signer_seconds)"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    answer = output.end()
    if len(answer) > DEFAULT_LIMITS.signer_output_bytes:
        raise SigningError(f"the signer {name} wrote too much (signer_output_bytes)")
    said = printable(complaints.end().decode("utf-8", "replace").strip(), 500)
    if code:
        raise SigningError(f"the signer {name} ended with {code}" + (f": {said}" if said else ""))
    return answer


def _signature(name: str, answer: bytes) -> bytes:
    try:
        # Tools wrap lines at 64 or 76 characters.
        signature = strict.decoded("".join(answer.decode("ascii").split()), "the answer")
    except (UnicodeDecodeError, SignatureError):
        signature = b""
    if not is_ecdsa(signature):
        raise SigningError(
            f"the signer {printable(name)} did not answer an ECDSA signature in DER, as base64",
            hint="raw r and s have to be put into DER; binary output goes through base64",
        )
    return signature


class _Reader(Thread):
    """Keeps the beginning of a stream, up to a byte beyond the limit.

    Args:
        stream: What the command writes.
        whole: Whether a command may write more than is kept; if not, it is stopped by closing the stream.
    """

    def __init__(self, stream: IO[bytes], *, whole: bool) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._whole = whole
        self._data = b""
        self.start()

    def run(self) -> None:
        """Read until the end, or until it is too much."""
        most = DEFAULT_LIMITS.signer_output_bytes + 1
        with self._stream:
            while piece := os.read(self._stream.fileno(), most):
                self._data += piece[: most - len(self._data)]
                if len(self._data) == most and not self._whole:
                    return

    def end(self) -> bytes:
        """Give what was read by the time that the stream ended, or a little after the command did."""
        self.join(_DYING_SECONDS)
        return self._data
