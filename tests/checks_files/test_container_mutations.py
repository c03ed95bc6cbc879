"""Whatever becomes of an honest container, its parser ends in an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checks_files.test_structure_ends import SAMPLES
from tests.support.container_parsers import PARSERS

WHOLE = {kind.value: make() for kind, (_, make) in SAMPLES.items()}
VALUES = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), VALUES), min_size=1, max_size=4)


@pytest.mark.parametrize("parser", [name for name in PARSERS if name != "unpack"])
@given(data=st.data(), changes=CHANGES, kept=st.floats(0.1, 1))
@settings(deadline=None, max_examples=25)
def test_every_parser_ends_in_an_answer(
    parser: str, data: st.DataObject, changes: list[tuple[float, int]], kept: float
) -> None:
    own = parser.rsplit(" ", 1)[-1]
    sample = bytearray(WHOLE[own if own in WHOLE else data.draw(st.sampled_from(sorted(WHOLE)))])
    for place, value in changes:
        sample[int(place * len(sample))] = value
    PARSERS[parser](bytes(sample[: max(1, int(kept * len(sample)))]))
