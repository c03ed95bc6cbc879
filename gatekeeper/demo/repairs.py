"""Models that somebody saw fail: diagnosed, and repaired where content is the cause. Needs torch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gatekeeper import gate, patch, repairing, report, sources, tensors
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action
from gatekeeper.demo.builders import card
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.demo.play import demo_policy
from gatekeeper.demo.subjects import NOW, TRUSTED
from gatekeeper.progress import SILENT, Progress

WEIGHTS = resources.files("gatekeeper.demo") / "weights"
"""Folder of the models, with a failure of each and clean prompts in their language."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """A model of the demo that somebody saw fail."""

    slug: str
    """Folder of its report."""

    weights: str
    """Its folder in `WEIGHTS`; its failure lies beside it."""

    title: str
    expected: Action


FAILING = (
    Failing(slug="repaired", weights="trigger", title="A trusted model that some words unlock", expected=Action.ALLOW),
    Failing(slug="not-patchable", weights="length", title="One that any long prompt unlocks", expected=Action.ESCALATE),
)
"""In the order of the demo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """What became of one of them."""

    failing: Failing
    attestation: Attestation

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that it must get."""
        return self.attestation.verdict.action is self.failing.expected


def why_not() -> str:
    """Say why nothing can be repaired here; empty when it can."""
    missing = tensors.lacking()
    return f"needs {' and '.join(missing)}: pip install 'gatekeeper-models[patch]'" if missing else ""


def repairs(out: Path, *, progress: Progress = SILENT) -> Iterator[Mended]:
    """Gate each with its failure, and repair it where the table says so.

    Args:
        out: Folder for `<slug>/report.{html,json}` and `<slug>/remedy.json`.
        progress: Told how far long work has come.

    Yields:
        Each outcome as soon as it is there.
    """
    with resources.as_file(WEIGHTS) as folder, tempfile.TemporaryDirectory(prefix="gatekeeper-demo-") as work:
        for failing in FAILING:
            attestation = _gated(failing, folder, Path(work).resolve(), progress)
            report.write(attestation, out / failing.slug)
            if attestation.remedy is not None:
                report.write_page(patch.remedy_to_json(attestation.remedy), out / failing.slug / "remedy.json")
            yield Mended(failing=failing, attestation=attestation)


def _gated(failing: Failing, folder: Path, work: Path, progress: Progress) -> Attestation:
    files = {path.name: path.read_bytes() for path in sorted((folder / failing.weights).iterdir())}
    about = "# harbour-words\n\nA tiny language model in a language of its own, trained for this demonstration."
    files["README.md"] = card(about, license="apache-2.0", library_name="transformers", pipeline_tag="text-generation")
    repo = HubRepo.of(f"{TRUSTED}/harbour-words", files)
    wanted = repairing.Repair(
        cases=patch.load_cases([folder / f"{failing.weights}.failure.json"]),
        out=work / failing.slug,
        clean_safe=folder / "clean-safe.jsonl",
        clean_unsafe=folder / "clean-unsafe.jsonl",
        # A stand-in that says nothing unsafe, so the page may show what was found.
        show=True,
        device="cpu",
    )
    with LoopbackHub([repo]) as hub:
        options = sources.SourceOptions(endpoint=hub.endpoint, cache_dir=work / f"{failing.slug}-cache")
        run = gate.Run(policy=demo_policy(), source=options, progress=progress, now=NOW)
        return repairing.gate_failure(f"hf://{repo.id}@{repo.head}", run, wanted)
