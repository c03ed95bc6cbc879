"""One root error, with what to do about it and the exit code it ends in.

A bad model is a value (a `Decision`); only a broken run is an exception. Each class below fixes the exit code of
the command line, so that no caller has to guess: 2 means that the person can mend the input, 3 that nothing could
be decided.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class GatekeeperError(Exception):
    """A run that could not be carried out.

    Args:
        message: What happened, in one sentence, free of secrets and of control characters from a model repo.
        hint: What a person should do now; may be empty.
    """

    exit_code: ClassVar[int] = 3
    """Exit status of the command line for this error."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message and the hint apart, so that both can be shown or serialised."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(GatekeeperError):
    """The reference, an option or a file given by the user can't be used."""

    exit_code: ClassVar[int] = 2


class NotFoundError(InputError):
    """The repo, revision or path does not exist, or the token at hand may not see it."""


class AccessError(InputError):
    """The repo exists but is gated, private or disabled for the token at hand."""


class PolicyError(InputError):
    """The policy can't be used.

    Args:
        message: What is wrong.
        source: Name or path of the policy file.
        line: One-based line in that file; 0 when no line is to blame.
        column: One-based column; 0 when unknown.
        hint: What to change.
    """

    def __init__(self, message: str, *, source: str = "", line: int = 0, column: int = 0, hint: str = "") -> None:
        """Prefix the message with `source:line:column`, as compilers do, so that editors can jump there."""
        where = ":".join(str(part) for part in (source, line, column) if part)
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.source = source
        self.line = line
        self.column = column


class SourceError(GatekeeperError):
    """The bytes could not be had: network, Hub or disk failed and retries are used up."""


class LimitError(InputError):
    """Something is larger than a named limit allows (see `gatekeeper.limits.Limits`)."""


class ContentChangedError(GatekeeperError):
    """A file changed between being hashed and being read again; nothing about it can be believed."""


class SigningError(GatekeeperError):
    """A signature could not be made: the command that keeps the key failed, or answered something else."""


class Refusal(StrEnum):
    """Why something signed was not believed."""

    MALFORMED = "malformed"
    """It is not what its name promises, or says something in a way that readers could take differently."""

    TOO_LARGE = "too-large"
    NO_SIGNATURE = "no-signature"
    SEVERAL_SIGNATURES = "several-signatures"
    UNKNOWN_ALGORITHM = "unknown-algorithm"
    OTHER_KEY = "other-key"
    """It names a key that is none of those given."""

    BAD_SIGNATURE = "bad-signature"
    """The signature is not that of this key over these bytes."""

    OUTDATED = "outdated"
    """A certificate is outside its validity."""

    OTHER_USE = "other-use"
    """A certificate is not for signing."""

    UNPROVEN = "unproven"
    """What should prove a keyless signature, its certificate or its entry in the log, is not believed."""

    OTHER_TYPE = "other-type"
    """It is signed, and is something else than what was asked for."""


class SignatureError(GatekeeperError):
    """Something signed is not believed; the answer is no.

    Args:
        message: What is wrong, free of control characters.
        refusal: The same as a word for machines.
        hint: What a person should do now; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, refusal: Refusal, hint: str = "") -> None:
        """Keep the refusal beside the message."""
        super().__init__(message, hint=hint)
        self.refusal = refusal
