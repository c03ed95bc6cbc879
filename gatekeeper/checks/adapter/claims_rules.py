"""The rules of `adapter/claims`, each with the reason for how much it weighs."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity, Strength

_ANEW = "Ask the publisher to save it anew with PEFT; don't lay it on a model before."

RULES: tuple[Rule, ...] = (
    Rule(slug="config-unreadable", title="The adapter's configuration can't be read", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_ANEW),
    # Files of Diffusers and kohya never have one. Nothing is wrong, and nobody says what they are for.
    Rule(slug="no-config", title="An adapter without a configuration", severity=Severity.MEDIUM,
         hazard=Hazard.UNPROVEN, mend="Ask the publisher for the base, its commit, the rank and the targets."),
    Rule(slug="no-weights", title="An adapter without weights", severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS,
         mend="Ask the publisher for the weights, or fetch the repo again."),
    Rule(slug="pickled-weights", title="The adapter's weights are a pickle", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend="Ask the publisher for safetensors."),
    Rule(slug="field-type", title="A field of the configuration has a wrong type", severity=Severity.MEDIUM,
         hazard=Hazard.SUSPICIOUS, mend=_ANEW),
    Rule(slug="unknown-method", title="The configuration names no method that is known", severity=Severity.MEDIUM,
         hazard=Hazard.SUSPICIOUS, mend="Ask the publisher what it is, and which library loads it."),
    # Such an adapter may do nothing on the prompts that it is tried with, or have the base changed beneath it.
    Rule(slug="variant", title="The configuration asks for more than the product of factors",
         severity=Severity.MEDIUM, hazard=Hazard.UNPROVEN,
         mend="Ask for a plain LoRA: PEFT converts those whose start changed the base when it saves them."),
    Rule(slug="import", title="The configuration names a module of Python to import", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend="Don't load it with versions of PEFT that import whatever stands there."),
    Rule(slug="method", title="The tensors are of another method than the configuration says",
         severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS, mend=_ANEW),
    # PEFT leaves such tensors out without an error, loaders that go by the names of tensors lay them on: what was
    # tested with one is not what runs with the other.
    Rule(slug="not-targeted", title="Tensors for modules that the configuration does not target",
         severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS, mend=_ANEW),
    # Lists of targets are often written for several families of models at once.
    Rule(slug="no-tensors", title="The configuration targets modules without tensors", severity=Severity.LOW,
         hazard=Hazard.NONE, mend="Nothing has to be done where the list was written for several families of models."),
    Rule(slug="rank", title="Tensors of another rank than the configuration says", severity=Severity.MEDIUM,
         hazard=Hazard.SUSPICIOUS, mend=_ANEW),
    Rule(slug="rank-zero", title="An adapter of rank 0", severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS,
         mend="It changes nothing where it is of rank 0, or was saved in parts; ask the publisher."),
    # A product can't have a higher rank than its narrower side: the rest is room for something else. Ranks that are
    # chosen for the widest module come near in small ones, such as keys that several heads share.
    Rule(slug="giant-rank", title="A higher rank than the weight can have", severity=Severity.LOW, hazard=Hazard.NONE,
         mend="Merge it and look at the difference to the base; an adapter of this rank is a new layer."),
    Rule(slug="factors", title="Factors that make no product", severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS,
         mend=_ANEW),
    Rule(slug="scale", title="An alpha that is not positive", severity=Severity.MEDIUM, hazard=Hazard.UNPROVEN,
         mend="Ask the publisher for the alpha that it was trained with."),
    Rule(slug="not-finite", title="Values that are no numbers", severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS,
         mend="Don't lay it on a model: every answer would be noise, or whatever the runtime makes of it."),
    Rule(slug="strange-name", title="A name that is none of a module", severity=Severity.MEDIUM,
         hazard=Hazard.SUSPICIOUS, mend="Don't hand it to tools that make paths of names; ask the publisher."),
    Rule(slug="costly-pattern", title="A pattern that can keep a loader busy for ever", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend="Write the targets as a list of names before you load it."),
    # Honest ones are: some libraries look behind, or name their groups.
    Rule(slug="pattern-refused", title="A pattern that can't be followed", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend="Write the targets as a list of names."),
    Rule(slug="other-base", title="The adapter is for another base", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, strength=Strength.SELF_DECLARED, mend="Ask the publisher which base it belongs to."),
    # Classes of one model give its modules different outer names, which are left out, but not every case is known.
    Rule(slug="no-such-module", title="The base has no such module", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend="Give the base that the adapter was trained on (same id, same commit)."),
    Rule(slug="base-shape", title="Shapes are not those of the base", severity=Severity.MEDIUM,
         hazard=Hazard.SUSPICIOUS, mend="Give the base that the adapter was trained on; it can't be laid on this one."),
)  # fmt: skip
