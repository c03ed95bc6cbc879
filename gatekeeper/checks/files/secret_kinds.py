"""Credentials in text: what a token looks like, and what only looks like one.

The shapes of most providers come from detect-secrets, of which the plugins that go by a fixed mark are used, one line
at a time; those that go by entropy or by words are not, and nothing is ever verified with a provider. The marks of
providers that it does not know stand here. A cheap search for all marks decides which lines are looked at.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_WORD = rb"[A-Za-z0-9_-]"
_MARKS: tuple[tuple[bytes, re.Pattern[bytes]], ...] = tuple(
    (mark, re.compile(shape))
    for mark, shape in (
        *((mark, re.escape(mark) + rb"[A-Za-z0-9]{16}") for mark in (b"hf_", b"api_org_", b"npm_", b"r8_")),
        *((mark, re.escape(mark) + rb"[A-Za-z0-9]{16}") for mark in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")),
        *((mark, re.escape(mark) + rb"[0-9A-Z]{16}") for mark in (b"AKIA", b"ASIA", b"ABIA", b"ACCA")),
        *((mark, re.escape(mark) + _WORD + rb"{16}") for mark in (b"github_pat_", b"sk-", b"SG.", b"pypi-Ag", b"AIza")),
        *((b"gl" + kind + b"-", b"gl" + kind + b"-" + _WORD + rb"{16}") for kind in
          (b"pat", b"dt", b"ft", b"soat", b"rt", b"cbt", b"imt", b"ptt")),
        (b"AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{16}"),
        (b"xox", rb"xox[abposr]-\d"),
        (b"hooks.slack.com/services/T", rb"hooks"),
        (b"k_live_", rb"k_live_[0-9A-Za-z]{16}"),
        (b"_authToken=", rb"_authToken=\s*\S{16}"),
        (b"sq0csp-", rb"sq0csp-" + _WORD + rb"{16}"),
        (b"PRIVATE KEY", rb"PRIVATE KEY"),
        (b"PuTTY-User-Key-File", rb"PuTTY-User-Key-File"),
        (b"://", rb"://[^\s/:@\"'<>]{1,64}:[^\s/@\"'<>]{8,128}@"),
    )
)  # fmt: skip
"""What every shape below begins with or holds, and how it goes on there: found in a fraction of a second in what a
search for all shapes at once takes minutes for."""

_QUOTED_KEY = re.compile(rb"[\"'][0-9a-zA-Z/+]{40}[\"']")
_AWS = re.compile(rb"(?i:aws).{0,20}(?i:key|pwd|pw|password|pass|token).{0,20}\Z")
_AWS_BYTES = 64
"""AWS's secret keys have no mark but the words before them, which stand far more often than quoted texts of their
length."""

_PLUGINS = (
    ("aws", "AWSKeyDetector", "an AWS key"),
    ("azure_storage_key", "AzureStorageKeyDetector", "an Azure storage key"),
    ("basic_auth", "BasicAuthDetector", "a password in an address"),
    ("github_token", "GitHubTokenDetector", "a GitHub token"),
    ("gitlab_token", "GitLabTokenDetector", "a GitLab token"),
    ("npm", "NpmDetector", "an npm token"),
    ("openai", "OpenAIDetector", "an OpenAI key"),
    ("pypi_token", "PypiTokenDetector", "a PyPI token"),
    ("sendgrid", "SendGridDetector", "a SendGrid key"),
    ("slack", "SlackDetector", "a Slack token"),
    ("square_oauth", "SquareOAuthDetector", "a Square secret"),
    ("stripe", "StripeDetector", "a Stripe key"),
)
"""Module and class in detect-secrets, and what a person calls it."""

_OWN = (
    (re.compile(r"(?<![A-Za-z0-9_])(?:hf_[A-Za-z]{34}|api_org_[A-Za-z]{34})(?![A-Za-z0-9_])"), "a Hugging Face token"),
    (re.compile(r"(?<![A-Za-z0-9])github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}(?![A-Za-z0-9])"), "a GitHub token"),
    (re.compile(r"(?<![A-Za-z0-9])sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}"), "an OpenAI key"),
    (re.compile(r"(?<![A-Za-z0-9])sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{80,120}"), "an Anthropic key"),
    (re.compile(r"(?<![A-Za-z0-9_])AIza[0-9A-Za-z_-]{35}(?![A-Za-z0-9_-])"), "a Google API key"),
    (re.compile(r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"), "an npm token"),
    (re.compile(r"(?<![A-Za-z0-9_])r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])"), "a Replicate token"),
)
"""Providers of models and code whose marks detect-secrets does not have, as each provider documents them."""

_PUBLISHING = frozenset({"a Hugging Face token", "a GitHub token", "a GitLab token", "a PyPI token", "an npm token"})
"""With these a reader of the repo may be able to publish in the publisher's name."""

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----\s*((?:[A-Za-z-]+: [^\n]*\n)*)([A-Za-z0-9+/=\s]+)"
)
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d: .*?Private-Lines: \d+\s+([A-Za-z0-9+/=\s]+)", re.DOTALL)
_KEY_CHARACTERS = 60
"""Base64 of the shortest private key in use: Ed25519 in PKCS #8 has 64 with its padding."""

