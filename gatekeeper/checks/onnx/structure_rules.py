"""The rules of `onnx/structure`.

What makes one file two models, or leads a reader out of the folder, is suspicious: no exporter writes it, and a person
has to look. It runs nothing by itself, so it is no payload, and nothing says that somebody changed the bytes on their
way, so it is no tampering. What the publisher's word is missing for is unverified. What costs a few bytes or the
checker's approval, as honest exporters' leftovers do, moves no decision.
"""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_EXPORT = "Refuse it; ask the publisher to export the model anew."
_LOOK = "Find out what it is for and why it is there; waive it with the reason, or refuse the file."
_BRING = "Find out which library brings it, and install that from a source that you trust and have read."


def _suspicious(slug: str, title: str, mend: str = _EXPORT, severity: Severity = Severity.HIGH) -> Rule:
    return Rule(slug=slug, title=title, severity=severity, hazard=Hazard.SUSPICIOUS, mend=mend)


def _unverified(slug: str, title: str, mend: str = _BRING) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=mend)


def _told(slug: str, title: str, mend: str, severity: Severity = Severity.INFO) -> Rule:
    return Rule(slug=slug, title=title, severity=severity, hazard=Hazard.NONE, mend=mend)


RULES: tuple[Rule, ...] = (
    _suspicious("two-data-fields", "A tensor has its elements in two places"),
    _suspicious("two-values", "An attribute has two values, or one of another type"),
    _suspicious("data-field", "A tensor has its elements where its type has none"),
    _suspicious("data-size", "A tensor has more or fewer elements than its shape says"),
    _suspicious("impossible-tensor", "A tensor has an unknown type or an impossible shape"),
    _suspicious("external-escape", "A graph takes data from outside the model's folder"),
    _suspicious("external-place", "A tensor does not say clearly where it lies"),
    _suspicious("external-overlap", "Tensors share a part of their bytes"),
    _suspicious("external-bounds", "A tensor lies beyond the end of its file"),
    _suspicious("external-missing", "A file with a graph's tensors is not there"),
    _suspicious("external-itself", "A graph takes its own file for a file of tensors"),
    _suspicious("external-checksum", "A file of tensors is not the one that the graph was written with"),
    _suspicious("function-shadows", "A graph brings its own function for a standard operator"),
    _suspicious("function-twice", "Two functions of a graph have one name"),
    _suspicious("name-twice", "A name stands for two values"),
    _suspicious("name-shadows", "A name means another value inside a branch or loop", severity=Severity.MEDIUM),
    _suspicious("name-text", "A name is no text", severity=Severity.MEDIUM),
    _suspicious("unmade-value", "A graph uses a value that nothing makes"),
    _suspicious("opset-twice", "A graph asks for two versions of the same operators"),
    _suspicious("calls-code", "A graph calls code of the program that runs it", _LOOK),
    _suspicious("reaches-out", "A graph reaches for files or other machines", _LOOK),
    _suspicious("huge-value", "A few bytes of a graph become more than any memory holds"),
    _suspicious("odd-operand", "Far more numbers than a shape has stand where one belongs", _LOOK, Severity.MEDIUM),
    _suspicious("metadata-code", "The description of a model holds code", _LOOK),
    _suspicious("unnamed-fields", "A graph file holds much that belongs to no field", _LOOK, Severity.MEDIUM),
    _unverified("own-operator", "A graph calls operators that no known runtime brings"),
    _unverified("opaque-part", "A part of a graph was compiled, so that nobody can read it",
                "Ask for the graph that it was compiled from, and compile it yourself."),
    _told("function-stands-in", "A graph brings its own function for an operator of ONNX Runtime",
          "Run it with ONNX Runtime, which has that operator, or read the function.", Severity.LOW),
    _told("string-code", "A text among a graph's tensors looks like code",
          "See what it is; vocabularies of models that write code hold such pieces.", Severity.LOW),
    _told("unused-bytes", "A graph carries tensors that nothing uses",
          "See what they are, or have the model exported without them.", Severity.LOW),
    _told("training-info", "A graph brings graphs for training", "Export it for inference.", Severity.LOW),
    # Converters to half precision write nodes out of order, and optimisers operators that only ONNX Runtime has.
    _told("checker", "ONNX's own checker objects to a graph",
          "See whether the runtime that you use takes it; the exporter's next version may mend it."),
    _told("unused", "A graph has parts that nothing uses", "Nothing has to be done; exporters leave them behind."),
    _told("chance", "A graph draws random numbers", "Know that the same input gets different answers."),
    _told("metadata-address", "The description of a model names an address", "Nothing has to be done."),
    _told("metadata-long", "The description of a model is long", "See what it is; no runtime needs it."),
)  # fmt: skip
