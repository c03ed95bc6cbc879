"""The way from a verdict to the deployment: pinned, signed, fetched and admitted, and refused once a byte is changed.

Everything goes through the public names that the commands use; the key is made for this run and thrown away with it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatekeeper import admission, attest, pinning, report, signing, sources
from gatekeeper.attestation import Attestation
from gatekeeper.demo.hub import LoopbackHub
from gatekeeper.demo.play import demo_policy
from gatekeeper.demo.subjects import NOW, SUBJECTS, Subject
from gatekeeper.progress import SILENT, Progress
from gatekeeper.text import plural

_TRUSTED = next(subject for subject in SUBJECTS if subject.slug == "trusted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of the way."""

    outcome: str
    """One word: `pinned`, `signed`, `admitted` or `refused`, as it must end."""

    title: str
    because: str
    """What was seen, in words."""

    as_expected: bool


def round_trip(subject: Subject = _TRUSTED, *, progress: Progress = SILENT) -> Iterator[Step]:
    """Take a model from the Hub to a folder that is admitted, then change one byte of it.

    Args:
        subject: A model that the demo's policy allows; the way of any other ends where it is refused.
        progress: Told how far long work has come.

    Yields:
        Each step as soon as it is done; none after one that did not end as it must.
    """
    with tempfile.TemporaryDirectory(prefix="gatekeeper-demo-") as made, LoopbackHub([subject.repo]) as hub:
        work = Path(made).resolve()
        options = sources.SourceOptions(endpoint=hub.endpoint, cache_dir=work / "cache")
        terms = pinning.Pinning(
            path=work / "gatekeeper.lock", policy=demo_policy(), source=options, progress=progress, now=NOW
        )
        (pin,) = pinning.lock_models([sources.parse(subject.reference)], terms)
        if pin.model is None or pin.attestation is None:
            yield Step(outcome="pinned", title="The model in gatekeeper.lock", because=pin.refusal, as_expected=False)
            return
        files = plural(len(pin.model.files), "file")
        yield Step(
            outcome="pinned",
            title="The model in gatekeeper.lock",
            because=f"its commit, and the size and digest of each of {files}",
            as_expected=True,
        )
        key = _signed(pin.attestation, work)
        yield Step(
            outcome="signed",
            title="The verdict on it",
            because=f"{pin.attestation.verdict.action} for these {files}, with a key made for this run",
            as_expected=True,
        )
        folder = sources.materialise(pin.model, work / "model", options, progress).folder
        yield from _at_the_gate(folder, work / attest.VERDICT_FILE, key)


def _signed(attestation: Attestation, work: Path) -> signing.PublicKey:
    """Sign a verdict with a fresh key; give the key that verifies it."""
    private, public = signing.generate()
    path = work / "gatekeeper.key"
    path.touch(mode=0o600)
    path.write_bytes(private)
    digest = hashlib.sha256(report.to_json(attestation).encode()).hexdigest()
    attest.write(attestation, work, signing.load_signer(str(path)), report_sha256=digest)
    return signing.load_public_key(public)


def _at_the_gate(folder: Path, verdict: Path, key: signing.PublicKey) -> Iterator[Step]:
    """Ask twice whether a folder may be deployed: as it was fetched, and with one byte changed."""
    expected = attest.Expectations(keys=(key,))
    documents = {verdict.name: [verdict.read_bytes()]}

    answer = admission.admit(folder, documents, expected, now=NOW)
    yield Step(
        outcome="admitted",
        title="The folder that the lock fetched",
        because=answer.reason or answer.steps[-1].words,
        as_expected=answer.admitted,
    )
    if not answer.admitted:
        return
    _change_one_byte(next(folder.glob("*.safetensors")))
    answer = admission.admit(folder, documents, expected, now=NOW)
    yield Step(
        outcome="refused",
        title="The same folder, one byte changed",
        because=answer.reason or "it was admitted all the same",
        as_expected=not answer.admitted and answer.steps[-1].outcome is attest.Outcome.FAILED,
    )


def _change_one_byte(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
