"""`adapter/scope`: what an adapter changes besides what adapters are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.adapter import company
from gatekeeper.checks.adapter.agreement import few
from gatekeeper.checks.adapter.layout import Adapter
from gatekeeper.checks.adapter.reading import has_adapter, read_layout
from gatekeeper.checks.adapter.replacing import replaced
from gatekeeper.checks.adapter.scope_rules import RULES
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import FactValue, Finding, Gap, Severity
from gatekeeper.text import plural

_WORDS = {
    "hidden-weights": "would be written over the base's, and nothing in the configuration asks for it",
    "whole-layer": "of layers that replace the base's",
    "output-layer": "of the layer that chooses tokens",
    "embeddings": "of the embeddings of tokens",
    "token-rows": "with rows of single tokens",
    "bias": "of biases",
    "norm": "of norms",
}


class AdapterScope(Check):
    """An adapter changes what adapters change, and brings nothing else.

    What it looks at:
        Tensors that take the place of the base's instead of being added to it (layers, heads, embeddings, biases,
        norms, rows of tokens), declared or not; files beside the adapter: code, chat templates, tokenizers, added
        tokens, further weights, the state of a training. With the base at hand, templates and tokenizers are compared.

    Why it matters:
        An adapter is trusted with a small change, and audits of adapters look at that change. Everything else goes
        around them: PEFT loads tensors of any name without an error, and a template can hold instructions.

    What it cannot see:
        Whether a replaced layer differs from the base's in what it does. Without the base, whether a template or a
        tokenizer is another; what templates do is for `files/templates`.

    How to mend:
        Ask for an adapter that changes linear modules alone. Load tokenizer and template from the base.
    """

    id = "adapter/scope"
    title = "What the adapter changes besides"
    rules: ClassVar[tuple[Rule, ...]] = RULES
    facts = ("adapter.replaces",)

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say whether there is no adapter."""
        return "" if has_adapter(artifact) else "there is no adapter"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at the tensors of every adapter, then at what lies beside them."""
        layout = read_layout(artifact, context.limits)
        gaps = [Gap(reason=trouble.reason, path=trouble.path) for trouble in layout.troubles]
        findings: list[Finding] = []
        for adapter in layout.adapters:
            findings += self._tensors(adapter)
            gaps += _unseen(adapter)
        # A repo of a whole model that has adapters in folders may bring all of this.
        if any(not adapter.folder.parts for adapter in layout.adapters):
            findings += self._code(artifact, context)
            findings += self._texts(artifact, context)
            findings += self._weights(*company.other_weights(artifact, layout))
        made = {finding.id.rpartition("/")[2] for finding in findings if finding.severity > Severity.INFO}
        facts: dict[str, FactValue] = {"adapter.replaces": tuple(sorted(made & _WORDS.keys()))}
        return Outcome(findings=tuple(findings), facts=facts, gaps=tuple(gaps))

    def _tensors(self, adapter: Adapter) -> Iterator[Finding]:
        path = str(adapter.files[0].path) if adapter.files else str(adapter.folder)
        for slug, names in sorted(replaced(adapter).items()):
            message = f"{plural(len(names), 'tensor')} {_WORDS[slug]}: {few(names)}."
            yield self.finding(slug, message, path=path, detail=names[0])

    def _code(self, artifact: Artifact, context: Context) -> Iterator[Finding]:
        asked = list(company.code(artifact, context.limits))
        if asked:
            # A script that somebody runs by hand is no code that loading asks for.
            severity = None if any(name.endswith("(auto_map)") for name in asked) else Severity.INFO
            yield self.finding("code", f"It brings {few(asked)}.", path=asked[0].split(" ")[0], severity=severity)

    def _texts(self, artifact: Artifact, context: Context) -> Iterator[Finding]:
        """Compare what the tokenizer would be with the base's; without a base, say that it is there."""
        base = context.base
        ours = company.templates(artifact, context.limits)
        theirs = company.templates(base, context.limits) if base else {}
        if ours and (base is None or not _same_texts(ours, theirs)):
            yield self._differs("template", "a chat template of its own", next(iter(ours)), known=base is not None)
        words = company.vocabularies(artifact)
        beside = company.vocabularies(base) if base else {}
        other = [name for name, digest in words.items() if beside.get(name) != digest]
        if other:
            yield self._differs("tokenizer", "a tokenizer of its own", other[0], known=base is not None)
        added = company.added_tokens(artifact, context.limits)
        known = company.added_tokens(base, context.limits) if base else ()
        new = [token for token in added if token not in known]
        if new:
            message = f"{plural(len(new), 'token')} added: {few(new)}."
            yield self.finding("added-tokens", message, path="added_tokens.json", detail=new[0])

    def _differs(self, slug: str, what: str, path: str, *, known: bool) -> Finding:
        if known:
            return self.finding(slug, f"It brings {what}, which is not the base's.", path=path)
        message = f"It brings {what}; it was not compared, since no base was given."
        return self.finding(slug, message, path=path, severity=Severity.INFO)

    def _weights(self, weights: list[str], leftovers: list[str]) -> Iterator[Finding]:
        if weights:
            yield self.finding("other-weights", f"Beside it: {few(weights)}.", path=weights[0])
        if leftovers:
            yield self.finding("leftovers", f"Beside it: {few(leftovers)}.", path=leftovers[0])


def _same_texts(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether every template is one of the base's, wherever each of them stands."""
    return all(template in theirs.values() for template in ours.values())


def _unseen(adapter: Adapter) -> Iterator[Gap]:
    """Tell whose tensors are not known: what they replace is not known then, either."""
    yield from (Gap(reason=trouble.reason, path=trouble.path) for trouble in adapter.troubles)
    if adapter.pickled and not adapter.files:
        yield Gap(reason="pickled weights are not opened", path=str(adapter.pickled[0].path))
    elif not adapter.files:
        yield Gap(reason="there are no weights", path=str(adapter.folder))
