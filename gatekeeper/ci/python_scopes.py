"""The calls of a Python file, each with the names that it can see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gatekeeper.ci.python_nodes import Program, children
from gatekeeper.ci.python_values import Scope

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_BINDING = (
    ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension, ast.withitem,
    ast.Import, ast.ImportFrom,
)  # fmt: skip
"""What `_bind` knows."""


def calls(program: Program) -> Iterator[tuple[ast.Call, Scope]]:
    """Give every call in the order of the source, with the scope that it lies in; without recursion.

    Functions without a trace of a model are passed over, but for methods: these set what others of their class read.
    """
    found: list[tuple[ast.Call, Scope]] = []
    waiting: list[tuple[ast.AST, Scope]] = [(program.tree, Scope())]
    while waiting:
        node, scope = waiting.pop()
        if isinstance(node, ast.Call):
            found.append((node, scope))
        if isinstance(node, _BINDING):
            _bind(node, scope)
        if program.is_plain(node) and scope.find_class("self") is None:
            continue
        inner = _inner(node, scope)
        waiting += [(child, inner) for child in reversed(children(node))]
    # Names are bound by now, those that stand below a call included.
    return iter(sorted(found, key=lambda pair: (pair[0].lineno, pair[0].col_offset)))


def _inner(node: ast.AST, scope: Scope) -> Scope:
    """Give the scope of what lies in a node."""
    if isinstance(node, ast.ClassDef):
        inner = Scope(above=scope, is_class=True)
        scope.classes[node.name] = inner
        return inner
    if isinstance(node, _Function):
        inner = Scope(above=scope)
        _bind_parameters(node.args, inner)
        return inner
    return scope


def _bind_parameters(arguments: ast.arguments, scope: Scope) -> None:
    """A parameter is what its default says, and whatever a caller gives."""
    named = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(named) - len(arguments.defaults))
    for parameter, default in zip(named, [*defaults, *arguments.defaults], strict=True):
        if parameter.arg not in {"self", "cls"}:
            scope.bind(parameter.arg, default)
    for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        scope.bind(parameter.arg, default)
    for rest in (arguments.vararg, arguments.kwarg):
        if rest:
            scope.bind(rest.arg, None)


def _bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(target, value, scope)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            _bind_target(target, value, scope)
        case ast.NamedExpr(target=target, value=value):
            _bind_target(target, value, scope)
        case ast.AugAssign(target=ast.Name(id=name)):
            scope.bind(name, None)
        case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
            _bind_loop(target, source, scope)
        case ast.comprehension(target=target, iter=source):
            _bind_loop(target, source, scope)
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind_target(target, None, scope)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                scope.bind((alias.asname or alias.name).split(".")[0], None)


def _bind_target(target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
    if isinstance(target, ast.Name):
        scope.bind(target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        same = len(parts) == len(target.elts)
        for index, each in enumerate(target.elts):
            _bind_target(each, parts[index] if same else None, scope)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        owner = scope.find_class("self")
        if owner:
            owner.bind(target.attr, value)


def _bind_loop(target: ast.expr, source: ast.expr, scope: Scope) -> None:
    """Bind the variable of a loop to what a literal list, or a dictionary by its keys or values, holds."""
    part = ""
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and not source.args:
        part, source = source.func.attr, source.func.value
    held = scope.find(source.id) if isinstance(source, ast.Name) else [source]
    literal = held[0] if len(held) == 1 else None
    keys, entries = _parts(literal)
    if part == "items" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        for key, value in zip(keys, entries, strict=True):
            _bind_target(target.elts[0], key, scope)
            _bind_target(target.elts[1], value, scope)
        return
    each = entries if part == "values" or not isinstance(literal, ast.Dict) else keys
    for value in each or [None]:
        _bind_target(target, value, scope)


def _parts(literal: ast.expr | None) -> tuple[list[ast.expr | None], list[ast.expr | None]]:
    """Give the keys and the entries of a literal; of a list its elements as entries."""
    if isinstance(literal, ast.Dict):
        return list(literal.keys), list(literal.values)
    if isinstance(literal, ast.List | ast.Tuple | ast.Set):
        return [], list(literal.elts)
    return [], []
