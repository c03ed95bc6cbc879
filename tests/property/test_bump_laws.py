"""Pairing: whatever stands where, nothing that is new is kept quiet, and nothing that stayed is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.bump import BumpKind
from gatekeeper.ci.pairing import Named, pair
from gatekeeper.mention import Mention, Role


def mentions(path: str) -> st.SearchStrategy[tuple[Mention, ...]]:
    one = st.builds(
        Mention,
        path=st.just(path),
        line=st.integers(0, 9),
        cell=st.integers(0, 1),
        name=st.sampled_from(["", "a/a", "b/b", "c/c"]),
        revision=st.sampled_from(["", "1", "2"]),
        role=st.sampled_from(Role),
        remote_code=st.booleans(),
        call=st.sampled_from(["", "f", "g"]),
        unresolved=st.sampled_from(["", "", "", "it is put together"]),
    ).map(lambda each: each if each.name or each.unresolved else Mention(path=path, line=1, unresolved="unknown"))
    return st.lists(one, max_size=6).map(tuple)


FILES = st.lists(
    st.integers(0, 3).flatmap(lambda n: st.builds(Named, old=mentions(f"{n}.py"), new=mentions(f"{n}.py"))), max_size=4
)


def reference(mention: Mention) -> tuple[object, ...]:
    return mention.name, mention.revision, mention.role, mention.remote_code


@given(FILES)
def test_a_reference_of_the_head_that_the_base_has_not_is_always_listed(files: list[Named]) -> None:
    bumps = pair(files)
    listed = {
        reference(mention) for bump in bumps if bump.kind in {BumpKind.ADDED, BumpKind.CHANGED} for mention in bump.new
    }
    before = {reference(mention) for file in files for mention in file.old if not mention.unresolved}
    after = {reference(mention) for file in files for mention in file.new if not mention.unresolved}
    assert listed == after - before


@given(FILES)
def test_what_is_gone_is_told_once_removed_or_replaced(files: list[Named]) -> None:
    bumps = pair(files)
    before = {reference(mention) for file in files for mention in file.old if not mention.unresolved}
    after = {reference(mention) for file in files for mention in file.new if not mention.unresolved}
    removed = [mention for bump in bumps if bump.kind is BumpKind.REMOVED for mention in bump.old]
    told = {reference(mention) for bump in bumps for mention in bump.old if not mention.unresolved}
    assert {reference(mention) for mention in removed} <= before - after <= told


@given(FILES)
def test_every_new_thing_that_can_not_be_told_is_listed_by_itself(files: list[Named]) -> None:
    listed = [bump for bump in pair(files) if bump.kind is BumpKind.UNRESOLVED]
    for file in files:
        known = [mention for mention in file.old if mention.unresolved]
        new = [mention for mention in file.new if mention.unresolved]
        whole = [mention for mention in new if not (mention.call or mention.name)]
        told = [bump for bump in listed if any(bump.new[0] is mention for mention in new)]
        assert len(told) >= max(len(new) - len(known), len(whole))
    assert all(len(bump.new) == 1 and bump.new[0].unresolved for bump in listed)


@given(FILES)
def test_what_nobody_touched_is_no_bump(files: list[Named]) -> None:
    same = [Named(old=file.new, new=file.new) for file in files]
    assert all(bump.kind is BumpKind.UNRESOLVED for bump in pair(same))


@given(FILES)
def test_the_order_of_files_changes_nothing_but_who_replaced_whom(files: list[Named]) -> None:
    turned = list(reversed(files))
    kinds = [(bump.name, bump.revision, bump.role) for bump in pair(files) if bump.kind in {"added", "changed"}]
    others = [(bump.name, bump.revision, bump.role) for bump in pair(turned) if bump.kind in {"added", "changed"}]
    assert sorted(kinds) == sorted(others)
