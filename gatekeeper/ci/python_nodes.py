"""Walking a syntax tree without recursion, past what holds nothing: most nodes of a file are names and operators."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator

from gatekeeper.ci.traces import lines_with_traces

_LEAVES = frozenset(
    {ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.alias}
    | {kind for group in (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
       for kind in group.__subclasses__()}
)  # fmt: skip
"""Nodes in which no other expression stands."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def children(node: ast.AST) -> list[ast.AST]:
    """Give what stands in a node and may hold something itself, in the order of the source."""
    found: list[ast.AST] = []
    for name in node._fields:
        held = getattr(node, name, None)
        if isinstance(held, list):
            found += [each for each in held if isinstance(each, ast.AST) and type(each) not in _LEAVES]
        elif isinstance(held, ast.AST) and type(held) not in _LEAVES:
            found.append(held)
    return found


class Program:
    """A syntax tree, with the lines that have a trace of a model.

    Args:
        tree: Of the whole file.
        data: Its text.
    """

    def __init__(self, tree: ast.Module, data: bytes) -> None:
        self.tree = tree
        self._traced = lines_with_traces(data)

    def is_plain(self, node: ast.AST) -> bool:
        """Tell whether it is a function in whose lines nothing speaks of models."""
        if not isinstance(node, _FUNCTIONS) or self._traced is None:
            return False
        first = min(each.lineno for each in node.decorator_list) if node.decorator_list else node.lineno
        at = bisect_left(self._traced, first)
        return at == len(self._traced) or self._traced[at] > (node.end_lineno or node.lineno)

    def walk(self) -> Iterator[ast.AST]:
        """Give every node that may hold something, in any order, but for functions without a trace."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            yield node
            if not self.is_plain(node):
                waiting += children(node)
