"""The line of `gatekeeper merge`: an adapter and its base, both allowed → merged weights, verified → gated anew.

What goes in is decided in the same run and must be allowed, sign-offs included. The merged folder appears whole or not
at all, and only when what was written is what it has to be; it is then a new artifact, and inherits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatekeeper import patch, sources, tensors
from gatekeeper.artifact import Kind, Reference, Scheme
from gatekeeper.attestation import Attestation
from gatekeeper.checks import adapter as adapters
from gatekeeper.decision import Action
from gatekeeper.errors import InputError
from gatekeeper.gate import Inspection, Run, key_of, tool_versions
from gatekeeper.laying import laid_out, objection, refuse_base, run_of_base
from gatekeeper.limits import Limits
from gatekeeper.merge import Merge, MergeInput
from gatekeeper.text import plural, printable

MERGED = "merged"
"""Folder of the merged model, within the destination."""

_TOOLS = ("gatekeeper-models", "torch", "safetensors", "peft", "transformers", "numpy")
_LICENCES = 8
_NOTICE = re.compile(r"(?:LICEN[CS]E|NOTICE|COPYING|USE_POLICY)(?:\.txt|\.md)?", re.IGNORECASE)
"""Names of files that say on what terms the base is given."""

_PROMPTS = 16
"""Prompts after which logits are compared."""

_HINT = "`gatekeeper audit` says what speaks against it, and `gatekeeper approve` signs it off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merging:
    """What is to be merged, and how far to verify it."""

    base: str | Reference
    out: Path
    """Folder to be made for the merged model."""

    logits: bool = True
    """Whether the whole models are loaded and their logits compared; what was written is read back in any case."""

    clean_safe: Path | None = None
    """JSON Lines with prompts for that; None for those that come with the package."""

    device: str = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a merge."""

    merge: Merge
    adapter: Attestation
    base: Attestation
    merged: Attestation | None = None
    """Of the merged model, with its `merge`; None when nothing was made."""


def merge(reference: str | Reference, run: Run, asked: Merging) -> Outcome:
    """Merge an adapter into its base.

    Args:
        reference: Of the adapter.
        run: Policy, source, sign-offs and what else holds for the run.
        asked: The base, where to, and how far to verify.

    Returns:
        What was made; with `merge.refusals` when nothing was.

    Raises:
        GatekeeperError: As for `gate`, or when torch is missing, the destination can't be used, or what was written
            is not what it has to be.
    """
    if missing := tensors.lacking():
        raise InputError(f"without {' and '.join(missing)} nothing can be merged", hint="pip install "
                         "'gatekeeper-models[patch]'")  # fmt: skip
    place = _destination(asked, reference)
    with ExitStack() as resources:
        base = resources.enter_context(run_of_base(run).inspect(asked.base))
        refuse_base(base)
        on_base = run_of_base(run).decide(base)
        run = replace(run, base=base.artifact)
        seen = resources.enter_context(run.inspect(reference))
        if seen.artifact.kind is not Kind.ADAPTER:
            raise InputError(f"{printable(str(seen.artifact.reference), 200)} is no adapter")
        found = Outcome(
            adapter=run.decide(seen),
            base=on_base,
            merge=Merge(
                adapter=_input(seen, run.decide(seen)),
                base=_input(base, on_base),
                created_at=seen.moment,
                tools=tool_versions(names=_TOOLS),
            ),
        )
        made = _Press(run=run, asked=asked, seen=seen, base=base, place=place).made(found)
    return made if made.merge.refusals else _gated(made, run, asked.out)


def _destination(asked: Merging, reference: str | Reference) -> Path:
    for each in (reference, asked.base):
        parsed = sources.parse(each) if isinstance(each, str) else each
        place = tensors.check_destination(asked.out, None if parsed.scheme is Scheme.HUB else Path(parsed.name))
    return place


