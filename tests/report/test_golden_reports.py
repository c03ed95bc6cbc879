"""Every view of one attestation per action and of a scan is what was last agreed on."""

from __future__ import annotations

import re

import pytest

from tests.support.attestations import CASES, GOLDEN, views

# What prompts are called says nothing about the artifact.
_PRAISE = re.compile(r"\b(clean|safe|trustworthy|harmless|secure)\b(?! (?:prompts?|text)\b)", re.IGNORECASE)


@pytest.mark.parametrize("case", CASES)
def test_views_equal_their_golden_files(case: str) -> None:
    for ending, text in views(CASES[case]()).items():
        golden = (GOLDEN / f"{case}{ending}").read_bytes().decode("utf-8")
        assert text == golden, (
            f"{case}{ending} differs: python -m tests.support.attestations --write, then read the diff"
        )


def test_every_golden_file_belongs_to_a_case() -> None:
    written = {f"{case}{ending}" for case, build in CASES.items() for ending in views(build())}
    assert {path.name for path in GOLDEN.iterdir()} == written


@pytest.mark.parametrize("case", CASES)
def test_no_view_praises_an_artifact(case: str) -> None:
    for text in views(CASES[case]()).values():
        assert not _PRAISE.search(text)


@pytest.mark.parametrize("ending", [".html", ".txt"])
def test_allow_says_what_it_rests_on(ending: str) -> None:
    text = " ".join(views(CASES["allow"]())[ending].split())
    assert "nothing else found, by these checks, within these limits" in text
