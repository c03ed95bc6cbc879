"""`onnx/reference`: what a graph has that the graph which the deployer trusts has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import analyses
from gatekeeper.checks.onnx.difference import Change, Difference
from gatekeeper.checks.onnx.reference_analysis import Compared, compared, path_beside
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.text import plural, printable

_NEARLY = 0.9
"""Share of the reference's nodes, and of its tensors byte for byte, by which a graph is the reference with something
added. Training anew changes nearly all tensors, another exporter or optimiser many nodes; whoever hides an addition
changes a few of them, so that not all are there."""

_LIKE = 0.5
"""Share of the reference's nodes below which nothing is said of single ones: exporters share few."""

_NAMES = 8
_MESSAGE = 900
_ORDER = (Change.SAME, Change.WEIGHTS_ONLY, Change.NODES_ADDED, Change.CHANGED)

_EXPORT = "Ask the publisher for the reason, or export the graph anew from the weights with an exporter of your own."


class GraphReference(Check):
    """Graphs against those of a reference.

    What it looks at:
        Every ONNX graph beside the one of the same path in the model that was given with --reference, or in the
        revision that the lock pins. Nodes of both are paired by structure (labels after Weisfeiler and Lehman), names
        count for nothing, and pairs are then compared operand by operand, tensors by the digest of what is stored.

    Why it matters:
        A backdoor of operators alone leaves every weight as it was and adds a few nodes (ShadowLogic, arXiv
        2511.00664). Beside a graph that is trusted nothing of that can hide, whatever it looks like.

    What it cannot see:
        Whether the reference is honest. What changed weights do. Graphs of another exporter, or of another version of
        it, have so little in common with the reference that only this is said.

    How to mend:
        Read the nodes that are named. Export the graph anew from the weights, or stay with the reference.
    """

    id = "onnx/reference"
    title = "Graphs are those of the reference"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="implant", title="Nodes that decide were added to the reference's graph", severity=Severity.CRITICAL,
             hazard=Hazard.IMPLANT, mend="Don't run it. Stay with the reference, or rebuild it from the weights."),
        Rule(slug="nodes-added", title="Nodes were added to the reference's graph", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_EXPORT),
        Rule(slug="decision-added", title="A graph decides where the reference's does not", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_EXPORT),
        Rule(slug="changed", title="A graph is another than the reference's", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_EXPORT),
        Rule(slug="not-comparable", title="A graph has little in common with the reference's",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
             mend="Give a reference that the same version of the same exporter wrote."),
        Rule(slug="no-counterpart", title="The reference has no such graph", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend="Give a reference that has the graph, or leave the file out."),
        Rule(slug="weights-changed", title="A graph is the reference's, its weights are not", severity=Severity.INFO,
             hazard=Hazard.NONE, mend="Nothing has to be done where the model was trained further."),
    )  # fmt: skip
    facts = ("graph.reference_diff",)

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no graph, or nothing to hold it against."""
        if not graph_files(artifact, context.limits):
            return "there is no ONNX graph"
        return "" if context.reference or context.reference_trouble else "no reference was given (--reference)"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Compare every graph with its counterpart."""
        if context.reference is None:
            trouble = printable(context.reference_trouble, _MESSAGE)
            return Outcome(facts={"graph.reference_diff": "unknown"}, gaps=(Gap(reason=trouble),))
        findings: list[Finding] = []
        gaps: list[Gap] = []
        changes: list[Change] = []
        for one in compared(artifact, context.reference, context):
            beside = one.identical or bool(one.difference and one.difference.elsewhere)
            trouble = one.trouble or (_unknown_places(one, artifact, context) if beside else "")
            if trouble:
                gaps.append(Gap(reason=trouble, path=one.path))
                continue
            other = beside and _others_beside(one, artifact, context.reference, context)
            changes.append(_change(one, other=other))
            findings += self._judge(one, other=other)
        word = "unknown" if gaps or not changes else max(changes, key=_ORDER.index).value
        return Outcome(findings=tuple(findings), facts={"graph.reference_diff": word}, gaps=tuple(gaps))

    def _judge(self, one: Compared, *, other: bool) -> Iterator[Finding]:
        """Say what one graph has that its counterpart hasn't."""
        if not one.counterpart:
            yield self.finding(
                "no-counterpart", "the reference has no graph that it could be compared with", path=one.path
            )
            return
        difference = one.difference
        if difference is None or difference.change in (Change.SAME, Change.WEIGHTS_ONLY):
            if _change(one, other=other) is Change.WEIGHTS_ONLY:
                yield self.finding("weights-changed", f"its nodes are the same; {_tensors(difference)}", path=one.path)
            return
        slug = _slug(difference, other=other)
        if slug == "not-comparable":
            shared = difference.nodes - difference.removed
            message = f"of the reference's {plural(difference.nodes, 'node')}, {shared:,} are in it"
            yield self.finding(slug, f"{message}: another exporter, or another model", path=one.path)
            return
        words = " ".join(_words(difference, other=other))
        message = words if len(words) <= _MESSAGE else f"{words[: _MESSAGE - 1]}…"
        yield self.finding(slug, message, path=one.path, drawing=difference.drawing)