def _input(seen: Inspection, attestation: Attestation) -> MergeInput:
    decision = attestation.verdict
    reference = key_of(seen.artifact).reference or str(seen.artifact.reference)
    return MergeInput(reference=reference, digest=seen.artifact.digest, action=decision.action, row=decision.row)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Press:
    """Makes the merged folder."""

    run: Run
    asked: Merging
    seen: Inspection
    base: Inspection
    place: Path

    @property
    def limits(self) -> Limits:
        """Give those of the run."""
        return (self.run.source or sources.SourceOptions()).limits

    def made(self, found: Outcome) -> Outcome:
        """Merge, or say why not."""
        refusals = _refusals(found, self.seen, self.base, self.limits)
        if not refusals:
            try:
                return self._merged(found)
            except tensors.MergeRefusedError as error:
                refusals = (str(error),)
        return replace(found, merge=replace(found.merge, refusals=refusals))

    def _merged(self, found: Outcome) -> Outcome:
        (adapter,) = adapters.read_layout(self.seen.artifact, self.limits).adapters
        changes = changes_of(adapter)
        with ExitStack() as resources:
            # Ends last: what was made appears after base and adapter were found to be what had been hashed.
            work = resources.enter_context(tensors.staged(self.place))
            base = resources.enter_context(laid_out(self.base.artifact))
            laid = resources.enter_context(laid_out(self.seen.artifact))
            stored = tensors.stored_tensors(base)
            turned = bool(adapter.config and adapter.config.values.get("fan_in_fan_out"))
            places = tensors.placed(
                tensors.layout_of(base, fan_in_fan_out=turned, changes=changes), stored, adapters.inner
            )
            tensors.refuse_other_reading(base, laid, places, adapters.inner)
            result = work / "result"
            with self.run.progress.task("merging", len(places), "tensors") as advance:
                changed = tensors.merge_files(base, laid, places, stored, result, advance)
            tensors.copy_texts(base, result)
            self._copy_notices(result)
            (result / "README.md").write_text(self._card(), "utf-8")
            done = replace(found.merge, tensors=changed, untouched=len(stored) - len(changed))
            if self.asked.logits:
                done = replace(done, logits=self._compared(base, laid, result))
        return replace(found, merge=done)

    def _compared(self, base: Path, laid: Path, result: Path) -> tensors.LogitsCheck:
        prompts = patch.load_clean(self.asked.clean_safe).worded_safe(_PROMPTS)
        try:
            told = tensors.compare(
                base, laid, result, prompts, device=self.asked.device, progress=self.run.progress
            )  # fmt: skip
        except (RuntimeError, IndexError, MemoryError) as error:  # what torch raises of weights that don't fit
            reason = printable(f"{type(error).__name__}: {error}", 300)
            raise InputError(f"the two can't be run: {reason}", hint="--verify tensors only reads back") from error
        if not told.holds:
            raise tensors.MergeRefusedError(
                f"the merged model does not answer as the adapter on its base does: {told.divergence:.2g} nats a token "
                f"apart, where the adapter itself moves answers by {told.effect:.2g}"
            )
        return told

    def _card(self) -> str:
        named = [
            artifact.reference.name if artifact.reference.scheme is Scheme.HUB else ""
            for artifact in (self.base.artifact, self.seen.artifact)
        ]
        licences = _licence(self.base.artifact.card), _licence(self.seen.artifact.card)
        return tensors.merged_card(named[0], named[1], licences)

    def _copy_notices(self, result: Path) -> None:
        """Take the base's licence and notices along, where it brings them: most licences ask for that."""
        for file in self.base.artifact.files:
            if _NOTICE.fullmatch(str(file.path)) and file.size <= self.limits.card_bytes:
                (result / file.path.name).write_bytes(file.content.read(self.limits.card_bytes))


def _licence(card: Mapping[str, Any]) -> str:
    told = card.get("license")
    listed = told if isinstance(told, list) else [told]
    return ", ".join(each for each in listed[:_LICENCES] if isinstance(each, str))


