"""What a policy says of pull requests: read strictly, united over layers, part of the digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.errors import PolicyError
from gatekeeper.mention import Ignored, Pattern, Role
from gatekeeper.policy import load

HEAD = "apiVersion: gatekeeper/v1\nkind: Policy\nname: mine\nextends: default\n"


def written(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_patterns_and_what_is_ignored_are_united_over_layers(tmp_path: Path) -> None:
    below = "ci:\n  patterns: [{path: 'a/*', find: '(?P<name>x/y)'}]\n  ignore: [{path: 'docs/*'}]\n"
    written(tmp_path, HEAD + below, "base.yaml")
    above = "ci:\n  patterns: [{path: 'b/*', find: '(?P<name>z/z)', role: adapter}]\n  ignore: [{name: 'own/*'}]\n"
    policy = load(written(tmp_path, HEAD.replace("default", "base.yaml") + above))
    assert policy.patterns == (
        Pattern(path="a/*", regex="(?P<name>x/y)"),
        Pattern(path="b/*", regex="(?P<name>z/z)", role=Role.ADAPTER),
    )
    assert policy.ignored == (Ignored(path="docs/*"), Ignored(name="own/*"))
    assert policy.digest != load(written(tmp_path, HEAD)).digest


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("patterns: [{path: 'a', find: '('}]", "no regular expression"),
        ("patterns: [{path: 'a', find: 'x'}]", "no group `name`"),
        ("patterns: [{path: 'a', find: '(?P<name>x)(?P<other>y)'}]", "mean nothing here: other"),
        ("patterns: [{path: 'a', find: '(?P<name>(a+)+)'}]", "very long on a line"),
        ("patterns: [{path: 'a'}]", "`find` is missing"),
        ("patterns: [{path: 'a', find: '(?P<name>x)', role: dataset}]", "role"),
        ("ignore: [{}]", "exactly one"),
        ("ignore: [{path: 'a', name: 'b'}]", "exactly one"),
        ("ignored: []", "unknown key"),
    ],
)
def test_what_can_not_be_used_is_refused_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said) as error:
        load(written(tmp_path, f"{HEAD}ci:\n  {entry}\n"))
    assert error.value.line == 6
