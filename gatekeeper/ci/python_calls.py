"""What a call calls in the end: other names of a function, `partial`, and attributes that are read by name."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from gatekeeper.ci.python_values import Scope

_STEPS = 6
"""Names from one to the next."""


def unfolded(call: ast.Call, scope: Scope, known: Collection[str]) -> ast.Call:
    """Give a call as if it were made by the function's own name, with the arguments that it was given before.

    Args:
        call: As it is written: `load("org/name")` after `load = partial(AutoModel.from_pretrained, revision="v1")`.
        scope: Of the call.
        known: Names of functions that are looked for; a call of one of them, or of none, stays what it is.
    """
    if _own_name(call.func) in known:
        return call
    found = next((each for each in _behind(call.func, scope, _STEPS) if _own_name(each.func) in known), None)
    if found is None and _own_name(call.func) == "partial" and call.args:  # made here, called who knows where
        found = next(
            (each for each in _behind(call, scope, _STEPS) if _own_name(each.func) in known and each.args), None
        )
        return found or call
    if found is None:
        return call
    whole = ast.Call(func=found.func, args=[*found.args, *call.args], keywords=[*call.keywords, *found.keywords])
    return ast.copy_location(whole, call)


def _own_name(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def _behind(func: ast.expr, scope: Scope, steps: int) -> Iterator[ast.Call]:
    """Give what an expression may be called as: functions, with the arguments that are bound to them already."""
    if steps == 0:
        return
    match func:
        case ast.Name(id=name):
            for alias in scope.imported(name):
                yield _empty(ast.Name(id=alias), func)
            yield from (_empty(each, func) for each in scope.find(name) if isinstance(each, ast.Attribute | ast.Name))
            for each in scope.find(name):
                if each is not None and not (isinstance(each, ast.Name) and each.id == name):
                    yield from _behind(each, scope, steps - 1)
        case ast.Attribute(value=ast.Name(id=owner), attr=attr):
            held = scope.find_class(owner)
            for each in held.bound.get(attr, []) if held else []:
                if each is not None:
                    yield _empty(each, func)
                    yield from _behind(each, scope, steps - 1)
        case ast.Attribute(value=value, attr="__call__" | "__func__"):
            yield _empty(value, func)
        case ast.Call(func=ast.Name(id="getattr"), args=[owner_, ast.Constant(value=str(attr)), *_]):
            yield _empty(ast.Attribute(value=owner_, attr=attr), func)
        case ast.Call(func=ast.Name(id="partial") | ast.Attribute(attr="partial"), args=[inner, *rest], keywords=more):
            for each in (_empty(inner, func), *_behind(inner, scope, steps - 1)):
                held_ = ast.Call(func=each.func, args=[*each.args, *rest], keywords=[*more, *each.keywords])
                yield ast.copy_location(held_, func)


def _empty(func: ast.expr, place: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(func=func, args=[], keywords=[]), place)
