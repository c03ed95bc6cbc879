"""Credentials in text."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.leaked_secrets import judge_secrets
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import SECRETS, Answer, chosen

_NAMES = ("config.json", ".env", ".netrc", "notes.txt")

SEEDS = seeds.chosen_by_first_byte(seeds.named(".json", ".md", ".txt", ".py", ".env", ".netrc", ".pem"), len(_NAMES))
TOKENS = (
    b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"hf_",
    b"AKIA", b"ghp_", b"sk-",
    b"xoxb-", b"machine x login y password z", b"TOKEN=", b"PASSWORD=", b"https://user:pass@", b"eyJ", b".", b"=",
    b":", b'"', b"'", b"\n", b"a" * 40,
    b"0123456789abcdef" * 4, b"\r", b"\xff", b"Bearer ", b"pypi-", b"npm_", b"AIza",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_NAMES))
    found = judge_secrets(laws.Counted(data), PurePosixPath(_NAMES[number]), len(data), DEFAULT_LIMITS, Format.TEXT)
    return laws.well_said(found, SECRETS)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
