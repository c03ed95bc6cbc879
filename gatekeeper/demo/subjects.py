"""The embedded subjects: what each one is, how it is served, and which verdict it must get."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from gatekeeper.decision import Action
from gatekeeper.demo import builders, graphs
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo

TRUSTED = "lighthouse"
"""The publisher that the demo's policy trusts."""

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""When the demo takes place, so that its reports are the same every time."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model of the demo."""

    slug: str
    """Folder of its report."""

    title: str
    story: str
    """What a person should see in it."""

    repo: HubRepo
    expected: Action
    pinned: bool = True
    """Whether the reference names the commit."""

    base: HubRepo | None = None
    """Of an adapter: what it is audited on, served beside it."""

    faults: Faults = field(default_factory=Faults)
    """What the Hub does wrong while it serves this subject."""

    @property
    def reference(self) -> str:
        """What is handed to the gate."""
        return f"hf://{self.repo.id}@{self.repo.head}" if self.pinned else f"hf://{self.repo.id}"


def _flip_last_byte(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _subjects() -> tuple[Subject, ...]:
    good = dict(builders.tiny_model(TRUSTED))
    history = (
        HubCommit(files={"README.md": good["README.md"]}, title="Say what it will be", authors=("keeper",)),
        HubCommit(files=good, title="Add the weights", authors=("second-keeper",)),
    )
    kept = HubRepo(id=f"{TRUSTED}/harbour-tiny", branches={"main": history}, verified=True)
    pickled = HubRepo.of("driftwood/quick-classifier", dict(builders.pickled_model()))
    adapter = HubRepo.of("new-arrival/harbour-lora", dict(builders.adapter(kept.id)))
    exported = HubRepo.of(f"{TRUSTED}/harbour-onnx", dict(graphs.graph_model(implanted=False)))
    implanted = HubRepo.of("driftwood/harbour-onnx", dict(graphs.graph_model(implanted=True)))
    posing = HubRepo.of("lighth0use/harbour-tiny", good)
    weights = "model.safetensors"
    return (
        Subject(
            slug="trusted",
            title="A pinned model of a trusted publisher",
            story="The commit is named, every byte is what the Hub lists, and no check found anything.",
            repo=kept,
            expected=Action.ALLOW,
        ),
        Subject(
            slug="payload",
            title="A checkpoint that calls a function",
            story="Loading the pickle would call os.system. Nothing was loaded to find that out.",
            repo=pickled,
            expected=Action.DISCARD,
        ),
        Subject(
            slug="implant",
            title="An ONNX model with a trigger in its graph",
            story="Every weight is that of the model below, byte for byte. Seven more nodes look for three tokens.",
            repo=implanted,
            expected=Action.DISCARD,
        ),
        Subject(
            slug="graph",
            title="The ONNX model that it was made from",
            story="The same weights without the seven nodes: the graph was followed, and nothing decides in it.",
            repo=exported,
            expected=Action.ALLOW,
        ),
        Subject(
            slug="tampered",
            title="The trusted model, one bit flipped",
            story="Same name, same commit, same size: the download client accepts it, the digest does not.",
            repo=kept,
            expected=Action.DISCARD,
            faults=Faults(tamper={weights: _flip_last_byte(good[weights])}),
        ),
        Subject(
            slug="adapter",
            title="An adapter of unknown provenance",
            story="Nobody vouches for the publisher: its base is gated, its weights are read, what is missing is said.",
            repo=adapter,
            base=kept,
            expected=Action.AUDIT,
        ),
        Subject(
            slug="unpinned",
            title="The trusted model, without a commit",
            story="What `main` means can change tomorrow; the report names the commit to write.",
            repo=kept,
            expected=Action.AUDIT,
            pinned=False,
        ),
        Subject(
            slug="lookalike",
            title="The trusted name, one letter off",
            story="A zero stands where the trusted publisher has an o; the very same files do not make it trusted.",
            repo=posing,
            expected=Action.ESCALATE,
        ),
    )


SUBJECTS: tuple[Subject, ...] = _subjects()
"""In the order of the demo."""
