"""The rules of `files/remote-code`."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_READ = "Read the code, pin the commit, and load with trust_remote_code only when the deployment needs it."

RULES: tuple[Rule, ...] = (
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
    Rule(slug="installs-elsewhere", title="What it asks to install comes from elsewhere than a known index",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
         mend="Don't install from it: take packages from an index that you trust, pinned, or read the source."),
    Rule(slug="build-file", title="Building or installing what lies in the repo runs code", severity=Severity.INFO,
         hazard=Hazard.NONE, mend="No loader runs it; leave it out of the deployment."),
    Rule(slug="python-file", title="Python code lies in the repo", severity=Severity.INFO, hazard=Hazard.NONE,
         mend="Nothing asks for it; leave it out of the deployment."),
)  # fmt: skip
