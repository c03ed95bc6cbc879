"""The gate as people run it: verdicts, exit codes and messages over the real client, end to end."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from gatekeeper.demo import builders
from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from tests.e2e.commandline import TOKEN, Ran, run

GOOD = dict(builders.tiny_model("lighthouse"))
REPO = HubRepo.of("lighthouse/harbour-tiny", GOOD)
PINNED = f"lighthouse/harbour-tiny@{REPO.head}"
WEIGHTS = "model.safetensors"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "gatekeeper.yaml"
    path.write_text(
        "apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [lighthouse]}\n"
    )
    return path


def gate(reference: str | Path, home: Path, policy: Path, hub: LoopbackHub | None = None, *more: str) -> Ran:
    endpoint = {"endpoint": hub.endpoint} if hub else {}
    return run("gate", reference, "--policy", policy, "--format", "json", *more, home=home, **endpoint)


def test_a_pinned_model_of_a_trusted_publisher_is_allowed(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = gate(PINNED, tmp_path, policy, hub)
    assert (ran.code, ran.action) == (0, "allow")
    assert ran.document["subject"]["commit"] == REPO.head
    assert ran.document["not_checked"]


def test_a_branch_is_resolved_once_and_audited(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = gate("lighthouse/harbour-tiny", tmp_path, policy, hub)
        asked_by_name = [request.target for request in hub.requests if "/main" in request.target]
    assert (ran.code, ran.action) == (1, "audit")
    assert "provenance/revision/unpinned" in ran.findings
    assert len(asked_by_name) <= 1


def test_bytes_tampered_at_the_same_size_are_discarded(tmp_path: Path, policy: Path) -> None:
    spoilt = GOOD[WEIGHTS][:-1] + bytes([GOOD[WEIGHTS][-1] ^ 1])
    with LoopbackHub([REPO], Faults(tamper={WEIGHTS: spoilt})) as hub:
        ran = gate(PINNED, tmp_path, policy, hub)
    assert (ran.code, ran.action, ran.document["decision"]["row"]) == (1, "discard", "bytes-differ")


def test_a_small_file_tampered_at_the_same_size_is_discarded(tmp_path: Path, policy: Path) -> None:
    spoilt = GOOD["config.json"].replace(b"llama", b"lIama")
    with LoopbackHub([REPO], Faults(tamper={"config.json": spoilt})) as hub:
        ran = gate(PINNED, tmp_path, policy, hub)
    assert (ran.code, ran.action) == (1, "discard")


def test_a_poisoned_cache_is_discarded(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        assert gate(PINNED, tmp_path, policy, hub).code == 0
        blob = next(path for path in tmp_path.rglob("blobs/*") if path.stat().st_size == len(GOOD[WEIGHTS]))
        blob.chmod(0o644)
        blob.write_bytes(GOOD[WEIGHTS][:-1] + b"\xff")
        ran = gate(PINNED, tmp_path, policy, hub)
    assert (ran.code, ran.action) == (1, "discard")


def test_a_renamed_repo_is_said(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO], Faults(rename={"lighthouse/old-name": REPO.id})) as hub:
        ran = gate(f"lighthouse/old-name@{REPO.head}", tmp_path, policy, hub)
    assert (ran.code, ran.action) == (1, "escalate")
    assert any(found.startswith("provenance/redirect/") for found in ran.findings)


def test_a_pull_request_revision_is_never_the_publishers(tmp_path: Path, policy: Path) -> None:
    main = REPO.branches["main"]
    repo = HubRepo(id=REPO.id, branches={"main": main, "refs/pr/1": main})
    with LoopbackHub([repo]) as hub:
        ran = gate("lighthouse/harbour-tiny@refs/pr/1", tmp_path, policy, hub)
    assert (ran.code, ran.action) == (1, "escalate")


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"archive/data/{number}", bytes(50 * 2**20))


SPOILT = {
    "truncated": lambda path: path.with_name(WEIGHTS).write_bytes(GOOD[WEIGHTS][:-10]),
    "empty": lambda path: path.with_name(WEIGHTS).write_bytes(b""),
    "random": lambda path: path.with_name(WEIGHTS).write_bytes(os.urandom(4096)),
    "random-bin": lambda path: path.with_name("pytorch_model.bin").write_bytes(os.urandom(4096)),
    "empty-bin": lambda path: path.with_name("pytorch_model.bin").write_bytes(b""),
    "zip-bomb": lambda path: bomb(path.with_name("pytorch_model.bin")),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_broken_file_is_a_finding(name: str, tmp_path: Path, policy: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path, data in GOOD.items():
        (folder / path).write_bytes(data)
    SPOILT[name](folder / "x")
    ran = gate(folder, tmp_path, policy)
    assert ran.code == 1
    assert ran.action in {"escalate", "discard"}
    assert any(found.startswith("files/") for found in ran.findings)
    assert ran.peak_bytes < 1_000_000_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gate", "./nowhere"], "nowhere"),
        (["gate", "org/name", "--policy", "missing.yaml"], "missing.yaml"),
        (["gate", "org/name", "--policy", "typo.yaml"], "typo.yaml:5"),
        (["gate", "datasets/org/name/extra"], ""),
        (["gate", "org/name", "--skip", "no/such-check"], "no/such-check"),
        (["gate"], "REFERENCE"),
        (["gate", "org/name", "--out", "report.pdf"], "report.pdf"),
        (["nonsense"], "nonsense"),
        (["report", "missing.json"], "missing.json"),
        (["explain", "no/such-check"], "no/such-check"),
    ],
)
def test_wrong_input_exits_with_2_and_says_what(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "typo.yaml").write_text(
        'apiVersion: gatekeeper/v1\nkind: Policy\nname: t\nextends: default\nrows: [{row: x, when: "bytes.hubb == 1", '
        "action: audit, ask: look}]\n"
    )
    ran = run(*arguments, home=tmp_path)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert said in ran.err


def test_a_missing_repo_exits_with_2(tmp_path: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = run("gate", "lighthouse/nothing", home=tmp_path, endpoint=hub.endpoint)
        gone = run("gate", f"lighthouse/harbour-tiny@{'0' * 40}", home=tmp_path, endpoint=hub.endpoint)
    assert (ran.code, gone.code) == (2, 2)
    assert "lighthouse/nothing" in ran.err


@pytest.mark.parametrize("fault", [Faults(dropped=-1), Faults(info_body=b"<html>")])
def test_a_hub_that_fails_exits_with_3(fault: Faults, tmp_path: Path) -> None:
    with LoopbackHub([REPO], fault) as hub:
        ran = run("gate", PINNED, home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 3
    assert ran.err.startswith("error: ")


def test_nobody_listening_exits_with_3(tmp_path: Path) -> None:
    assert run("gate", PINNED, home=tmp_path).code == 3


def test_errors_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    ran = run("gate", "./nowhere", "--format", "json", home=tmp_path)
    assert ran.code == 2
    assert ran.document["error"]["exit_code"] == 2
    assert ran.err == ""


def test_a_skipped_required_check_is_never_allowed(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = gate(PINNED, tmp_path, policy, hub, "--skip", "files/structure")
    assert (ran.code, ran.action) == (1, "escalate")


def test_metadata_only_downloads_no_weights_and_never_allows(tmp_path: Path, policy: Path) -> None:
    big = {**GOOD, WEIGHTS: builders.safetensors({"w": (1024, 2048)}, seed="big")}
    repo = HubRepo.of(REPO.id, big)
    with LoopbackHub([repo]) as hub:
        ran = gate(f"{repo.id}@{repo.head}", tmp_path, policy, hub, "--metadata-only")
        sent = sum(request.body_bytes for request in hub.requests if WEIGHTS in request.target)
    assert ran.code == 1
    assert ran.action != "allow"
    assert sent < len(big[WEIGHTS]) / 2
    statuses = {result["check"]["id"]: result["status"] for result in ran.document["results"]}
    assert statuses["provenance/bytes"] == "unknown"


def test_offline_uses_the_cache_and_says_that_nothing_was_compared(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        assert gate(PINNED, tmp_path, policy, hub).code == 0
    ran = gate(PINNED, tmp_path, policy, None, "--offline")
    assert ran.code == 1
    assert ran.action == "escalate"
    other = run("gate", "lighthouse/never-seen", "--offline", home=tmp_path)
    assert other.code == 2


def test_reports_are_written_and_rendered_again(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = gate(PINNED, tmp_path, policy, hub, "--out", str(tmp_path / "reports"))
    written = tmp_path / "reports" / "report.json"
    assert json.loads(written.read_text()) == ran.document
    again = run("report", written, "--format", "html", home=tmp_path)
    assert again.code == 0
    assert again.out == (tmp_path / "reports" / "report.html").read_text()
    shown = run("report", written, "--format", "sarif", "--out", str(tmp_path / "one.sarif"), home=tmp_path)
    assert shown.code == 0
    assert shown.out == (tmp_path / "one.sarif").read_text()
    assert json.loads(shown.out)["version"] == "2.1.0"


def test_settings_come_from_flags_then_environment_then_pyproject(tmp_path: Path, policy: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.gatekeeper]\npolicy = "gatekeeper.yaml"\nformat = "json"\n')
    with LoopbackHub([REPO]) as hub:
        assert run("gate", PINNED, home=tmp_path, endpoint=hub.endpoint).action == "allow"
        strict = run("gate", PINNED, home=tmp_path, endpoint=hub.endpoint, GATEKEEPER_POLICY="strict")
        flag = run("gate", PINNED, "-p", policy, home=tmp_path, endpoint=hub.endpoint, GATEKEEPER_POLICY="strict")
    assert (strict.code, flag.code) == (1, 0)
    (tmp_path / "pyproject.toml").write_text("[tool.gatekeeper]\npolcy = 1\n")
    ran = run("gate", PINNED, home=tmp_path)
    assert ran.code == 2
    assert "polcy" in ran.err


def test_the_token_is_told_to_nobody(tmp_path: Path, policy: Path) -> None:
    with LoopbackHub([REPO], Faults(echo_token=True, failing=-1)) as hub:
        ran = run("gate", PINNED, "-v", home=tmp_path, endpoint=hub.endpoint)
    assert ran.code == 3
    assert TOKEN not in "".join(path.read_text(errors="replace") for path in tmp_path.glob("std*"))
