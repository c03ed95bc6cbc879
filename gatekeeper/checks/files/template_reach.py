"""What a chat template reaches for: names by which Jinja text gets at Python's insides, read off its syntax tree.

The text is parsed and never rendered. Loaders that render in a sandbox stop most of this; the ones that don't run
whatever it leads to, and no honest template needs any of it.
"""

from __future__ import annotations

import builtins
import re
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_tree import TemplateError, parse
from gatekeeper.text import printable

if TYPE_CHECKING:
    from jinja2 import nodes

_INSIDES = frozenset(
    {
        *("mro", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "tb_frame", "tb_next"),
        *("f_globals", "f_locals", "f_builtins", "f_back", "func_globals", "func_code", "im_func", "im_self"),
    }
)
"""Attributes without underscores that lead from values to frames, classes and globals (jinja2's sandbox lists them)."""

_DUNDERS = frozenset(
    name
    for value in (object, type, dict, BaseException, builtins, *(kind for kind in vars(types).values()))
    for name in dir(value)
    if name.startswith("__") and name.endswith("__")
)
"""Names between double underscores that Python's own values have; `__media__` and the like are markers in a prompt."""

_PATH = re.compile(r"\w+(\.\w+)*")
"""What filters such as `map` and `attr` take for a way through attributes."""

_FORMAT_FIELD = re.compile(r"\{[^{}]*[.\[]_")
"""A field of `str.format` that begins an attribute or key with an underscore."""

_MODULES = frozenset({"os", "sys", "subprocess", "builtins", "importlib", "shutil", "socket", "pty", "ctypes", "runpy"})
"""Modules that a template can't have unless a loader was careless; a call on one is meant to run something."""

_RUNNERS = frozenset(
    {"eval", "exec", "compile", "open", "getattr", "setattr", "globals", "locals", "vars", "breakpoint"}
)
"""Built-in functions of Python that Jinja does not offer."""


def reached(tree: nodes.Template, folder: Folder) -> Iterator[str]:
    """Say what a template reaches for; nothing when it is honest.

    Args:
        tree: The parsed template.
        folder: Its constants.
    """
    own = _defined(tree)
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.iter_child_nodes())
        yield from _node(node, folder, own)


def reaches(template: str) -> list[str]:
    """Say what Jinja text reaches for; empty when it is nothing.

    Raises:
        TemplateError: When it is no Jinja text, or too long or too deep to be read.
    """
    tree = parse(template)
    try:
        return list(dict.fromkeys(reached(tree, Folder(tree))))
    except RecursionError as error:
        raise TemplateError("it is nested too deeply") from error


def _defined(tree: nodes.Template) -> frozenset[str]:
    """Give the names that the template itself makes."""
    from jinja2 import nodes

    made = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    return frozenset(made | {node.name for node in tree.find_all(nodes.Macro)})


def _node(node: Any, folder: Folder, own: frozenset[str]) -> Iterator[str]:
    kind = type(node).__name__
    if kind == "Getattr" and (_inside(node.attr) or node.attr.startswith("_")):
        yield f"the attribute {node.attr!r}"
    elif kind == "Getitem" and _inside(folder.fold(node.arg)):
        yield f"the item {folder.fold(node.arg)!r}"
    elif kind in _SPELLERS and _spells(text := folder.fold(node)):
        yield f"the text {printable(str(text), 80)!r}"
    elif kind in ("Include", "Import", "FromImport", "Extends"):
        yield f"another file ({kind.lower()})"
    elif kind == "Name" and node.name in _DUNDERS:
        yield f"the name {node.name!r}"
    elif kind == "Call":
        yield from _call(node, own)


_SPELLERS = frozenset({"Const", "Concat", "Add", "Mod", "Mul", "Filter", "Call", "Getitem", "TemplateData"})
"""Expressions that make text."""


def _call(node: Any, own: frozenset[str]) -> Iterator[str]:
    target = node.node
    if type(target).__name__ == "Name" and target.name in _RUNNERS - own:
        yield f"Python's {target.name}()"
    while type(target).__name__ in ("Getattr", "Getitem", "Call"):
        target = target.node
    if type(target).__name__ == "Name" and target.name in _MODULES - own and target is not node.node:
        yield f"the module {target.name!r}"


def _inside(name: Any) -> bool:
    return isinstance(name, str) and (name in _INSIDES or name in _DUNDERS)


def _spells(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if _FORMAT_FIELD.search(value):
        return True
    return bool(_PATH.fullmatch(value)) and any(part in _DUNDERS for part in value.split("."))


__all__ = ["TemplateError", "reached", "reaches"]
