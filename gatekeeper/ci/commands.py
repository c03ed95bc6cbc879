"""One command → the models that it loads: its flags, and the words whose meaning the program gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gatekeeper.ci.keys import Claim, Trust, claim_of, is_true, normalised, revision_of
from gatekeeper.ci.names import LONGEST
from gatekeeper.ci.shell_words import Word
from gatekeeper.ci.telling import ADDRESS, Setting, is_download, tell
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention, Role

_MODEL = Claim(Role.MODEL, Trust.LOADER)
_ON_HUB = Claim(Role.MODEL, Trust.PROMISED)
_ADAPTER = Claim(Role.ADAPTER, Trust.LOADER, main=False)


@dataclass(frozen=True, slots=True)
class _Program:
    """How a program is told which model."""

    words: tuple[str, ...]
    """Its name and subcommands, in this order, with options between them at most."""

    claim: Claim
    takes: int = 1
    """How many of the words after it are models; 0 when only its flags name them."""

    every: bool = False
    """Whether all words are addresses, of which those on the Hub count."""


_PROGRAMS = (
    _Program(("vllm", "serve"), _MODEL),
    _Program(("vllm",), _MODEL, takes=0),
    _Program(("hf", "download"), _MODEL),
    _Program(("huggingface-cli", "download"), _MODEL),
    _Program(("transformers", "serve"), _MODEL),
    _Program(("transformers", "chat"), _MODEL),
    _Program(("transformers-cli", "download"), _MODEL),
    _Program(("litgpt", "download"), _MODEL),
    _Program(("tune", "download"), _MODEL),
    _Program(("lmdeploy", "serve", "api_server"), _MODEL),
    _Program(("lmdeploy", "chat"), _MODEL),
    _Program(("optimum-cli", "export"), _MODEL, takes=0),
    _Program(("text-generation-launcher",), _MODEL, takes=0),
    _Program(("text-embeddings-router",), _MODEL, takes=0),
    _Program(("infinity_emb",), _MODEL, takes=0),
    _Program(("sglang",), _MODEL, takes=0),
    _Program(("llama-server",), _ON_HUB, takes=0),
    _Program(("ollama", "run"), ADDRESS),
    _Program(("ollama", "pull"), ADDRESS),
    _Program(("docker", "model", "run"), ADDRESS),
    _Program(("docker", "model", "pull"), ADDRESS),
    _Program(("mlc_llm",), ADDRESS, every=True),
    _Program(("git", "clone"), ADDRESS, every=True),
    _Program(("git", "submodule"), ADDRESS, every=True),
    _Program(("git", "remote"), ADDRESS, every=True),
    _Program(("git", "lfs", "clone"), ADDRESS, every=True),
    _Program(("curl",), ADDRESS, every=True),
    _Program(("wget",), ADDRESS, every=True),
    _Program(("aria2c",), ADDRESS, every=True),
    _Program(("dvc", "import"), ADDRESS, every=True),
    _Program(("dvc", "import-url"), ADDRESS, every=True),
    _Program(("ADD",), ADDRESS, every=True),
)
_BY_FIRST = {
    first: tuple(program for program in _PROGRAMS if program.words[0] == first)
    for first in {program.words[0] for program in _PROGRAMS}
}

_LOADING_MODULES = re.compile(
    r"vllm\.entrypoints[\w.]*|sglang\.launch_server|mlx_lm[\w.]*|optimum[\w.]*|llama_cpp[\w.]*"
)
_UPLOADS = frozenset({"upload", "upload-large-folder", "repo", "repo-files", "login", "delete-cache", "create"})
_SHORT = {"-hf": _ON_HUB, "-hfr": _ON_HUB, "-hfd": Claim(Role.MODEL, Trust.PROMISED, main=False)}
_BRANCH = frozenset({"-b", "--branch", "--revision"})
_ARGUMENTS = frozenset({"model_args", "model_kwargs", "override_args"})
_LORAS = frozenset({"lora_modules", "lora_adapters"})
_SWITCHES = frozenset(
    {"detach", "force", "help", "insecure", "fail", "it", "location", "quiet", "recursive", "resume_download", "rm"}
    | {"disable_log_requests", "disable_log_stats", "enable_auto_tool_choice", "enable_chunked_prefill", "enable_lora"}
    | {"enable_prefix_caching", "enforce_eager", "jinja", "no_cache", "no_mmap", "silent", "single_branch"}
    | {
        "trust_remote_code",
        "use_fast",
        "verbose",
        "verbose_prompt",
        "S",
        "c",
        "d",
        "f",
        "fsSL",
        "k",
        "l",
        "q",
        "s",
        "y",
    }
)
"""Flags without a value: the word after them stands for itself. Of others the next word is taken for their value."""

_NOT_REPOS = frozenset({"dataset", "space"})


@dataclass(frozen=True, slots=True)
class _Line:
    """A command, taken apart."""

    words: tuple[Word, ...]
    """Those that are no flags and no flags' values."""

    flags: tuple[tuple[str, tuple[Word, ...]], ...]
    """As written, with dashes; with the words that follow up to the next flag."""


