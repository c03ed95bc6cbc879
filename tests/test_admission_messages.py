"""Each kind of bad input that deployment can meet is refused in words of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import lockfile
from gatekeeper.admission import admit
from gatekeeper.errors import GatekeeperError
from gatekeeper.lock import Lock
from gatekeeper.signing import load_public_key, sign, statement_json, wrap
from gatekeeper.signing.oms_verify import verify_model_signature
from tests.signing_oms.test_oms_mutations import certified
from tests.support.locks import lock_of
from tests.support.oms import by_root
from tests.support.signing import NOW as CERTIFIED_NOW
from tests.support.signing import Authority, key_pair
from tests.support.verdicts import (
    EXPECTED,
    FILES,
    NAME,
    NOW,
    POLICY_DIGEST,
    URI,
    attestation,
    lay_out,
    statements,
    verdict,
)

ALICE = key_pair("alice")


def answered(place: Path, *documents: bytes, lock: Lock | None = None, **expected: Any) -> str:
    """Give the reason of a refusal, empty when it is admitted."""
    folder = place if place.exists() else lay_out(place)
    wanted = replace(EXPECTED, **{"resources": (URI,), "policy_digest": POLICY_DIGEST, **expected})
    return admit(folder, {"verdict": documents or (verdict(),)}, wanted, lock=lock, now=NOW).reason


def bundles(change: Callable[[dict[str, Any]], object] = lambda _: None) -> tuple[bytes, ...]:
    """Give both bundles of the verdict, with one thing changed in the envelope of the second."""
    made = [json.loads(wrap(sign(statement_json(each), ALICE.signer), ALICE.signer.key_id))
            for each in statements(attestation())]  # fmt: skip
    change(made[1])
    return tuple(json.dumps(each).encode() for each in made)


def envelope(change: Callable[[dict[str, Any]], object]) -> tuple[bytes, ...]:
    return bundles(lambda bundle: change(bundle["dsseEnvelope"]))


def flipped_file(place: Path) -> str:
    data = FILES["model.safetensors"]
    return answered(lay_out(place, {**FILES, "model.safetensors": data[:-1] + bytes([data[-1] ^ 1])}))


def flipped_statement(place: Path) -> str:
    """One byte of a reason, so that both halves still agree."""
    said = statement_json(statements(attestation())[1])
    other = json.loads(wrap(sign(said.replace(b'"because":"', b'"because":"~', 1), ALICE.signer), ""))
    return answered(place, *envelope(lambda at: at.update(payload=other["dsseEnvelope"]["payload"])))


def swapped_subject(place: Path) -> str:
    other = verdict(attestation({**FILES, "config.json": b"[]"})).splitlines()[1]
    return answered(place, verdict().splitlines()[0] + b"\n" + other)


def flipped_key(place: Path) -> str:
    lines = ALICE.public.splitlines()
    lines[1] = (b"A" if lines[1][:1] != b"A" else b"B") + lines[1][1:]
    return answered(place, keys=(load_public_key(b"\n".join(lines) + b"\n"),))


def flipped_lock(place: Path) -> str:
    path, was = place.with_suffix(".lock"), attestation().subject.files[0].sha256
    text = lockfile.dump(lock_of(attestation()))
    path.write_text(text.replace(was, ("0" if was[0] != "0" else "1") + was[1:]))
    return answered(place, lock=lockfile.read(path))


def outdated_certificate(_: Path) -> str:
    expired = Authority().expired()
    verify_model_signature(certified(expired), [by_root(expired.root_pem)], CERTIFIED_NOW)
    return ""


def twice(at: dict[str, Any]) -> None:
    at["signatures"] *= 2


BAD: dict[str, tuple[Callable[[Path], str], str]] = {
    "a flipped byte in a file": (flipped_file, "model.safetensors has other bytes"),
    "a flipped byte in a bundle": (
        lambda place: answered(place, *bundles(lambda at: at.update(mediaType=at["mediaType"][:-1] + "o"))),
        "the bundle is of type",
    ),
    "a flipped byte in a statement": (flipped_statement, "they were changed"),
    "a flipped byte in a key": (flipped_key, "the public key can't be read"),
    "a flipped byte in a lock": (flipped_lock, "digest is not the one of the files"),
    # A verdict knows its policy by the digest of its bytes: a flipped byte in a policy is this, too.
    "a policy digest that differs": (
        lambda place: answered(place, policy_digest="sha256:" + "0" * 64),
        f"the policy is {POLICY_DIGEST}",
    ),
    "a swapped subject": (swapped_subject, "different subjects"),
    "an old verdict": (
        lambda place: answered(place, verdict(attestation(created_at=NOW - timedelta(days=9))), max_age=timedelta(7)),
        "at most 7 days is allowed",
    ),
    "another commit": (
        lambda place: answered(place, resources=(f"pkg:huggingface/{NAME}@{'0' * 40}",)),
        "it is a verdict for",
    ),
    "two signatures": (lambda place: answered(place, *envelope(twice)), "has 2 signatures"),
    "no signature": (
        lambda place: answered(place, *envelope(lambda at: at.update(signatures=[]))),
        "only one of the two statements is signed",
    ),
    "an algorithm that is named": (
        lambda place: answered(place, *envelope(lambda at: at["signatures"][0].update(alg="none"))),
        "names an algorithm",
    ),
    "another algorithm": (
        lambda place: answered(place, *envelope(lambda at: at["signatures"][0].update(sig="AAAA"))),
        "none of ECDSA",
    ),
    "a certificate outside its validity": (outdated_certificate, "expired"),
}


def refusal_of(name: str, place: Path) -> str:
    try:
        return BAD[name][0](place / "model")
    except GatekeeperError as error:
        return error.message


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_words_that_fit(name: str, tmp_path: Path) -> None:
    said = refusal_of(name, tmp_path)
    assert BAD[name][1] in said
    assert said.isprintable()


def test_no_two_of_them_are_refused_in_the_same_words(tmp_path: Path) -> None:
    assert answered(tmp_path / "honest", *bundles()) == answered(tmp_path / "honest") == ""
    said = {}
    for number, name in enumerate(BAD):
        (tmp_path / str(number)).mkdir()
        said[name] = refusal_of(name, tmp_path / str(number))
    assert not [pair for pair in combinations(said, 2) if said[pair[0]] == said[pair[1]]]
