"""A verdict is read strictly: two statements by one key that agree, or a refusal in words of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper import attest
from gatekeeper.attestation import Attestation
from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.signing import envelope_json, sign, statement_json, unsigned, wrap
from tests.support.signing import key_pair
from tests.support.verdicts import (
    COMMIT,
    FILES,
    URI,
    attestation,
    sealed,
    statements,
    verdict,
    with_predicate,
)

ALICE, BOB = key_pair("alice"), key_pair("bob")


def bundles(about: Attestation) -> list[bytes]:
    made = [sign(statement_json(each), ALICE.signer) for each in statements(about)]
    return [wrap(each, ALICE.signer.key_id).encode() for each in made]


def refusal_of(*documents: bytes) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        attest.read_verdict(*documents)
    return caught.value


def test_what_was_written_is_read_back() -> None:
    read = attest.read_verdict(verdict())
    assert set(read.files) == set(FILES)
    assert (read.commit, read.summary.resource_uri, read.signed) == (COMMIT, URI, True)
    assert read.decision == attest.read_verdict(*bundles(attestation())).decision
    assert attest.verify_verdict(read, [ALICE.public_key]) == ALICE.public_key


def test_the_order_of_the_lines_does_not_matter() -> None:
    lines = verdict().splitlines()
    assert attest.read_verdict(b"\n".join(reversed(lines))).decision == attest.read_verdict(verdict()).decision


def test_both_bundles_are_a_verdict_in_either_order_and_one_is_none() -> None:
    first, second = bundles(attestation())
    read = attest.read_verdict(second, first)
    assert attest.verify_verdict(read, [BOB.public_key, ALICE.public_key]) == ALICE.public_key
    assert "the decision is missing" in refusal_of(first).message
    assert "the summary is missing" in refusal_of(second).message


def test_an_unsigned_verdict_can_be_read_and_not_verified() -> None:
    lines = "\n".join(envelope_json(unsigned(statement_json(each))) for each in statements(attestation()))
    read = attest.read_verdict(lines.encode())
    assert not read.signed
    with pytest.raises(SignatureError) as caught:
        attest.verify_verdict(read, [ALICE.public_key])
    assert caught.value.refusal is Refusal.NO_SIGNATURE


@pytest.mark.parametrize("keys", [[], [BOB.public_key]])
def test_another_key_is_refused(keys: list[Any]) -> None:
    with pytest.raises(SignatureError) as caught:
        attest.verify_verdict(attest.read_verdict(verdict()), keys)
    assert caught.value.refusal is Refusal.OTHER_KEY


def test_two_keys_are_no_verdict() -> None:
    summary, decision = statements(attestation())
    mixed = sealed(summary) + sealed(decision, signer=BOB.signer)
    assert "two keys" in refusal_of(mixed).message
    # Without hints at keys it is found out when they are verified.
    stripped = b"".join(strip_hint(line) for line in mixed.splitlines())
    with pytest.raises(SignatureError, match="two keys"):
        attest.verify_verdict(attest.read_verdict(stripped), [ALICE.public_key, BOB.public_key])


def strip_hint(line: bytes) -> bytes:
    envelope = json.loads(line)
    del envelope["signatures"][0]["keyid"]
    return json.dumps(envelope).encode() + b"\n"


def test_half_a_signature_is_none() -> None:
    summary, decision = statements(attestation())
    half = sealed(summary) + envelope_json(unsigned(statement_json(decision))).encode()
    assert refusal_of(half).refusal is Refusal.NO_SIGNATURE


def twice(line: bytes) -> bytes:
    envelope = json.loads(line)
    envelope["signatures"] *= 2
    return json.dumps(envelope).encode()


def named(line: bytes) -> bytes:
    envelope = json.loads(line)
    envelope["signatures"][0]["alg"] = "none"
    return json.dumps(envelope).encode()


def raw(line: bytes) -> bytes:
    envelope = json.loads(line)
    envelope["payloadType"] = "text/plain"
    return json.dumps(envelope).encode()


def double_key(line: bytes) -> bytes:
    return line.replace(b'"payloadType":', b'"payloadType":"application/vnd.in-toto+json","payloadType":', 1)


def respelt(line: bytes) -> bytes:
    envelope = json.loads(line)
    envelope["payload"] = envelope["payload"].rstrip("=") + "===="
    return json.dumps(envelope).encode()


BAD_LINES: dict[str, tuple[Callable[[bytes], bytes], Refusal, str]] = {
    "two signatures": (twice, Refusal.SEVERAL_SIGNATURES, "2 signatures"),
    "an algorithm": (named, Refusal.UNKNOWN_ALGORITHM, "names an algorithm"),
    "another type": (raw, Refusal.OTHER_TYPE, "'text/plain'"),
    "a key twice": (double_key, Refusal.MALFORMED, "stands twice"),
    "other base64": (respelt, Refusal.MALFORMED, "base64"),
    "cut": (lambda line: line[: len(line) // 2], Refusal.MALFORMED, "can't be read"),
    "no object": (lambda _: b"[]", Refusal.MALFORMED, "can't be read"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_envelope_has_its_own_message(name: str) -> None:
    damage, refusal, words = BAD_LINES[name]
    first, second = verdict().splitlines()
    error = refusal_of(first + b"\n" + damage(second))
    assert error.refusal is refusal
    assert words in error.message


def test_files_that_hold_no_verdict_say_so() -> None:
    assert "empty" in refusal_of(b"\n \n").message
    assert "two statements of the kind summary" in refusal_of(verdict() + verdict()).message
    assert "more than 16 lines" in refusal_of(b"{}\n" * 17).message
    other = replace(statements(attestation())[0], predicate_type="https://example.com/other")
    assert refusal_of(sealed(other)).refusal is Refusal.OTHER_TYPE


def _set(*path: str, to: Any) -> Callable[[dict[str, Any]], object]:
    def change(predicate: dict[str, Any]) -> None:
        for key in path[:-1]:
            predicate = predicate[key]
        predicate[path[-1]] = to

    return change


DISAGREEMENTS = {
    "the result": (0, _set("verificationResult", to="FAILED")),
    "its levels": (0, _set("verifiedLevels", to=["FAILED"])),
    "the resource": (0, _set("resourceUri", to="pkg:huggingface/other/model@" + COMMIT)),
    "the policy's digest": (0, _set("policy", "digest", to={"sha256": "0" * 64})),
    "the time": (0, _set("timeVerified", to="2026-11-24T00:00:00Z")),
    "the verifier": (0, _set("verifier", "id", to="urn:example:other")),
    "the digest of all files": (1, _set("artifact", "digest", to="0" * 64)),
    "the commit": (1, _set("artifact", "commit", to="0" * 40)),
    "the versions of the tools": (0, _set("verifier", "version", to={"gatekeeper": "0"})),
    "the report": (1, _set("reportSha256", to="0" * 64)),
}


@pytest.mark.parametrize("what", DISAGREEMENTS)
def test_statements_that_disagree_are_refused_even_when_signed(what: str) -> None:
    which, change = DISAGREEMENTS[what]
    made = list(statements(attestation()))
    made[which] = with_predicate(made[which], change)
    assert refusal_of(sealed(*made)).message == f"the summary and the decision disagree about {what}"


def test_a_swapped_subject_is_refused_even_when_signed() -> None:
    summary, decision = statements(attestation())
    first, *rest = summary.subjects
    swapped = replace(summary, subjects=(replace(first, digest={"sha256": "0" * 64}), *rest))
    assert "different subjects" in refusal_of(sealed(swapped, decision)).message
    both = sealed(swapped, replace(decision, subjects=swapped.subjects))
    assert "the digest of all files" in refusal_of(both).message


def test_subjects_of_another_kind_are_refused() -> None:
    summary, decision = statements(attestation())
    first, *rest = summary.subjects
    for digest in ({"sha1": "0" * 40}, {"sha256": "0" * 64, "gitCommit": COMMIT}):
        odd = (replace(first, digest=digest), *rest)
        error = refusal_of(sealed(replace(summary, subjects=odd), replace(decision, subjects=odd)))
        assert "one sha256 for each file" in error.message


SHAPES = {
    "the summary lacks 'verificationResult'": (0, lambda said: said.pop("verificationResult")),
    "the summary lacks 'timeVerified'": (0, lambda said: said.pop("timeVerified")),
    "'MAYBE'": (0, _set("verificationResult", to="MAYBE")),
    "the decision lacks 'facts'": (1, lambda said: said.pop("facts")),
    "the decision.verdict is no text": (1, _set("verdict", to=1)),
    "'permit'": (1, _set("verdict", to="permit")),
    "the decision.reportSha256": (1, _set("reportSha256", to="ab")),
    "there is no such time": (1, _set("decidedAt", to="2026-13-40T00:00:00Z")),
    "the decision.findingsTotal is no whole number": (1, _set("findingsTotal", to=True)),
    "the decision.waivers is no list": (1, _set("waivers", to={})),
    "is no fact": (1, _set("facts", "bytes.hub", to={"a": 1})),
}


@pytest.mark.parametrize("words", SHAPES)
def test_a_predicate_of_another_shape_is_refused_even_when_signed(words: str) -> None:
    which, change = SHAPES[words]
    made = list(statements(attestation()))
    made[which] = with_predicate(made[which], change)
    error = refusal_of(sealed(*made))
    assert words in error.message
    assert error.refusal is Refusal.MALFORMED


def test_fields_that_nobody_knows_are_passed_over() -> None:
    made = [with_predicate(each, _set("https://example.com/more", to=[1])) for each in statements(attestation())]
    assert attest.read_verdict(sealed(*made)).decision == attest.read_verdict(verdict()).decision


def test_a_flipped_bit_in_the_payload_is_a_bad_signature() -> None:
    summary, decision = verdict().splitlines()
    envelope = json.loads(decision)
    payload = base64.b64decode(envelope["payload"]).replace(b'"because":"The', b'"because":"Thy')
    envelope["payload"] = base64.b64encode(payload).decode()
    read = attest.read_verdict(summary + b"\n" + json.dumps(envelope).encode())
    with pytest.raises(SignatureError) as caught:
        attest.verify_verdict(read, [ALICE.public_key])
    assert caught.value.refusal is Refusal.BAD_SIGNATURE


def test_a_level_that_no_fact_bears_is_refused_and_one_of_another_version_is_not() -> None:
    summary, decision = statements(attestation())
    levels = list(summary.predicate["verifiedLevels"])
    claimed = with_predicate(summary, _set("verifiedLevels", to=[*levels, "GATEKEEPER_LOCKED"]))
    assert "disagree about its levels" in refusal_of(sealed(claimed, decision)).message
    later = with_predicate(summary, _set("verifiedLevels", to=[*levels, "GATEKEEPER_OF_TOMORROW"]))
    assert attest.read_verdict(sealed(later, decision)).summary.verified_levels[-1] == "GATEKEEPER_OF_TOMORROW"


@pytest.mark.parametrize("inputs", [{}, ["x"], [{"name": "report.json"}], [{"name": "report.json", "digest": {}}]])
def test_inputs_of_another_shape_are_refused(inputs: Any) -> None:
    summary, decision = statements(attestation())
    bent = with_predicate(summary, _set("inputAttestations", to=inputs))
    assert refusal_of(sealed(bent, decision)).refusal is Refusal.MALFORMED
