"""`adapter/claims`: whether an adapter is what its configuration says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact, Scheme
from gatekeeper.checks.adapter.agreement import disagreements, few
from gatekeeper.checks.adapter.base import Base, read_base
from gatekeeper.checks.adapter.claims_rules import RULES
from gatekeeper.checks.adapter.finite import scan
from gatekeeper.checks.adapter.layout import Adapter, Method, Part
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import FactValue, Finding, Gap, Severity
from gatekeeper.text import plural, printable

_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_UNREAD = frozenset({Method.OTHER, Method.VERA})
"""Methods of which it is told that they are there, and no more."""


class AdapterClaims(Check):
    """An adapter is what its configuration says.

    What it looks at:
        adapter_config.json against the tensors beside it, read from their headers: method, targets, ranks, alphas,
        factors that make a product, values that are no numbers, fields that ask for more than that product, patterns
        that are costly to match, names that are no modules. When the base model is at hand, its modules and their
        shapes too. Adapters in folders are read as well, and files named in the style of Diffusers and kohya.

    Why it matters:
        Loaders follow the configuration or the names of tensors, not all the same: PEFT drops what is not targeted,
        others lay it on. Where the two disagree, what was tested is not what runs elsewhere.

    What it cannot see:
        What the weights do to the model. Of methods other than LoRA, DoRA, AdaLoRA, IA3, LoHa and LoKr it tells that
        they are there and no more. Pickled weights are not opened.

    How to mend:
        Ask the publisher to save the adapter anew with PEFT, as safetensors, from the model that it was trained on.
    """

    id = "adapter/claims"
    title = "Adapter against its configuration"
    rules: ClassVar[tuple[Rule, ...]] = RULES
    facts = ("adapter.methods",)

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no adapter."""
        return "" if has_adapter(artifact) else "there is no adapter"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge every adapter by itself, then against the base."""
        layout = read_layout(artifact, context.limits)
        findings: list[Finding] = []
        gaps = [Gap(reason=trouble.reason, path=trouble.path) for trouble in layout.troubles]
        base = read_base(context.base, context.limits) if context.base else None
        if context.base_trouble:
            gaps.append(Gap(reason=printable(context.base_trouble)))
        gaps += [Gap(reason=reason) for reason in (base.troubles if base else ())]
        for adapter in layout.adapters:
            gaps += [Gap(reason=trouble.reason, path=trouble.path) for trouble in adapter.troubles]
            gaps += _unread(adapter)
            findings += self._files(adapter)
            findings += [
                self.finding(found.slug, found.message, path=found.path, detail=found.detail)
                for found in disagreements(adapter)
            ]
            findings += self._bases(adapter, artifact)
            if base is not None and context.base is not None:
                findings += self._against(base, adapter)
                findings += self._named(context.base, adapter)
            scanned = scan(adapter.tensors, context.limits, context.progress)
            gaps += [Gap(reason=reason, path=_path(adapter)) for reason in scanned.unread]
            if scanned.wrong:
                named = few([tensor.name for tensor in scanned.wrong])
                message = f"{plural(len(scanned.wrong), 'tensor')} with values that are no numbers: {named}."
                findings.append(self.finding("not-finite", message, path=_path(adapter), detail=scanned.wrong[0].name))
        methods = {method.value for adapter in layout.adapters for method in adapter.methods}
        facts: dict[str, FactValue] = {"adapter.methods": tuple(sorted(methods))}
        return Outcome(findings=tuple(findings), facts=facts, gaps=tuple(gaps))

    def _files(self, adapter: Adapter) -> Iterator[Finding]:
        """Tell of a configuration or of weights that are missing or can't be read."""
        where = str(adapter.folder)
        if adapter.config is None:
            broken = next(
                (trouble for trouble in adapter.troubles if trouble.path.endswith("adapter_config.json")), None
            )
            if broken:
                yield self.finding("config-unreadable", f"{broken.reason}.", path=broken.path)
            else:
                message = (
                    f"Nothing says which base and which rank; tensors are named as {adapter.style.value} names them."
                )
                yield self.finding("no-config", message, path=_path(adapter))
        for file in adapter.pickled[:1]:
            severity = Severity.LOW if adapter.files else None
            beside = ", beside safetensors that need not agree" if adapter.files else ", which are not opened"
            message = f"{printable(str(file.path), 120)!r} holds pickled weights{beside}."
            yield self.finding("pickled-weights", message, path=str(file.path), severity=severity)
        if adapter.config is not None and not adapter.files and not adapter.pickled:
            message = f"{printable(where, 120)!r} describes an adapter, of which there are no weights."
            yield self.finding("no-weights", message, path=adapter.config.path)

    def _bases(self, adapter: Adapter, artifact: Artifact) -> Iterator[Finding]:
        """Tell of an adapter in a folder that is for another base than the artifact declares."""
        if adapter.config is None or not adapter.folder.parts or not adapter.config.base:
            return
        declared = sorted({claim.base for claim in artifact.lineage if claim.said_by != "config"})
        if declared and adapter.config.base.lower() not in {base.lower() for base in declared}:
            message = f"It is for {printable(adapter.config.base, 120)!r}, where the repo declares {few(declared)}."
            yield self.finding("other-base", message, path=adapter.config.path, detail="base_model_name_or_path")

    def _named(self, base: Artifact, adapter: Adapter) -> Iterator[Finding]:
        """Tell of a base from a Hub that is not the one, or not the commit, that the adapter names."""
        config = adapter.config
        if config is None or base.reference.scheme is not Scheme.HUB or not _HUB_ID.fullmatch(config.base):
            return
        if config.base.lower() != base.reference.name.lower():
            message = f"It is for {printable(config.base, 120)!r}, and is to be laid on {base.reference.name!r}."
            yield self.finding("other-base", message, path=config.path, detail="base_model_name_or_path")
            return
        revision = config.values.get("revision")
        if isinstance(revision, str) and _COMMIT.fullmatch(revision) and base.commit not in ("", revision):
            message = f"It is for commit {revision} of its base, and is to be laid on {base.commit}."
            yield self.finding("other-base", message, path=config.path, detail="revision")

    def _against(self, base: Base, adapter: Adapter) -> Iterator[Finding]:
        """Hold modules against those of the base."""
        lacking = [module.name for module in adapter.modules if base.lacks(module)]
        if lacking:
            message = f"The base has no {few(lacking)}."
            yield self.finding("no-such-module", message, path=_path(adapter), detail=lacking[0])
        other = [module.name for module in adapter.modules if base.differs(module)]
        if other:
            message = f"{plural(len(other), 'module')} of another shape than in the base: {few(other)}."
            yield self.finding("base-shape", message, path=_path(adapter), detail=other[0])


def _unread(adapter: Adapter) -> Iterator[Gap]:
    """Tell what of an adapter is recognised and no more."""
    modules = [module for module in adapter.modules if module.method in _UNREAD]
    shared = [tensor for tensor in adapter.shared if tensor.part is Part.UNREAD]
    if modules or shared:
        said = adapter.config.peft_type if adapter.config else ""
        named = few([module.name for module in modules] or [tensor.name for tensor in shared])
        kind = f"method {printable(said, 40)}" if said else "a method that is not known"
        yield Gap(reason=f"what tensors of {kind} change is not read: {named}", path=_path(adapter))
    if adapter.pickled and not adapter.files:
        yield Gap(reason="pickled weights are not opened", path=str(adapter.pickled[0].path))
    if adapter.config is not None and not adapter.files and not adapter.pickled:
        yield Gap(reason="there are no weights", path=adapter.config.path)
    elif adapter.files and not adapter.tensors and not adapter.troubles:
        yield Gap(reason="the weights hold no tensor", path=_path(adapter))


def _path(adapter: Adapter) -> str:
    return str(adapter.files[0].path) if adapter.files else str(adapter.folder)
