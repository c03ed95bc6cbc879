"""Whatever a repo or a Hub says, no provenance check raises, sets a wrong fact or shows a control character."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.artifact import Kind, LineageClaim, Reference, Scheme
from gatekeeper.checks.provenance import ALL
from gatekeeper.policy.facts import BY_NAME
from tests.support.hub_artifacts import CONTEXT, SAFE, crashed, file, hub, listed, platform, run

text = st.text(st.characters(), max_size=30) | st.sampled_from(["\ud800", "\u202e", "\x1b[31m", "a/b", "refs/pr/1"])
json_value: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
status_words = st.sampled_from(["safe", "unscanned", "queued", "error", "caution", "suspicious", "unsafe"])
report = json_value | st.dictionaries(
    st.sampled_from(["status", "avScan", "pickleImportScan", "jFrogScan", "message", "scansDone", "filesWithIssues"]),
    json_value | status_words | st.dictionaries(st.sampled_from(["status", "message", "pickleImports"]), json_value),
)
card = st.dictionaries(st.sampled_from(["license", "license_name", "license_link", "base_model"]) | text, json_value)
claims = st.lists(
    st.builds(
        LineageClaim,
        base=text,
        said_by=st.sampled_from(["card", "tag", "adapter_config", "config"]),
        revision=text,
        relation=text,
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(
    name=text,
    answered=text,
    revision=text,
    scheme=st.sampled_from(Scheme),
    kind=st.sampled_from(Kind),
    card=card,
    claims=claims,
    tags=st.lists(text | text.map("license:{}".format), max_size=3),
    scan=report,
    security=report,
    path=text,
)
def test_no_check_raises(name, answered, revision, scheme, kind, card, claims, tags, scan, security, path) -> None:
    record = platform(
        requested_id=name,
        returned_id=answered,
        requested_revision=revision,
        tags=tuple(tags),
        scan=scan,
        listed=(listed("model.gguf", security=security), listed(path, security=SAFE)),
    )
    files = (file("model.gguf"), file("LICENSE"))
    artifact = hub(name, revision=revision, record=record, kind=kind, card=card, lineage=tuple(claims), files=files)
    object.__setattr__(artifact, "reference", Reference(scheme=scheme, name=name, revision=revision))
    for check in ALL:
        result = run(check, artifact, CONTEXT)
        assert not crashed(result), result.reason
        for finding in result.findings:
            assert finding.message.isprintable(), finding
            assert len(finding.message) < 2000
        for fact, value in result.facts.items():
            assert not BY_NAME[fact].values or value in BY_NAME[fact].values
