"""Functions, methods and filters that a template uses, against those that loaders offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.text import printable

if TYPE_CHECKING:
    from jinja2 import nodes

_GADGETS = frozenset({"lipsum", "self", "cycler", "joiner", "url_for", "get_flashed_messages", "environment"})
"""Functions and objects of Jinja and of web frameworks that no chat template needs, and that lead to code."""

_FUNCTIONS = frozenset({"namespace", "range", "dict", "raise_exception", "strftime_now", "caller", "loop", "super"})
"""What transformers, vLLM and llama.cpp offer; `loop` calls itself in recursive loops."""

_METHODS = frozenset(
    {name for kind in (str, list, dict, tuple) for name in dir(kind) if not name.startswith("_")} | {"strftime"}
)
"""Methods of the values that a conversation is made of."""

_OTHER_FILTERS = frozenset({"tojson", "from_json", "fromjson", "items", "keys", "values", "split", "startswith",
                            "endswith", "strip", "contains", "b64encode", "strftime"})  # fmt: skip
"""Filters that one loader or another offers beside Jinja's own."""


def judge_names(tree: nodes.Template, folder: Folder) -> Iterator[Problem]:
    """Say which functions a template asks for that no loader offers, and which that lead to code.

    Args:
        tree: The parsed template.
        folder: Its constants.
    """
    from jinja2 import nodes

    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    own |= {macro.name for macro in tree.find_all(nodes.Macro)}
    for name in tree.find_all(nodes.Name):
        if name.name in _GADGETS - own:
            message = f"line {name.lineno}: it uses {name.name!r}, which no conversation needs and which leads to code"
            yield Problem(slug="gadget", message=message, detail=name.name)
    yield from _strange_calls(tree, own)
    yield from _objects(tree, own)
    yield from _built_keys(tree, folder)
    for node in tree.find_all(nodes.Filter):
        if node.name == "attr":
            message = f"line {node.lineno}: it looks attributes up with the filter 'attr'"
            yield Problem(slug="gadget", message=message, detail="attr")
        elif node.name not in _jinja_filters() and node.name not in _OTHER_FILTERS:
            message = f"line {node.lineno}: no loader offers the filter {printable(node.name, 60)!r}"
            yield Problem(slug="unknown-name", message=message, detail=node.name)


def _strange_calls(tree: nodes.Template, own: set[str]) -> Iterator[Problem]:
    from jinja2 import nodes

    for call in tree.find_all(nodes.Call):
        target = call.node
        if isinstance(target, nodes.Name):
            strange = target.name if target.name not in own | _FUNCTIONS | _GADGETS else ""
        elif isinstance(target, nodes.Getattr):
            strange = target.attr if target.attr not in _METHODS | {"cycle", "changed"} else ""
        else:
            strange = ""
        if strange:
            message = f"line {call.lineno}: it calls {printable(strange, 60)!r}, which no loader offers"
            yield Problem(slug="unknown-name", message=message, detail=strange)
        if isinstance(target, nodes.Getattr) and target.attr in ("format", "format_map") and _said(target.node):
            message = f"line {call.lineno}: it takes what was said for a format"
            yield Problem(slug="gadget", message=message, detail=target.attr)


def _said(node: nodes.Node) -> bool:
    """Whether a receiver is a message's content and no text of the template."""
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr):
        return node.attr == "content"
    return isinstance(node, nodes.Getitem) and getattr(node.arg, "value", "") == "content"


def _objects(tree: nodes.Template, own: set[str]) -> Iterator[Problem]:
    """Say where a function is used as a value: its text, and so any letter, can be had from it."""
    from jinja2 import nodes

    for node in tree.find_all((nodes.Filter, nodes.Getattr, nodes.Getitem)):
        inner = getattr(node, "node", None)
        if isinstance(inner, nodes.Name) and inner.name in {"namespace", "range", "dict", "raise_exception"} - own:
            message = f"line {node.lineno}: it uses the function {inner.name!r} as a value"
            yield Problem(slug="gadget", message=message, detail=inner.name)


def _built_keys(tree: nodes.Template, folder: Folder) -> Iterator[Problem]:
    """Say where something is looked up under a name that is only put together when the template is rendered."""
    from jinja2 import nodes

    for node in tree.find_all(nodes.Getitem):
        holder, key = node.node, node.arg
        if isinstance(key, nodes.Slice) or folder.fold(key) is not None:
            continue
        bare = isinstance(holder, nodes.Const) and not (isinstance(holder.value, str) and holder.value)
        if bare or (isinstance(holder, nodes.Tuple | nodes.List | nodes.Dict) and not holder.items):
            message = f"line {node.lineno}: it looks a name up on nothing, which only leads to Python's insides"
            yield Problem(slug="gadget", message=message)
        elif isinstance(key, nodes.Concat | nodes.Mod) or _builds(key):
            message = f"line {node.lineno}: it looks something up under a name that it puts together"
            yield Problem(slug="built-name", message=message)


def _builds(key: nodes.Node) -> bool:
    """Whether a key is text out of a filter or a method that makes text."""
    from jinja2 import nodes

    if isinstance(key, nodes.Filter):
        return key.name in ("join", "format", "replace", "reverse")
    if isinstance(key, nodes.Getitem):
        return isinstance(key.arg, nodes.Slice)
    return isinstance(key, nodes.Call) and getattr(key.node, "attr", "") in ("join", "format", "replace")


def _jinja_filters() -> frozenset[str]:
    from jinja2.filters import FILTERS

    return frozenset(FILTERS)
