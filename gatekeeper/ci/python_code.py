"""Models that Python code loads, read from the syntax tree."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatekeeper.ci.names import Kind, read
from gatekeeper.ci.python_calls import unfolded
from gatekeeper.ci.python_nodes import Program
from gatekeeper.ci.python_scopes import calls
from gatekeeper.ci.python_settings import settings
from gatekeeper.ci.python_values import Scope, Value, argument_of, called, constants, values
from gatekeeper.mention import Mention, Role
from gatekeeper.text import printable


@dataclass(frozen=True, slots=True)
class _Loader:
    """How a call names a model."""

    position: int | None
    """Which positional argument; None when it is only given by name."""

    keywords: tuple[str, ...]
    role: Role = Role.MODEL
    certain: bool = True
    """Whether an argument that can't be told is worth a line: a path handed on is the rule for some."""

    address: bool = False
    """Whether only a name counts that says itself that it is on the Hub: others are of the library's own list."""

    whole: bool = False
    """Whether only `org/name` counts: a name without an organisation is of the library's own list."""


_NAMED = _Loader(0, ("model_name_or_path", "model_name", "model_id", "model"))
_LOADERS = {
    "from_pretrained": _Loader(0, ("pretrained_model_name_or_path", "model_id", "repo_id", "model_name")),
    "from_preset": _Loader(0, ("preset",), certain=False),
    "from_model_id": _Loader(0, ("model_id",)),
    "from_single_file": _Loader(0, ("pretrained_model_link_or_path",), certain=False),
    "pipeline": _Loader(1, ("model",)),
    "snapshot_download": _Loader(0, ("repo_id",)),
    "hf_hub_download": _Loader(0, ("repo_id",)),
    "hf_hub_url": _Loader(0, ("repo_id",)),
    "load_adapter": _Loader(0, ("peft_model_id",), Role.ADAPTER),
    "load_lora_weights": _Loader(0, ("pretrained_model_name_or_path_or_dict",), Role.ADAPTER),
    "load_ip_adapter": _Loader(0, ("pretrained_model_name_or_path_or_dict",), Role.ADAPTER),
    "load_textual_inversion": _Loader(0, ("pretrained_model_name_or_path",), Role.ADAPTER),
    "LoRARequest": _Loader(2, ("lora_path", "lora_local_path"), Role.ADAPTER),
    "SentenceTransformer": _Loader(0, ("model_name_or_path",)),
    "SparseEncoder": _Loader(0, ("model_name_or_path",)),
    "CrossEncoder": _Loader(0, ("model_name", "model_name_or_path")),
    "HuggingFaceEmbeddings": _Loader(None, ("model_name", "model")),
    "HuggingFaceBgeEmbeddings": _Loader(None, ("model_name",)),
    "HuggingFaceInstructEmbeddings": _Loader(None, ("model_name",)),
    "HuggingFaceEmbedding": _Loader(0, ("model_name",)),
    "HuggingFaceLLM": _Loader(None, ("model_name",)),
    "SentenceTransformerEmbeddings": _Loader(None, ("model_name",)),
    "HuggingFaceCrossEncoder": _Loader(None, ("model_name",)),
    "BGEM3FlagModel": _NAMED,
    "FlagModel": _NAMED,
    "FlagReranker": _NAMED,
    "WhisperModel": _Loader(0, ("model_size_or_path",), certain=False, whole=True),
    "Engine": _Loader(None, ("model_path",), certain=False),
    "SFTTrainer": _Loader(0, ("model",), certain=False, whole=True),
    "DPOTrainer": _Loader(0, ("model",), certain=False, whole=True),
    "GRPOTrainer": _Loader(0, ("model",), certain=False, whole=True),
    "LLM": _Loader(0, ("model",)),
    "EngineArgs": _Loader(0, ("model",)),
    "AsyncEngineArgs": _Loader(0, ("model",)),
    "create_model": _Loader(0, ("model_name",), certain=False, address=True),
    "create_model_and_transforms": _Loader(0, ("model_name",), certain=False, address=True),
    "create_model_from_pretrained": _Loader(0, ("model_name",), certain=False, address=True),
    "pinned": _Loader(0, ("name",)),
}
"""Name of a function or class → how it is told which model."""

_NO_MODELS = frozenset({"Embedding", "EmbeddingBag"})
"""Classes of PyTorch whose `from_pretrained` takes a tensor."""

_OTHER_REPOS = frozenset({"dataset", "space"})
_PEFT = re.compile(r"Peft(?:Mixed)?Model(?:For\w+)?")
_ADAPTERS = re.compile(r"AutoPeftModel\w*|PeftConfig|LoraConfig")
_TOKENIZERS = re.compile(r"\w*(?:Tokenizer(?:Fast)?|Processor|FeatureExtractor)")


def parses(text: str) -> bool:
    """Whether a text is Python."""
    return isinstance(_tree(text), ast.Module)


def _tree(source: str | bytes) -> ast.Module | Mention:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes and the like in somebody's strings
            return ast.parse(source)
    except SyntaxError as error:
        return Mention(line=error.lineno or 0, unresolved=f"it is not Python: {printable(error.msg)}")
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply for the parser
        return Mention(line=0, unresolved=f"it can't be parsed: {printable(str(error)) or type(error).__name__}")


