"""The expression engine behind a small interface: the only file that knows which CEL implementation is used.

Measured on cel-expr-python 0.1.3: a failed compilation raises `RuntimeError` with a position, a failed evaluation
comes back as a *value* whose type is ERROR and whose content is a non-empty, so truthy, string, and a runaway
comprehension raises `RuntimeError` ("Iteration budget exceeded").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel

from gatekeeper.evidence import FactValue
from gatekeeper.policy.facts import VOCABULARY, FactType
from gatekeeper.policy.syntax import Node, SyntaxTreeError, Tree, read
from gatekeeper.text import printable

_TYPES = {
    FactType.BOOL: cel.Type.BOOL,
    FactType.INT: cel.Type.INT,
    FactType.DOUBLE: cel.Type.DOUBLE,
    FactType.STRING: cel.Type.STRING,
    FactType.LIST: cel.Type.List(cel.Type.STRING),
}
_POSITION = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_STATUS = re.compile(r"^[A-Z_]+: (?:ERROR: <input>:-1:-1: )?| \[[A-Z_]+\]$")


class CompilationError(ValueError):
    """The source is not an expression over the vocabulary.

    Args:
        message: What the engine says, in one line.
        offset: Where in the source, in code points.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class EvaluationError(ValueError):
    """The expression gave no boolean for these facts; the message says why."""


class Program:
    """A compiled boolean expression."""

    def __init__(self, expression: Any, tree: Tree) -> None:
        self._expression = expression
        self._parts: dict[bytes, Program] = {}
        self.tree = tree

    def run(self, facts: Mapping[str, FactValue]) -> bool:
        """Evaluate.

        Args:
            facts: Every fact that the expression mentions.

        Raises:
            EvaluationError: When the outcome is anything but true or false.
        """
        data = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
        try:
            result = self._expression.eval(data=data)
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise EvaluationError(_plain(str(error))) from error
        if result.type() != cel.Type.BOOL:
            raise EvaluationError(_plain(str(result.value())))
        return bool(result.value())

    def part(self, node: Node) -> Program:
        """Give one boolean node of the expression as a program of its own."""
        known = self._parts.get(node.raw)
        if known is None:
            known = Program(_environment().deserialize(self.tree.part(node)), self.tree)
            self._parts[node.raw] = known
        return known


def compile_source(source: str) -> Program:
    """Compile against the vocabulary; the static type must be boolean.

    Raises:
        CompilationError: With the first position that the engine complains of.
    """
    try:
        expression = _environment().compile(source)
        is_boolean = expression.return_type() == cel.Type.BOOL
        tree = read(expression.serialize())
    except RuntimeError as error:
        raise _compilation_error(source, str(error)) from error
    except TypeError as error:  # the engine takes no lone surrogates
        raise CompilationError("is not valid text", 0) from error
    except SyntaxTreeError as error:
        raise CompilationError(str(error), 0) from error
    if not is_boolean:
        raise CompilationError(f"gives {expression.return_type().name().lower()} where bool is needed", 0)
    return Program(expression, tree)


@cache
def _environment() -> Any:
    return cel.NewEnv(variables={fact.name: _TYPES[fact.type] for fact in VOCABULARY})


def _compilation_error(source: str, text: str) -> CompilationError:
    found = _POSITION.search(text)
    if not found:
        return CompilationError(_plain(text), 0)
    line, column, message = int(found[1]), int(found[2]), found[3]
    before = sum(len(earlier) + 1 for earlier in source.split("\n")[: line - 1])
    return CompilationError(_plain(message).replace(" (in container '')", ""), min(before + column - 1, len(source)))


def _plain(text: str) -> str:
    """Drop the status words around the engine's messages."""
    return printable(_STATUS.sub("", text.strip().split("\n", 1)[0]), 300)