NETRC = frozenset({".netrc", "_netrc"})
_NETRC = re.compile(r"\bpassword\s+(\S+)")
_ENV = re.compile(r"^\s*(?:export\s+)?\w*(?:KEY|TOKEN|SECRET|PASSW\w*|PWD)\s*=\s*[\"']?([^\s\"'#]+)", re.MULTILINE)

_PLACEHOLDER = re.compile(
    r"example|placeholder|dummy|fake|sample|your|redact|change.?me|insert|replace|secret|token|passw|api.?key|xxxx"
    r"|abcdef|qwerty|012345|123456|987654|\*\*\*|\.\.\.|<|>|\{|\}|\$|%s",
    re.IGNORECASE,
)
_RUN = re.compile(r"(.)\1{4}")
_ENTROPY = 3.0
"""Bits a character, at least: random letters of a token's length have more than four, words and paddings fewer."""

_MOST_PLACES = 100
"""Places of one mark that are looked at closely: more than a file of tokens would be needed to say that it is one."""

_LINE_BYTES = 512
_KEY_BYTES = 8192
_HASHED_CHARACTERS = 20
"""Secrets shorter than this could be guessed from a part of their hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """One credential, without itself."""

    kind: str
    offset: int
    """Byte offset in the text."""

    mark: str
    """What tells two of a kind apart: the length and a part of the hash."""

    publishing: bool
    is_key: bool = False


def secrets_in(data: bytes, most: int) -> tuple[tuple[Secret, ...], bool]:
    """Find credentials in text.

    Args:
        data: The text, or a piece of it.
        most: Places with a provider's mark that are looked at.

    Returns:
        What was found, and whether every place that could hold one was looked at.
    """
    left = most
    places = []
    for mark, shape in _MARKS:
        of_mark, tried = _places(data, mark, shape, left)
        left -= tried
        places.append(of_mark)
    quoted, tried = _aws_keys(data, left)
    left -= tried
    places.append(quoted)
    found: list[Secret] = []
    until = -1
    for at in sorted(at for of_one_mark in places for at in of_one_mark):
        if at < until:
            continue
        if data.startswith((b"PRIVATE KEY", b"PuTTY"), at):
            keys = _key(data, at)
            until = data.find(b"-----END", at) if keys else at
            found += keys
            continue
        start = max(data.rfind(b"\n", 0, at) + 1, at - _LINE_BYTES)
        end = data.find(b"\n", at)
        until = min(len(data) if end < 0 else end, at + _LINE_BYTES)
        line = data[start:until]
        text = line.decode("utf-8", "replace")
        found += [_secret(kind, each, start + max(0, line.find(each.encode()))) for kind, each in _in_line(text)]
    return tuple(found), left > 0 and all(len(of_one_mark) < _MOST_PLACES for of_one_mark in places)


def assignments_in(data: bytes, name: str) -> tuple[Secret, ...]:
    """Find values that look made by a machine in the files in which tools keep credentials.

    Args:
        data: The file.
        name: Its name: `.netrc` and `.env` have forms of their own.
    """
    pattern = _NETRC if name in NETRC else _ENV
    matches = pattern.finditer(data[:_KEY_BYTES].decode("utf-8", "replace"))
    return tuple(
        _secret("a password", match[1], len(match.string[: match.start(1)].encode()))
        for match in matches
        if _password(match[1])
    )


def _places(data: bytes, mark: bytes, shape: re.Pattern[bytes], most: int) -> tuple[list[int], int]:
    """Give where a mark goes on as its shape does, and how many places were tried."""
    found: list[int] = []
    tried = 0
    at = data.find(mark)
    while at >= 0 and len(found) < _MOST_PLACES and tried < most:
        tried += 1
        if shape.match(data, at):
            found.append(at)
        at = data.find(mark, at + 1)
    return found, tried


def _aws_keys(data: bytes, most: int) -> tuple[list[int], int]:
    """Give where quoted texts of the length of an AWS key follow words that say so, and how many were tried."""
    found: list[int] = []
    tried = 0
    for quoted in _QUOTED_KEY.finditer(data):
        if len(found) == _MOST_PLACES or tried == most:
            break
        tried += 1
        if _AWS.search(data, max(0, quoted.start() - _AWS_BYTES), quoted.start()):
            found.append(quoted.start())
    return found, tried


def _in_line(line: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for pattern, kind in _OWN:
        for found in pattern.finditer(line):
            seen.add(found[0])
            if is_random(found[0]):
                yield kind, found[0]
    for plugin, kind in _plugins():
        # Some of its patterns give back a mark instead of the secret; the line that holds the mark is then the secret.
        for match in plugin.analyze_string(line):
            secret = next((word for word in re.split(r"[\s\"'=,;]+", line) if match in word), match)
            if secret in seen or any(match in other for other in seen):
                continue
            seen.add(secret)
            if _password(match) if kind == "a password in an address" else is_random(secret):
                yield kind, match if kind == "a password in an address" else secret


@cache
def _plugins() -> tuple[tuple[Any, str], ...]:
    from importlib import import_module

    return tuple((getattr(import_module(f"detect_secrets.plugins.{module}"), name)(), kind)
                 for module, name, kind in _PLUGINS)  # fmt: skip


def _key(data: bytes, at: int) -> list[Secret]:
    """Look at what follows a private key's first line: documentation shows the line without a key."""
    start = max(0, at - 64)
    text = data[start : at + _KEY_BYTES].decode("latin-1").replace("\\n", "\n").replace("\\r", "")
    found = _KEY.search(text) or _PUTTY.search(text)
    body = "".join(found[found.lastindex or 0].split()) if found else ""
    if len(body) < _KEY_CHARACTERS or not is_random(body[:400]):
        return []
    return [_secret("a private key", body, at, is_key=True)]


def _secret(kind: str, secret: str, offset: int, *, is_key: bool = False) -> Secret:
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    mark = f"{len(secret)} characters" + (f", sha256 {digest}…" if len(secret) >= _HASHED_CHARACTERS else "")
    return Secret(kind=kind, offset=offset, mark=mark, publishing=kind in _PUBLISHING, is_key=is_key)


def is_random(secret: str) -> bool:
    """Whether a secret is one that a machine made, and no placeholder."""
    body = re.sub(r"^(?:[A-Za-z0-9]{1,10}[-_])+(?=[A-Za-z0-9]{8})", "", secret) or secret
    if _RUN.search(body) or _PLACEHOLDER.search(body):
        return False
    counts = Counter(body)
    return -sum(count / len(body) * math.log2(count / len(body)) for count in counts.values()) >= _ENTROPY


def _password(secret: str) -> bool:
    """Whether a password in an address is more than a word of documentation."""
    kinds = (str.isdigit, str.isalpha)
    return len(secret) >= 8 and all(any(map(kind, secret)) for kind in kinds) and not _PLACEHOLDER.search(secret)
