"""`onnx/confirmation`: what the detectors that were found in graphs do when they are run by themselves."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.onnx.confirm_asking import confirmed, installed, suspected
from gatekeeper.checks.onnx.confirmation import Confirmation
from gatekeeper.checks.onnx.suspicion import StepRole, Suspicion
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_WITNESS = 400
_NAME = 200


class GraphConfirmation(Check):
    """Detectors, run by themselves.

    What it looks at:
        Behind each finding of onnx/taint, the nodes between the inputs and the gate, cut out as a model of its own.
        It has no weights. It runs in onnxruntime, in a confined process, on ordinary inputs and on inputs made of its
        own constants: does the gate rest on the former, and move on one of the latter. Only with the extra "deep".

    Why it matters:
        A path in a graph is an argument; an input on which a dormant gate opens is an observation, and names a trigger
        (unused circuits: Hicks et al., IEEE S&P 2010; Waksman et al., FANCI, CCS 2013).

    What it cannot see:
        What a gate does when it opens: trained layers don't run. Detectors with loops, with operators that onnxruntime
        lacks or with large constants are not run. A gate that never opened may still open: the search is bounded, and
        hashes and learned thresholds are not searched for.

    How to mend:
        As onnx/taint says; nothing found here lifts a finding there.
    """

    id = "onnx/confirmation"
    title = "What detectors in graphs do when they are run by themselves"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            slug="fires",
            title="A gate in the graph rests on ordinary inputs and opens on one that was looked for",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            mend="Take the input that is named as the trigger when you read the finding of onnx/taint.",
        ),
        Rule(
            slug="unmoved",
            title="No gate was seen to open that rests on ordinary inputs",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            mend="The finding of onnx/taint stands: read the path that it names.",
        ),
        Rule(
            slug="not-run",
            title="A detector in the graph could not be run by itself",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            mend="The finding of onnx/taint stands: read the path that it names.",
        ),
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is nothing to run, or nothing to run it with."""
        if not suspected(artifact, context):
            return "onnx/taint found nothing that could be run"
        return "" if installed() else "onnxruntime is not installed (extra deep), so what was found was not run"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Ask the child, and say what came of each finding."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        for graph in confirmed(artifact, context):
            if graph.trouble:
                gaps.append(Gap(reason=graph.trouble, path=graph.path))
            findings.extend(self._finding(graph.path, *answer) for answer in graph.answers)
        return Outcome(findings=tuple(findings), gaps=tuple(gaps))

    def _finding(self, path: str, suspicion: Suspicion, found: Confirmation) -> Finding:
        gate = next((step for step in suspicion.path if step.role is StepRole.GATE), None)
        detail = printable(gate.node or gate.value, _NAME) if gate is not None else ""
        if found.untried:
            return self.finding("not-run", f"Not run: {printable(found.untried, _NAME)}.", path=path, detail=detail)
        ran = f"on {found.ordinary} ordinary inputs"
        if found.fires:
            witness = printable(found.witness, _WITNESS)
            words = f"The gate rests {ran}, and opens on one that was looked for: {witness}."
            return self.finding("fires", words, path=path, detail=detail)
        if not found.tried:
            return self.finding("unmoved", f"The gate moves {ran} already.", path=path, detail=detail)
        words = f"The gate rests {ran}, and on {found.tried} that were looked for."
        return self.finding("unmoved", words, path=path, detail=detail)
