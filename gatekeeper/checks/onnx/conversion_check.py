"""`onnx/conversion`: whether a graph is what it was converted from, as far as sizes and numbers tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import analyses
from gatekeeper.checks.onnx.conversion import Beside, Likeness
from gatekeeper.checks.onnx.stored_weights import Weight, graph_weights, safetensors_weights
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_EXPORTERS = re.compile(
    r"(?:pytorch|tf2onnx|skl2onnx|onnxmltools|keras2onnx|sklearn-onnx|coremltools|onnxruntime|onnx[._]quantize|paddle"
    r"|mxnet|cntk|caffe2|microsoft\.ml|optimum|olive|onnxscript|onnx-?ir|jax2onnx|jax2tf|matlab|ultralytics|hummingbird"
    r"|winmltools|onnx-simplifier|onnxsim|lightgbm|xgboost|catboost|chainer|sherpa|transformers|neural[ _-]compressor)",
    re.IGNORECASE,
)
"""How exporters and tools that rewrite exported graphs call themselves (`ModelProto.producer_name`)."""

_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim", "embed_dim")
"""What a configuration calls the width of a transformer's hidden states, first come first."""


def _rule(slug: str, title: str, mend: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=mend)


_CONVERT = "Convert the safetensors yourself, and compare; or ask the publisher how the graph was made."


class Conversion(Check):
    """Graphs against the weights that they were made from.

    What it looks at:
        Where safetensors files lie in the same repo: the sizes of an ONNX graph's weights, and, within limits, their
        very numbers in whatever order, rounded to the graph's type. Where config.json names a width, whether
        any weight has it. Where no other weights lie beside: whether the graph says that a known exporter wrote it.

    Why it matters:
        A converted model goes under the name of the one that it was made from. When its weights are others, nothing
        that was found out about these holds for it.

    What it cannot see:
        What was done to the graph beside its weights: that is for `onnx/taint` and `onnx/reference`. Quantised weights
        and those that an exporter folded into others have other numbers for good reasons. Anybody can write the name
        of an exporter. Whose conversion it is, `provenance/lineage` says.

    How to mend:
        Convert the safetensors yourself with the exporter that you use, and compare.
    """

    id = "onnx/conversion"
    title = "Graphs hold the weights that they were made from"
    rules: ClassVar[tuple[Rule, ...]] = (
        # These ask for a look when nobody whom the deployer trusts has made both; else they are told.
        _rule("weights-differ", "A graph has other weights than those beside it", _CONVERT),
        _rule("sizes-differ", "No weight of a graph has the size of one beside it", _CONVERT),
        _rule("width-differs", "No weight of a graph has the width that the configuration names", _CONVERT),
        _rule("unknown-exporter", "Nobody knows what wrote a graph",
              "Ask the publisher which weights it was made from, and by what."),
        Rule(slug="not-comparable", title="A graph's weights can't be held against those beside it",
             severity=Severity.INFO, hazard=Hazard.NONE, mend="Nothing has to be done, where they are quantised."),
    )  # fmt: skip

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no ONNX graph."""
        return "" if graph_files(artifact, context.limits) else "there is no ONNX graph"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Compare every graph with what lies beside it."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        try:
            beside = tuple(safetensors_weights(artifact, context.limits))
        except (SourceError, ContentChangedError, OSError) as error:
            return Outcome(gaps=(Gap(reason=f"safetensors can't be read: {printable(str(error))}"),))
        trusted = _is_trusted(artifact, context)
        comparing, width = Beside(weights=beside, limits=context.limits), _width(artifact, context.limits)
        for file in graph_files(artifact, context.limits):
            path = str(file.path)
            if file.sha256 is None:
                gaps.append(Gap(reason="not downloaded, so its weights were not compared", path=path))
                continue
            try:
                weights = graph_weights(file, artifact, context.limits)
                said = list(self._judge(path, weights, comparing if beside else None, width))
            except (SourceError, ContentChangedError, OSError, ValueError) as error:
                gaps.append(Gap(reason=f"its weights can't be compared: {printable(str(error))}", path=path))
                continue
            findings += (self._told(slug, message, path, trusted=trusted) for slug, message in said)
        if not beside and not trusted:
            findings += self._exporters(artifact, context)
        return Outcome(findings=tuple(findings), gaps=tuple(gaps))

    def _judge(
        self, path: str, weights: Sequence[Weight], beside: Beside | None, width: int
    ) -> Iterator[tuple[str, str]]:
        """Say what is wrong with one graph: the rule and a sentence."""
        if width and weights and not any(width in weight.shape for weight in weights):
            yield "width-differs", f"config.json says that the model is {width:,} wide, and no weight of the graph is"
        if beside is None or not weights:
            return
        like = beside.compare(weights)
        if like.packed > like.floats:
            yield "not-comparable", f"most of its weights are quantised ({like.packed:,} of {_all(like):,} numbers)"
        elif like.floats and not like.shaped:
            yield (
                "sizes-differ",
                f"none of its {like.floats:,} numbers lies in a tensor of a size that lies beside it",
            )
        elif like.shaped and 2 * like.compared < like.shaped:
            yield "not-comparable", f"only {like.compared:,} of {like.shaped:,} numbers were compared, by the limits"
        elif like.compared and 2 * like.same < like.compared:
            yield (
                "weights-differ",
                f"of {like.compared:,} numbers, those of tensors that are the same are {like.same:,}",
            )

    def _told(self, slug: str, message: str, path: str, *, trusted: bool) -> Finding:
        """Make a finding; of one publisher's two forms of a model, the trusted one's word is enough."""
        if trusted:
            return self.finding(slug, message, path=path, severity=Severity.INFO, hazard=Hazard.NONE)
        return self.finding(slug, message, path=path)

    def _exporters(self, artifact: Artifact, context: Context) -> Iterator[Finding]:
        for graph in analyses(artifact, context):
            structure = graph.structure
            if structure is not None and not _EXPORTERS.search(structure.exporter):
                who = printable(structure.exporter, 80)
                message = f"it says that {who!r} wrote it, and" if who else "it does not say what wrote it, and"
                yield self.finding("unknown-exporter", f"{message} no weights lie beside it", path=graph.path)


def _all(like: Likeness) -> int:
    return like.packed + like.floats


def _width(artifact: Artifact, limits: Limits) -> int:
    """Give the width that config.json names; 0 when it names none."""
    config: ArtifactFile | None = artifact.file("config.json")
    if config is None:
        return 0
    try:
        said: dict[str, Any] = load_json_object(config.content.read(limits.json_bytes), depth=limits.json_depth)
    except (LimitError, SourceError, ContentChangedError, ParseError, OSError):
        return 0  # `files/structure` says that it can't be read
    width = next((said[name] for name in _WIDTHS if name in said), 0)
    return width if isinstance(width, int) and not isinstance(width, bool) and width > 1 else 0


def _is_trusted(artifact: Artifact, context: Context) -> bool:
    """Whether the deployer trusts the publisher that the Hub answered with; letter case does not count, as there."""
    answered = artifact.platform.returned_id.partition("/")[0] if artifact.platform else artifact.reference.publisher
    trusted = {name.lower() for name in context.trusted_publishers if name.isascii()}
    return answered.isascii() and answered.lower() in trusted
