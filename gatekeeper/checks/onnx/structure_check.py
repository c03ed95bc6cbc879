"""`onnx/structure`: whether an ONNX file is one model to everybody, and what it needs besides a runtime."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files import other_graphs
from gatekeeper.checks.onnx.analysis import Analysis, analyses
from gatekeeper.checks.onnx.problems import Problem, Structure
from gatekeeper.checks.onnx.structure_neighbours import judge_loose
from gatekeeper.checks.onnx.structure_rules import RULES
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.evidence import FactValue, Finding, Gap
from gatekeeper.text import printable

_KNOWN = frozenset(rule.slug for rule in RULES)
_MESSAGE = 600
_EXPORTERS = 10


class GraphStructure(Check):
    """Hygiene of computational graphs.

    What it looks at:
        In ONNX files every tensor, wherever it stands (data in two fields, in a wrong one, of another size than its
        shape; files that it lies in, their places and lengths), names and functions that stand for two things, the
        operators that the graph calls and who brings them, texts that are meant to be run, what nothing uses, and what
        ONNX's own checker says. In a confined process; no weight is loaded. Graphs in other formats are named.

    Why it matters:
        A file that two readers understand differently can be one model when it is tested and another when it runs.
        Tensors in other files have led readers out of the folder. Operators that no runtime brings are code that
        somebody has to install, and nobody can judge a graph that was compiled.

    What it cannot see:
        What the graph computes (`onnx/taint` follows that). Values of weights. Graphs inside archives. Of graphs in
        other formats than ONNX it says only that nobody follows them.

    How to mend:
        Ask the publisher to export the model anew, or export it yourself from weights that you trust.
    """

    id = "onnx/structure"
    title = "Graphs are one model to every reader"
    rules: ClassVar[tuple[Rule, ...]] = RULES
    facts = ("graph.unknown", "graph.exporter")

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no graph at all."""
        if analyses(artifact, context) or other_graphs(artifact, context.limits):
            return ""
        return "there is no computational graph"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Take what the analysis said, and hold it against the files that are there."""
        graphs, others = analyses(artifact, context), other_graphs(artifact, context.limits)
        findings: list[Finding] = []
        gaps = [Gap(reason=graph.reason, path=graph.path) for graph in others if graph.reason]
        for graph in graphs:
            for said in self._said(graph, artifact, context):
                if isinstance(said, Gap):
                    gaps.append(said)
                else:
                    findings.append(said)
        unread = any(not graph.parts or graph.troubles for graph in graphs)
        facts: dict[str, FactValue] = {
            "graph.unknown": bool(others) or bool(gaps) or unread,
            "graph.exporter": _exporters(graph.structure for graph in graphs),
        }
        return Outcome(findings=tuple(findings), facts=facts, gaps=tuple(dict.fromkeys(gaps)))

    def _said(self, graph: Analysis, artifact: Artifact, context: Context) -> Iterable[Finding | Gap]:
        """Give what is to be said of one graph."""
        structure = graph.structure
        if structure is None:
            yield Gap(reason=graph.troubles.get("structure", "the graph was not read"), path=graph.path)
            return
        for sentence in structure.unjudged:
            yield Gap(reason=printable(sentence, _MESSAGE), path=graph.path)
        for problem in structure.problems:
            yield self._finding(problem, graph.path)
        for loose in structure.loose:
            try:
                for said in judge_loose(loose, PurePosixPath(graph.path), artifact, context.limits):
                    yield said if isinstance(said, Gap) else self._finding(said, graph.path)
            except (SourceError, ContentChangedError, OSError) as error:
                yield Gap(reason=f"a file of its tensors can't be read: {printable(str(error))}", path=graph.path)

    def _finding(self, problem: Problem, path: str) -> Finding:
        """Make a finding of a problem; the process that named it had a hostile file in its hands.

        Raises:
            ValueError: When no rule is called so.
        """
        if problem.slug not in _KNOWN:
            raise ValueError("the analysis named a rule that there is not")
        message, detail = printable(problem.message, _MESSAGE), printable(problem.detail)
        return self.finding(problem.slug, message, path=path, detail=detail)


def _exporters(structures: Iterable[Structure | None]) -> str:
    names = sorted({structure.exporter for structure in structures if structure is not None and structure.exporter})
    return ", ".join(printable(name, 100) for name in names[:_EXPORTERS])
