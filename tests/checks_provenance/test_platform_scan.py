from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.artifact import ExcludedFile
from gatekeeper.checks.provenance.platform_scan import PlatformScan
from gatekeeper.evidence import CheckResult, Hazard, Severity, Status
from tests.support.hub_artifacts import SAFE, file, folder, hub, listed, offline, platform, run, slugs

DONE = {"scansDone": True, "filesWithIssues": []}
SCANNERS = ["avScan", "pickleImportScan", "jFrogScan", "protectAiScan", "virusTotalScan", "someFutureScan"]


def scan(*security: Any, repo: Any = DONE) -> CheckResult:
    files = tuple(listed(f"file-{number}", security=status) for number, status in enumerate(security))
    return run(PlatformScan(), hub(record=platform(listed=files, scan=repo)))


def fact(result: CheckResult) -> object:
    return result.facts["platform.scan"]


def test_all_files_safe_passes() -> None:
    result = scan(SAFE, SAFE)
    assert (result.status, fact(result)) == (Status.PASS, "safe")


@pytest.mark.parametrize(
    ("word", "hazard"),
    [("unsafe", Hazard.SUSPICIOUS), ("suspicious", Hazard.SUSPICIOUS), ("caution", Hazard.UNVERIFIED)],
)
@pytest.mark.parametrize("scanner", SCANNERS)
def test_the_worst_scanner_counts_also_one_that_is_new(scanner: str, word: str, hazard: Hazard) -> None:
    result = scan(SAFE, SAFE | {scanner: {"status": word, "message": "looks\u202e bad"}})
    assert (slugs(result), fact(result)) == ([word], word)
    assert result.findings[0].hazard is hazard
    assert result.findings[0].location.path == "file-1"
    assert f"{scanner} says {word} (looks\\u202e bad)" in result.findings[0].message


@pytest.mark.parametrize("word", ["unsafe", "suspicious", "caution"])
def test_the_summary_counts_where_it_is_worse(word: str) -> None:
    assert fact(scan(SAFE | {"status": word})) == word


@pytest.mark.parametrize("word", ["unscanned", "queued", "error"])
def test_no_answer_is_unknown(word: str) -> None:
    result = scan(SAFE, {"status": word, "avScan": {"status": word}})
    assert (result.status, slugs(result), fact(result)) == (Status.UNKNOWN, [], word)
    assert result.gaps[0].path == "file-1"


@pytest.mark.parametrize(
    "word", ["Safe", "SAFE", "safe ", "clean", "unknown", "", "malicious", None, True, 1, ["safe"]]
)
def test_any_other_word_is_not_safe(word: object) -> None:
    summary = scan(SAFE | {"status": word})
    scanner = scan(SAFE | {"avScan": {"status": word}})
    assert summary.status is scanner.status is Status.UNKNOWN
    assert fact(summary) == fact(scanner) == "error"


@pytest.mark.parametrize("word", ["UNSAFE", " Unsafe "])
def test_an_alarm_is_an_alarm_in_any_letter_case(word: str) -> None:
    assert slugs(scan(SAFE | {"avScan": {"status": word}})) == ["unsafe"]


def test_a_scanner_that_left_a_safe_file_out_is_not_held_against_it() -> None:
    report = {"status": "safe", "avScan": {"status": "safe"}, "jFrogScan": {"status": "unscanned"}}
    assert scan(report).status is Status.PASS


def test_a_safe_summary_over_scanners_that_looked_at_nothing_is_unknown() -> None:
    report = {"status": "safe", "avScan": {"status": "unscanned"}, "jFrogScan": {"status": "unscanned"}}
    assert (scan(report).status, fact(scan(report))) == (Status.UNKNOWN, "unscanned")


def test_an_issue_in_the_repos_list_counts_before_a_safe_file() -> None:
    issues = [{"path": "file-0", "level": "unsafe"}, {"path": "gone.bin", "level": "suspicious"}]
    result = scan(SAFE, repo=DONE | {"filesWithIssues": issues})
    assert (slugs(result), fact(result)) == (["unsafe", "suspicious"], "unsafe")


@pytest.mark.parametrize("level", ["safe", "queued", "dreadful", None, 7])
def test_whatever_stands_in_the_list_of_issues_is_one(level: object) -> None:
    result = scan(SAFE, repo=DONE | {"filesWithIssues": [{"path": "file-0", "level": level}]})
    assert slugs(result) == ["suspicious"]


def test_one_finding_a_file_and_it_is_the_worst() -> None:
    issues = [{"path": "file-0", "level": "caution"}]
    report = SAFE | {"status": "suspicious", "avScan": {"status": "unsafe"}}
    result = scan(report, repo=DONE | {"filesWithIssues": issues})
    assert slugs(result) == ["unsafe"]
    assert "status says suspicious" in result.findings[0].message


