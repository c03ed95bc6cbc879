"""SARIF: it is what OASIS published, tells every finding once at its line, and keeps to the platform's limits."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft4Validator

from gatekeeper.attestation import Attestation
from gatekeeper.bump import BumpKind
from gatekeeper.decision import Action
from gatekeeper.evidence import Severity
from gatekeeper.mention import Mention, Role
from gatekeeper.report import review_sarif, sarif, to_sarif
from gatekeeper.report.sarif_rules import LEVELS, plain
from gatekeeper.review import Judged, Mode, Review, Trouble
from tests.support import attestations
from tests.support.attestations import CASES
from tests.support.hostile import MARKUP, everywhere, everywhere_in
from tests.support.reviews import CHANGES, REVIEWS, comparison, full, judged, review, sarif_schema


def run_of(text: str) -> dict[str, Any]:
    """Read a log that is valid, of one run."""
    text.encode("ascii")
    log = json.loads(text)
    Draft4Validator(sarif_schema()).validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def of(shown: Review) -> dict[str, Any]:
    return run_of(review_sarif(shown))


def own(run: dict[str, Any]) -> list[str]:
    return [result["ruleId"] for result in run["results"] if result["ruleId"].startswith("gatekeeper/")]


def places(result: dict[str, Any]) -> list[tuple[str, int]]:
    found = [*result["locations"], *result.get("relatedLocations", [])]
    physical = [each["physicalLocation"] for each in found]
    return [(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in physical]


@pytest.mark.parametrize("name", REVIEWS)
def test_every_finding_of_every_model_is_told_once_at_its_line(name: str) -> None:
    shown = REVIEWS[name]
    told = Counter(
        (result["ruleId"], places(result)[0])
        for result in of(shown)["results"]
        if not result["ruleId"].startswith("gatekeeper/")
    )
    found = Counter(
        (finding.id, (each.bump.new[0].path, each.bump.new[0].line))
        for each in shown.judged
        if each.attestation
        for finding in each.attestation.findings
    )
    assert told == found


@pytest.mark.parametrize("case", CASES)
def test_one_attestation_is_a_log_too(case: str) -> None:
    attestation = CASES[case]()
    run = run_of(to_sarif(attestation))
    told = Counter(result["ruleId"] for result in run["results"] if not result["ruleId"].startswith("gatekeeper/"))
    assert told == Counter(finding.id for finding in attestation.findings)
    action = attestation.decision.action if attestation.decision else Action.ALLOW
    assert own(run) == ([] if action is Action.ALLOW else [f"gatekeeper/verdict-{action.value}"])


def test_a_place_in_the_model_is_named_without_a_pull_request() -> None:
    run = run_of(to_sarif(attestations.discarded()))
    payload, verdict = (
        next(each for each in run["results"] if each["ruleId"] == rule)
        for rule in ("files/pickle/payload", "gatekeeper/verdict-discard")
    )
    place = payload["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "breakwater/tide-7b/pytorch_model.bin", "uriBaseId": "MODELROOT"}
    assert places(verdict) == [("breakwater/tide-7b", 1)]
    assert "data.pkl at byte 120" in run["results"][0]["message"]["text"]


def test_what_is_no_finding_is_a_result_too() -> None:
    assert Counter(own(of(full()))) == Counter(
        {
            "gatekeeper/changed": 2,
            "gatekeeper/not-judged": 1,
            "gatekeeper/unresolved": 1,
            "gatekeeper/verdict-audit": 1,
            "gatekeeper/verdict-discard": 1,
        }
    )


def test_settled_findings_are_suppressed_and_no_others() -> None:
    suppressed = {
        (result["ruleId"], result["suppressions"][0]["justification"].split(" by ")[0])
        for result in of(full())["results"]
        if "suppressions" in result
    }
    assert suppressed == {
        ("provenance/licence/unlisted", "waived"),
        ("provenance/publisher/unlisted", "signed off"),
    }
    refused = of(review(judged(attestations.discarded())))
    assert not any("suppressions" in result for result in refused["results"])


def _marks(shown: Review) -> list[str]:
    # The one that GitHub reads.
    return sorted(result["partialFingerprints"]["primaryLocationLineHash"] for result in of(shown)["results"])


def _moved(shown: Review, by: int) -> Review:
    def move(mention: Mention) -> Mention:
        return replace(mention, line=mention.line + by)

    def moved(each: Judged) -> Judged:
        return replace(
            each,
            bump=replace(each.bump, old=tuple(map(move, each.bump.old)), new=tuple(map(move, each.bump.new))),
        )

    return replace(shown, judged=tuple(map(moved, shown.judged)))


def test_fingerprints_survive_moved_lines_and_tell_results_apart() -> None:
    marks = _marks(full())
    assert _marks(_moved(full(), 40)) == marks
    assert len(set(marks)) == len(marks)


def test_what_is_said_of_bytes_is_another_alert_for_other_bytes() -> None:
    """Whoever dismissed the alert on a payload has not seen the next one."""

    def by_rule(attestation: Attestation) -> dict[str, str]:
        results = of(review(judged(attestation)))["results"]
        return {result["ruleId"]: result["partialFingerprints"]["primaryLocationLineHash"] for result in results}

    one = attestations.discarded()
    other = replace(one, subject=replace(one.subject, digest="5" * 64))
    same = {rule for rule, mark in by_rule(one).items() if by_rule(other)[rule] == mark}
    assert same == {"provenance/revision/unpinned"}


def test_levels_and_security_severity_are_those_of_the_findings() -> None:
    run = of(full())
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    payload = rules["files/pickle/payload"]
    assert payload["properties"]["security-severity"] == "9.5"
    assert payload["defaultConfiguration"]["level"] == LEVELS[Severity.CRITICAL] == "error"
    assert {"security", "files", "payload"} <= set(payload["properties"]["tags"])
    for rule in rules.values():
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["name"].isalnum()
        assert len(rule["properties"]["tags"]) <= 10
    severities = [{"error": 2, "warning": 1, "note": 0}[each["level"]] for each in run["results"]]
    open_ones = [
        severity for severity, each in zip(severities, run["results"], strict=True) if "suppressions" not in each
    ]
    assert open_ones == sorted(open_ones, reverse=True)


def test_the_run_says_what_kept_it_from_judging() -> None:
    (invocation,) = of(full())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    texts = [note["message"]["text"] for note in invocation["toolExecutionNotifications"] if note["level"] == "error"]
    assert texts == [
        "far/away: the Hub can't be reached; run the job again",
        "vendor/models is a submodule, and was not looked into",
    ]
    (passing,) = of(REVIEWS["passing"])["invocations"]
    assert passing["executionSuccessful"] is True


def test_versions_and_addresses_are_told_where_they_are_known() -> None:
    plain_run = of(full())["tool"]["driver"]
    assert plain_run["semanticVersion"] == "0.1.0"
    assert "informationUri" not in plain_run
    run = run_of(review_sarif(full(), version="as installed", home="https://github.example/team/gatekeeper/"))
    driver = run["tool"]["driver"]
    assert "semanticVersion" not in driver
    assert driver["informationUri"] == "https://github.example/team/gatekeeper"
    helps = {rule["id"]: rule["helpUri"] for rule in driver["rules"]}
    base = "https://github.example/team/gatekeeper/blob/HEAD/docs/checks.md"
    assert helps["files/pickle/payload"] == f"{base}#filespickle"
    assert helps["gatekeeper/changed"] == f"{base}#gatekeeper"


def test_a_cell_of_a_notebook_is_told_and_not_taken_for_a_line() -> None:
    place = Mention(path="try.ipynb", cell=4, line=7, name="a/b")
    for result in of(review(judged(attestations.discarded(), place)))["results"]:
        assert places(result) == [("try.ipynb", 1)]
        assert "cell 4, line 7" in result["message"]["text"]


def test_what_is_gone_has_no_line_and_is_told_all_the_same() -> None:
    gone = judged(None, Mention(path="app/old.py", line=5, name="old/model"), kind=BumpKind.REMOVED, name="old/model")
    run = of(review(gone))
    assert run["results"] == []
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("note", "old/model is no longer named in app/old.py")


@pytest.mark.parametrize("model", ["a/b", "/abs/../../etc", "../..", "", ".", "c:\\x", "a b/%2e%2e/#?", "a\nb"])
def test_every_result_has_a_file_and_a_line_though_no_file_names_the_model(model: str) -> None:
    """The platform refuses a whole log for one result without, and `--models` names no file."""
    asked = judged(attestations.discarded(), kind=BumpKind.NAMED, name=model)
    lost = judged(None, kind=BumpKind.NAMED, name=model, trouble=Trouble(message="it is gone", hint="", exit_code=3))
    bare = [replace(each, bump=replace(each.bump, new=(), old=())) for each in (asked, lost)]
    attestation = replace(attestations.discarded(), subject=replace(attestations.discarded().subject, name=model))
    runs = of(review(*bare)), run_of(review_sarif(review(*bare), upload=True)), run_of(to_sarif(attestation))
    for run in runs:
        assert run["results"]
        for result in run["results"]:
            ((uri, line),) = places(result)
            assert line == 1
            assert re.fullmatch(r"(?!/)[A-Za-z0-9%._~/-]+", uri)
            assert not {"", ".", ".."} & set(uri.split("/"))


def test_a_model_and_its_tokenizer_are_one_alert_at_the_line_of_the_model() -> None:
    attestation = attestations.discarded()
    line = Mention(path="app/load.py", line=9, name="breakwater/tide-7b", revision="main")
    model = judged(attestation, line, comparison=comparison())
    tokenizer = judged(
        attestation, replace(line, line=4, role=Role.TOKENIZER), comparison=comparison((*CHANGES, replace(CHANGES[0])))
    )
    both, alone = of(review(tokenizer, model)), of(review(model))
    assert [each["ruleId"] for each in both["results"]] == [each["ruleId"] for each in alone["results"]]
    assert _marks(review(tokenizer, model)) == _marks(review(model))
    assert {tuple(places(each)) for each in both["results"]} == {(("app/load.py", 9), ("app/load.py", 4))}
    other = judged(attestations.discarded(), replace(line, line=20))
    apart = len(alone["results"]) + len(of(review(other))["results"])
    assert len(of(review(model, other))["results"]) == apart, "another verdict is another alert"


def test_the_platform_is_given_nothing_that_somebody_answers_for_and_no_id() -> None:
    """It takes suppressed results for open alerts, and one upload for the end of the last one of the same id."""
    whole, uploaded = of(full()), run_of(review_sarif(full(), upload=True))
    assert uploaded["results"] == [
        {**each, "ruleIndex": uploaded["results"][number]["ruleIndex"]}
        for number, each in enumerate(each for each in whole["results"] if "suppressions" not in each)
    ]
    assert whole["automationDetails"] == {"id": "gatekeeper/review/"}
    assert "automationDetails" not in uploaded
    notes = [note["message"]["text"] for note in uploaded["invocations"][0]["toolExecutionNotifications"]]
    left = len(whole["results"]) - len(uploaded["results"])
    assert f"{left} results left out: somebody answers for them" in notes
    assert "automationDetails" not in run_of(review_sarif(REVIEWS["empty"], upload=True))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/é#?.py", "a%20b/%C3%A9%23%3F.py"),
        ("c:/x%20.py", "c%3A/x%2520.py"),
        ("line\nfeed\\.py", "line%0Afeed%5C.py"),
        ("bytes-\udcff.py", "bytes-%FF.py"),
        ("//host/share.py", "host/share.py"),
    ],
)
def test_paths_are_relative_addresses_whatever_they_hold(path: str, uri: str) -> None:
    run = of(review(judged(attestations.discarded(), Mention(path=path, line=3))))
    assert {places(result)[0] for result in run["results"]} == {(uri, 3)}


def test_no_more_results_and_places_than_a_platform_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MAX_RESULTS == 5_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 200)
    mentions = tuple(Mention(path=f"app/{n:04}.py", line=n + 1) for n in range(1_500))
    one = judged(attestations.large(files=10, findings=300), *mentions[:1])
    run = of(review(one, judged(attestations.discarded(), *mentions)))
    assert len(run["results"]) == 200
    assert {"files/pickle/payload", "gatekeeper/verdict-discard"} <= {result["ruleId"] for result in run["results"][:3]}
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == (
        "104 results left out, the least of them"
    )
    assert max(len(places(result)) for result in run["results"]) == 100


def test_results_go_when_the_file_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_ZIPPED", 8_000)
    shown = review(judged(attestations.large(files=10, findings=400)))
    text = review_sarif(shown)
    assert len(gzip.compress(text.encode())) <= 8_000
    assert 0 < len(run_of(text)["results"]) < 400


def test_the_same_review_gives_the_same_text_in_whatever_order_models_come() -> None:
    shown = full()
    turned = replace(shown, judged=tuple(reversed(shown.judged)))
    assert review_sarif(shown) == review_sarif(full())
    assert of(turned)["results"] == of(shown)["results"]


def test_report_only_changes_no_result() -> None:
    assert of(full(Mode.REPORT_ONLY))["results"] == of(full())["results"]


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_text_is_valid_and_no_link(text: str) -> None:
    for run in (
        of(everywhere_in(full(), lambda _: text)),
        of(everywhere_in(full(), lambda old: f"{old}{text}")),
        run_of(to_sarif(everywhere(attestations.discarded(), lambda old: f"{old} {text}"))),
    ):
        for result in run["results"]:
            assert "](" not in result["message"]["text"]
            assert result["message"]["text"].isprintable()


def test_brackets_right_before_parentheses_are_kept_apart() -> None:
    assert plain("[x](http://hostile.example)") == "[x] (http://hostile.example)"
    assert plain("config.json[3] (new)") == "config.json[3] (new)"
