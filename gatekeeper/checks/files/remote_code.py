"""`files/remote-code`: whether loading the model asks for Python code from this or another repo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

CONFIGS = frozenset(
    {
        "config.json",
        "tokenizer_config.json",
        "processor_config.json",
        "preprocessor_config.json",
        "video_preprocessor_config.json",
        "image_processor_config.json",
        "feature_extractor_config.json",
        "generation_config.json",
        "adapter_config.json",
        "model_index.json",
        "modules.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "chat_template.json",
    }
)
"""Configuration files that loaders read by name."""

_MODULES = "modules.json"
_OWN_MODULES = "sentence_transformers."
_DEPTH = 8
"""How deep in a configuration a nested one may ask for code (a text model within a vision model)."""

_PEFT_LIBRARIES = frozenset({"transformers", "diffusers", "timm", "sentence_transformers"})
_READ = "Read the code, pin the commit, and load with trust_remote_code only when the deployment needs it."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ask:
    """One place where a configuration asks for code."""

    slug: str
    message: str
    detail: str
    module: str = ""
    """Module in this repo that it names; empty for foreign code."""


class RemoteCode(Check):
    """Configuration that makes a loader import code.

    What it looks at:
        `auto_map`, `trust_remote_code` and `custom_pipelines` in the configuration files that transformers,
        diffusers, PEFT and sentence-transformers read; PEFT's `auto_mapping`; module types of
        sentence-transformers; `.py` files in the repo.

    Why it matters:
        Code from a repo runs with the rights of whoever loads the model, and code from another repo than the one that
        was pinned can change at any time.

    What it cannot see:
        What the code does: nobody has read it. Code that a loader asks for by other means than its configuration.

    How to mend:
        Prefer a model whose architecture the library knows; else read the code at the pinned commit.
    """

    id = "files/remote-code"
    title = "Loading the model needs no code from a repo"
    facts = ("files.remote_code",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="local-code", title="The configuration asks for code from this repo", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="foreign-code", title="The configuration asks for code from another repo", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Refuse it, or copy the code into a repo that you control and pin it."),
        Rule(slug="foreign-module", title="The configuration imports a module of its choice", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Refuse it unless the module is one that you installed for this."),
        Rule(slug="module-type", title="A sentence-transformers module is none of the library's",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="missing-code", title="The configuration asks for code that is not there", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Ask the publisher; a loader may look for it elsewhere."),
        Rule(slug="unreadable-config", title="A configuration file can't be read", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Loaders may read it in another way than checks do: refuse it."),
        Rule(slug="python-file", title="Python code lies in the repo", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Nothing asks for it; leave it out of the deployment."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look for requests for code in every configuration file, and for code."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        asks: list[_Ask] = []
        for file in artifact.files:
            if file.path.name not in CONFIGS:
                continue
            try:
                found = list(_asks(file, self._load(file, context), artifact))
            except ParseError as error:
                message = f"{printable(str(file.path))!r}: {error}"
                findings.append(self.finding("unreadable-config", message, path=str(file.path)))
                continue
            except (LimitError, SourceError, ContentChangedError, OSError) as error:
                gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=str(file.path)))
                continue
            asks += found
            findings += [self.finding(ask.slug, ask.message, path=str(file.path), detail=ask.detail) for ask in found]
        named = {ask.module for ask in asks}
        findings += [
            self.finding("python-file", f"{printable(str(file.path))!r} is not named by any configuration",
                         path=str(file.path))
            for file in artifact.files
            if file.path.suffix == ".py" and str(file.path) not in named
        ]  # fmt: skip
        # A configuration that could not be read may ask for anything.
        asked = bool(asks) or bool(gaps) or any(finding.id.endswith("unreadable-config") for finding in findings)
        return Outcome(findings=tuple(findings), facts={"files.remote_code": asked}, gaps=tuple(gaps))

    @staticmethod
    def _load(file: ArtifactFile, context: Context) -> Any:
        return load_json(file.content.read(context.limits.json_bytes), depth=context.limits.json_depth)


def _asks(file: ArtifactFile, config: Any, artifact: Artifact) -> Iterator[_Ask]:
    if file.path.name == _MODULES:
        yield from _module_types(config)
    if not isinstance(config, dict):
        if file.path.name != _MODULES:
            raise ParseError(f"an object was expected, not {type(config).__name__}")
        return
    for where, mapping in _nested(config, _DEPTH):
        if "auto_map" in mapping:
            yield from _auto_map(mapping["auto_map"], f"{where}auto_map", file, artifact)
        if mapping.get("trust_remote_code") not in (None, False):
            message = "the configuration itself asks to be trusted with remote code"
            yield _Ask(slug="local-code", message=message, detail=f"{where}trust_remote_code")
        if mapping.get("custom_pipelines"):
            yield from _pipelines(mapping["custom_pipelines"], f"{where}custom_pipelines", file, artifact)
    if file.path.name == "model_index.json":
        yield from _pipeline_class(config, file, artifact)
    if file.path.name == "adapter_config.json":
        yield from _peft(config.get("auto_mapping"))


def _nested(config: dict[str, Any], depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the configuration and the configurations within it, each with its dotted place."""
    yield "", config
    for key, value in config.items():
        if isinstance(value, dict) and depth and key not in ("auto_map", "custom_pipelines"):
            for where, inner in _nested(value, depth - 1):
                yield f"{key}.{where}", inner


