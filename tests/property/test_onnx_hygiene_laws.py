"""Hygiene of ONNX files, for any bytes that parse: it ends, and says only what it has rules for and can be shown."""

from __future__ import annotations

import onnx
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.checks.onnx.problems import MOST_OF_A_KIND
from gatekeeper.checks.onnx.structure import examine
from gatekeeper.checks.onnx.structure_external import escapes
from gatekeeper.checks.onnx.structure_rules import RULES
from tests.support.onnx_changes import CASES, model

SLUGS = {rule.slug for rule in RULES}


def seeds() -> list[bytes]:
    """The sound model, and each of the broken ones that is not large."""
    found = [model().SerializeToString()]
    for _, change in CASES:
        made = model()
        change(made)
        found.append(made.SerializeToString())
    return [data for data in found if len(data) < 2_000]


SEEDS = seeds()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 1_999), st.sampled_from(["flip", "cut", "copy"]), st.integers(0, 255))),
)
def test_whatever_parses_is_examined(data: bytes, edits: list[tuple[int, str, int]]) -> None:
    changed = bytearray(data)
    for at, how, byte in edits[:6]:
        at %= max(1, len(changed))
        if how == "flip":
            changed[at : at + 1] = bytes([byte])
        elif how == "cut":
            del changed[at : at + 1 + byte % 16]
        else:
            changed[at:at] = changed[at : at + byte]
    try:
        parsed = onnx.ModelProto.FromString(bytes(changed))
    except DecodeError:
        return
    structure = examine(parsed, bytes(changed))
    slugs = [problem.slug for problem in structure.problems]
    assert set(slugs) <= SLUGS
    assert all(slugs.count(slug) <= MOST_OF_A_KIND for slug in slugs)
    shown = [structure.exporter, *structure.unjudged]
    shown += [text for problem in structure.problems for text in (problem.message, problem.detail)]
    assert all(text.isprintable() for text in shown)
    assert not any(escapes(loose.location) for loose in structure.loose)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["..", ".", "a", "w.bin", "", "/", "\\", "C:", "~"]), max_size=6), st.sampled_from("/\\")
)
def test_a_place_that_does_not_escape_stays_in_the_folder(parts: list[str], separator: str) -> None:
    import ntpath
    import posixpath

    location = separator.join(parts)
    if escapes(location):
        return
    for flavour, root in ((posixpath, "/root/model"), (ntpath, "C:\\root\\model")):
        led = flavour.normpath(flavour.join(root, location))
        assert led.startswith(root)
