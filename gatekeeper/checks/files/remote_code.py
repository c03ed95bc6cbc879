"""`files/remote-code`: whether loading the model asks for Python code from this or another repo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.code_keys import BY_PLACE, requests, yaml_requests
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
        "modular_model_index.json",
        "model_config.json",
    }
)
"""Configuration files that loaders read by name."""

_CONFIG_ENDS = ("config.json", "model_index.json")
"""Ends of the names that libraries give to configurations of parts."""

_MOST_ASKS = 50
"""Requests of one file that are said: a hostile one can hold a million."""

_YAML = frozenset({".yaml", ".yml"})

_MODULES = "modules.json"
_OWN_MODULES = "sentence_transformers."
_ROUTER = "router_config.json"

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
        diffusers, PEFT and sentence-transformers read; PEFT's `auto_mapping`; module types and activation functions of
        sentence-transformers; attention kernels of other repos; hydra's `_target_`; YAML that makes Python objects;
        `.py` files in the repo, `custom_generate/generate.py` and `handler.py` among them.

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
        Rule(slug="target", title="A configuration names what is to be called", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend=_READ),
        Rule(slug="yaml-object", title="A YAML file makes Python objects", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Load it with a safe loader alone, or refuse it."),
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
            if not _is_read(file):
                continue
            try:
                found = self._look(file, artifact, context)
            except ParseError as error:
                message = f"{printable(str(file.path))!r}: {error}"
                findings.append(self.finding("unreadable-config", message, path=str(file.path)))
                continue
            except (LimitError, SourceError, ContentChangedError, OSError) as error:
                gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=str(file.path)))
                continue
            asks += found
            findings += [self.finding(ask.slug, ask.message, path=str(file.path), detail=ask.detail) for ask in found]
        placed = {path: reader for path, reader in BY_PLACE.items() if artifact.file(path)}
        findings += [self.finding("local-code", f"{path!r}: {reader}", path=path) for path, reader in placed.items()]
        named = {ask.module for ask in asks} | placed.keys()
        findings += [
            self.finding("python-file", f"{printable(str(file.path))!r} is not named by any configuration",
                         path=str(file.path))
            for file in artifact.files
            if file.path.suffix == ".py" and str(file.path) not in named
        ]  # fmt: skip
        # A configuration that could not be read may ask for anything.
        asked = bool(asks or placed or gaps) or any(finding.id.endswith("unreadable-config") for finding in findings)
        return Outcome(findings=tuple(findings), facts={"files.remote_code": asked}, gaps=tuple(gaps))

    @staticmethod
    def _look(file: ArtifactFile, artifact: Artifact, context: Context) -> list[_Ask]:
        data = file.content.read(context.limits.json_bytes)
        if file.path.suffix in _YAML:
            asks = (_Ask(slug=slug, message=message, detail=detail) for slug, message, detail in yaml_requests(data))
            return list(islice(asks, _MOST_ASKS))
        try:
            config = load_json(data, depth=context.limits.json_depth)
        except ParseError:
            if file.path.name in CONFIGS or b"auto_map" in data:
                raise
            return []  # somebody's own data, which no library reads by this name
        return list(islice(_asks(file, config, artifact), _MOST_ASKS))


def _is_read(file: ArtifactFile) -> bool:
    name = file.path.name
    return name in CONFIGS or name.endswith(_CONFIG_ENDS) or file.path.suffix in _YAML


def _asks(file: ArtifactFile, config: Any, artifact: Artifact) -> Iterator[_Ask]:
    if file.path.name == _MODULES:
        yield from _module_types(config)
    if not isinstance(config, dict) and file.path.name in CONFIGS - {_MODULES}:
        raise ParseError(f"an object was expected, not {type(config).__name__}")
    for where, mapping in _nested(config):
        if "auto_map" in mapping:
            yield from _auto_map(mapping["auto_map"], f"{where}auto_map", file, artifact)
        if mapping.get("trust_remote_code") not in (None, False):
            message = "the configuration itself asks to be trusted with remote code"
            yield _Ask(slug="local-code", message=message, detail=f"{where}trust_remote_code")
        if mapping.get("custom_pipelines"):
            yield from _pipelines(mapping["custom_pipelines"], f"{where}custom_pipelines", file, artifact)
        for slug, message, detail in requests(mapping, where):
            yield _Ask(slug=slug, message=message, detail=detail)
    if file.path.name == _ROUTER:
        yield from _router_types(config)
    if file.path.name == "model_index.json":
        yield from _pipeline_class(config, file, artifact)
    if file.path.name == "adapter_config.json":
        yield from _peft(config.get("auto_mapping"))


def _nested(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the configuration and every one within it, each with its dotted place; the parser bounds the depth."""
    waiting: list[tuple[str, Any]] = [("", config)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, dict):
            yield where, value
            waiting += [
                (f"{where}{key}.", inner)
                for key, inner in value.items()
                if isinstance(inner, dict | list) and key not in ("auto_map", "custom_pipelines")
            ]
        elif isinstance(value, list):
            waiting += [(where, inner) for inner in value if isinstance(inner, dict | list)]


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


def _router_types(config: Any) -> Iterator[_Ask]:
    """Read sentence-transformers' router: `types` maps the names of sub-modules to classes."""
    types = config.get("types") if isinstance(config, dict) else None
    if isinstance(types, dict):
        yield from _module_types([{"type": kind} for kind in types.values()])
