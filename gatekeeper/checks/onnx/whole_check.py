"""`onnx/run`: what the wires of a whole graph do when it is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx import whole as sighted
from gatekeeper.checks.onnx.whole import Sighting, Whole
from gatekeeper.checks.onnx.whole_asking import ran
from gatekeeper.evidence import Confidence, Finding, Gap, Hazard, Severity
from gatekeeper.text import plural, printable

_NAMES = 6
_NAME = 100
_MESSAGE = 900
_READ = "Read what the wire is made of and what it does against the model's own code, or compare with a trusted graph."


def _rule(rule: sighted.Rule, title: str) -> Rule:
    return Rule(slug=rule.value, title=title, severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
                confidence=Confidence.LOW, mend=_READ)  # fmt: skip


_WORDS = {
    sighted.Rule.STUCK: "Made of the input without trained weights, never moved, and computed with what moves",
    sighted.Rule.DORMANT: "Behind trained layers, a few numbers that never moved, and computed with what moves",
    sighted.Rule.BOTTLENECK: "One number in which something was decided, computed with many",
}


class GraphRun(Check):
    """Whole graphs, run.

    What it looks at:
        With --deep and the extra "deep": every ONNX graph with its weights, run in onnxruntime in a confined process on
        some two dozen inputs of the declared shapes (tokens, pictures, recordings, masks, caches; words of the graph's
        own constants among them), with the wires of the main graph given out. Which of them never move though what
        they are made of does; which single numbers steer something wide.

    Why it matters:
        A backdoor sleeps on ordinary inputs. What never moves and yet is computed with is where it would be (unused
        circuits: Hicks et al., IEEE S&P 2010; FANCI: Waksman et al., CCS 2013), also behind trained layers, where
        `onnx/taint` follows no decision.

    What it cannot see:
        Wires inside branches, loops and local functions. Gates of many numbers. What made-up inputs open, and what
        they can't feed. Whether a wire is a backdoor: guards against division by zero rest as well.

    How to mend:
        Read the wire that is named against the model's own code.
    """

    id = "onnx/run"
    title = "No wire of a graph rests, and none steers alone, when it is run"
    rules: ClassVar[tuple[Rule, ...]] = (
        _rule(sighted.Rule.STUCK, "Something in the graph never moves though the input does"),
        _rule(sighted.Rule.DORMANT, "A decision behind trained layers was never seen to fall otherwise"),
        _rule(sighted.Rule.BOTTLENECK, "A single number steers something wide"),
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no graph, or nobody asked for it to be run."""
        if not graph_files(artifact, context.limits):
            return "there is no ONNX graph"
        return "" if context.deep else "whole graphs are run only when that is asked for (--deep)"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Say what was seen, one finding for each rule and graph."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        for graph in ran(artifact, context):
            if graph.whole is None:
                gaps.append(Gap(reason=graph.trouble, path=graph.path))
            else:
                findings += self._findings(graph.path, graph.whole)
        return Outcome(findings=tuple(findings), gaps=tuple(gaps))

    def _findings(self, path: str, whole: Whole) -> Iterator[Finding]:
        for rule, words in _WORDS.items():
            seen = [one for one in whole.sightings if one.rule is rule]
            if seen:
                more = f" and {len(seen) - _NAMES} more" if len(seen) > _NAMES else ""
                told = f"{words}: {', '.join(map(_named, seen[:_NAMES]))}{more}."
                message = f"{told} {plural(whole.wires, 'wire')} were watched on {plural(whole.runs, 'input')}."
                detail = printable(seen[0].node or seen[0].value, _NAME)
                yield self.finding(rule.value, message[:_MESSAGE], path=path, detail=detail)


def _named(seen: Sighting) -> str:
    return f"{printable(f'{seen.op} {seen.value or seen.node}', _NAME)} ({plural(seen.elements, 'number')})"