def _change(one: Compared, *, other: bool) -> Change:
    """Give how a graph differs, files beside it that hold its tensors included."""
    change = one.difference.change if one.difference else Change.SAME if one.identical else Change.CHANGED
    if not other:
        return change
    return {Change.SAME: Change.WEIGHTS_ONLY, Change.NODES_ADDED: Change.CHANGED}.get(change, change)


def _slug(difference: Difference, *, other: bool) -> str:
    """Choose the rule for a graph whose nodes are not the reference's."""
    found = difference.nodes - difference.removed
    if found < _LIKE * difference.nodes:
        return "not-comparable"
    kept = 0 if other else difference.kept
    if difference.added and found >= _NEARLY * difference.nodes and kept >= _NEARLY * difference.tensors:
        return "implant" if difference.decisions else "nodes-added"
    return "decision-added" if difference.decisions else "changed"


def _words(difference: Difference, *, other: bool) -> Iterator[str]:
    """Tell the difference, what matters most first."""
    if difference.change is Change.NODES_ADDED and not other:
        yield "All old initializers are byte-identical, only nodes were added: graphs with a backdoor look so."
    else:
        yield f"{_tensors(difference, other=other)[0].upper()}{_tensors(difference, other=other)[1:]}."
    for told, count, names in (
        ("added", difference.added, difference.added_nodes),
        ("removed", difference.removed, difference.removed_nodes),
        ("fed from elsewhere than before", difference.rewired, difference.rewired_nodes),
    ):
        if count:
            yield f"{count:,} {told}: {_few(names, count)}."
    if difference.changed_tensors:
        yield f"With other bytes: {_few(difference.changed_tensors, len(difference.changed_tensors))}."
    yield from difference.interface
    yield from (f"At what was added: {words}" for words in dict.fromkeys(difference.decisions))


def _tensors(difference: Difference | None, *, other: bool = False) -> str:
    if difference is None or other:
        return "files beside it, in which its tensors lie, have other bytes than the reference's"
    told = f"of the reference's {plural(difference.tensors, 'stored tensor')}, {difference.kept:,} are byte-identical"
    return f"{told}, and {difference.new:,} are new"


def _few(names: Iterable[str], count: int) -> str:
    shown = list(names)[:_NAMES]
    return ", ".join(shown) + (f" and {count - len(shown):,} more" if count > len(shown) else "")


def _unknown_places(one: Compared, artifact: Artifact, context: Context) -> str:
    """Say why it is not known which files a graph takes tensors from; empty when it is."""
    graph = next((graph for graph in analyses(artifact, context) if graph.path == one.path), None)
    return "" if graph and graph.structure else "which files its tensors lie in is not known"


def _others_beside(one: Compared, artifact: Artifact, reference: Artifact, context: Context) -> bool:
    """Whether some file that the graph takes tensors from is another than the reference's, as far as can be told."""
    graph = next(graph for graph in analyses(artifact, context) if graph.path == one.path)
    for loose in graph.structure.loose if graph.structure else ():
        ours = artifact.file(path_beside(one.path, loose.location))
        theirs = reference.file(path_beside(one.counterpart, loose.location))
        if ours is None or theirs is None or not ours.sha256 or ours.sha256 != theirs.sha256:
            return True
    return False
