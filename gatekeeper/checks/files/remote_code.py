"""`files/remote-code`: whether loading the model asks for Python code from this or another repo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.asks import installing
from gatekeeper.checks.files.asks.judge import CONFIGS
from gatekeeper.checks.files.asks.survey import Survey, survey
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_READ = "Read the code, pin the commit, and load with trust_remote_code only when the deployment needs it."
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
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="runs-code", title="A configuration names a call that runs commands or code",
             severity=Severity.CRITICAL, hazard=Hazard.PAYLOAD, mend="Refuse the repo."),
        Rule(slug="local-code", title="The configuration asks for code from this repo", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="foreign-code", title="The configuration asks for code from another repo", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Refuse it, or copy the code into a repo that you control and pin it."),
        Rule(slug="foreign-module", title="The configuration imports a module of its choice", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Refuse it unless the module is one that you installed for this."),
        Rule(slug="module-type", title="A sentence-transformers module is none of the library's",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="target", title="A configuration names what is to be called", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="reads-surroundings", title="A configuration reads the loader's environment", severity=Severity.LOW,
             hazard=Hazard.NONE, mend="See which variable or file it reads and where its value goes."),
        Rule(slug="yaml-object", title="A YAML file makes Python objects", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Load it with a safe loader alone, or refuse it."),
        Rule(slug="yaml-bomb", title="A YAML file unfolds to far more than it holds", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Don't load it."),
        Rule(slug="duplicate-key", title="A key stands twice in a YAML mapping", severity=Severity.LOW,
             hazard=Hazard.NONE, mend="Readers differ in which they believe; both were judged here."),
        Rule(slug="unpinned-part", title="A part of the pipeline comes from another repo", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend="Gate that repo as well, at the commit that the index should name."),
        Rule(slug="missing-code", title="The configuration asks for code that is not there", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Ask the publisher; a loader may look for it elsewhere."),
        Rule(slug="unreadable-config", title="A configuration file can't be read", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Loaders may read it in another way than checks do: refuse it."),
        Rule(slug="unreadable-data", title="A YAML file can't be read", severity=Severity.LOW, hazard=Hazard.NONE,
             mend="No loader is known to read it; ask the publisher what it is."),
        Rule(slug="installs-elsewhere", title="What it asks to install comes from elsewhere than the default index",
             severity=Severity.LOW, hazard=Hazard.NONE, mend="Don't install from it; pin packages of your own."),
        Rule(slug="build-file", title="Building or installing what lies in the repo runs code", severity=Severity.INFO,
             hazard=Hazard.NONE, mend="No loader runs it; leave it out of the deployment."),
        Rule(slug="python-file", title="Python code lies in the repo", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Nothing asks for it; leave it out of the deployment."),
    )  # fmt: skip

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
