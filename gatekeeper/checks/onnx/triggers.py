"""Meetings → suspicions: which inputs were decided on, against which numbers, and how sure that makes us."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.cone import Cone, Cones
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.meetings import POSITIONS
from gatekeeper.checks.onnx.operators import PICK
from gatekeeper.checks.onnx.suspicion import StepRole, Suspicion, SuspicionKind, SuspicionVerdict
from gatekeeper.checks.onnx.taint import Meeting, Taint
from gatekeeper.checks.onnx.tracing import trace
from gatekeeper.evidence import Drawing
from gatekeeper.limits import DEFAULT_LIMITS, Limits

_TOLD = 16
"""Suspicions that are told of one graph; further ones are of the same kinds."""

_PADDING = frozenset({-100, -2, -1, 0, 1})
"""Numbers that ordinary side roads compare tokens with: padding, no label, yes and no."""

_ENDS = frozenset({2, 3})
"""Numbers of end tokens in many vocabularies; what follows them is masked."""

_RANGES = frozenset({0, 1, 127, 127.5, 128, 255, 256, 32767, 32768, 65535})
"""What pixels and samples are bounded by in storage."""

_TINY = 1e-2
_HIDING = 1e6
_LARGE = 1e4
"""What masks add to what shall not be seen, and no size or threshold reaches."""

LEARNED_KINDS = frozenset({SuspicionKind.ACTIVATION, SuspicionKind.TABLE, SuspicionKind.KERNEL})
"""What is told about trained layers, and not about a decision beside them."""

_SIZES = 2
"""Sizes up to this tell an empty or single item from many, as every exporter does."""

_WORDS = {
    SuspicionKind.PREDICATE: "A decision about the input, taken without trained weights, meets what the model computes",
    SuspicionKind.BRANCH: "A decision about the input, taken without trained weights, picks the branch that runs",
    SuspicionKind.LOOP: "A decision about the input, taken without trained weights, says how often a loop runs",
    SuspicionKind.LOOKUP: "A decision about the input, taken without trained weights, picks weights or rows of a table",
    SuspicionKind.REWRITE: "A decision about the input changes the input before the first trained layer reads it",
    SuspicionKind.LENGTH: "The size of the input is held against a constant, and that meets what the model computes",
    SuspicionKind.MASK: "A decision about an input beside the content meets what the model computes",
    SuspicionKind.CHANCE: "A single random number decides about what the model computes",
    SuspicionKind.POSITION: "Where the input has certain values, what the model computes is changed there",
    SuspicionKind.BYPASS: "Numbers of single tokens are reckoned with and meet what the model computes",
    SuspicionKind.ACTIVATION: "One number read off the model's own activations decides what else is computed",
    SuspicionKind.TABLE: "The same token numbers are looked up in a second table",
    SuspicionKind.KERNEL: "A layer over the raw input has weights that look written by hand",
}


def suspicions(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> tuple[Suspicion, ...]:
    """Judge one graph.

    Args:
        graph: As `read_graph` gives it.
        limits: In force; reading has held the graph to them.

    Returns:
        What is suspicious, surest first, at most a few of a kind.
    """
    return tuple(suspicion for _, suspicion in judged(trace(graph)))


def judged(taint: Taint) -> tuple[tuple[Meeting, Suspicion], ...]:
    """Give each of `suspicions` with the meeting that it is about.

    Args:
        taint: Of the graph.
    """
    judge = _Judge(taint)
    found: dict[tuple[object, ...], tuple[Meeting, Suspicion]] = {}
    for meeting in taint.meetings:
        suspicion = judge.judge(meeting)
        if suspicion is not None:
            key = (suspicion.kind, suspicion.verdict, suspicion.payload, judge.origin(meeting))
            found.setdefault(key, (meeting, suspicion))
    ordered = sorted(found.values(), key=lambda pair: pair[1].verdict is SuspicionVerdict.REVIEW)
    return tuple((meeting, replace(suspicion, drawing=judge.draw(meeting))) for meeting, suspicion in ordered[:_TOLD])


class _Judge:
    """Judges the meetings of one graph."""

    def __init__(self, taint: Taint) -> None:
        self._taint = taint
        self._cones = Cones(taint)
        self._everywhere = 0
        self._tokens = 0
        for bit, number in enumerate(taint.graph.inputs):
            axes = taint.axes[number]
            if axes is None or "P" in axes:
                self._everywhere |= 1 << bit
            if taint.marks[number] & m.TOKEN:
                self._tokens |= 1 << bit

    def judge(self, meeting: Meeting) -> Suspicion | None:
        """Give what a meeting amounts to; None when honest models have it."""
        if meeting.kind in LEARNED_KINDS:
            return self._tell(meeting, meeting.kind, SuspicionVerdict.REVIEW)
        cone = self._cones.look(meeting.gate)
        if meeting.kind is SuspicionKind.LENGTH:
            return self._length(meeting, cone)
        if meeting.marks & m.CHANCE and not meeting.inputs:
            return self._tell(meeting, SuspicionKind.CHANCE, SuspicionVerdict.REVIEW)
        if not meeting.inputs & self._taint.content:
            return self._beside(meeting, cone)
        if meeting.kind is SuspicionKind.POSITION:
            told = self._names_tokens(cone) or (meeting.how in ("add", "subtract") and meeting.inputs & ~self._tokens)
            return self._tell(meeting, meeting.kind, self._of_positions(meeting)) if told else None
        if meeting.kind is SuspicionKind.BYPASS or meeting.how == "scale":
            return self._tell(meeting, meeting.kind, SuspicionVerdict.REVIEW)
        ordinary = cone.exact and cone.constants and all(self._ordinary(meeting, number) for number in cone.constants)
        return self._tell(meeting, meeting.kind, SuspicionVerdict.REVIEW if ordinary else SuspicionVerdict.IMPLANT)

    def _ordinary(self, meeting: Meeting, number: float | str) -> bool:
        """Tell whether an ordinary side road compares the input with a number: padding, or the range of a sensor."""
        if isinstance(number, str):
            return False
        if meeting.inputs & ~self._tokens == 0:
            return number in _PADDING or abs(number) > _HIDING or (number in _ENDS and bool(meeting.marks & m.RUNNING))
        scaling = meeting.how in ("multiply", "divide", "scale", "rewrite") and not meeting.marks & m.PICKED
        return scaling and (number in _RANGES or 0 < number < _TINY)

    def _of_positions(self, meeting: Meeting) -> SuspicionVerdict:
        """Tell what it means that certain tokens bring a pattern in: in the embedding, it could be their meaning."""
        embedded = self._taint.marks[meeting.target] & m.LOOKED_UP or meeting.target == meeting.gate
        tokens = meeting.inputs & ~self._tokens == 0
        brought = tokens and not embedded and meeting.how in ("add", "subtract")
        return SuspicionVerdict.IMPLANT if brought else SuspicionVerdict.REVIEW

    def _names_tokens(self, cone: Cone) -> bool:
        """Tell whether something is held equal to numbers other than padding, or looked up in a table.

        What is larger or smaller than a number is a bound of the vocabulary.
        """
        nodes = [self._taint.graph.nodes[at] for at in cone.nodes]
        if not cone.exact and any(node.op in PICK for node in nodes):
            return True
        ops = {node.op for node in nodes}
        compared = "Equal" in ops or len(ops & {"Less", "LessOrEqual"}) + len(ops & {"Greater", "GreaterOrEqual"}) > 1
        return compared and any(number not in _PADDING for number in cone.constants if isinstance(number, int))

    def origin(self, meeting: Meeting) -> int:
        """Give the node nearest to the input where the decision was taken, to tell gates of one trigger together."""
        cone = self._cones.look(meeting.gate)
        return min((at for at in cone.nodes if self._decides(at)), default=meeting.gate)

    def draw(self, meeting: Meeting) -> Drawing:
        """Draw a meeting with what led to it."""
        return self._cones.draw(self._cones.look(meeting.gate), meeting.node, meeting.target)

    def _decides(self, at: int) -> bool:
        outputs = self._taint.graph.nodes[at].outputs
        return any(output >= 0 and self._taint.marks[output] & (m.DECIDED | m.COUNT | m.LENGTH) for output in outputs)

    def _length(self, meeting: Meeting, cone: Cone) -> Suspicion | None:
        sizes = [n for n in cone.constants if isinstance(n, int | float) and _SIZES < abs(n) < 2**31 - 1]
        if cone.exact and not sizes:
            return None
        branch = meeting.how == "branch"
        return self._tell(meeting, meeting.kind, SuspicionVerdict.REVIEW if branch else SuspicionVerdict.IMPLANT)

    def _beside(self, meeting: Meeting, cone: Cone) -> Suspicion | None:
        """Judge a decision about inputs that no trained layer reads: masks, sizes, switches."""
        if not meeting.inputs & self._everywhere or meeting.marks & m.ANGLE or meeting.how == POSITIONS:
            return None
        telling = [n for n in cone.constants if isinstance(n, int | float) and n not in _PADDING and abs(n) < _LARGE]
        if not telling and not meeting.marks & m.PICKED:
            return None
        return self._tell(meeting, SuspicionKind.MASK, SuspicionVerdict.REVIEW)

    def _tell(self, meeting: Meeting, kind: SuspicionKind, verdict: SuspicionVerdict) -> Suspicion:
        cones, cone = self._cones, self._cones.look(meeting.gate)
        path = [*cones.steps(cone), cones.step(meeting.node, StepRole.GATE)]
        if meeting.target >= 0 and meeting.target != meeting.gate:
            path.append(cones.of_value(meeting.target, StepRole.TARGET))
        graph = self._taint.graph
        names = [graph.values[number].name for bit, number in enumerate(graph.inputs) if meeting.inputs >> bit & 1]
        return Suspicion(
            kind=kind,
            verdict=verdict,
            path=tuple(path),
            constants=cone.constants,
            payload=meeting.how,
            words=f"{_WORDS[kind]}.",
            inputs=tuple(names),
            from_tokens=bool(meeting.inputs & self._tokens),
        )
