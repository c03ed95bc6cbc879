"""Laws of listed paths: what is accepted stays inside any root; what collides on some disk is said."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePosixPath

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.sources.paths import collisions, refusal

tricky = st.text("aA./\\:\0\n\x7f\u0085é\u0301\ud800~C", max_size=20)
paths = st.one_of(st.text(max_size=40), tricky, st.builds("/".join, st.lists(tricky, max_size=4)))


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most tricky paths are refused: that is their use
@given(paths)
def test_an_accepted_path_stays_inside_the_root(path):
    assume(not refusal(path, DEFAULT_LIMITS))
    root = Path("/root/of/it")
    assert os.path.normpath(root / path) == f"{root}/{path}"
    assert Path(os.path.normpath(root / path)).is_relative_to(root)
    assert str(PurePosixPath(path)) == path
    path.encode("utf-8")


@given(
    st.sampled_from(["..", ".", "", "a\\b", "a\0", "a\x1b", "C:", "c:x"]), st.lists(st.sampled_from("ab"), max_size=2)
)
def test_one_bad_part_refuses_the_path(bad, around):
    assert refusal("/".join([bad, *around]), DEFAULT_LIMITS)


@given(st.integers(1, 3000))
def test_long_paths_are_refused_by_bytes(length):
    path = "/".join(["é" * 100] * (length // 100) + ["é" * (length % 100 or 1)])
    assert bool(refusal(path, DEFAULT_LIMITS)) == (len(path.encode()) > DEFAULT_LIMITS.path_bytes)


@given(
    st.lists(
        st.text("aAéE\u0301ßs/", min_size=1, max_size=4).filter(lambda p: not refusal(p, DEFAULT_LIMITS)), unique=True
    )
)
def test_collisions_are_found_for_files_exactly(names):
    def folded(name):
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

    found = {each.path for each in collisions(PurePosixPath(name) for name in names)}
    assert found <= set(names)
    same = {name for name in names if any(folded(name) == folded(other) for other in names if other != name)}
    first = {next(name for name in names if folded(name) == fold) for fold in {folded(name) for name in same}}
    assert same - first <= found
    assert bool(same) <= bool(found)
