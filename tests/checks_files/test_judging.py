"""What a judge says of one file: no error hides what was said before, and no kind of problem crowds out another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pytest

from gatekeeper.checks.files.judging import MOST_OF_A_KIND, Judging
from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.structure import Structure
from gatekeeper.errors import ContentChangedError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.sources import open_artifact, parse

FIRST = Problem(slug="zip-gap", message="first")


@pytest.mark.parametrize("error", [OSError("gone"), ContentChangedError("changed"), UnsupportedError("too new")])
def test_an_error_becomes_a_gap_and_hides_nothing_said_before(tmp_path: Path, error: Exception) -> None:
    def judge(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
        yield FIRST
        raise error

    outcome = _look(tmp_path, judge)
    assert [finding.message for finding in outcome.findings] == ["first"]
    assert str(error) in outcome.gaps[0].reason


def test_what_a_judge_could_not_look_at_is_a_gap_and_the_rest_is_told(tmp_path: Path) -> None:
    def judge(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
        yield Problem(slug=UNJUDGED, message="a part of it")
        yield FIRST
        raise StructureError("zip-truncated", "the end")

    outcome = _look(tmp_path, judge)
    assert [finding.message for finding in outcome.findings] == ["first", "the end"]
    assert [gap.reason for gap in outcome.gaps] == ["a part of it"]


def test_many_problems_of_one_kind_are_counted_and_crowd_out_no_other(tmp_path: Path) -> None:
    def judge(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
        for number in range(1000):
            yield Problem(slug="zip-gap", message=str(number))
        yield Problem(slug="zip-bomb", message="worse")

    findings = _look(tmp_path, judge).findings
    assert len(findings) == MOST_OF_A_KIND + 1
    assert findings[-2].message == f"{MOST_OF_A_KIND - 1} (and {1000 - MOST_OF_A_KIND} more like it)"
    assert findings[-1].message == "worse"


def _look(folder: Path, judge):  # type: ignore[no-untyped-def]
    (folder / "file.bin").write_bytes(b"x")
    judging = Judging(check=Structure())
    with open_artifact(parse(str(folder))) as artifact:
        judging.look(artifact.files[0], judge, DEFAULT_LIMITS)
    return judging.outcome()
