"""`--exclude` from end to end: a verdict for a subset, said as such, and never one on nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatekeeper.cli.main import cli
from gatekeeper.demo import builders
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.errors import InputError
from gatekeeper.report import from_json

GOOD = dict(builders.tiny_model("lighthouse"))
LEFT = "training_args.bin"
PLANTED = GOOD | {LEFT: builders.torch_zip_with_call()}
REPO = HubRepo.of("lighthouse/harbour-tiny", PLANTED, scans={LEFT: {"avScan": "unsafe"}})
PINNED = f"{REPO.id}@{REPO.head}"
TRUST = "apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [lighthouse]}\n"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)  # type: ignore[no-any-return]

    @property
    def action(self) -> str:
        return str(self.document["decision"]["action"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "gatekeeper.yaml").write_text(TRUST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | Path, home: Path, cache: str = "cache", endpoint: str = "", **environment: str) -> Ran:
    """Run the command line in this process, with a Hub's cache of its own; errors are raised."""
    cached = [] if arguments[0] == "report" else ["--cache-dir", str(home / cache)]
    env = {"HF_ENDPOINT": endpoint or "http://127.0.0.1:9", **environment}
    ran = CliRunner().invoke(
        cli, [*map(str, arguments), *cached], catch_exceptions=False, standalone_mode=False, env=env
    )
    return Ran(ran.return_value, ran.stdout)


def gate(reference: str | Path, home: Path, *more: str, **settings: str) -> Ran:
    return run("gate", reference, "-p", home / "gatekeeper.yaml", "-f", "json", *more, home=home, **settings)


def findings(ran: Ran) -> dict[str, str]:
    return {each["id"]: each["hazard"] for result in ran.document["results"] for each in result["findings"]}


def test_a_payload_that_nobody_reads_discards_until_it_is_left_out(home: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        whole = gate(PINNED, home, endpoint=hub.endpoint)
        before = len(hub.requests)
        subset = gate(PINNED, home, "--exclude", LEFT, "--out", str(home / "out"), endpoint=hub.endpoint, cache="fresh")
        fetched = [request.target for request in hub.requests[before:] if LEFT in request.target]
    assert (whole.action, whole.document["decision"]["row"]) == ("discard", "payload")
    assert whole.document["decision"]["facts"]["files.payload_unread"] is True
    assert (subset.code, subset.action) == (0, "allow")
    assert fetched == []
    subject = subset.document["subject"]
    assert subject["exclude"] == [LEFT]
    digest = f"sha256:{REPO.trees[REPO.head][LEFT].sha256}"
    assert subject["excluded"] == [{"path": LEFT, "size": len(PLANTED[LEFT]), "digest": digest}]
    assert subject["digest"] != whole.document["subject"]["digest"]
    assert subset.document["not_checked"][0]["what"] == "excluded files"
    assert findings(subset)["provenance/platform-scan/excluded"] == "none"
    assert subset.document["decision"]["facts"]["platform.scan"] == "safe"
    assert [ran.document["decision"]["facts"]["source.subset"] for ran in (whole, subset)] == [False, True]
    page = (home / "out" / "report.html").read_text()
    assert f"1 file left out: {LEFT}" in page
    assert digest in page


def test_the_report_of_the_whole_offers_to_leave_the_file_out(home: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        gate(PINNED, home, "--out", str(home / "report.json"), endpoint=hub.endpoint)
    text = run("report", home / "report.json", home=home).out
    # The Hub's own warning names the file as well, so nothing that blocks lies elsewhere.
    assert f"--exclude {LEFT}" in text
    assert f"gatekeeper gate hf://{PINNED} --exclude {LEFT}" in text
    assert "no known loader reads it" in text


def test_a_pattern_can_be_set_in_the_environment_and_in_the_settings(home: Path, tmp_path: Path) -> None:
    with LoopbackHub([REPO]) as hub:
        ran = gate(PINNED, home, endpoint=hub.endpoint, GATEKEEPER_EXCLUDE=LEFT)
        (home / "pyproject.toml").write_text(f'[tool.gatekeeper]\nexclude = ["{LEFT}"]\n')
        scanned = run("scan", PINNED, "-f", "json", home=home, endpoint=hub.endpoint)
    assert ran.action == "allow"
    assert scanned.document["subject"]["exclude"] == [LEFT]


def folder(home: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (home / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "model" / name).write_bytes(data)
    return home / "model"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("nothing.bin", "matches no file"),
        ("**", "leaves nothing"),
        ("*.safetensors", "no weights"),
        ("!x", "no pattern"),
    ],
)
def test_an_exclusion_that_makes_no_sense_is_an_error_with_a_hint(pattern: str, said: str, home: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        run("gate", folder(home, GOOD), "--exclude", pattern, home=home)
    assert caught.value.exit_code == 2
    assert caught.value.hint


SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def test_an_index_that_names_what_was_left_out_is_a_finding(home: Path) -> None:
    parts = {name: builders.safetensors({f"w{number}": (2, 2)}, seed=name) for number, name in enumerate(SHARDS)}
    index = json.dumps({"weight_map": {f"w{number}": name for number, name in enumerate(SHARDS)}}).encode()
    config = GOOD["config.json"]
    place = folder(home, {**parts, "model.safetensors.index.json": index, "config.json": config})
    ran = gate(place, home, "--exclude", SHARDS[1])
    assert ran.action == "escalate"
    assert "files/structure/index-missing" in findings(ran)


def test_an_adapter_without_its_weights_is_a_finding(home: Path) -> None:
    base = dict(builders.adapter("lighthouse/harbour-tiny")) | {"other.safetensors": GOOD["model.safetensors"]}
    ran = gate(folder(home, base), home, "--exclude", "adapter_model.*")
    assert ran.action == "escalate"
    assert "files/load-path/weights-missing" in findings(ran)


def test_a_payload_that_stays_is_discarded_whatever_else_is_left_out(home: Path) -> None:
    ran = gate(folder(home, PLANTED | {"copy/pytorch_model.bin": PLANTED[LEFT]}), home, "--exclude", LEFT)
    assert ran.action == "discard"


def test_a_waiver_for_the_commit_is_none_for_a_subset(home: Path) -> None:
    files = GOOD | {"README.md": builders.card("# x", license="unheard-of"), LEFT: b"1"}
    repo = HubRepo.of(REPO.id, {name: data for name, data in files.items() if name != LEFT} | {"note.txt": b"1"})
    finding = "provenance/licence/unlisted"
    waiver = (
        f"waivers:\n- {{finding: {finding}, subject: 'hf://{repo.id}@{repo.head}', reason: r, approver: a, "
        "created: 2026-01-01, expires: 2026-03-31}\n"
    )
    (home / "gatekeeper.yaml").write_text(TRUST + waiver)
    with LoopbackHub([repo]) as hub:
        whole = gate(f"{repo.id}@{repo.head}", home, endpoint=hub.endpoint)
        subset = gate(f"{repo.id}@{repo.head}", home, "--exclude", "note.txt", endpoint=hub.endpoint)
    assert [each["finding"] for each in whole.document["decision"]["waivers"]] == [finding]
    assert subset.document["decision"]["waivers"] == []


def test_the_document_of_a_subset_reads_back(home: Path) -> None:
    ran = run("scan", folder(home, PLANTED), "--exclude", LEFT, "-f", "json", home=home)
    attestation = from_json(ran.out)
    assert attestation.subject.excluded[0].path == LEFT
    assert LEFT not in attestation.readers
    assert attestation.readers["model.safetensors"][0] == "transformers"
    assert replace(attestation.subject, exclude=(), excluded=()) != attestation.subject
