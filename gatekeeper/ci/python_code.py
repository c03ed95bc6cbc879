"""Models that Python code and notebooks load, read from the syntax tree."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatekeeper.ci.python_scopes import calls
from gatekeeper.ci.python_values import Scope, Value, called, values
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention, Role
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_PREFIX = re.compile(r"(?:hf://|hf[-_]hub:|https://huggingface\.co/)")
_LOCAL = re.compile(r"(?:[./~\\]|[A-Za-z]:[\\/]|.*\.(?:bin|gguf|h5|json|onnx|pt|pth|safetensors|yaml)$)")
_MAGIC = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Loader:
    """How a call names a model."""

    position: int | None
    """Which positional argument; None when it is only given by name."""

    keywords: tuple[str, ...]
    role: Role = Role.MODEL
    certain: bool = True
    """Whether an argument that can't be told is worth a line: a path handed on is the rule for some."""


_LOADERS = {
    "from_pretrained": _Loader(0, ("pretrained_model_name_or_path", "model_id", "repo_id")),
    "from_preset": _Loader(0, ("preset",), certain=False),
    "from_model_id": _Loader(0, ("model_id",)),
    "pipeline": _Loader(1, ("model",)),
    "snapshot_download": _Loader(0, ("repo_id",)),
    "hf_hub_download": _Loader(0, ("repo_id",)),
    "load_adapter": _Loader(0, ("peft_model_id",), Role.ADAPTER),
    "load_lora_weights": _Loader(0, ("pretrained_model_name_or_path_or_dict",), Role.ADAPTER),
    "SentenceTransformer": _Loader(0, ("model_name_or_path",)),
    "SparseEncoder": _Loader(0, ("model_name_or_path",)),
    "CrossEncoder": _Loader(0, ("model_name", "model_name_or_path")),
    "HuggingFaceEmbeddings": _Loader(None, ("model_name",)),
    "LLM": _Loader(0, ("model",)),
    "EngineArgs": _Loader(0, ("model",)),
    "AsyncEngineArgs": _Loader(0, ("model",)),
    "pinned": _Loader(0, ("name",)),
}
"""Name of a function or class → how it is told which model."""

_OTHER_REPOS = frozenset({"dataset", "space"})
_PEFT = re.compile(r"Peft(?:Mixed)?Model(?:For\w+)?")
_ADAPTERS = re.compile(r"AutoPeftModel\w*|PeftConfig|LoraConfig")
_TOKENIZERS = re.compile(r"\w*(?:Tokenizer(?:Fast)?|Processor|FeatureExtractor)")


class PythonCode:
    """Python source and notebooks."""

    endings = frozenset({".py", ".pyw", ".ipynb"})

    def extract(self, data: bytes, ending: str, limits: Limits) -> Iterator[Mention]:
        """Find the calls that load models."""
        if ending == ".ipynb":
            yield from _notebook(data, limits)
        else:
            yield from _source(data)


def _notebook(data: bytes, limits: Limits) -> Iterator[Mention]:
    """Read the code cells as one program, as a kernel runs them; lines are counted within their cell."""
    try:
        cells = load_json_object(data, depth=limits.json_depth).get("cells", [])
    except ParseError as error:
        yield Mention(line=0, unresolved=f"it is no notebook: {error}")
        return
    texts: list[str] = []
    starts: list[tuple[int, int]] = []
    line = 1
    for number, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        text = _cell(cell)
        if text and not _parses(text):
            yield Mention(line=1, cell=number, unresolved="the cell is not Python")
        elif text:
            starts.append((line, number))
            texts.append(text)
            line += text.count("\n") + 1
    for mention in _source("\n".join(texts).encode("utf-8", "replace")):
        start, number = next((pair for pair in reversed(starts) if pair[0] <= mention.line), (1, 0))
        yield replace(mention, line=mention.line - start + 1, cell=number)


def _cell(cell: object) -> str:
    """Give the code of a cell without its magic commands; empty for other cells."""
    source = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else ""
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str) or source.lstrip().startswith("%%"):
        return ""
    return _MAGIC.sub("", source)


def _parses(text: str) -> bool:
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


def _source(data: bytes) -> Iterator[Mention]:
    tree = _tree(data)
    if isinstance(tree, Mention):
        yield tree
        return
    for call, scope in calls(tree):
        try:
            yield from _mentions(call, scope)
        except RecursionError:
            yield Mention(line=call.lineno, unresolved="it is nested too deeply to be read")


def _mentions(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    owner, name = called(call)
    loader = _LOADERS.get(name)
    if loader is None or _names_no_model(call, scope):
        return
    loader = _adapted(loader, owner)
    shown = f"{owner}.{name}" if owner else name
    argument = _argument(call, loader.position, loader.keywords)
    if argument is not None:
        yield from _told(call, argument, scope, loader, shown)
    if name == "pipeline" and (tokenizer := _argument(call, None, ("tokenizer",))) is not None:
        yield from _told(call, tokenizer, scope, _Loader(None, (), Role.TOKENIZER, certain=False), shown)


def _adapted(loader: _Loader, owner: str) -> _Loader:
    """Tell classes apart that share the name of a method."""
    if _PEFT.fullmatch(owner):  # the first argument is the base model, as an object
        return _Loader(1, ("model_id",), Role.ADAPTER)
    if _ADAPTERS.fullmatch(owner):
        return replace(loader, role=Role.ADAPTER)
    return replace(loader, role=Role.TOKENIZER) if _TOKENIZERS.fullmatch(owner) else loader


def _names_no_model(call: ast.Call, scope: Scope) -> bool:
    kind = _argument(call, None, ("repo_type",))
    return kind is not None and any(value.text in _OTHER_REPOS for value in values(kind, scope))


def _argument(call: ast.Call, position: int | None, keywords: tuple[str, ...]) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return keyword.value
    if position is None or len(call.args) <= position:
        return None
    before = call.args[: position + 1]
    return None if any(isinstance(each, ast.Starred) for each in before) else before[position]


def _told(call: ast.Call, argument: ast.expr, scope: Scope, loader: _Loader, shown: str) -> Iterator[Mention]:
    revision = _argument(call, None, ("revision",))
    revisions = values(revision, scope) if revision is not None else (Value(""),)
    made: dict[tuple[str, str], Mention] = {}
    for value in values(argument, scope):
        mention = Mention(line=call.lineno, role=loader.role, call=shown)
        if value.text is None:
            if loader.certain:
                made[(value.why, "")] = replace(mention, unresolved=value.why)
            continue
        name, written = _name(value.text)
        if name:
            at, why = (written, "") if written else _revision(value, revisions)
            made[(name, at)] = replace(mention, name=name, revision=at, unresolved=why)
    yield from made.values()


def _name(text: str) -> tuple[str, str]:
    """Read an id with its revision; an empty id for paths and files."""
    bare = _PREFIX.sub("", text, count=1)
    name, _, revision = bare.partition("@")
    if (bare == text and _LOCAL.match(text)) or not _ID.fullmatch(name):
        return "", ""
    return name, revision


def _revision(value: Value, revisions: tuple[Value, ...]) -> tuple[str, str]:
    """Choose the revision that goes with an id: the one of the same entry, or the only one."""
    same = [each for each in revisions if each.choice == value.choice] or list(revisions)
    if len(same) == 1 and same[0].text is not None:
        return same[0].text, ""
    return "", f"its revision can't be told: {next((each.why for each in same if each.why), 'there are several')}"
