"""What the artifact says it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from gatekeeper.artifact import Artifact, IrregularityKind, Kind
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.provenance.bases import Base, read_base
from gatekeeper.checks.provenance.lookalikes import find_lookalike
from gatekeeper.checks.provenance.names import ascii_lower, listed, publisher_of, publishers_of
from gatekeeper.evidence import FactValue, Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_CONVERTED = frozenset({".gguf", ".ggml", ".onnx"})
"""Formats that models are converted to rather than trained in."""

_NATIVE = frozenset({".safetensors", ".pt", ".pth", ".ckpt", ".jit", ".h5", ".keras", ".msgpack"})
_NATIVE_BIN = ("pytorch_model", "model", "adapter_model")
"""Formats that models are trained in; beside these a converted file is an export of the publisher's own weights."""

_OWN_WORK = frozenset({"finetune", "merge", "adapter"})
"""Relations to the base by which the publisher says that the weights are new."""


class Lineage(Check):
    """The artifact names its base model, and everybody who names it agrees.

    What it looks at:
        The base models in the card, in the Hub's tags, in adapter_config.json and in config.json: whether they agree
        and name a Hub id, whether the base of an adapter is named with a commit, whether the base's publisher is
        denied or imitates a trusted one, and whether somebody else converted the base to GGUF or ONNX. What
        config.json calls the base is whatever path was loaded last, so it counts for the publisher alone.

    Why it matters:
        An adapter does to a model what its base lets it do, and is loaded together with it. A conversion by a third
        party is another set of weights under a known name.

    What it cannot see:
        Whether any of it is true: lineage is the publisher's word. It does not look at the base model itself.

    How to mend:
        Ask the publisher to name the base by its id and commit. Prefer conversions by the base's own publisher, or
        convert the base yourself.
    """

    id = "provenance/lineage"
    title = "Base model"
    rules = (
        Rule(
            slug="base-denied",
            title="The base model's publisher is denied",
            severity=Severity.CRITICAL,
            hazard=Hazard.DENIED,
            strength=Strength.SELF_DECLARED,
            mend="Choose a model that was not made from it.",
        ),
        Rule(
            slug="base-lookalike",
            title="The base model's publisher imitates a trusted one",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.SELF_DECLARED,
            mend="Compare the base's id letter by letter with the one that you know.",
        ),
        # Honest adapters trained on somebody's copy of a base (a re-quantised mirror, say) disagree in this way, and
        # whoever wants to deceive would not contradict themselves: so it asks for a look, not for an alarm.
        Rule(
            slug="contradiction",
            title="Different base models are named",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher which it is; a loader follows adapter_config.json, people read the card.",
        ),
        Rule(
            slug="no-base",
            title="The adapter names no base model",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher which base and which commit of it the adapter was trained on.",
        ),
        Rule(
            slug="local-base",
            title="The base is a path on somebody's machine",
            severity=Severity.LOW,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher to name the base by its id on the Hub.",
        ),
        # Nearly every adapter on the Hub is so: worth saying, not worth stopping for.
        Rule(
            slug="base-unpinned",
            title="The adapter's base is named without a commit",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Pin the base yourself where you load it.",
        ),
        Rule(
            slug="converted",
            title="Somebody else converted the base model",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.SELF_DECLARED,
            mend="Use a conversion by the base's publisher, or convert the base yourself and compare.",
        ),
        Rule(
            slug="undeclared-base",
            title="A converted model names no base",
            severity=Severity.LOW,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher what was converted.",
        ),
    )
    facts = ("lineage.bases", "lineage.contradicts", "lineage.pinned", "lineage.converted")

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Read the claims, then compare them with each other and with the deployer's lists."""
        bases, gaps = _read(artifact, context)
        declared = [base for base in bases if base.id and base.claim.said_by != "config"]
        findings = [
            *self._publishers(bases, context),
            *self._agreement(declared),
            *self._paths(bases),
            *self._adapter(artifact, declared),
            *self._conversion(artifact, declared, context),
        ]
        made = {finding.id.rpartition("/")[2] for finding in findings}
        facts: dict[str, FactValue] = {
            "lineage.bases": tuple(sorted({base.key: base.id for base in declared}.values())),
            "lineage.contradicts": "contradiction" in made,
            "lineage.pinned": _pinned(declared),
            "lineage.converted": "converted" in made,
        }
        return Outcome(findings=tuple(findings), facts=facts, gaps=gaps)

    def _publishers(self, bases: Sequence[Base], context: Context) -> Iterator[Finding]:
        names = {ascii_lower(base.publisher): base for base in bases if base.publisher}
        for _, base in sorted(names.items()):
            shown = f"The base {printable(base.id or base.claim.base)!r} is by {printable(base.publisher)!r},"
            if listed(base.publisher, context.denied_publishers):
                yield self.finding("base-denied", f"{shown} whom the deployer denies.")
            likeness = find_lookalike(base.publisher, context.trusted_publishers)
            if likeness:
                message = f"{shown} which imitates {printable(likeness.publisher)!r}: {likeness.how}."
                yield self.finding("base-lookalike", message, confidence=likeness.confidence)

    def _agreement(self, declared: Sequence[Base]) -> Iterator[Finding]:
        """Tell of two sources that have no base in common; more bases in one of them is no contradiction."""
        said: dict[str, dict[str, str]] = {}
        for base in declared:
            said.setdefault(base.claim.said_by, {})[base.key] = base.id
        sources = sorted(said)
        for index, left in enumerate(sources):
            for right in sources[index + 1 :]:
                if said[left].keys().isdisjoint(said[right]):
                    ours, theirs = min(said[left].values()), min(said[right].values())
                    yield self.finding("contradiction", f"{left} names {ours!r}, {right} names {theirs!r}.")

    def _paths(self, bases: Sequence[Base]) -> Iterator[Finding]:
        for base in bases:
            if not base.id and base.claim.base.strip() and base.claim.said_by != "config":
                message = f"{printable(base.claim.said_by)} names {printable(base.claim.base)!r}, which is no Hub id."
                yield self.finding("local-base", message)

    def _adapter(self, artifact: Artifact, declared: Sequence[Base]) -> Iterator[Finding]:
        if artifact.kind is not Kind.ADAPTER:
            return
        if not declared:
            yield self.finding("no-base", "No source names a base model on the Hub, and an adapter is nothing without.")
        elif not _pinned(declared):
            named = ", ".join(sorted({repr(base.id) for base in declared if not base.pinned})[:3])
            yield self.finding("base-unpinned", f"{named} can be another model tomorrow.")

    def _conversion(self, artifact: Artifact, declared: Sequence[Base], context: Context) -> Iterator[Finding]:
        if not _is_conversion(artifact, declared):
            return
        publishers = publishers_of(artifact)
        publisher = publishers[0] if publishers else ""
        if not declared:
            if not listed(publisher, context.trusted_publishers):
                yield self.finding("undeclared-base", "All weights are GGUF or ONNX, and nothing says of which model.")
            return
        if not any(listed(publisher, [publisher_of(base.id)]) for base in declared):
            who = f"by {printable(publisher)!r}" if publisher else "by nobody who is named"
            yield self.finding("converted", f"A conversion of {declared[0].id!r} {who}.", detail=declared[0].id)