def source(data: bytes) -> Iterator[Mention]:
    """Find the models that a Python program names.

    Args:
        data: Its text, in the encoding that it declares.
    """
    tree = _tree(data)
    if isinstance(tree, Mention):
        yield tree
        return
    program = Program(tree, data)
    found: list[Mention] = []
    for call, scope in calls(program):
        try:
            found += _mentions(unfolded(call, scope, _LOADERS), scope)
        except RecursionError:
            found.append(Mention(line=call.lineno, unresolved="it is nested too deeply to be read"))
    told = {each.name for each in found}
    found += [each for each in settings(program) if not each.name or each.name not in told]
    yield from sorted(found, key=lambda each: each.line)


def _mentions(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    owner, name = called(call)
    loader = _LOADERS.get(name)
    if loader is None or owner in _NO_MODELS or _names_no_model(call, scope):
        return
    loader = _adapted(loader, owner)
    shown = f"{owner}.{name}" if owner else name
    argument = argument_of(call, loader.position, loader.keywords, scope)
    if argument is not None:
        yield from _told(call, argument, scope, loader, shown)
    elif loader.certain and _spreads(call, owner):
        why = "its arguments are only known when it runs"
        yield Mention(line=call.lineno, role=loader.role, call=shown, unresolved=why, remote_code=True)
    if name in _WITH_TOKENIZER and (tokenizer := argument_of(call, None, ("tokenizer", "tokenizer_name"), scope)):
        second = _Loader(None, (), Role.TOKENIZER, certain=False)
        yield from _told(call, tokenizer, scope, second, shown, revised_by=("tokenizer_revision",))


def _spreads(call: ast.Call, owner: str) -> bool:
    """Whether `**` gives arguments that this file does not write out; what the lock pins is told by the lock."""
    if isinstance(call.func, ast.Attribute) and not owner:  # of `super()`: whoever calls the method names the model
        return False
    given = [keyword.value for keyword in call.keywords if keyword.arg is None]
    return any(not isinstance(each, ast.Dict) and "pinned(" not in ast.unparse(each) for each in given)


_WITH_TOKENIZER = frozenset({"pipeline", "LLM", "EngineArgs", "AsyncEngineArgs", "HuggingFaceLLM"})


def _adapted(loader: _Loader, owner: str) -> _Loader:
    """Tell classes apart that share the name of a method."""
    if _PEFT.fullmatch(owner):  # the first argument is the base model, as an object
        return _Loader(1, ("model_id",), Role.ADAPTER)
    if _ADAPTERS.fullmatch(owner):
        return replace(loader, role=Role.ADAPTER)
    return replace(loader, role=Role.TOKENIZER) if _TOKENIZERS.fullmatch(owner) else loader


def _names_no_model(call: ast.Call, scope: Scope) -> bool:
    kind = argument_of(call, None, ("repo_type",), scope)
    return kind is not None and any(value.text in _OTHER_REPOS for value in values(kind, scope))


def _told(
    call: ast.Call,
    argument: ast.expr,
    scope: Scope,
    loader: _Loader,
    shown: str,
    revised_by: tuple[str, ...] = ("revision",),
) -> Iterator[Mention]:
    revisions = _values_of(call, revised_by, scope)
    code, why_code = _revision(Value(""), _values_of(call, ("code_revision",), scope))
    base = Mention(line=call.lineno, role=loader.role, call=shown, code_revision=code, remote_code=_remote(call, scope))
    made: dict[tuple[str, str], Mention] = {}
    for value in values(argument, scope):
        if value.text is None:
            if loader.certain:
                made[(value.why, "")] = replace(base, unresolved=value.why)
            continue
        reading = read(value.text, bare=not loader.whole, lax=True)
        if reading.kind is not Kind.OTHER and (reading.address or not loader.address):
            at, why = (reading.revision, "") if reading.revision else _revision(value, revisions)
            made[(reading.name, at)] = replace(base, name=reading.name, revision=at, unresolved=why or why_code)
    yield from made.values()


def _values_of(call: ast.Call, keywords: tuple[str, ...], scope: Scope) -> tuple[Value, ...]:
    expression = argument_of(call, None, keywords, scope)
    return values(expression, scope) if expression is not None else (Value(""),)


def _remote(call: ast.Call, scope: Scope) -> bool:
    """Whether code of the repo may run: unless it is left out, or certainly false."""
    given = argument_of(call, None, ("trust_remote_code",), scope)
    leaves = constants(given, scope) if given is not None else (False,)
    return any(each is not False and each is not None for each in leaves)


def _revision(value: Value, revisions: tuple[Value, ...]) -> tuple[str, str]:
    """Choose the revision that goes with an id: the one of the same entry, or the only one."""
    same = [each for each in revisions if each.choice == value.choice] or list(revisions)
    if len(same) == 1 and same[0].text is not None:
        return same[0].text, ""
    return "", f"its revision can't be told: {next((each.why for each in same if each.why), 'there are several')}"
