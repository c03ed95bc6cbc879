"""Merge: which adapter was merged into which base, what came out, and how it was verified. Frozen, without IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.decision import Action


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeInput:
    """One of the two that went in."""

    reference: str
    """Pinned where it can be."""

    digest: str
    """`Artifact.digest`."""

    action: Action
    """Of the gate, in the same run, sign-offs included."""

    row: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedTensor:
    """One tensor that was changed."""

    name: str
    file: str
    rank: int
    scale: float
    """What the product of the factors was multiplied by."""

    change: float
    """Norm of the change over the norm of the base's weight; unitless."""

    rounding: float
    """Greatest distance of a written element from the exact sum, in units of the written type's rounding at the
    greatest element of its row; at most 1 or so where nothing was lost but rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogitsCheck:
    """The merged model against the adapter on its base, on the same prompts."""

    prompts: int
    divergence: float
    """Mean KL(adapter on base ‖ merged), nats a token."""

    effect: float
    """Mean KL(adapter on base ‖ base), nats a token: what the adapter does."""

    agreeing: int
    """Prompts after which both choose the same next token."""

    limit: float
    """Most divergence that was let pass, nats a token."""

    @property
    def holds(self) -> bool:
        """Whether the merged model answers as the adapter on its base does."""
        return self.divergence <= self.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """One merge."""

    adapter: MergeInput
    base: MergeInput
    created_at: datetime
    """UTC."""

    merged_digest: str = ""
    """Of the folder that was made; empty when none was."""

    refusals: tuple[str, ...] = ()
    """Why nothing was made, in sentences; empty when something was."""

    tensors: tuple[MergedTensor, ...] = ()
    """Every other tensor is the base's, byte for byte."""

    untouched: int = 0
    """How many those are."""

    logits: LogitsCheck | None = None
    """None when it was not asked for, or never came to that."""

    tools: Mapping[str, str] = field(default_factory=dict)
