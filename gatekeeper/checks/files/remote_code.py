"""`files/remote-code`: whether loading the model asks for Python code from this or another repo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.asks import installing
from gatekeeper.checks.files.asks.judge import CONFIGS
from gatekeeper.checks.files.asks.survey import Survey, survey
from gatekeeper.checks.files.remote_code_rules import RULES
from gatekeeper.evidence import Finding, Gap
from gatekeeper.text import printable

_SAID = frozenset({"installs-elsewhere", "duplicate-key", "unreadable-data"})
"""Rules that tell of no code that a loader would run."""


class RemoteCode(Check):
    """Configuration that makes a loader import code.

    What it looks at:
        `auto_map`, `trust_remote_code`, `custom_pipelines` and kernels of other repos (transformers); the libraries and
        modules of a pipeline's index (diffusers); `auto_mapping` (PEFT); types of modules and activation functions
        (sentence-transformers); `_target_` and interpolations (hydra, NeMo, Lightning); tags of YAML files (PyYAML,
        HyperPyYAML) and what their aliases unfold to; `MLmodel`, `cog.yaml`, `bentofile.yaml`, spaCy's `config.cfg`;
        lists of requirements; code that runs because of where it lies, `handler.py` among it.

    Why it matters:
        Code from a repo runs with the rights of whoever loads the model, and code from another repo than the one that
        was pinned can change at any time.

    What it cannot see:
        What the code does (`files/python-code` reads it). Code that a loader asks for by other means than its
        configuration.

    How to mend:
        Prefer a model whose architecture the library knows; else read the code at the pinned commit.
    """

    id = "files/remote-code"
    title = "Loading the model needs no code from a repo"
    version = 2
    facts = ("files.remote_code",)
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look for requests for code in every configuration file, and for code."""
        found = survey(artifact, context.limits)
        gaps = tuple(Gap(reason=reason, path=path) for path, reason in found.unread)
        # A configuration that could not be read may ask for anything.
        asks = any(ask.slug not in _SAID for _, ask in found.asks)
        asked = bool(asks or found.placed or found.unread or found.unreadable)
        findings = (*self._asked(found), *self._lying(artifact, found))
        return Outcome(findings=findings, facts={"files.remote_code": asked}, gaps=gaps)

    def _asked(self, found: Survey) -> Iterator[Finding]:
        for path, message in found.unreadable:
            yield self.finding("unreadable-config", f"{printable(path)!r}: {message}", path=path)
        for path, ask in found.asks:
            yield self.finding(ask.slug, ask.message, path=path, detail=ask.detail)
        for path, reader in found.placed.items():
            yield self.finding("local-code", f"{printable(path)!r}: {reader}", path=path)

    def _lying(self, artifact: Artifact, found: Survey) -> Iterator[Finding]:
        named = found.modules
        for file in artifact.files:
            path = str(file.path)
            runner = installing.placed(file.path)
            if runner:
                yield self.finding("build-file", f"{printable(path)!r}: {runner}", path=path)
            elif file.path.suffix == ".py" and path not in named:
                yield self.finding("python-file", f"{printable(path)!r} is not named by any configuration", path=path)


__all__ = ["CONFIGS", "RemoteCode"]
