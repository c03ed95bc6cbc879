"""Pairs of the rules that members of archives share with files of the artifact: the same pairs, in a tar archive."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.checks.files.member_judges import member_rules
from tests.checks_files.pairs import model_code, python_code, requests, runtimes, templates
from tests.checks_files.pairs.pair import Pair, Subject
from tests.support.samples import tarred


def _packed(subject: Subject) -> Mapping[str, bytes]:
    assert isinstance(subject, Mapping)
    return {"m.tar": tarred(subject)}


def _code(subject: Subject) -> Subject:
    """Leave out the configuration that asks for code: in an archive it is held to the same without."""
    assert isinstance(subject, Mapping)
    return {path: data for path, data in subject.items() if path.endswith(".py")}


def _bare(pair: Pair) -> Pair:
    return Pair(fires=lambda: _code(pair.fires()), near=lambda: _code(pair.near()))


def _in_an_archive(pair: Pair) -> Pair:
    return Pair(fires=lambda: _packed(pair.fires()), near=lambda: _packed(pair.near()))


_SHARED = {
    rule.rsplit("/", 1)[1]: pair
    for family in (
        model_code.PAIRS,
        {rule: _bare(pair) for rule, pair in python_code.PAIRS.items()},
        requests.PAIRS,
        templates.PAIRS,
        runtimes.PAIRS,
    )
    for rule, pair in family.items()
}

PAIRS = {
    f"files/scanners/{rule.slug}": _in_an_archive(_SHARED[rule.slug])
    for rule in member_rules()
    if rule.slug in _SHARED
}  # fmt: skip
"""Rule id → pair."""