def test_an_alarm_counts_beside_a_scan_that_is_not_done() -> None:
    result = scan(SAFE | {"avScan": {"status": "unsafe"}}, repo={"scansDone": False, "filesWithIssues": []})
    assert (result.status, slugs(result), fact(result)) == (Status.UNKNOWN, ["unsafe"], "unsafe")


@pytest.mark.parametrize("done", [False, None, "true", 1])
def test_scans_that_are_not_done_are_unknown(done: object) -> None:
    result = scan(SAFE, repo={"scansDone": done, "filesWithIssues": []})
    assert (result.status, fact(result)) == (Status.UNKNOWN, "queued")


def test_the_repos_word_covers_files_without_a_status() -> None:
    assert (scan(None, SAFE).status, fact(scan(None, SAFE))) == (Status.PASS, "safe")


def test_the_files_words_stand_without_one_for_the_repo() -> None:
    assert (scan(SAFE, SAFE, repo=None).status, fact(scan(SAFE, repo=None))) == (Status.PASS, "safe")


@pytest.mark.parametrize("security", [(), (None, None), (None, SAFE)])
def test_nothing_said_by_anybody_is_unknown(security: tuple[Any, ...]) -> None:
    result = scan(*security, repo=None)
    assert (result.status, fact(result)) == (Status.UNKNOWN, "unknown")


@pytest.mark.parametrize(
    "repo",
    ["safe", [], 7, DONE | {"filesWithIssues": {}}, DONE | {"filesWithIssues": ["x"]},
     DONE | {"filesWithIssues": [{"path": 1, "level": "unsafe"}]}],
)  # fmt: skip
def test_a_repo_status_that_cannot_be_read_is_unknown(repo: object) -> None:
    result = scan(SAFE, repo=repo)
    assert (result.status, fact(result)) == (Status.UNKNOWN, "error")


def test_the_readable_part_of_a_broken_list_still_counts() -> None:
    result = scan(SAFE, repo=DONE | {"filesWithIssues": [None, {"path": "file-0", "level": "unsafe"}]})
    assert (result.status, slugs(result)) == (Status.UNKNOWN, ["unsafe"])


@pytest.mark.parametrize("security", ["safe", [], 7, {}, SAFE | {"avScan": "safe"}])
def test_a_file_status_that_cannot_be_read_is_unknown(security: object) -> None:
    result = scan(security)
    assert (result.status, fact(result)) == (Status.UNKNOWN, "error")


def test_a_scanner_that_is_null_did_not_take_part() -> None:
    assert scan(SAFE | {"jFrogScan": None}).status is Status.PASS


def test_other_keys_are_no_scanners() -> None:
    assert scan(SAFE | {"highestSafetyLevel": "innocuous"}).status is Status.PASS


def test_more_scanners_than_we_read_are_not_safe() -> None:
    assert scan(SAFE | {f"x{number}Scan": {"status": "safe"} for number in range(40)}).status is Status.UNKNOWN


def test_disliked_imports_are_named_and_bounded() -> None:
    imports = [{"module": "os", "name": f"system{number}", "safety": "dangerous"} for number in range(9)]
    imports.append({"module": "torch", "name": "FloatStorage", "safety": "innocuous"})
    result = scan(SAFE | {"pickleImportScan": {"status": "unsafe", "pickleImports": imports}})
    message = result.findings[0].message
    assert "os.system0" in message
    assert "and 4 more" in message
    assert "FloatStorage" not in message


def test_hostile_reports_are_shown_printable_and_short() -> None:
    report = {"status": "unsafe", "\x1b[31mScan": {"status": "unsafe", "message": "\u202e" * 10_000}}
    message = scan(SAFE | report).findings[0].message
    assert message.isprintable()
    assert len(message) < 1000


def test_offline_is_unknown_and_a_folder_not_applicable() -> None:
    assert (run(PlatformScan(), offline()).status, fact(run(PlatformScan(), offline()))) == (Status.UNKNOWN, "unknown")
    result = run(PlatformScan(), folder())
    assert (result.status, fact(result)) == (Status.NOT_APPLICABLE, "not_applicable")


@pytest.mark.parametrize("word", ["unsafe", "suspicious", "caution"])
def test_a_warning_about_a_file_that_was_left_out_is_told_and_weighs_little(word: str) -> None:
    record = platform(listed=(listed("model.safetensors"), listed("evil.bin", security={"status": word})))
    files = (file("model.safetensors"),)
    whole = run(PlatformScan(), hub(record=record, files=files))
    out = (ExcludedFile(path="evil.bin", size=4),)
    subset = run(PlatformScan(), hub(record=record, files=files, exclude=("evil.bin",), excluded=out))
    assert (whole.facts["platform.scan"], subset.facts["platform.scan"]) == (word, "safe")
    assert slugs(whole) == [word]
    (told,) = subset.findings
    assert (told.id, told.hazard) == ("provenance/platform-scan/excluded", Hazard.NONE)
    assert told.severity < Severity.MEDIUM
