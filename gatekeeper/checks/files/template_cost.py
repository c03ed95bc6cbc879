"""What rendering a template would cost: loops, repetitions and widths that grow out of all proportion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_fold import Folder

if TYPE_CHECKING:
    from jinja2 import nodes

_MOST_TURNS = 100_000
"""Turns of nested loops over constants; jinja2's sandbox ends a `range` at this number, others end it nowhere."""

_LONGEST = 100_000
"""Characters that one padding, repetition or format may make."""

_PADS = frozenset({"center", "ljust", "rjust", "zfill", "indent", "wordwrap", "batch", "slice", "round", "expandtabs"})


_WIDE = re.compile(r"%[-+ #0]{0,5}\d{6,}|%[^%\s.]{0,100}\.\d{6,}|\{[^{}:]{0,100}:[^{}\d]{0,20}\d{6,}")

_COMPUTED = re.compile(r"(?<!%)(?:%%){0,9}%[-+ #0]{0,5}(?:\*|\d{0,9}\.\*)")


def judge_cost(tree: nodes.Template, folder: Folder) -> Iterator[Problem]:
    """Say what in a template takes a time or a memory that no conversation asks for.

    Args:
        tree: The parsed template.
        folder: Its constants.
    """
    for message, line in _costs(tree, folder):
        yield Problem(slug="greedy", message=f"line {line}: {message}")


def _costs(tree: nodes.Template, folder: Folder) -> Iterator[tuple[str, int]]:
    from jinja2 import nodes

    waiting: list[tuple[Any, int, int]] = [(tree, 1, 0)]
    while waiting:
        node, turns, loops = waiting.pop()
        if isinstance(node, nodes.For):
            turns, loops = turns * _turns(node.iter, folder), loops + 1
            if turns > _MOST_TURNS:
                yield f"loops of {turns} turns", node.lineno
                turns = 1
        elif isinstance(node, nodes.Assign) and loops and _doubles(node):
            yield "a text that doubles with every turn of a loop", node.lineno
        else:
            yield from ((message, getattr(node, "lineno", 0)) for message in _swells(node, folder))
        waiting.extend((child, turns, loops) for child in node.iter_child_nodes())


def _turns(iterated: Any, folder: Folder) -> int:
    from jinja2 import nodes

    if not isinstance(iterated, nodes.Call) or getattr(iterated.node, "name", "") != "range":
        constant = folder.fold(iterated)
        return max(1, len(constant)) if isinstance(constant, str | list | tuple | dict) else 1
    bounds = [folder.fold(argument) for argument in iterated.args]
    numbers = [bound if isinstance(bound, int) else _largest(argument) for bound, argument in
               zip(bounds, iterated.args, strict=True)]  # fmt: skip
    if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0):
        return 1
    try:
        return max(1, len(range(*numbers)))
    except OverflowError:
        return 2**63


def _largest(expression: Any) -> int:
    """Give the largest number that an expression of unknown value names."""
    from jinja2 import nodes

    constants = [expression, *expression.find_all(nodes.Const)]
    found = [node.value for node in constants if isinstance(node, nodes.Const) and isinstance(node.value, int)]
    return max(found, default=0)


def _doubles(node: Any) -> bool:
    """Whether a variable is set to something that holds it twice, whole."""
    target = node.target
    path = f"{target.name}.{target.attr}" if type(target).__name__ == "NSRef" else getattr(target, "name", "")
    return bool(path) and _uses(node.node, path) > 1


def _uses(node: Any, path: str) -> int:
    """Count how often a value stands whole in a text that is put together."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return int(node.name == path)
    if isinstance(node, nodes.Getattr):
        return int(f"{getattr(node.node, 'name', '')}.{node.attr}" == path)
    if isinstance(node, nodes.Filter | nodes.Test) and node.name in ("length", "count", "int", "first", "last"):
        return 0
    if isinstance(node, nodes.Getitem) and (not isinstance(node.arg, nodes.Slice) or node.arg.start or node.arg.stop):
        return 0
    if isinstance(node, nodes.CondExpr):
        return max(_uses(node.expr1, path), _uses(node.expr2, path) if node.expr2 else 0)
    if isinstance(node, nodes.Compare | nodes.Not | nodes.Test):
        return 0
    if isinstance(node, nodes.And | nodes.Or):
        return max(_uses(node.left, path), _uses(node.right, path))
    if isinstance(node, nodes.Call):
        # A method other than these gives a part, a place or a truth value.
        whole = getattr(node.node, "attr", "") in ("join", "format", "replace")
        inner = (
            [getattr(node.node, "node", node), *node.args]
            if whole
            else [*node.args]
            if isinstance(node.node, nodes.Name)
            else []
        )
        return sum(_uses(part, path) for part in inner)
    return sum(_uses(part, path) for part in node.iter_child_nodes())


def _swells(node: Any, folder: Folder) -> Iterator[str]:
    from jinja2 import nodes

    if isinstance(node, nodes.Pow):
        exponent = folder.fold(node.right)
        if not isinstance(exponent, int) or exponent > 64:
            yield "a power of unbounded size"
    elif isinstance(node, nodes.Mod) and _asks_width(folder.fold(node.left)):
        yield "a format whose width is computed"
    elif isinstance(node, nodes.Mul):
        factors = [folder.fold(node.left), folder.fold(node.right)]
        if any(isinstance(factor, int) and factor > _LONGEST for factor in factors):
            yield f"something repeated or multiplied {max(f for f in factors if isinstance(f, int))} times"
    elif isinstance(node, nodes.Filter | nodes.Call):
        name = node.name if isinstance(node, nodes.Filter) else getattr(node.node, "attr", "")
        widths = [folder.fold(argument) for argument in [*node.args, *(keyword.value for keyword in node.kwargs)]]
        if name == "format" and node.node is not None and _asks_width(folder.fold(node.node)):
            yield "a format whose width is computed"
        if name in _PADS and any(isinstance(width, int) and width > _LONGEST for width in widths):
            yield f"{name} to a width of {max(w for w in widths if isinstance(w, int))}"
        if name == "replace" and _growth(node, folder) > _LONGEST:
            yield "a text that grows with every replacement"
    elif isinstance(node, nodes.Const) and isinstance(node.value, str) and _wide(node.value):
        yield "a format of more than a hundred thousand characters"


def _asks_width(text: Any) -> bool:
    """Whether a format takes a width or a precision from its arguments, which no conversation needs."""
    return isinstance(text, str) and _COMPUTED.search(text) is not None


def _growth(node: Any, folder: Folder) -> int:
    """Give how many times longer a chain of replacements can make a text."""
    factor = 1
    while node is not None and factor <= _LONGEST:
        is_filter = type(node).__name__ == "Filter"
        name = node.name if is_filter else getattr(getattr(node, "node", None), "attr", "")
        if name == "replace" and len(node.args) > 1:
            old, new = (folder.fold(argument) for argument in node.args[:2])
            if isinstance(old, str) and isinstance(new, str):
                factor *= max(1, new.count(old) if old else len(new) + 1)
        node = getattr(node, "node", None)
    return factor


def _wide(text: str) -> bool:
    """Whether a text is a format with a width of six digits or more."""
    return _WIDE.search(text) is not None
