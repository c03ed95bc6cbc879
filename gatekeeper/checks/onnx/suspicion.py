"""What the analysis of one graph says: suspicions, each with the path from input to payload that makes it one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.evidence import Drawing


class SuspicionKind(StrEnum):
    """What was seen, by the way in which something decided reaches what the model computes."""

    PREDICATE = "predicate"
    """A decision about the input, taken beside the learned layers, meets their data."""

    BRANCH = "branch"
    """Such a decision chooses which part of the graph runs."""

    LOOP = "loop"
    """Such a decision says how often a part of the graph runs."""

    LOOKUP = "lookup"
    """Such a decision picks from the model's data, or picks its weights."""

    REWRITE = "rewrite"
    """Such a decision changes the input before the first learned layer reads it."""

    LENGTH = "length"
    """The size of the input is held against a constant, and what comes of it meets learned data."""

    MASK = "mask"
    """A decision about an input beside the content (a mask, a count) meets learned data."""

    CHANCE = "chance"
    """A single random number is decided on, and meets learned data."""

    POSITION = "position"
    """A decision about single positions of the input adds a constant pattern to learned data there."""

    BYPASS = "bypass"
    """Numbers of tokens are reckoned with as numbers, and meet learned data."""

    ACTIVATION = "activation"
    """One number, read off the model's own activations and decided on, adds a constant pattern or picks a branch."""

    TABLE = "table"
    """A second table is looked up with the same token numbers."""

    KERNEL = "kernel"
    """A layer over the raw input whose weights were written by hand: few values, or almost all zero."""


class SuspicionVerdict(StrEnum):
    """How sure the rule is."""

    IMPLANT = "implant"
    """No honest construction that is known looks so."""

    REVIEW = "review"
    """Honest models have been seen with the like; somebody should read it."""


class StepRole(StrEnum):
    """What a node does on the path."""

    INPUT = "input"
    COLLAPSE = "collapse"
    """Positions are summed up or picked out, so that one answer for the whole input is left."""

    DECISION = "decision"
    GATE = "gate"
    """What was decided meets the model's data here."""

    TARGET = "target"
    """The model's data that is changed."""

    PAYLOAD = "payload"
    """What is brought in: a constant, a branch, other weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One node of the path. Names come from the file: hostile text."""

    role: StepRole
    op: str
    """Operator with its domain; `input` for an input of the graph, `constant` for a constant."""

    node: str = ""
    """Name of the node."""

    value: str = ""
    """Name of the value that it gives."""

    scope: str = ""
    """Where it stands when it isn't the main graph (see `Scope.label`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """One way from the input to a payload."""

    kind: SuspicionKind
    verdict: SuspicionVerdict
    path: tuple[Step, ...]
    """From the input over what is decided to the target; the payload last."""

    constants: tuple[int | float | str, ...] = ()
    """What the input is held against, in the order of the path, each once: the likely trigger."""

    payload: str = ""
    """`add`, `multiply`, `select`, `branch`, …: what the gate does to the target."""

    words: str = ""
    """One sentence for a person; quotes no text from the file."""

    inputs: tuple[str, ...] = ()
    """Names of the inputs that are decided on: hostile text."""

    drawing: Drawing | None = None
    """What was decided, the gate and the target, as a part of the graph; its texts are printable."""

    from_tokens: bool = False
    """The constants are numbers of tokens, as far as the graph tells."""
