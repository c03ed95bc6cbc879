"""What the corpus promises: size, spread, held-out share, honest labels, inert bytes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.corpus import CASES, Label
from tests.support.corpus.case import cases, unique

LEAST = {Label.MALICIOUS: (200, 25), Label.BENIGN: (80, 10), Label.BROKEN: (60, 8)}


@pytest.mark.parametrize("label", Label)
def test_there_is_enough_of_each_kind(label: Label) -> None:
    families = Counter(case.family for case in CASES if case.label is label)
    least, classes = LEAST[label]
    assert families.total() >= least
    assert len(families) >= classes


@pytest.mark.parametrize("label", Label)
def test_a_quarter_of_the_families_is_held_out(label: Label) -> None:
    families = {case.family: case.held_out for case in CASES if case.label is label}
    assert sum(families.values()) >= len(families) / 4


def test_a_family_is_neither_split_nor_named_twice() -> None:
    made = {"a": lambda: {"x": b""}}
    whole = cases(Label.BROKEN, "f", made, loader="x")
    held = cases(Label.BROKEN, "f", {"b": made["a"]}, loader="x", held_out=True)
    with pytest.raises(ValueError, match="one id"):
        unique([whole, whole])
    with pytest.raises(ValueError, match="split"):
        unique([whole, held])


def test_only_honest_cases_are_counted_apart() -> None:
    assert {case.label for case in CASES if case.apart} == {Label.BENIGN}


def test_every_light_case_writes_files_below_its_folder(tmp_path: Path) -> None:
    for case in CASES:
        if case.needs or case.family.startswith("greedy"):
            continue
        folder = tmp_path / case.id
        folder.mkdir(parents=True)
        case.write(folder)
        assert any(path.is_file() or path.is_symlink() for path in folder.rglob("*")), case.id
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 12 * 2**20, case.id
