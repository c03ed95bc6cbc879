"""files/secrets: credentials are told by kind and place, never shown; examples, hashes and vocabularies are none."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
from dataclasses import replace

import pytest

from gatekeeper.checks.check import inspect
from gatekeeper.checks.files.leaked_secrets import Secrets
from gatekeeper.evidence import Hazard, Severity
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import samples
from tests.support.artifacts import CONTEXT, artifact, look, slugs

LETTERS = string.ascii_letters
SIGNS = LETTERS + string.digits


def made(length: int, signs: str = SIGNS, seed: int = 7) -> str:
    """Random text, the same every time: nothing of it was ever a credential."""
    draw = random.Random(f"{length} {signs} {seed}")
    return "".join(draw.choice(signs) for _ in range(length))


def pem(kind: str = "RSA PRIVATE KEY") -> str:
    body = "\n".join(made(64, seed=number) for number in range(6))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


TOKENS = {
    "Hugging Face": ("publishing-token", "hf_" + made(34, LETTERS)),
    "GitHub": ("publishing-token", "ghp_" + made(36)),
    "GitHub, fine-grained": ("publishing-token", f"github_pat_{made(22)}_{made(59)}"),
    "GitLab": ("publishing-token", "glpat-" + made(20)),
    "PyPI": ("publishing-token", "pypi-AgEIcHlwaS5vcmc" + made(80)),
    "npm": ("publishing-token", "npm_" + made(36)),
    "AWS": ("secret", "AKIA" + made(16, string.ascii_uppercase + "234567")),
    "Azure": ("secret", f"AccountKey={made(86)}=="),
    "Google": ("secret", "AIza" + made(35)),
    "OpenAI": ("secret", f"sk-{made(20)}T3BlbkFJ{made(20, seed=8)}"),
    "OpenAI, of a project": ("secret", "sk-proj-" + made(120)),
    "Anthropic": ("secret", "sk-ant-api03-" + made(93) + "AA"),
    "Slack": ("secret", f"xoxb-{made(12, '13579')}-{made(12, '24680')}-{made(24)}"),
    "Stripe": ("secret", "sk_live_" + made(24)),
    "SendGrid": ("secret", f"SG.{made(22)}.{made(43)}"),
    "Replicate": ("secret", "r8_" + made(37)),
    "RSA": ("private-key", pem()),
    "OpenSSH": ("private-key", pem("OPENSSH PRIVATE KEY")),
    "in JSON": ("private-key", json.dumps({"private_key": pem("PRIVATE KEY")})),
    "in an address": ("secret", f"https://deploy:{made(12)}7@git.internal.test/repo.git"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("name", ["README.md", "config.yaml", "train.py", "notes"])
def test_a_credential_is_told_and_never_shown(kind: str, name: str) -> None:
    slug, token = TOKENS[kind]
    text = f"some words\nlogin = {token}\nmore words\n"
    result = look(Secrets(), {name: text.encode()})
    assert slugs(result) == {slug}
    (finding,) = result.findings
    assert finding.location.offset is not None
    secret = token.split(":")[-1]
    shown = f"{finding}"
    assert not any(secret[at : at + 8] in shown for at in range(0, len(secret) - 8))


def test_no_credential_that_a_machine_made_goes_by_without_a_look() -> None:
    files = {f"{number}.txt": f"x {token}\n".encode() for number, (_, token) in enumerate(TOKENS.values())}
    findings = look(Secrets(), files).findings
    assert {finding.location.path for finding in findings} == set(files)
    assert {(finding.hazard, finding.severity) for finding in findings} == {(Hazard.UNVERIFIED, Severity.MEDIUM)}


@pytest.mark.parametrize("flood", ["://", "awskeyaws", "_authToken= ", "sk-", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_flood_of_marks_does_not_hide_that_some_places_were_not_looked_at(flood: str) -> None:
    few = replace(DEFAULT_LIMITS, secret_places=1_000)
    context = replace(CONTEXT, limits=few)
    subject = artifact({"a.txt": flood.encode() * 3_000})
    result = inspect(Secrets(), subject, context)
    assert slugs(result) <= {"partly-read"}
    assert ("partly-read" in slugs(result)) == (flood != "awskeyaws")  # only quoted keys of AWS's length are places


EXAMPLES = {
    "crosses": "hf_" + "x" * 34,
    "points": "export HF_TOKEN=hf_... OPENAI_API_KEY=sk-...",
    "a word": "token = hf_YourTokenGoesHereInsteadOfThisText",
    "counted": "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "AWS's own": "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a key without its body": "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
    "a public key": pem("PUBLIC KEY"),
    "a certificate": pem("CERTIFICATE"),
    "addresses": "postgresql://postgres:postgres@localhost/db redis://user:password1@host https://a:${PASS_WORD1}@b",
    "hashes": "\n".join(hashlib.sha256(bytes([each])).hexdigest() for each in range(200)),
    "base64": base64.b64encode(b"".join(hashlib.sha512(bytes([each])).digest() for each in range(200))).decode(),
    "words with its marks": "task-specific risk-sensitive disk-backed-storage-of-all ask-me-anything-about-this",
    "times": "at 12:34:56 https://example.com:8080/a@b mailto:someone@example.com",
    "variables": "hf_hub_download hf_transfer_enabled hf_model_id_or_local_path_to_weights",
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_are_no_credentials(kind: str) -> None:
    assert look(Secrets(), {"README.md": EXAMPLES[kind].encode()}).findings == ()


def test_a_vocabulary_holds_no_credentials() -> None:
    draw = random.Random(3)
    pieces = [
        *["hf_", "ghp_", "sk-", "AKIA", "xoxb", "://", "@", ":", "SG.", "AIza", "npm_"],
        *(made(4, seed=n) for n in range(500)),
    ]
    vocabulary = {"".join(draw.choices(pieces, k=3)): number for number in range(20_000)}
    data = json.dumps({"model": {"vocab": vocabulary}}, indent=0).encode()
    assert look(Secrets(), {"tokenizer.json": data}).findings == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [(".netrc", f"machine hub login me password {made(16)}1"), (".env", f"export DB_PASSWORD='{made(16)}1'"),
     ("sub/.env.local", f"SECRET_KEY={made(20)}1")],
)  # fmt: skip
def test_files_of_credentials_are_read_as_such(name: str, text: str) -> None:
    assert slugs(look(Secrets(), {name: text.encode()})) == {"secret"}
    assert look(Secrets(), {"README.md": text.encode()}).findings == ()
    honest = b"machine hub login me password <password>\nDB_PASSWORD=changeme1\nDEBUG=1\n"
    assert look(Secrets(), {name: honest}).findings == ()


def test_a_store_of_keys_is_told_by_its_name() -> None:
    assert slugs(look(Secrets(), {"signing.p12": b"0\x82" + bytes(30)})) == {"key-store"}
    assert look(Secrets(), {"weights.bin": b"0\x82" + bytes(30)}).findings == ()


def test_weights_are_not_searched() -> None:
    token = TOKENS["GitHub"][1].encode()
    assert look(Secrets(), {"a.safetensors": samples.honest_safetensors() + token}).findings == ()


def test_what_was_not_searched_is_said() -> None:
    result = look(Secrets(), {"a.txt": b"word " * 100}, text_bytes=64)
    assert slugs(result) == {"partly-read"}
    assert result.findings[0].hazard is Hazard.NONE


def test_a_file_of_nothing_but_marks_is_bounded_and_said() -> None:
    tokens = "\n".join("hf_" + made(34, LETTERS, seed) for seed in range(2_000))
    result = look(Secrets(), {"a.txt": tokens.encode()})
    assert slugs(result) == {"publishing-token", "partly-read"}
    assert len(result.findings) < 30