def _refusals(found: Outcome, seen: Inspection, base: Inspection, limits: Limits) -> tuple[str, ...]:
    """Say why nothing is merged before any weight is read."""
    told = []
    for what, attestation, inspected in (("the adapter", found.adapter, seen), ("the base", found.base, base)):
        decision = attestation.verdict
        if decision.action is not Action.ALLOW:
            told.append(
                f"{what} is not allowed: {decision.action.value} (row {decision.row}): {decision.because}; {_HINT}"
            )
        if why := objection(inspected):
            told.append(f"{what} is not loaded: {why}")
    if not told:
        told += _unfit(seen, limits)
    return tuple(printable(each, 600) for each in told)


def _unfit(seen: Inspection, limits: Limits) -> list[str]:
    """Say what of an adapter can't be merged, by how it is laid out."""
    layout = adapters.read_layout(seen.artifact, limits)
    if len(layout.adapters) != 1 or str(layout.adapters[0].folder) != ".":
        return [f"there are {plural(len(layout.adapters), 'adapter')} in it: one, at its top, can be merged"]
    adapter = layout.adapters[0]
    troubles = [*layout.troubles, *adapter.troubles]
    if troubles:
        return [f"it can't be read: {troubles[0].reason}"]
    if adapter.config is None or adapter.style is not adapters.Style.PEFT:
        return [f"its tensors are named as {adapter.style.value} names them: only adapters of PEFT are merged here"]
    if [str(file.path) for file in adapter.files] != ["adapter_model.safetensors"]:
        return ["its weights are not one adapter_model.safetensors"]
    if adapter.whole or adapter.shared:
        named = [tensor.name for tensor in (*adapter.whole, *adapter.shared)]
        return [f"it replaces what the base has, or brings what belongs to no module: {', '.join(named[:3])}"]
    found = [f"{module.name}: {why}" for module in adapter.modules if (why := _unfit_module(module))]
    more = [f"and {plural(len(found) - 3, 'more module')}"] if len(found) > 3 else []
    return [*found[:3], *more] if found else [] if adapter.modules else ["it changes no module"]


def _unfit_module(module: adapters.Module) -> str:
    if module.method is adapters.Method.DORA:
        return "DoRA brings each row to a length of its own, which is not merged here: serve it unmerged, or have its "\
               "publisher merge it"  # fmt: skip
    if module.method is not adapters.Method.LORA:
        return f"its method is {module.method.value}: only LoRA is merged here"
    if {tensor.part for tensor in module.tensors} != {adapters.Part.A, adapters.Part.B}:
        return "it has tensors beside two plain factors (an embedding, a bias, a kernel)"
    if module.experts != 1:
        return "it changes a stack of experts"
    if not module.rank or module.scale is None:
        return "its rank or its scale can't be told"
    if module.targeted is False:
        return "its tensors are not targeted by the configuration: PEFT would drop them"
    return ""


def changes_of(adapter: adapters.Adapter) -> tuple[tensors.LowRank, ...]:
    """Give what an adapter adds, module by module.

    Args:
        adapter: Of which every module was found fit.
    """
    found = []
    for module in adapter.modules:
        if module.factors is not None and module.rank and module.scale is not None:
            b, a = module.factors
            found.append(tensors.LowRank(module=module.name, a=a.name, b=b.name, rank=module.rank, scale=module.scale))
    return tuple(found)


def _gated(made: Outcome, run: Run, folder: Path) -> Outcome:
    """Take the merged folder through the gate, as the new artifact that it is."""
    plain = sources.SourceOptions()
    run = replace(run_of_base(run), source=replace(run.source or plain, exclude=plain.exclude))
    with run.inspect(str(folder)) as seen:
        merge = replace(made.merge, merged_digest=seen.artifact.digest)
        attestation = replace(run.decide(seen), merge=merge)
    return replace(made, merge=merge, merged=attestation)
