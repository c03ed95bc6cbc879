"""The vocabulary of policies: every fact with its type, meaning and where it comes from, in one table.

Expressions are compiled against this table, so a misspelt name or a comparison of the wrong types is found when
the policy loads. A fact that no check set has its default: what holds when nobody said otherwise. Whether a check
that should have set it ran at all is told apart, by `checks.unknown` and `checks.required_unknown`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.evidence import FactValue, Hazard
from gatekeeper.text import printable


class FactType(StrEnum):
    """Types of facts, by the names that CEL gives them."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    LIST = "list(string)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One word of the vocabulary."""

    name: str
    """Dotted, as written in expressions."""

    type: FactType
    meaning: str
    set_by: str
    """The check that sets it, or the room that derives it."""

    default: FactValue
    """What it reads when nothing set it."""

    values: tuple[str, ...] = ()
    """For strings, and for lists of strings, with a fixed set of values: all of them."""


def _bool(name: str, meaning: str, set_by: str) -> Fact:
    return Fact(name=name, type=FactType.BOOL, meaning=meaning, set_by=set_by, default=False)


def _word(name: str, meaning: str, set_by: str, *values: str) -> Fact:
    """Make a string fact with fixed values; the first is the default."""
    return Fact(name=name, type=FactType.STRING, meaning=meaning, set_by=set_by, default=values[0], values=values)


def _text(name: str, meaning: str, set_by: str) -> Fact:
    return Fact(name=name, type=FactType.STRING, meaning=meaning, set_by=set_by, default="")


def _int(name: str, meaning: str, set_by: str, default: int) -> Fact:
    return Fact(name=name, type=FactType.INT, meaning=meaning, set_by=set_by, default=default)


def _list(name: str, meaning: str, set_by: str, *values: str) -> Fact:
    return Fact(name=name, type=FactType.LIST, meaning=meaning, set_by=set_by, default=(), values=values)


_HAZARDS = tuple(sorted(hazard.value for hazard in Hazard if hazard is not Hazard.NONE))
_METHODS = ("AdaLoRA", "DoRA", "IA3", "LoHa", "LoKr", "LoRA", "VeRA", "other")
_REPLACES = ("bias", "embeddings", "hidden-weights", "norm", "output-layer", "token-rows", "whole-layer")


VOCABULARY: tuple[Fact, ...] = (
    _word("artifact.kind", "what a loader makes of it", "provenance/revision", "model", "adapter", "graph"),
    _list("artifact.formats", "formats of its files, sorted", "files/formats"),
    _word("source.scheme", "where it comes from", "provenance/revision", "folder", "file", "hf"),
    _bool("source.pinned", "the reference names one commit by its 40 digits", "provenance/revision"),
    _bool("source.pull_request", "the revision lies under refs/pr/, which anybody can write", "provenance/revision"),
    _bool("source.redirected", "the Hub answered with another id than was asked for", "provenance/redirect"),
    _bool("source.subset", "files were left out by --exclude", "provenance/revision"),
    _bool("source.metadata_only", "weights were not downloaded", "provenance/revision"),
    _word(
        "bytes.hub",
        "our digests against the Hub's listing of the commit; unlisted for local sources",
        "provenance/bytes",
        "unknown",
        "match",
        "mismatch",
        "unlisted",
    ),
    _word(
        "bytes.lock", "our digests against gatekeeper.lock", "provenance/lock", "none", "match", "mismatch", "unknown"
    ),
    _word(
        "signature.status", "the publisher's signature", "provenance/signature", "none", "valid", "invalid", "unknown"
    ),
    _bool("signature.trusted", "the signature is valid and its signer is trusted", "provenance/signature"),
    _text("signature.signer", "who signed it, as the policy names the signer; else empty", "provenance/signature"),
    _text("publisher.name", "organisation or user that publishes it; empty for local sources", "provenance/publisher"),
    _bool("publisher.trusted", "the deployer lists the publisher as trusted", "provenance/publisher"),
    _bool("publisher.denied", "the deployer lists the publisher as denied", "provenance/publisher"),
    _text("publisher.lookalike", "trusted publisher that the name imitates; else empty", "provenance/publisher"),
    _word("publisher.verified", "the Hub calls it verified", "provenance/publisher", "unknown", "yes", "no"),
    _int("repo.age_days", "days since the repo was created; -1 when not told", "provenance/history", -1),
    _int("repo.authors", "distinct commit authors on the first page; -1 when not told", "provenance/history", -1),
    _list("lineage.bases", "base models that it declares, sorted", "provenance/lineage"),
    _bool("lineage.contradicts", "card, tags and adapter_config name different bases", "provenance/lineage"),
    _bool("lineage.pinned", "the base is named with a commit", "provenance/lineage"),
    _bool(
        "lineage.converted",
        "a conversion (ONNX, GGUF) by somebody other than the base's publisher",
        "provenance/lineage",
    ),
    _text("licence.id", "licence as declared, lower case; empty when missing", "provenance/licence"),
    _word(
        "licence.status",
        "the licence against the deployer's lists",
        "provenance/licence",
        "missing",
        "allowed",
        "unlisted",
        "refused",
    ),
    _word(
        "platform.scan",
        "worst status that the Hub's scanners gave a file; unknown when it gave none",
        "provenance/platform-scan",
        "unknown",
        "not_applicable",
        "safe",
        "unscanned",
        "queued",
        "error",
        "caution",
        "suspicious",
        "unsafe",
    ),
    _bool("files.remote_code", "loading it asks for code from the repo", "files/remote-code"),
    _bool("files.payload_unread", "every payload lies in a file that no known loader reads", "policy"),
    _bool("graph.implant", "the graph holds a trigger, a gate and a payload", "onnx/taint"),
    _bool("graph.review", "the graph has a construction that somebody should read", "onnx/taint"),
    _bool("graph.unknown", "what some graph computes could not be judged", "onnx/structure"),
    _word(
        "graph.reference_diff",
        "the graphs against those of the reference; nodes-added: every old tensor is there, byte for byte",
        "onnx/reference",
        "none",
        "same",
        "weights-only",
        "nodes-added",
        "changed",
        "unknown",
    ),
    _text("graph.exporter", "what the graphs say that wrote them, joined by commas; else empty", "onnx/structure"),
    _word(
        "adapter.audit",
        "what the audit said of the adapter: reject by what it does, else by its weights",
        "adapter/weights",
        "none",
        "pass",
        "anomalous",
        "uncalibrated",
        "reject",
    ),
    _word(
        "adapter.behaviour",
        "what an audit measured of the adapter on its base; none when none was made",
        "adapter/behaviour",
        "none",
        "nothing-found",
        "differs",
        "reject",
        "unknown",
    ),
    _list("adapter.methods", "methods of its adapters, sorted", "adapter/claims", *_METHODS),
    _list(
        "adapter.replaces",
        "what its adapters replace or change besides linear modules, sorted",
        "adapter/scope",
        *_REPLACES,
    ),
    _bool("failure.reported", "a failure case was handed in", "patch"),
    _word(
        "failure.cause",
        "what diagnosis found",
        "patch",
        "not_diagnosed",
        "content_trigger",
        "jailbreak",
        "alignment",
        "structural",
        "global",
        "unstable",
        "no_localised_cause",
        "not_reproduced",
    ),
    _bool("failure.localised", "the trigger's tokens are known", "patch"),
    _bool("remedy.exists", "the weights were patched", "patch"),
    _bool("remedy.verified", "the patch held on held-out data and kept utility", "patch"),
    _int("remedy.passes_left", "further passes that the policy allows", "patch", 0),
    _list("findings.hazards", "hazards of open findings other than `none`, sorted", "policy", *_HAZARDS),
    _list("findings.ids", "ids of open findings, sorted", "policy"),
    _list("findings.waived", "ids of waived findings, sorted", "policy"),
    _int("findings.severity", "worst open finding: 0 none, 1 info to 5 critical", "policy", 0),
    _list("checks.unknown", "checks that ended unknown, sorted", "policy"),
    _list("checks.required_unknown", "required checks that ended unknown or did not run, sorted", "policy"),
)

BY_NAME: dict[str, Fact] = {fact.name: fact for fact in VOCABULARY}

DERIVED = "policy"
"""What `Fact.set_by` says of facts that the policy room derives itself; no check may set them."""

_INT64 = range(-(2**63), 2**63)


def misfit(fact: Fact, value: object) -> str:
    """Say why a value can't stand for a fact.

    Args:
        fact: The word of the vocabulary.
        value: What somebody wants it to read.

    Returns:
        A few words that follow the fact's name, as in `bytes.hub` "is a number"; empty when the value fits.
    """
    if not _has_type(fact.type, value):
        return f"is not of type {fact.type.value}"
    words = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    strange = next((word for word in words if fact.values and word not in fact.values), None)
    return "" if strange is None else f"may not be {printable(strange, 40)!r} (only {', '.join(fact.values)})"


def _has_type(kind: FactType, value: object) -> bool:
    if kind is FactType.BOOL:
        return isinstance(value, bool)
    if kind is FactType.INT:
        return isinstance(value, int) and not isinstance(value, bool) and value in _INT64
    if kind is FactType.DOUBLE:
        return isinstance(value, float) and math.isfinite(value)
    if kind is FactType.STRING:
        return _is_text(value)
    return isinstance(value, tuple) and all(_is_text(item) for item in value)


def _is_text(value: object) -> bool:
    """Whether it is a string that can be written as UTF-8: JSON may smuggle in lone surrogates."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