def command(words: Sequence[Word], variables: Variables) -> Iterator[Mention]:
    """Find the models that a command loads.

    Args:
        words: The command, its program first, or only arguments.
        variables: Of the file.
    """
    parsed = _parsed(words)
    program = _program(parsed.words)
    if _is_upload(parsed.words) or _kind_of_repo(parsed) in _NOT_REPOS:
        return
    settings = {normalised(name): values[0].text if values else "true" for name, values in parsed.flags}
    remote = is_true(settings["trust_remote_code"]) if "trust_remote_code" in settings else False
    module = any(_LOADING_MODULES.fullmatch(value.text) for name, values in parsed.flags for value in values[:1])
    loads = module or (program is not None and program.claim is _MODEL)
    if program:
        yield from _positional(program, parsed, settings, variables, remote)
    for name, values in parsed.flags:
        for word, claim in _flag(name, values, loads=loads):
            revision = revision_of(name, claim, settings, alone=False)
            yield from tell(
                Setting(name, word.text, word.line), claim, variables, revision=revision, remote_code=remote
            )
        if normalised(name) in _ARGUMENTS and values:
            yield from _arguments(values[0], variables)
        if normalised(name) in _LORAS:
            yield from _modules(name, values, variables)


def _parsed(words: Sequence[Word]) -> _Line:
    free: list[Word] = []
    flags: list[tuple[str, list[Word]]] = []
    for word in words:
        text = word.text
        if text.startswith("-") and len(text) > 1 and not text[1].isdigit():
            name, equals, value = text.partition("=")
            flags.append((name, [Word(value, word.line)] if equals else []))
        elif flags and _takes(*flags[-1]):
            flags[-1][1].append(word)
        else:
            free.append(word)
    return _Line(tuple(free), tuple((name, tuple(values)) for name, values in flags))


def _takes(flag: str, values: Sequence[Word]) -> bool:
    """Whether a flag that has these values takes another word."""
    name = normalised(flag)
    return name in _LORAS if values else name not in _SWITCHES


def _program(words: Sequence[Word]) -> _Program | None:
    """Find the program, also behind `sudo`, `uv run`, `docker run IMAGE` and the like."""
    names = [word.text.rsplit("/", 1)[-1] for word in words[:12]]
    begun = [program for name in dict.fromkeys(names) for program in _BY_FIRST.get(name, ())]
    found = [program for program in begun if _find(names, program.words) is not None]
    return max(found, key=lambda program: len(program.words), default=None)


def _find(names: Sequence[str], wanted: tuple[str, ...]) -> int | None:
    for start, name in enumerate(names):
        if name == wanted[0] and tuple(names[start : start + len(wanted)]) == wanted:
            return start
    return None


def _is_upload(words: Sequence[Word]) -> bool:
    names = [word.text.rsplit("/", 1)[-1] for word in words[:6]]
    return any(one in {"hf", "huggingface-cli"} and two in _UPLOADS for one, two in pairwise(names))


def _kind_of_repo(parsed: _Line) -> str:
    return next((values[0].text for name, values in parsed.flags if name in {"--repo-type", "--type"} and values), "")


