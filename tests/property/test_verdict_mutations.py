"""A verdict with one thing changed is refused, unless what it says, who signed it and the files are all the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from gatekeeper import attest
from gatekeeper.errors import SignatureError
from gatekeeper.signing import envelope_json, sign, statement_json, wrap
from tests.support.signing import key_pair
from tests.support.verdicts import attestation, statements

ALICE, BOB = key_pair("alice"), key_pair("bob")
KEYS = [ALICE.public_key, BOB.public_key]
ENVELOPES = [sign(statement_json(each), ALICE.signer) for each in statements(attestation())]
LINES = "\n".join(envelope_json(each) for each in ENVELOPES).encode()
BUNDLES = tuple(wrap(each, ALICE.signer.key_id).encode() for each in ENVELOPES)
MUTATIONS = 2_400


def _bit(data: bytearray, at: int, dice: random.Random) -> None:
    data[at] ^= 1 << dice.randrange(8)


def _byte(data: bytearray, at: int, dice: random.Random) -> None:
    data[at] = dice.choice(b'"{}[]:,=+/Aa0 \n\\')


def _insert(data: bytearray, at: int, dice: random.Random) -> None:
    data.insert(at, dice.choice(b'"{}[]:,=+/Aa0 \n\\'))


def _delete(data: bytearray, at: int, dice: random.Random) -> None:
    del data[at : at + dice.choice((1, 1, 2, 4, 64))]


def _repeat(data: bytearray, at: int, dice: random.Random) -> None:
    data[at:at] = data[at : at + dice.choice((1, 4, 64, 400))]


def _swap(data: bytearray, at: int, dice: random.Random) -> None:
    other = dice.randrange(len(data))
    data[at], data[other] = data[other], data[at]


def _cut(data: bytearray, at: int, dice: random.Random) -> None:
    del data[at:]


KINDS: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    _bit, _byte, _insert, _delete, _repeat, _swap, _cut,
)  # fmt: skip


def mutants(documents: Sequence[bytes], seed: int) -> Iterator[list[bytes]]:
    dice = random.Random(seed)
    for number in range(MUTATIONS // 2):
        changed = [bytearray(each) for each in documents]
        which = dice.choice(changed)
        KINDS[number % len(KINDS)](which, dice.randrange(len(which)), dice)
        yield [bytes(each) for each in changed]


@pytest.mark.parametrize("documents", [(LINES,), BUNDLES], ids=["lines", "bundles"])
def test_no_single_mutation_is_accepted_with_another_meaning(documents: Sequence[bytes]) -> None:
    honest = attest.read_verdict(*documents)
    refused: list[str] = []
    for mutant in mutants(documents, seed=len(documents)):
        try:
            read = attest.read_verdict(*mutant)
            key = attest.verify_verdict(read, KEYS)
        except SignatureError as error:
            refused.append(error.message)
            continue
        assert key == ALICE.public_key
        assert (read.summary, read.decision, read.files, read.commit) == (
            honest.summary, honest.decision, honest.files, honest.commit,
        )  # fmt: skip
    assert len(refused) > 0.9 * MUTATIONS / 2
    assert all(message.isprintable() for message in refused)
