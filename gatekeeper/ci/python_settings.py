"""Models that Python files name without loading them here: constants, defaults of options, dictionaries, commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gatekeeper.ci.keys import Trust, claim_of, normalised
from gatekeeper.ci.python_nodes import Program
from gatekeeper.ci.telling import Setting, distinct, group
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention

_DEFAULTS = frozenset({"default", "default_value", "value"})
_RUNNING = frozenset(
    {"Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "popen", "run", "system"}
    | {"create_subprocess_shell", "sudo", "local"}
)
"""Functions that give a text to a shell."""

_CALLS = frozenset({"Field", "field", "Option", "Argument", "getenv", "get", "TextInput", "text_input"})


def settings(program: Program) -> Iterator[Mention]:
    """Find texts in the form `org/name` in places whose name says that it is a model.

    Args:
        program: The file. Only what is written out counts: other files take these names from here.
    """
    found: list[Mention] = []
    for node in program.walk():
        match node:
            case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target], value=value):
                found += _named(_name(target), value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                found += _named(_name(target), value)
            case ast.Dict():
                found += _dictionary(node)
            case ast.List(elts=[ast.Constant(value=str()), ast.expr(), *_]):
                found += _command(node)
            case ast.Call(args=[ast.Constant(value=str(flag)), *_]) if flag.startswith("--") or flag.isupper():
                found += _option(node)
            case ast.Call(args=[ast.Constant(value=str(text)), *_]) if " " in text and _runs(node.func):
                found += _shell(text, node.lineno)
            case _:
                pass
    return distinct(each for each in found if each.name)


def _name(target: ast.expr) -> str:
    match target:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _named(name: str, value: ast.expr) -> Iterator[Mention]:
    claim = claim_of(name)
    if claim is None:
        return
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name | ast.Attribute):
        called = value.func.id if isinstance(value.func, ast.Name) else value.func.attr
        if called not in _CALLS:
            return
        given = [*value.args[-1:], *(each.value for each in value.keywords if each.arg in _DEFAULTS)]
        for each in given:
            yield from _named(name, each)
    elif isinstance(value, ast.List | ast.Tuple):
        for each in value.elts[:200]:
            if isinstance(each, ast.Constant):
                yield from _named(name, each)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and "/" in value.value:
        yield from group([Setting(name, value.value, value.lineno)], Variables())


def _dictionary(node: ast.Dict) -> Iterator[Mention]:
    """Read a literal of settings; `model` alone says too little: requests to services have it, too."""
    held = [
        Setting(key.value, str(value.value), value.lineno)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Constant)
        if isinstance(value.value, str | bool) and normalised(key.value) != "model"
    ]
    promised = [each for each in held if (claim := claim_of(each.key)) and claim.trust > Trust.POSSIBLE]
    if promised:
        yield from (each for each in group(held, Variables()) if "/" in each.name)


def _command(node: ast.List) -> Iterator[Mention]:
    from gatekeeper.ci.commands import command  # few programs write commands
    from gatekeeper.ci.shell_words import Word

    words = [
        Word(each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else "${?}", each.lineno)
        for each in node.elts[:400]
    ]
    yield from command(words, Variables())


def _runs(func: ast.expr) -> bool:
    return (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")) in _RUNNING


def _shell(text: str, line: int) -> Iterator[Mention]:
    """Read `os.system("hf download org/name")`."""
    from gatekeeper.ci.commands import command
    from gatekeeper.ci.shell_words import all_commands, assignments

    for words in all_commands(text, line):
        yield from command(assignments(words)[1], Variables())


def _option(node: ast.Call) -> Iterator[Mention]:
    """Read `add_argument("--model", default="org/name")` and `os.getenv("MODEL_ID", "org/name")`."""
    first = node.args[0]
    name = first.value.lstrip("-") if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    given = [each.value for each in node.keywords if each.arg in _DEFAULTS] + node.args[1:2]
    for each in given:
        if isinstance(each, ast.Constant):
            yield from _named(name, each)
