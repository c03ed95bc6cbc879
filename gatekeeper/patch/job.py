"""A job: what is repaired, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.patch.asking import Asking
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.judges import Judge
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.questions import Question
from gatekeeper.patch.settings import PatchSettings
from gatekeeper.tensors import load_model
from gatekeeper.tensors.language import Model

Reload = Callable[[Path, bool], Model]
"""Reads a merged model again: (folder, whether with weights rounded to eight bits)."""


_METHOD = 2
"""Of repair: raised when passes are planned or proven otherwise, so that no run is taken up that went another way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is repaired, and with what."""

    model: Model
    cases: tuple[FailureCase, ...]
    clean: CleanPrompts
    settings: PatchSettings
    judge: Judge
    parent_digest: str
    """Digest of the artifact that the model was read from."""

    reload: Reload | None = None
    """Reads the merged model again; None for the way that models are read."""

    relative: Model | None = None
    """A model of the same family that is trusted."""

    questions: tuple[Question, ...] = ()
    paraphrases: tuple[str, ...] = ()
    """Other wordings of the trigger, where somebody knows some."""

    show: bool = False
    """Whether words of prompts may be kept in clear."""

    def parts(self) -> tuple[object, ...]:
        """Give everything that the result hangs on, for the state of an interrupted run."""
        return (
            _METHOD, self.parent_digest, tuple(case.sha256 for case in self.cases), self.clean, self.settings,
            self.judge, self.questions, self.paraphrases, self.show, self.relative is not None, self.model.device,
        )  # fmt: skip

    def asking(self, tokens: int) -> Asking:
        """Give the model with the judge, for answers of that many tokens."""
        return Asking(model=self.model, judge=self.judge, tokens=tokens)

    def read_again(self, folder: Path, rounded: bool) -> Model:
        """Read a merged model as it will be loaded, where the tuned one runs."""
        if self.reload is not None:
            return self.reload(folder, rounded)
        device, _, dtype = self.model.device.partition(", ")
        return load_model(folder, device=device, dtype=dtype.partition(" ")[0], int8=rounded)