def _positional(
    program: _Program, parsed: _Line, settings: Mapping[str, str], variables: Variables, remote: bool
) -> Iterator[Mention]:
    names = [word.text.rsplit("/", 1)[-1] for word in parsed.words]
    start = (_find(names, program.words) or 0) + len(program.words)
    shown = " ".join(program.words)
    branch = next((values[0].text for name, values in parsed.flags if name in _BRANCH and values), "")
    if program.every:
        everything = [*parsed.words[start:], *(value for _, values in parsed.flags for value in values)]
        for word in everything:
            if program.words[0] in {"git", "dvc"} or is_download(_filled(word.text, variables)):
                yield from tell(Setting(shown, word.text, word.line), ADDRESS, variables, revision=branch)
        return
    for word in parsed.words[start : start + program.takes]:
        setting = Setting(shown, word.text, word.line)
        yield from tell(
            setting, program.claim, variables, revision=settings.get("revision", branch), remote_code=remote
        )


def _filled(text: str, variables: Variables) -> str:
    return next((each.text for each in variables.expand(text).texts), text)


def _flag(name: str, values: Sequence[Word], *, loads: bool) -> Iterator[tuple[Word, Claim]]:
    if not values or normalised(name) in _LORAS | _ARGUMENTS:
        return
    word = values[0]
    if name in _SHORT:
        yield replace(word, text=_without_tag(word.text)), _SHORT[name]
        return
    if normalised(name) in {"hf_repo", "hf_repo_draft", "hf_repo_v"}:
        yield replace(word, text=_without_tag(word.text)), replace(_ON_HUB, main=normalised(name) == "hf_repo")
        return
    claim = claim_of(name.lstrip("-")) if name.startswith("--") else None
    if claim:
        lift = loads and claim.trust in {Trust.POSSIBLE, Trust.PROMISED}
        yield word, replace(claim, trust=Trust.LOADER) if lift else claim
    elif is_download(word.text):
        yield word, ADDRESS


def _without_tag(text: str) -> str:
    """Take the name of a quantisation from `org/name:Q4_K_M`."""
    return text.partition(":")[0] if "://" not in text else text


def _arguments(word: Word, variables: Variables) -> Iterator[Mention]:
    """Read `pretrained=org/name,revision=…,peft=org/adapter`, as evaluation harnesses take it."""
    pairs = [part.partition("=") for part in word.text[: 10 * LONGEST].split(",")]
    settings = {normalised(key): value for key, _, value in pairs}
    remote = is_true(settings["trust_remote_code"]) if "trust_remote_code" in settings else False
    for key, claim in (("pretrained", _MODEL), ("model", _MODEL), ("peft", _ADAPTER)):
        if key in settings:
            revision = settings.get("revision", "") if claim.main else ""
            yield from tell(
                Setting(key, settings[key], word.line), claim, variables, revision=revision, remote_code=remote
            )


def _modules(flag: str, values: Sequence[Word], variables: Variables) -> Iterator[Mention]:
    """Read `name=org/adapter` and `{"name": …, "path": …}`."""
    for word in values:
        if word.text.startswith(("{", "[")):
            yield from _module_json(flag, word, variables)
            continue
        _, equals, path = word.text.partition("=")
        yield from tell(Setting(flag, path if equals else word.text, word.line), _ADAPTER_ID, variables)


_ADAPTER_ID = Claim(Role.ADAPTER, Trust.PROMISED, main=False)


def _module_json(flag: str, word: Word, variables: Variables) -> Iterator[Mention]:
    try:
        found = json.loads(word.text[: 10 * LONGEST])
    except (ValueError, RecursionError):
        yield Mention(line=word.line, role=Role.ADAPTER, call=flag, unresolved="it is not JSON")
        return
    for each in found if isinstance(found, list) else [found]:
        path = each.get("path") if isinstance(each, dict) else None
        if isinstance(path, str):
            yield from tell(Setting(flag, path, word.line), _ADAPTER_ID, variables)


def implied(image: str) -> tuple[str, ...]:
    """Give the program that a container image starts, so that its arguments are understood."""
    name = image.rsplit("/", 1)[-1].partition(":")[0].partition("@")[0]
    if name in {"vllm-openai", "vllm-openai-rocm", "vllm-cpu-release-repo"}:
        return ("vllm", "serve")
    if "text-generation-inference" in name:
        return ("text-generation-launcher",)
    if "text-embeddings-inference" in name:
        return ("text-embeddings-router",)
    return ("infinity_emb",) if name == "infinity" else ()