def _auto_map(value: Any, where: str, file: ArtifactFile, artifact: Artifact) -> Iterator[_Ask]:
    """Read `AutoClass → module.Class`; a list holds a slow and a fast tokenizer (transformers, `auto_factory`)."""
    if not isinstance(value, dict):
        raise ParseError(f"{printable(where, 80)} is no object")
    for name, target in value.items():
        targets = target if isinstance(target, list) else [target]
        for reference in targets:
            if isinstance(reference, str):
                yield _code(reference, f"{where}.{name}", file, artifact)
            elif reference is not None:
                raise ParseError(f"{printable(where, 80)} names something else than a class")


def _code(reference: str, where: str, file: ArtifactFile, artifact: Artifact) -> _Ask:
    shown = printable(reference, 160)
    if "--" in reference:
        repo = printable(reference.split("--", 1)[0], 120)
        message = f"it asks for {shown!r}: code from {repo!r}, which nobody has pinned"
        return _Ask(slug="foreign-code", message=message, detail=where)
    module = reference.rsplit(".", 1)[0].replace(".", "/") + ".py"
    path = str(file.path.parent / module)
    present = artifact.file(path) or artifact.file(module)
    if present is None:
        return _Ask(slug="missing-code", message=f"it asks for {shown!r}, which is not in the repo", detail=where)
    message = f"it asks for {shown!r}, code from this repo"
    return _Ask(slug="local-code", message=message, detail=where, module=str(present.path))


def _pipelines(value: Any, where: str, file: ArtifactFile, artifact: Artifact) -> Iterator[_Ask]:
    """Read transformers' custom pipelines: `task → {impl: module.Class, …}`."""
    tasks = value if isinstance(value, dict) else {}
    for task, entry in tasks.items():
        implementation = entry.get("impl") if isinstance(entry, dict) else None
        if isinstance(implementation, str):
            yield _code(implementation, f"{where}.{task}", file, artifact)
    if not tasks:
        raise ParseError(f"{printable(where, 80)} is no object")


def _pipeline_class(config: dict[str, Any], file: ArtifactFile, artifact: Artifact) -> Iterator[_Ask]:
    """Read diffusers' index: a component or the pipeline itself given as `[module, class]` of the repo."""
    for name, value in config.items():
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
            continue
        module = value[0]
        path = f"{name}/{module}.py" if not name.startswith("_") else f"{module}.py"
        present = artifact.file(str(file.path.parent / path))
        if present is not None:
            message = f"it loads {printable(name, 80)!r} with {printable(path, 120)!r}, code from this repo"
            yield _Ask(slug="local-code", message=message, detail=name, module=str(present.path))


def _peft(mapping: Any) -> Iterator[_Ask]:
    """Read PEFT's `auto_mapping`, whose library is imported by whatever name stands there (peft/auto.py)."""
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if library is None:
        return
    shown = printable(str(library), 120)
    if not isinstance(library, str) or library.split(".")[0] not in _PEFT_LIBRARIES:
        message = f"PEFT would import {shown!r} to find the base model's class"
        yield _Ask(slug="foreign-module", message=message, detail="auto_mapping.parent_library")


def _module_types(config: Any) -> Iterator[_Ask]:
    entries = config.values() if isinstance(config, dict) else config
    if not isinstance(config, list | dict):
        raise ParseError("a list of modules was expected")
    for number, entry in enumerate(entries):
        kind = entry.get("type") if isinstance(entry, dict) else None
        if not isinstance(kind, str):
            raise ParseError("a module has no type")
        if not kind.startswith(_OWN_MODULES):
            message = f"module {number} is {printable(kind, 160)!r}, imported from the repo or from what is installed"
            yield _Ask(slug="module-type", message=message, detail=kind)
