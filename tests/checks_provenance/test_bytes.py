from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.artifact import ExcludedFile, Irregularity, IrregularityKind
from gatekeeper.checks.provenance.bytes import Bytes
from gatekeeper.evidence import Hazard, Severity, Status, Strength
from tests.support.hub_artifacts import file, folder, hub, listed, offline, platform, run, slugs

TAMPERED = b"dat4"


def repo(*entries, files, **changes):
    return hub(record=platform(listed=entries, siblings=()), files=files, **changes)


def irregular(kind: IrregularityKind, path: str) -> tuple[Irregularity, ...]:
    return (Irregularity(kind=kind, path=path, detail="It broke."),)


@pytest.mark.parametrize("lfs", [True, False])
def test_equal_bytes_match(lfs: bool) -> None:
    result = run(Bytes(), repo(listed("a", lfs=lfs), files=(file("a", lfs=lfs),)))
    assert slugs(result) == []
    assert result.facts == {"bytes.hub": "match"}


@given(before=st.binary(max_size=40), after=st.binary(max_size=40), lfs=st.booleans())
def test_bytes_match_exactly_when_they_are_equal(before: bytes, after: bytes, lfs: bool) -> None:
    result = run(Bytes(), repo(listed("a", before, lfs=lfs), files=(file("a", after, lfs=lfs),)))
    assert result.facts["bytes.hub"] == ("match" if before == after else "mismatch")


@pytest.mark.parametrize("lfs", [True, False])
def test_a_mismatch_is_tampering_and_shows_both_digests(lfs: bool) -> None:
    ours, theirs = file("a", TAMPERED, lfs=lfs), listed("a", lfs=lfs)
    result = run(Bytes(), repo(theirs, files=(ours,)))
    assert slugs(result) == ["mismatch"]
    finding = result.findings[0]
    assert (finding.hazard, finding.severity) == (Hazard.TAMPERED, Severity.CRITICAL)
    assert finding.strength is Strength.CRYPTOGRAPHIC
    assert ((ours.sha256 if lfs else ours.git_sha1) or "?")[:16] in finding.message
    assert ((theirs.lfs_sha256 if lfs else theirs.git_oid) or "?")[:16] in finding.message
    assert "cache" in finding.message


def test_a_mismatch_counts_beside_what_was_not_compared() -> None:
    files = (file("a", TAMPERED), file("b", hashed=False))
    result = run(Bytes(), repo(listed("a"), listed("b"), files=files))
    assert (result.status, result.facts["bytes.hub"]) == (Status.UNKNOWN, "mismatch")


def test_digests_are_compared_whatever_their_letter_case() -> None:
    entry = listed("a")
    entry = replace(entry, lfs_sha256=(entry.lfs_sha256 or "").upper())
    assert run(Bytes(), repo(entry, files=(file("a"),))).facts["bytes.hub"] == "match"


def test_one_digest_with_two_sizes_is_no_match() -> None:
    result = run(Bytes(), repo(replace(listed("a"), size=5), files=(file("a"),)))
    assert slugs(result) == ["size"]
    assert result.facts["bytes.hub"] == "mismatch"


@pytest.mark.parametrize("digest", ["", "sha256:", "0" * 63, "g" * 64, "\u0660" * 64])
def test_a_listing_without_a_digest_is_unknown(digest: str) -> None:
    result = run(Bytes(), repo(replace(listed("a"), lfs_sha256=digest), files=(file("a"),)))
    assert (result.status, result.facts["bytes.hub"]) == (Status.UNKNOWN, "unknown")


def test_a_small_file_without_our_git_digest_is_unknown() -> None:
    result = run(Bytes(), repo(listed("a", lfs=False), files=(file("a", lfs=True),)))
    assert (result.status, result.facts["bytes.hub"]) == (Status.UNKNOWN, "unknown")


def test_bytes_that_were_not_downloaded_are_unknown() -> None:
    files = (file("a", lfs=False), file("model.safetensors", hashed=False))
    result = run(Bytes(), repo(listed("a", lfs=False), listed("model.safetensors"), files=files, metadata_only=True))
    assert (result.status, result.facts["bytes.hub"]) == (Status.UNKNOWN, "unknown")
    assert [gap.path for gap in result.gaps] == ["model.safetensors"]