def _read(artifact: Artifact, context: Context) -> tuple[list[Base], tuple[Gap, ...]]:
    """Give the distinct bases, without the artifact itself, and what could not be read."""
    gaps = [
        Gap(reason="a file that may name the base model can't be parsed", path=irregularity.path)
        for irregularity in artifact.irregularities
        if irregularity.kind is IrregularityKind.CARD_UNREADABLE
    ]
    own = ascii_lower(artifact.platform.returned_id if artifact.platform else artifact.reference.name)
    distinct: dict[tuple[str, str, str], Base] = {}
    for claim in artifact.lineage:
        base = read_base(claim)
        if base.key == own:
            continue
        distinct.setdefault((claim.said_by, base.key or claim.base, base.revision), base)
        if len(distinct) > context.limits.base_models:
            gaps.append(Gap(reason=f"more than {context.limits.base_models} base models are named (base_models)"))
            break
    return list(distinct.values()), tuple(gaps)


def _pinned(declared: Sequence[Base]) -> bool:
    """Whether every declared base is named with a commit by somebody."""
    pinned = {base.key for base in declared if base.pinned}
    return bool(declared) and all(base.key in pinned for base in declared)


def _is_conversion(artifact: Artifact, declared: Sequence[Base]) -> bool:
    relations = {base.claim.relation.lower() for base in declared}
    if "quantized" in relations:
        return True
    paths = [PurePosixPath(str(file.path).lower()) for file in artifact.files]
    if relations & _OWN_WORK or any(_is_native(path) for path in paths):
        return False
    return any(path.suffix in _CONVERTED for path in paths)


def _is_native(path: PurePosixPath) -> bool:
    return path.suffix in _NATIVE or (path.suffix == ".bin" and path.name.startswith(_NATIVE_BIN))
