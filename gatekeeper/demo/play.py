"""Plays the demo: serves the subjects, gates each over the real line, writes the reports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gatekeeper import auditing, policy, report, sources
from gatekeeper.attestation import Attestation
from gatekeeper.demo.hub import LoopbackHub
from gatekeeper.demo.subjects import NOW, SUBJECTS, Subject
from gatekeeper.gate import Run, gate
from gatekeeper.progress import SILENT, Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one subject."""

    subject: Subject
    attestation: Attestation

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the subject must get."""
        return self.attestation.verdict.action is self.subject.expected


def play(out: Path, *, progress: Progress = SILENT) -> Iterator[Outcome]:
    """Gate every subject and write `<out>/<slug>/report.{html,json}` and `<out>/index.html`.

    Args:
        out: Folder for the reports; made when it is missing.
        progress: Told how far long work has come.

    Yields:
        Each outcome as soon as it is there.
    """
    with tempfile.TemporaryDirectory(prefix="gatekeeper-demo-") as work:
        outcomes = []
        chosen = demo_policy()
        for subject in SUBJECTS:
            outcome = Outcome(subject=subject, attestation=_gated(subject, chosen, Path(work), progress))
            report.write(outcome.attestation, out / subject.slug)
            outcomes.append(outcome)
            yield outcome
        entries = [
            report.IndexEntry(
                title=each.subject.title,
                story=each.subject.story,
                attestation=each.attestation,
                link=f"{each.subject.slug}/report.html",
            )
            for each in outcomes
        ]
        report.write_page(report.to_index("Eight models at the gate", entries), out / "index.html")


def demo_policy() -> policy.Policy:
    """Load the policy of the demo: the default table, trusting one publisher."""
    with resources.as_file(resources.files("gatekeeper.demo") / "policy.yaml") as path:
        return policy.load(path)


def _gated(subject: Subject, chosen: policy.Policy, work: Path, progress: Progress) -> Attestation:
    """Gate one subject over the real client; each gets a cache of its own, as if on another machine."""
    repos = [subject.repo] if subject.base is None else [subject.repo, subject.base]
    with LoopbackHub(repos, subject.faults) as hub:
        options = sources.SourceOptions(endpoint=hub.endpoint, cache_dir=work / subject.slug)
        if subject.base is None:
            return gate(subject.reference, chosen, source=options, progress=progress, now=NOW)
        run = Run(policy=chosen, source=options, progress=progress, now=NOW)
        # The base is a stand-in of a few weights: there is nothing that it could be asked.
        asked = auditing.Asked(base=f"hf://{subject.base.id}@{subject.base.head}", behaviour=False)
        (found,) = auditing.audit([subject.reference], run, asked)
        return found.attestation
