"""Laws of references: what parses prints to something that parses to the same; nothing else escapes as a traceback."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.artifact import Reference, Scheme
from gatekeeper.errors import InputError
from gatekeeper.sources import parse

word = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
segment = st.builds("-".join, st.lists(word, min_size=1, max_size=3))
names = st.one_of(segment, st.builds("{}/{}".format, segment, segment)).filter(
    lambda name: name.split("/")[0] not in {"datasets", "spaces", "buckets", "kernels"}
)
revisions = st.one_of(
    st.just(""),
    segment,
    st.builds("refs/pr/{}".format, st.integers(1, 9999)),
    st.text("0123456789abcdef", min_size=40, max_size=40),
    st.builds("/".join, st.lists(segment, min_size=1, max_size=3)),
).filter(lambda revision: not revision.endswith(".lock"))


@given(names, revisions)
def test_hub_references_round_trip(name, revision):
    reference = Reference(scheme=Scheme.HUB, name=name, revision=revision)
    assert parse(str(reference)) == reference
    assert parse(str(parse(str(reference)))) == reference


@given(names, revisions.filter(bool))
def test_a_revision_apart_or_after_the_at_is_the_same(name, revision):
    assert parse(f"hf://{name}", revision=revision) == parse(f"hf://{name}@{revision}")


@given(
    st.one_of(
        st.text(max_size=60),
        st.text("hf:/@.-_ab\\%~?#\0\n0", max_size=30),
        st.builds("https://huggingface.co/{}".format, st.text(max_size=30)),
        st.builds("file://{}".format, st.text(max_size=30)),
    ),
    st.one_of(st.none(), st.text(max_size=10)),
)
def test_any_text_parses_or_is_an_input_error(text, revision):
    try:
        reference = parse(text, revision=revision)
    except InputError:
        return
    assert parse(str(reference)) == reference
    if reference.scheme is Scheme.HUB:
        assert ".." not in f"{reference.name}/{reference.revision}"
        assert reference.name.isascii()
        assert not {"\\", "\0", " "} & set(str(reference))