def test_a_file_that_is_not_listed_is_tampering() -> None:
    result = run(Bytes(), repo(listed("a"), files=(file("a"), file("b.pkl"))))
    assert slugs(result) == ["extra"]
    assert result.facts["bytes.hub"] == "mismatch"


def test_an_empty_listing_compares_nothing() -> None:
    assert run(Bytes(), repo(files=(file("a"),))).facts["bytes.hub"] == "unknown"


@pytest.mark.parametrize("irregularities", [(), irregular(IrregularityKind.MISSING, "b")])
def test_a_listed_file_that_was_not_had_is_told_once(irregularities: tuple[Irregularity, ...]) -> None:
    result = run(Bytes(), repo(listed("a"), listed("b"), files=(file("a"),), irregularities=irregularities))
    assert slugs(result) == ["missing"]
    assert result.findings[0].location.path == "b"


@pytest.mark.parametrize("kind", [IrregularityKind.PATH_ESCAPE, IrregularityKind.SKIPPED])
def test_what_files_paths_tells_of_is_not_told_again(kind: IrregularityKind) -> None:
    artifact = repo(listed("a"), listed("../b"), files=(file("a"),), irregularities=irregular(kind, "../b"))
    assert slugs(run(Bytes(), artifact)) == []


def test_another_number_of_bytes_than_announced_is_tampering() -> None:
    irregularities = irregular(IrregularityKind.SIZE_MISMATCH, "b")
    result = run(Bytes(), repo(listed("a"), listed("b"), files=(file("a"),), irregularities=irregularities))
    assert slugs(result) == ["size"]
    assert (result.findings[0].hazard, result.facts["bytes.hub"]) == (Hazard.TAMPERED, "mismatch")


def test_a_path_that_is_listed_twice_must_match_both_times() -> None:
    result = run(Bytes(), repo(listed("a"), listed("a", TAMPERED), files=(file("a"),)))
    assert slugs(result) == ["mismatch", "listed-twice"]


def test_listings_that_differ_are_told_for_each_file_once() -> None:
    record = platform(listed=(listed("a"), listed("b")), siblings=("a", "c"))
    irregularities = irregular(IrregularityKind.UNLISTED, "c")
    result = run(Bytes(), hub(record=record, files=(file("a"), file("b")), irregularities=irregularities))
    assert slugs(result) == ["listings-differ", "listings-differ"]
    assert [finding.location.path for finding in result.findings] == ["b", "c"]
    assert {finding.hazard for finding in result.findings} == {Hazard.SUSPICIOUS}


def test_offline_is_unknown() -> None:
    result = run(Bytes(), offline())
    assert (result.status, result.facts["bytes.hub"]) == (Status.UNKNOWN, "unknown")


def test_a_local_folder_is_unlisted_and_not_unknown() -> None:
    result = run(Bytes(), folder())
    assert (result.status, result.facts["bytes.hub"]) == (Status.NOT_APPLICABLE, "unlisted")


def test_hostile_paths_are_shown_printable() -> None:
    path = "\u202egpj.\x1b[31m\udcff.bin"
    result = run(Bytes(), repo(listed("a"), listed(path), files=(file("a"), file("b\u202e"))))
    assert all(finding.message.isprintable() for finding in result.findings)


def test_what_was_left_out_is_not_missing_and_what_stayed_is_compared() -> None:
    record = platform(listed=(listed("model.safetensors"), listed("evil.bin"), listed("gone.bin")))
    out = (ExcludedFile(path="evil.bin", size=4),)
    fields = {"record": record, "exclude": ("evil.bin",), "excluded": out}
    result = run(Bytes(), hub(files=(file("model.safetensors"),), **fields))
    assert [finding.location.path for finding in result.findings if finding.id.endswith("missing")] == ["gone.bin"]
    spoilt = run(Bytes(), hub(files=(file("model.safetensors", b"evil"),), **fields))
    assert spoilt.facts["bytes.hub"] == "mismatch"
