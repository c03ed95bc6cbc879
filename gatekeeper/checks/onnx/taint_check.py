"""`onnx/taint`: whether a graph decides about its input beside the layers that were trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.onnx.analysis import Analysis, analyses
from gatekeeper.checks.onnx.suspicion import Step, StepRole, Suspicion, SuspicionKind, SuspicionVerdict
from gatekeeper.checks.onnx.vocabulary import tokens
from gatekeeper.checks.onnx.whole_asking import ran
from gatekeeper.evidence import Confidence, Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_LATER = frozenset({SuspicionKind.ACTIVATION, SuspicionKind.TABLE, SuspicionKind.KERNEL})
_SEEN = frozenset({StepRole.COLLAPSE, StepRole.DECISION, StepRole.GATE})
_CONSTANTS = 12
_NAME = 60
_SHORT = 30
_MESSAGE = 900


class GraphTaint(Check):
    """Decisions beside the trained layers.

    What it looks at:
        Every ONNX graph, with the bodies of `If`, `Loop` and `Scan` and local functions written out, in one pass: what
        each value is made of, where positions of the input are summed up or picked out, where something is decided
        about what is left, and where that meets what the trained layers compute, their weights, or the input itself.
        A finding names the path, the constants that the input is held against and what is done to the target.

    Why it matters:
        A backdoor can be built from operators alone: a detector for some input, a gate, a payload. No weight changes,
        no operator is unusual, fine-tuning and conversion leave it in place (ShadowLogic, arXiv 2511.00664;
        architectural backdoors, arXiv 2206.07840 and 2402.06957).

    What it cannot see:
        Backdoors that were trained or edited into weights. Detectors whose weights pass for trained ones, or that read
        the model's own activations smoothly, are found in part, and never better than for review. Operators that
        nobody knows, what compilers add, and graphs in other formats.

    How to mend:
        Export the graph anew from weights that you trust, or take an earlier revision whose graph you compared.
    """

    id = "onnx/taint"
    title = "Nothing decides about the input beside the trained layers"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            slug="implant",
            title="The graph holds a trigger, a gate and a payload",
            severity=Severity.CRITICAL,
            hazard=Hazard.IMPLANT,
            mend="Don't run it. Rebuild the graph from weights of a verified source, with an exporter of your own.",
        ),
        Rule(
            slug="side-road",
            title="The input reaches trained data by a way that somebody should read",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            confidence=Confidence.MEDIUM,
            mend="Read the path that is named against the model's own code, or compare the graph with a trusted one.",
        ),
        Rule(
            slug="activation",
            title="Single activations decide about what the model computes",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            confidence=Confidence.LOW,
            mend="Read the path that is named against the model's own code, or compare the graph with a trusted one.",
        ),
    )
    facts = ("graph.implant", "graph.review")

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no ONNX graph."""
        return "" if analyses(artifact, context) else "there is no ONNX graph"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Take what the analysis said."""
        graphs = analyses(artifact, context)
        findings: list[Finding] = []
        verdicts = set()
        for graph in graphs:
            for suspicion in graph.suspicions or ():
                verdicts.add(suspicion.verdict)
                findings.append(self._finding(suspicion, graph, artifact, context))
        return Outcome(
            findings=tuple(findings),
            facts={
                "graph.implant": SuspicionVerdict.IMPLANT in verdicts,
                "graph.review": SuspicionVerdict.REVIEW in verdicts,
            },
            gaps=tuple(_gaps(graphs)),
        )

    def _finding(self, suspicion: Suspicion, graph: Analysis, artifact: Artifact, context: Context) -> Finding:
        slug = "implant"
        if suspicion.verdict is SuspicionVerdict.REVIEW:
            slug = "activation" if suspicion.kind in _LATER else "side-road"
        constants = list(suspicion.constants)
        numbers = [n for n in constants if isinstance(n, int)] if suspicion.from_tokens else []
        texts = tokens(artifact, PurePosixPath(graph.path), numbers, context.limits)
        held = ", ".join(_constant(constant, texts) for constant in constants[:_CONSTANTS])
        path, gated = " → ".join(map(_step, suspicion.path)), printable(suspicion.payload, _SHORT)
        words = f"{suspicion.words} Path: {path}. Gate: {gated}."
        if held:
            words += f" Held against: {held}{', …' if len(constants) > _CONSTANTS else ''}."
        gate = next((step for step in suspicion.path if step.role is StepRole.GATE), None)
        detail = printable(gate.node or gate.value, 200) if gate is not None else ""
        message = words if len(words) <= _MESSAGE else words[: _MESSAGE - 1] + "…"
        drawing = suspicion.drawing and replace(suspicion.drawing, words=f"{path}. Gate: {gated}.")
        surer = Confidence.HIGH if _was_seen(suspicion, graph.path, artifact, context) else None
        return self.finding(slug, message, path=graph.path, detail=detail, drawing=drawing, confidence=surer)


def _was_seen(suspicion: Suspicion, path: str, artifact: Artifact, context: Context) -> bool:
    """Tell whether a wire on the way, or just before it, rested or steered alone when the whole graph was run."""
    on_the_way = {name for step in suspicion.path if step.role in _SEEN for name in (step.node, step.value) if name}
    wholes = (graph.whole for graph in ran(artifact, context) if graph.path == path)
    return any(
        {seen.node, seen.value, *seen.after} & on_the_way for whole in wholes if whole for seen in whole.sightings
    )


def _gaps(graphs: Iterable[Analysis]) -> Iterator[Gap]:
    for graph in graphs:
        if graph.suspicions is None:
            yield Gap(reason=graph.troubles.get("taint", "the graph was not read"), path=graph.path)


def _step(step: Step) -> str:
    name = printable(step.value or step.node, _NAME)
    return f"{step.role.value} {printable(step.op, _SHORT)} {name}".rstrip()


def _constant(constant: int | float | str, texts: Mapping[int, str]) -> str:
    if isinstance(constant, str):
        return repr(printable(constant, _NAME))
    text = texts.get(constant) if isinstance(constant, int) else None
    shown = f"{constant:g}" if isinstance(constant, float) else str(constant)
    return shown if text is None else f"{shown} ({printable(text, _SHORT)!r})"
