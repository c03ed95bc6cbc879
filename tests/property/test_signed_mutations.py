"""Whatever is signed or pinned, with one thing changed: refused, or statement, key and files are still the same.

The plan is seeded. Keys are made for each run, so a failure shows the bytes that were accepted.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import attest, lockfile
from gatekeeper.admission import admit
from gatekeeper.checks.provenance.lock import Lock as LockCheck
from gatekeeper.checks.provenance.signature import Signature as SignatureCheck
from gatekeeper.errors import GatekeeperError
from gatekeeper.lock import Lock
from gatekeeper.policy import load
from gatekeeper.signers import Approver, TrustedSigner
from gatekeeper.signing import (
    envelope_json,
    load_public_key,
    parse_bundle,
    parse_envelope,
    parse_statement,
    sign,
    statement_json,
    wrap,
)
from gatekeeper.signing.certificates import certified_key
from tests.signing_oms.test_oms_mutations import BY_CERTIFICATE, ISSUED
from tests.signing_oms.test_oms_mutations import FILES as OMS_FILES
from tests.support.hub_artifacts import CONTEXT, file, hub, platform
from tests.support.locks import lock_of
from tests.support.mutations import NEVER, OF_BYTES, OF_ENVELOPES, OF_LINES, Mutation
from tests.support.oms import bundle, by_key, by_root, plain
from tests.support.signing import NOW as CERTIFIED_NOW
from tests.support.signing import key_pair
from tests.support.verdicts import (
    COMMIT,
    EXPECTED,
    FILES,
    NAME,
    NOW,
    POLICY_DIGEST,
    URI,
    attestation,
    lay_out,
    refused,
    sign_off,
    statements,
    verdict,
)

ALICE, BOB = key_pair("alice"), key_pair("bob")
KEYS = (ALICE.public_key, BOB.public_key)


class NotAdmittedError(GatekeeperError):
    """The answer is no; its words are the reason."""


@dataclass(frozen=True, kw_only=True)
class Signed:
    """Something that is believed because of a signature or a digest."""

    documents: tuple[bytes, ...]
    believed: Callable[[Sequence[bytes], Path], object]
    """Documents and a folder to work in → statement, key and digests; raises a GatekeeperError when refused."""

    mutations: Mapping[str, Mutation]
    count: int
    others: tuple[bytes, ...] = field(default=())
    """Valid documents by the same key."""


def believed_verdict(documents: Sequence[bytes], place: Path, keys: Sequence[Any] = KEYS) -> object:
    if not (place / "model").exists():
        lay_out(place / "model")
    expected = replace(EXPECTED, keys=tuple(keys), resources=(URI,), policy_digest=POLICY_DIGEST)
    answer = admit(place / "model", {"verdict": documents}, expected, now=NOW)
    if not answer.admitted:
        raise NotAdmittedError(answer.reason)
    assert answer.verdict is not None
    sealed = [each.envelope if hasattr(each, "envelope") else each for each in answer.verdict.sealed]
    said = sorted((parse_statement(each.payload) for each in sealed), key=lambda each: each.predicate_type)
    return said, attest.verify_verdict(answer.verdict, keys).key_id, answer.verdict.files


def believed_approval(documents: Sequence[bytes], place: Path) -> object:
    data = documents[0]
    approvers = [Approver(name=name, key=key_pair(name).public_key.pem) for name in ("bob", "alice")]
    given = attest.read_approval(data, approvers)
    about = refused()
    if not (place / "model").exists():
        lay_out(place / "model")
    answer = admit(place / "model", {"verdict": [verdict(about)]}, EXPECTED, approvals=[given], now=NOW)
    if not answer.admitted:
        raise NotAdmittedError(answer.reason)
    # Blanks around the statement are no part of it, but of the file, whose digest names it.
    return replace(given, sha256=""), parse_statement(parse_envelope(data).payload)


def believed_publisher(documents: Sequence[bytes], place: Path, signer: TrustedSigner) -> object:
    """Ask the check itself, not `inspect`: that would make a gap of a crash."""
    data = documents[0]
    artifact = plain(*OMS_FILES, file("model.sig", data))
    outcome = SignatureCheck().run(artifact, replace(CONTEXT, now=CERTIFIED_NOW, signers=(signer,)))
    if (outcome.facts["signature.status"], outcome.facts["signature.trusted"]) != ("valid", True):
        assert outcome.facts["signature.trusted"] is False
        words = [each.message for each in outcome.findings] + [each.reason for each in outcome.gaps]
        raise NotAdmittedError(words[0])
    read = parse_bundle(data)
    key = certified_key(read.certificates, signer.certificates, CERTIFIED_NOW).key_id if read.certificates else "hint"
    return parse_statement(read.envelope.payload), key, outcome.facts["signature.signer"]


def believed_key(documents: Sequence[bytes], place: Path) -> object:
    return believed_verdict([VERDICT], place, [load_public_key(documents[0])])


def read_lock(documents: Sequence[bytes], place: Path) -> Lock:
    path = place / "gatekeeper.lock"
    path.write_bytes(documents[0])
    return lockfile.read(path)


def admitted_lock(documents: Sequence[bytes], place: Path) -> object:
    lock = read_lock(documents, place)
    if not (place / "model").exists():
        lay_out(place / "model")
    answer = admit(place / "model", {"verdict": [VERDICT]}, EXPECTED, lock=lock, name=NAME, now=NOW)
    if not answer.admitted:
        raise NotAdmittedError(answer.reason)
    model = lock.model(NAME)
    assert model is not None
    return model.commit, model.digest, {each.path: each.sha256 for each in model.files}


def gated_lock(documents: Sequence[bytes], place: Path) -> object:
    """Hold the files against the entry as `gate --locked` does."""
    model = read_lock(documents, place).model(NAME)
    if model is None:
        raise NotAdmittedError("the lock has no such model")
    files = tuple(file(path, data) for path, data in sorted(FILES.items()))
    artifact = hub(NAME, revision=COMMIT, files=files, record=platform(commit=COMMIT))
    outcome = LockCheck().run(artifact, replace(CONTEXT, locked=model))
    if outcome.findings:
        raise NotAdmittedError(outcome.findings[0].message)
    assert outcome.facts["bytes.lock"] == "match"
    return model.commit, model.digest, model.files


def loaded_policy(documents: Sequence[bytes], place: Path) -> object:
    """A verdict is by the policy of just these bytes."""
    path = place / "policy.yaml"
    path.write_bytes(documents[0])
    policy = load(path)
    if policy.digest != load_policy_digest(place):
        raise NotAdmittedError("the policy is another one")
    return documents[0]


def load_policy_digest(place: Path) -> str:
    path = place / "honest.yaml"
    path.write_bytes(POLICY)
    return load(path).digest


POLICY = b"apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [harbour]}\n"

VERDICT = verdict()
SEALED = [sign(statement_json(each), ALICE.signer) for each in statements(attestation())]
OTHER_VERDICTS = (
    verdict(attestation({**FILES, "run.py": b""})),
    verdict(refused()),
    verdict(attestation(created_at=NOW - timedelta(days=1))),
    verdict(attestation(policy_digest="sha256:" + "0" * 64)),
    verdict(attestation(facts={"bytes__lock": "match", "signature__trusted": True})),
)
APPROVED = refused()
SIGN_OFF = attest.approval_statement(replace(sign_off(APPROVED), signer=""), APPROVED.subject.files)
SIGNED_OFF = envelope_json(sign(statement_json(SIGN_OFF), ALICE.signer)).encode()
OF_ANOTHER_ROW = attest.approval_statement(
    replace(sign_off(APPROVED), signer="", row="unknown"), APPROVED.subject.files
)
OTHER_SIGN_OFF = envelope_json(sign(statement_json(OF_ANOTHER_ROW), ALICE.signer)).encode()
BY_KEY = bundle(plain(*OMS_FILES), ALICE)
OTHER_BY_KEY = bundle(plain(*OMS_FILES, file("run.py", b"")), ALICE)
ONE_SUBJECT = {kind: each for kind, each in OF_ENVELOPES.items() if kind != "state: swap subjects"}
LOCKED = lockfile.dump(lock_of(attestation())).encode()


SIGNED: Mapping[str, Signed] = {
    "verdict": Signed(
        documents=(VERDICT,), believed=believed_verdict, mutations={**OF_ENVELOPES, **OF_LINES}, count=900,
        others=(*OTHER_VERDICTS, SIGNED_OFF, BY_KEY),
    ),
    "bundles": Signed(
        documents=tuple(wrap(each, ALICE.signer.key_id).encode() for each in SEALED), believed=believed_verdict,
        mutations=OF_ENVELOPES, count=600, others=(*OTHER_VERDICTS, SIGNED_OFF, BY_KEY),
    ),
    "approval": Signed(
        documents=(SIGNED_OFF,), believed=believed_approval, mutations=OF_ENVELOPES, count=400,
        others=(OTHER_SIGN_OFF, VERDICT, BY_KEY),
    ),
    "model.sig by key": Signed(
        documents=(BY_KEY,), believed=partial(believed_publisher, signer=by_key(ALICE)), mutations=ONE_SUBJECT,
        count=400, others=(OTHER_BY_KEY, VERDICT, SIGNED_OFF),
    ),
    "model.sig by certificate": Signed(
        documents=(BY_CERTIFICATE,), believed=partial(believed_publisher, signer=by_root(ISSUED.root_pem)),
        mutations=ONE_SUBJECT, count=400, others=(BY_KEY, OTHER_BY_KEY),
    ),
    "public key": Signed(
        documents=(ALICE.public,), believed=believed_key, mutations={**OF_BYTES, **OF_LINES}, count=200,
        others=(BOB.public, ALICE.private),
    ),
    "lock for admit": Signed(
        documents=(LOCKED,), believed=admitted_lock, mutations={**OF_BYTES, **OF_LINES}, count=300,
    ),
    "lock for gate": Signed(
        documents=(LOCKED,), believed=gated_lock, mutations={**OF_BYTES, **OF_LINES}, count=300,
    ),
    "policy": Signed(
        documents=(POLICY,), believed=loaded_policy, mutations={**OF_BYTES, **OF_LINES}, count=40,
    ),
}  # fmt: skip
ON_DISK = 180
NAMES = {**FILES, "modèle.txt": b"words", "sub/empty": b""}
"""What is deployed where bytes and names on disk are changed."""


def mutant(signed: Signed, kind: str, dice: random.Random) -> tuple[bytes, ...]:
    """Change one thing; what comes out as it was is tried again."""
    for _ in range(100):
        at = dice.randrange(len(signed.documents))
        changed = signed.mutations[kind](signed.documents[at], dice, signed.others)
        if changed is not None and changed != signed.documents[at]:
            return (*signed.documents[:at], changed, *signed.documents[at + 1 :])
    raise AssertionError(f"{kind} changes nothing")


@pytest.mark.parametrize("name", SIGNED)
def test_no_single_mutation_is_believed_unless_all_is_the_same(name: str, tmp_path: Path) -> None:
    signed, dice = SIGNED[name], random.Random(name)
    honest = signed.believed(signed.documents, tmp_path)
    tried: Counter[str] = Counter()
    refusals: list[str] = []
    kinds = [*signed.mutations]
    for number in range(signed.count):
        kind = kinds[number % len(kinds)]
        changed = mutant(signed, kind, dice)
        tried[kind] += 1
        try:
            said = signed.believed(changed, tmp_path)
        except GatekeeperError as error:
            refusals.append(error.message)
            continue
        assert said == honest, (kind, changed)
        assert kind not in NEVER, (kind, changed)
    assert tried.total() == signed.count
    assert tried.keys() == signed.mutations.keys()
    assert len(refusals) > 0.7 * signed.count
    assert [message for message in refusals if not (message and message.isprintable())] == []


def other_bytes(folder: Path, dice: random.Random) -> None:
    path = folder / dice.choice([path for path, data in NAMES.items() if data])
    before, kind = path.read_bytes(), dice.choice(["flip a bit", "insert a byte", "delete bytes", "truncate", "append"])
    path.write_bytes(OF_BYTES[kind](before, dice, ()) or b"")


def other_name(folder: Path, dice: random.Random) -> None:
    old = dice.choice([*NAMES])
    new = dice.choice([
        old.upper(), f"{old} ", f"{old}.", f"{old}~", f".{old}", f"moved/{old}", f"{old}\u202e", f"{old}\n",
        old.replace("e", "\N{CYRILLIC SMALL LETTER IE}"), old.replace(".", "\u200b."),
        f"{old}\\x", unicodedata.normalize("NFD", "modèle.txt"),
    ])  # fmt: skip
    if new == old:
        new = f"{old}2"
    (folder / new).parent.mkdir(parents=True, exist_ok=True)
    (folder / old).rename(folder / new)


def swapped(folder: Path, dice: random.Random) -> None:
    one, other = dice.sample([*NAMES], 2)
    (folder / one).write_bytes(NAMES[other])
    (folder / other).write_bytes(NAMES[one])


def missing(folder: Path, dice: random.Random) -> None:
    (folder / dice.choice([*NAMES])).unlink()


def added(folder: Path, dice: random.Random) -> None:
    name = dice.choice(["run.py", ".hidden", "sub/model.safetensors", "CONFIG.JSON", "model.sig", "a/b/c", "x\ty"])
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(dice.choice([b"", *NAMES.values()]))


def linked(folder: Path, dice: random.Random) -> None:
    (folder / f"link{dice.randrange(10)}").symlink_to(dice.choice([*NAMES, "..", "/etc/hostname", "gone", "."]))


ON_DISKS = (other_bytes, other_name, swapped, missing, added, linked)


def test_no_single_change_on_disk_is_admitted(tmp_path: Path) -> None:
    verdicts, dice = {"verdict": [verdict(attestation(NAMES))]}, random.Random("disk")
    assert admit(lay_out(tmp_path / "honest", NAMES), verdicts, EXPECTED, now=NOW).admitted
    refusals = []
    for number in range(ON_DISK):
        folder = lay_out(tmp_path / str(number), NAMES)
        change = ON_DISKS[number % len(ON_DISKS)]
        change(folder, dice)
        try:
            answer = admit(folder, verdicts, EXPECTED, now=NOW)
        except GatekeeperError as error:
            refusals.append(error.message)
            continue
        assert not answer.admitted, (number, change)
        refusals.append(answer.reason)
    assert len(refusals) == ON_DISK
    assert [message for message in refusals if not (message and message.isprintable())] == []


def test_the_mutations_are_as_many_as_promised() -> None:
    assert sum(each.count for each in SIGNED.values()) + ON_DISK >= 2_500
    assert all(each.count >= 4 * len(each.mutations) for name, each in SIGNED.items() if name != "policy")
    assert OF_ENVELOPES.keys() > NEVER
