"""The rules of `adapter/scope`, each with the reason for how much it weighs."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_ASK = "Ask the publisher what it was trained for; prefer an adapter that changes linear modules alone."

RULES: tuple[Rule, ...] = (
    # PEFT loads an adapter with strict=False: a tensor that is called as one of the base's silently takes its place.
    # No configuration asks for it, so nobody who reads the configuration expects it.
    Rule(slug="hidden-weights", title="Weights of the base are replaced, and the configuration does not say so",
         severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS,
         mend="Don't load it: PEFT would write these tensors over the base's without a word."),
    # A whole layer has room for any behaviour, and none of the statistics of adapters speak of it.
    Rule(slug="whole-layer", title="Whole layers are replaced", severity=Severity.MEDIUM, hazard=Hazard.UNPROVEN,
         mend=_ASK),
    # One row of the head or of the embeddings is one token: where a trigger or a fixed answer needs the least.
    Rule(slug="output-layer", title="The layer that chooses tokens is changed", severity=Severity.MEDIUM,
         hazard=Hazard.UNPROVEN, mend="Compare its rows with the base's, token by token, or ask for one without."),
    Rule(slug="embeddings", title="The embeddings of tokens are changed", severity=Severity.MEDIUM,
         hazard=Hazard.UNPROVEN, mend="Compare its rows with the base's, token by token, or ask for one without."),
    # Said in the configuration, and few numbers: what LoRA-like methods do beside their work.
    Rule(slug="token-rows", title="Rows of single tokens are changed", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="Look which tokens these are: new ones are no surprise, common words are."),
    Rule(slug="bias", title="Biases are changed", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="A bias adds the same to every answer; compare it with the base's."),
    Rule(slug="norm", title="Norms are changed", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="Compare them with the base's: training moves them by little."),
    # PEFT needs no code of the adapter's.
    Rule(slug="code", title="An adapter that brings code", severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
         mend="Load it with PEFT and without trust_remote_code; ask why the code is there."),
    # Trainers save the tokenizer beside the adapter. Whoever loads it from there gets this template, not the base's.
    Rule(slug="template", title="A chat template other than the base's", severity=Severity.MEDIUM,
         hazard=Hazard.UNPROVEN, mend="Load the tokenizer and its template from the base."),
    Rule(slug="tokenizer", title="A tokenizer other than the base's", severity=Severity.MEDIUM,
         hazard=Hazard.UNPROVEN, mend="Load the tokenizer from the base, or compare what each makes of your texts."),
    Rule(slug="added-tokens", title="Tokens are added", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="Look which tokens these are, and whether their embeddings come with the adapter."),
    # Which of the two a loader takes goes by its own rules.
    Rule(slug="other-weights", title="Weights that belong to no adapter lie beside it", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend="Fetch the adapter alone (--exclude the rest), and name the base yourself."),
    Rule(slug="leftovers", title="The state of a training lies beside it", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="Leave these files out (--exclude): nothing that uses the adapter reads them, and they are pickles."),
)  # fmt: skip
