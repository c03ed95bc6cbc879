"""`onnx/re-export`: what a graph does that its architecture, written out anew, does not."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.export_asking import Held, architectures, held
from gatekeeper.evidence import Confidence, Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_DEEDS = 6
_MESSAGE = 900
_DETAIL = 100


class GraphExport(Check):
    """Graphs against their architecture, written out anew.

    What it looks at:
        With --deep: every ONNX graph beside which safetensors and a config.json lie, or for which --reference names
        such a model. The architecture that the configuration names is written out as ONNX with random weights by both
        exporters of torch, with and without its head, in a confined process. Held against these is not which nodes the
        graph has, but what they do beside trained layers: decisions that meet learned data, single numbers read off
        activations, tables, by kind.

    Why it matters:
        Exporters, their versions and optimisers write one model with different nodes; none of them adds a decision. A
        backdoor has to (ShadowLogic, arXiv 2511.00664), also where it reads only activations, smoothly.

    What it cannot see:
        A detector that does only what the architecture does anyway. Architectures that transformers does not know by
        itself (no code of a repo is run), that are too large, or take other inputs than tokens or pictures. The
        weights.

    How to mend:
        Export the safetensors yourself, and use that graph.
    """

    id = "onnx/re-export"
    title = "Graphs do nothing that their architecture does not"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            slug="does-more",
            title="A graph does what its architecture does not when it is exported anew",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            confidence=Confidence.MEDIUM,
            mend="Read the nodes that are named, or export the graph anew from the weights and use that one.",
        ),
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no graph, nobody asked, or there is no architecture to be written out."""
        if not graph_files(artifact, context.limits):
            return "there is no ONNX graph"
        if not context.deep:
            return "architectures are written out anew only when that is asked for (--deep)"
        return "" if architectures(artifact, context) else "no safetensors with a config.json lie beside a graph"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Hold every graph that can be against its architecture."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        for graph in held(artifact, context):
            if graph.trouble:
                gaps.append(Gap(reason=graph.trouble, path=graph.path))
            elif graph.more:
                findings.append(self._finding(graph))
        return Outcome(findings=tuple(findings), gaps=tuple(gaps))

    def _finding(self, graph: Held) -> Finding:
        told = "; ".join(f"{deed.kind} ({deed.where})" for deed in graph.more[:_DEEDS])
        more = f"; and {len(graph.more) - _DEEDS} more" if len(graph.more) > _DEEDS else ""
        written = f"Its architecture ({graph.config}) was written out as {', '.join(graph.names)}."
        message = printable(f"It {told}{more}. {written}", _MESSAGE)
        return self.finding("does-more", message, path=graph.path, detail=printable(graph.more[0].where, _DETAIL))
