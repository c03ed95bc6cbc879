"""`files/secrets`: credentials that somebody left in the files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.names import TEXTUAL
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.secret_kinds import NETRC, Secret, assignments_in, secrets_in
from gatekeeper.evidence import Hazard, Severity
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_STORES = frozenset({".p12", ".pfx", ".jks", ".keystore", ".kdbx"})
"""Encrypted stores of keys."""

_REVOKE = "Tell the publisher in private, so that it is revoked; don't use it, and don't deploy the file."


class Secrets(Check):
    """Tokens, passwords and keys in text files.

    What it looks at:
        Every text file, up to a limit, for the marks of providers' tokens (Hugging Face, GitHub, GitLab, PyPI, npm,
        AWS, Azure, Google, OpenAI, Anthropic, Slack, Stripe and others), for private keys and for passwords in
        addresses; `.netrc` and `.env` files; stores of keys by their names. Placeholders and examples are told from
        what a machine made. Nothing is asked of any provider, and no report shows a secret.

    Why it matters:
        A leaked secret harms whoever lost it first, and whoever deploys the file passes it on. With a token of a hub or
        of a code host, or a private key, others may have been able to publish in the publisher's name.

    What it cannot see:
        Whether a secret is still valid; passwords without a mark; secrets in binary files, in other encodings or in
        archives.

    How to mend:
        Tell the publisher, and pin a commit that was made after the secret was revoked.
    """

    id = "files/secrets"
    title = "No credentials lie in the files"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="publishing-token", title="A token lies open that may let others publish", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_REVOKE),
        Rule(slug="private-key", title="A private key lies open", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_REVOKE),
        Rule(slug="secret", title="A credential lies open", severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
             mend=_REVOKE),
        Rule(slug="key-store", title="A store of keys lies among the files", severity=Severity.LOW,
             hazard=Hazard.NONE, mend="Leave it out: no model needs it."),
        Rule(slug="partly-read", title="A text was not looked at whole", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Search the rest yourself when it matters."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at every text file."""
        judging = Judging(check=self)
        for identity in identities(artifact, context.limits):
            judging.look(identity.file, partial(judge_secrets, found=identity.format), context.limits)
        return judging.outcome()


def judge_secrets(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, found: Format) -> Iterator[Problem]:
    """Find credentials in one file or archive member.

    Args:
        reader: Its bytes, seekable.
        name: Its name.
        size: Its size in bytes.
        limits: `text_bytes` bounds what is read, `secret_places` what is looked at closely.
        found: Its format; only text is looked into.
    """
    shown = repr(printable(str(name)))
    if name.suffix.lower() in _STORES:
        yield Problem(slug="key-store", message=f"{shown} is a store of keys by its name")
    if found not in TEXTUAL:
        return
    reader.seek(0)
    data = reader.read(limits.text_bytes)
    secrets, complete = secrets_in(data, limits.secret_places)
    if name.name in NETRC or name.name == ".env" or name.name.startswith(".env."):
        told = {secret.offset for secret in secrets}
        secrets += tuple(each for each in assignments_in(data, name.name) if each.offset not in told)
    secrets = tuple({(secret.kind, secret.mark): secret for secret in reversed(secrets)}.values())[::-1]
    for secret in secrets:
        message = f"{shown} holds what looks like {secret.kind} ({secret.mark})"
        yield Problem(slug=_slug(secret), message=message, offset=secret.offset)
    if not complete:
        message = f"{shown} holds more places that look like credentials than are told"
        yield Problem(slug="partly-read", message=message)
    if size > limits.text_bytes:
        message = (
            f"of {shown} only the first {limits.text_bytes} bytes were searched for credentials (limit text_bytes)"
        )
        yield Problem(slug="partly-read", message=message, offset=limits.text_bytes)


def _slug(secret: Secret) -> str:
    if secret.is_key:
        return "private-key"
    return "publishing-token" if secret.publishing else "secret"
