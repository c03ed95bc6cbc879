"""Paths through a template's values: which expressions name the same thing, and which of them are system messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes

CONTENT = frozenset(
    {"content", "contents", "text", "value", "message", "input", "query", "prompt", "reasoning_content", "reasoning",
     "thinking", "thought", "thoughts", "parts", "name"}
)  # fmt: skip
"""Keys of a message, or of a part of one, under which something that was said lies, or who says it."""

CALLS = frozenset({"tool_calls", "tool_call", "function_call"})
"""Keys of a message under which calls of tools lie."""

NAMES = frozenset(
    {"name", "id", "tool_call_id", "author", "sender", "speaker", "user", "username", "user_name", "user_id", "title",
     "locale", "language", "lang", "description"}
)  # fmt: skip
"""Keys of a message, a call or a tool under which its writer names something or himself."""

STRUCTURE = frozenset(
    {"role", "type", "from", "function", "channel", "recipient", "index", "tools", "arguments", "parameters", "image",
     "image_url", "video", "audio"}
)  # fmt: skip
"""Keys that the application sets, or that a message's kind shows in."""


def shape(node: Any) -> str:
    """Give an expression's text as far as it is a path of names, keys and numbers; empty when it is more."""
    kind = type(node).__name__
    if kind == "Name":
        return str(node.name)
    if kind == "Getattr":
        return f"{shape(node.node)}.{node.attr}"
    if kind == "Getitem" and type(node.arg).__name__ == "Const":
        key = node.arg.value
        return f"{shape(node.node)}.{key}"
    if kind == "Call" and getattr(node.node, "attr", "") == "get" and node.args:
        return f"{shape(node.node.node)}.{getattr(node.args[0], 'value', '')}"
    return ""


def role_variables(tree: nodes.Template) -> dict[str, str]:
    """Give the variables that are only ever set to one message's role, each with that role's path."""
    from jinja2 import nodes

    found: dict[str, set[str]] = {}
    for node in tree.find_all(nodes.Assign):
        if isinstance(node.target, nodes.Name):
            found.setdefault(node.target.name, set()).add(shape(node.node))
    return {name: path for name, paths in found.items() if len(paths) == 1 for path in paths if path.endswith(".role")}


def system_messages(test: Any, roles: Mapping[str, str]) -> frozenset[str]:
    """Give the expressions that are system messages when a condition holds."""
    kind = type(test).__name__
    if kind == "And":
        return system_messages(test.left, roles) | system_messages(test.right, roles)
    if kind == "Or":
        return system_messages(test.left, roles) & system_messages(test.right, roles)
    if kind != "Compare" or len(test.ops) != 1 or test.ops[0].op not in ("eq", "in"):
        return frozenset()
    path, against = shape(test.expr), test.ops[0].expr
    path = roles.get(path, path)
    asked = [getattr(item, "value", None) for item in getattr(against, "items", [against])]
    is_system = bool(asked) and all(role in ("system", "developer") for role in asked)
    return frozenset({path.removesuffix(".role")} if is_system and path.endswith(".role") else ())


def keys_taken(tree: nodes.Template) -> frozenset[tuple[str, str]]:
    """Give the expressions that keys are taken from, each with the key."""
    from jinja2 import nodes

    taken = {(shape(node.node), node.attr) for node in tree.find_all(nodes.Getattr)}
    pairs: list[tuple[nodes.Node, nodes.Node]] = [(node.node, node.arg) for node in tree.find_all(nodes.Getitem)]
    pairs += [
        (call.node.node, call.args[0])
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Getattr) and call.node.attr == "get" and call.args
    ]
    taken |= {(shape(inner), key.value) for inner, key in pairs
              if isinstance(key, nodes.Const) and isinstance(key.value, str)}  # fmt: skip
    return frozenset((path, key) for path, key in taken if path)
