"""Locks as values, and strategies for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st

from gatekeeper.artifact import Kind, artifact_digest
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action
from gatekeeper.lock import Lock, LockedBase, LockedFile, LockedModel

POLICY = f"sha256:{'c0de' * 16}"
DECIDED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def digest_of_files(files: Iterable[LockedFile]) -> str:
    """Give the digest of an artifact with these files, in whatever order they are given."""
    return artifact_digest((file.path, file.sha256) for file in sorted(files, key=lambda file: file.path))


def model_of(id: str, commit: str, files: tuple[LockedFile, ...]) -> LockedModel:
    """Pin these files, which somebody allowed."""
    return LockedModel(
        id=id,
        commit=commit,
        digest=digest_of_files(files),
        kind=Kind.MODEL,
        files=files,
        policy=POLICY,
        verdict=Action.ALLOW,
        decided_at=DECIDED,
    )


def pinned(attestation: Attestation) -> LockedModel:
    """Pin the bytes of an attestation."""
    subject, decision = attestation.subject, attestation.verdict
    return LockedModel(
        id=subject.name,
        commit=subject.commit,
        digest=subject.digest,
        kind=subject.kind,
        files=tuple(LockedFile(path=file.path, size=file.size, sha256=file.sha256) for file in subject.files),
        policy=decision.policy_digest,
        verdict=decision.action,
        decided_at=attestation.created_at,
    )


def lock_of(*attestations: Attestation) -> Lock:
    """Pin the bytes of some attestations."""
    return Lock(models=tuple(sorted((pinned(each) for each in attestations), key=lambda model: model.id)))


def entry(id: str, paths: tuple[str, ...] = ("config.json", "model.safetensors"), salt: str = "") -> LockedModel:
    """Give an entry whose digests follow from its names and the salt."""
    files = tuple(
        LockedFile(path=path, size=len(path), sha256=hashlib.sha256(f"{id}{path}{salt}".encode()).hexdigest())
        for path in sorted(paths)
    )
    return model_of(id, hashlib.sha1(f"{id}{salt}".encode(), usedforsecurity=False).hexdigest(), files)


def large(models: int = 100, files: int = 15) -> Lock:
    """Give a lock of many models with many files."""
    paths = tuple(f"model-{number:05}-of-{files:05}.safetensors" for number in range(files))
    return Lock(models=tuple(entry(f"org-{number % 9}/name-{number:04}", paths) for number in _in_order(models)))


def _in_order(models: int) -> list[int]:
    return sorted(range(models), key=lambda number: f"org-{number % 9}/name-{number:04}")


_PLAIN = st.from_regex(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,12}[A-Za-z0-9_])?", fullmatch=True).filter(
    lambda text: ".." not in text and not text.endswith(".git")
)
IDS = st.tuples(_PLAIN, _PLAIN).map("/".join) | _PLAIN
_ODD = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)
PATHS = (
    st.lists(_PLAIN | _ODD.filter(lambda text: text not in {".", ".."}), min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda path: not (path[1:2] == ":" and path[:1].isascii() and path[:1].isalpha()))
)
_HEX40 = st.binary(min_size=20, max_size=20).map(bytes.hex)
_HEX64 = st.binary(min_size=32, max_size=32).map(bytes.hex)
_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@st.composite
def _models(draw: st.DrawFn, id: str) -> LockedModel:
    paths = draw(st.lists(PATHS, min_size=1, max_size=4, unique=True))
    files = tuple(
        LockedFile(path=path, size=draw(st.integers(0, 2**40)), sha256=draw(_HEX64)) for path in sorted(paths)
    )
    return LockedModel(
        id=id,
        commit=draw(_HEX40),
        digest=digest_of_files(files),
        kind=draw(st.sampled_from(Kind)),
        files=files,
        signer=draw(st.just("") | _PLAIN | _TEXTS),
        base=draw(st.none() | st.builds(LockedBase, id=IDS, commit=st.just("") | _HEX40)),
        policy=f"sha256:{draw(_HEX64)}",
        verdict=draw(st.sampled_from(Action)),
        decided_at=draw(st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1))).replace(microsecond=0, tzinfo=UTC),
        exclude=tuple(draw(st.lists(_PLAIN | _TEXTS, max_size=2))),
    )


@st.composite
def locks(draw: st.DrawFn, most: int = 3) -> Lock:
    """Any lock that can be written."""
    ids = draw(st.lists(IDS, max_size=most, unique=True))
    return Lock(models=tuple(draw(_models(id)) for id in sorted(ids)))
