"""What an expression in Python source can be, as far as the file itself tells: read from the tree, never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

_DEPTH = 24
"""Steps from an expression to the constants behind it."""

_CANDIDATES = 256
"""Values that one expression may have."""

_STEPS = 20_000
"""Steps that may be spent on one expression, whichever way they lead."""

_RUNTIME = "only known when it runs"


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that an expression may be."""

    text: str | None
    """A string; None when it can't be told."""

    why: str = ""
    """Why it can't be told."""

    choice: tuple[str, ...] = ()
    """Which entries of dictionaries were taken where the code decides at run time, so that an id and its revision that
    stand in one entry are put together."""


class Entry(ast.Dict):
    """One entry that a dictionary was given later."""


@dataclass(slots=True)
class Scope:
    """Names of a module, class or function, with the expressions that they are bound to."""

    above: Scope | None = None
    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """None stands for a value that only a run gives."""

    classes: dict[str, Scope] = field(default_factory=dict)
    is_class: bool = False
    aliases: dict[str, list[str]] = field(default_factory=dict)
    """Name → what was imported by it under another."""

    elsewhere: dict[str, Scope] = field(default_factory=dict)
    """Names that a function declares as those of the module, or of a function around it."""

    def bind(self, name: str, value: ast.expr | None) -> None:
        """Note one binding of a name."""
        self.elsewhere.get(name, self).bound.setdefault(name, []).append(value)

    def declare(self, names: list[str], *, of_module: bool) -> None:
        """Note that a function binds names of the module, or of the function around it that has them."""
        for name in names:
            scope: Scope = self
            while scope.above and (of_module or scope is self or scope.is_class or name not in scope.bound):
                scope = scope.above
            if scope is not self:
                self.elsewhere[name] = scope

    def change(self, name: str, key: ast.expr, value: ast.expr) -> None:
        """Note that one entry of a dictionary was set after it was made."""
        scope: Scope = self
        while scope.above and name not in scope.bound:
            scope = scope.above
        scope.bound.setdefault(name, []).append(Entry(keys=[key], values=[value]))

    def imported(self, name: str) -> list[str]:
        """Give what a name is imported for."""
        scope: Scope | None = self
        while scope:
            if name in scope.aliases:
                return scope.aliases[name]
            scope = scope.above
        return []

    def find(self, name: str) -> list[ast.expr | None]:
        """Give what a name is bound to in the nearest scope that binds it."""
        scope: Scope | None = self
        while scope:
            if name in scope.bound:
                return scope.bound[name]
            scope = scope.above
        return []

    def find_class(self, name: str) -> Scope | None:
        """Give the class of that name, or the one that this scope lies in for `self` and `cls`."""
        scope: Scope | None = self
        while scope:
            if scope.is_class and name in {"self", "cls"}:
                return scope
            if name in scope.classes:
                return scope.classes[name]
            scope = scope.above
        return None


class _Reach:
    """How far an expression is still followed: in depth on this way, and in steps on all ways together."""

    def __init__(self, depth: int = _DEPTH, spent: list[int] | None = None) -> None:
        self._depth = depth
        self._spent = [0] if spent is None else spent

    def further(self) -> _Reach:
        """Go one step."""
        self._spent[0] += 1
        return _Reach(self._depth - 1, self._spent)

    @property
    def ended(self) -> bool:
        """Whether to give up."""
        return self._depth <= 0 or self._spent[0] > _STEPS


def values(node: ast.expr, scope: Scope) -> tuple[Value, ...]:
    """Give everything that an expression may be, each once; at least one value."""
    return _each_once(node, scope, _Reach())


def _each_once(node: ast.expr, scope: Scope, reach: _Reach) -> tuple[Value, ...]:
    found = dict.fromkeys(islice(_values(node, scope, reach), _CANDIDATES))
    return tuple(found) or (Value(None, _RUNTIME),)


def _values(node: ast.expr, scope: Scope, reach: _Reach) -> Iterator[Value]:
    for leaf, choice in _leaves(node, scope, reach):
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
            yield Value(leaf.value, choice=choice)
        elif isinstance(leaf, ast.Constant) and leaf.value is None:
            yield Value("", choice=choice)
        elif isinstance(leaf, str):
            yield Value(None, leaf)
        elif isinstance(leaf, ast.JoinedStr | ast.BinOp):
            yield from _joined(leaf, scope, reach.further())
        else:
            yield Value(None, _RUNTIME)


Leaf = tuple[ast.expr | str, tuple[str, ...]]
"""An expression that is followed no further, or why it can't be told; and the choices on the way to it."""


def _leaves(node: ast.expr, scope: Scope, reach: _Reach) -> Iterator[Leaf]:
    """Follow names, entries, attributes and branches to what they lead to."""
    if reach.ended:
        yield _RUNTIME, ()
        return
    match node:
        case ast.Name(id=name):
            yield from _of_name(name, scope, reach)
        case ast.IfExp(body=body, orelse=other):
            yield from _leaves(body, scope, reach.further())
            yield from _leaves(other, scope, reach.further())
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _leaves(part, scope, reach.further())
        case ast.NamedExpr(value=value):
            yield from _leaves(value, scope, reach.further())
        case ast.Subscript(value=whole, slice=key):
            yield from _entries(whole, key, scope, reach)
        case ast.Attribute():
            yield from _of_attribute(node, scope, reach)
        case ast.Call():
            yield from _of_call(node, scope, reach)
        case _:
            yield node, ()


def _of_name(name: str, scope: Scope, reach: _Reach) -> Iterator[Leaf]:
    bound = scope.find(name)
    if not bound:
        yield f"{name} is not set in this file", ()
    for value in bound:
        if value is None:
            yield _RUNTIME, ()
        else:
            yield from _leaves(value, scope, reach.further())


def _of_attribute(node: ast.Attribute, scope: Scope, reach: _Reach) -> Iterator[Leaf]:
    """Read `Config.MODEL`, `self.MODEL`, `Enum.MEMBER.value`, and `pinned("org/name").id`."""
    if node.attr == "value" and isinstance(node.value, ast.Attribute):
        yield from _of_attribute(node.value, scope, reach.further())
        return
    if isinstance(node.value, ast.Name):
        owner = scope.find_class(node.value.id)
        for value in owner.bound.get(node.attr, []) if owner else []:
            if value is None:
                yield _RUNTIME, ()
            else:
                yield from _leaves(value, scope, reach.further())
        if owner and node.attr in owner.bound:
            return
    for leaf, choice in _leaves(node.value, scope, reach.further()):
        if isinstance(leaf, ast.Call) and called(leaf)[1] == "pinned" and leaf.args and node.attr in {"id", "revision"}:
            # What the lock pins has its revision there.
            yield (leaf.args[0] if node.attr == "id" else ast.Constant(value=None)), choice
        else:
            yield f"{ast.unparse(node)[:60]} is {_RUNTIME}", choice


def _of_call(node: ast.Call, scope: Scope, reach: _Reach) -> Iterator[Leaf]:
    """Read defaults: `os.environ.get(name, default)`, `os.getenv`, and entries by `dict.get`."""
    owner, name = called(node)
    if name == "getenv" or (name == "get" and owner.endswith("environ")):
        yield "it is taken from the environment", ()
        if len(node.args) > 1:
            yield from _leaves(node.args[1], scope, reach.further())
    elif name == "get" and isinstance(node.func, ast.Attribute) and node.args:
        yield from _entries(node.func.value, node.args[0], scope, reach)
        if len(node.args) > 1:
            yield from _leaves(node.args[1], scope, reach.further())
    elif name == "pinned":
        yield node, ()
    else:
        yield f"{ast.unparse(node)[:60]} is {_RUNTIME}", ()


def _entries(whole: ast.expr, key: ast.expr, scope: Scope, reach: _Reach) -> Iterator[Leaf]:
    """Take one entry of a dictionary, list or tuple, or all of them when the key is only known at run time."""
    keys = (
        {value.text for value in _each_once(key, scope, reach.further())}
        if not isinstance(key, ast.Constant)
        else {key.value}
    )
    for leaf, choice in _leaves(whole, scope, reach.further()):
        if isinstance(leaf, ast.Dict):
            pairs = [(each.value, value) for each, value in zip(leaf.keys, leaf.values, strict=True)
                     if isinstance(each, ast.Constant)]  # fmt: skip
        elif isinstance(leaf, ast.List | ast.Tuple):
            pairs = list(enumerate(leaf.elts))
        else:
            yield _RUNTIME, choice
            continue
        known = [(name, value) for name, value in pairs if name in keys]
        if isinstance(leaf, Entry) and pairs and not known and None not in keys:
            continue
        decided = len(keys) == 1 and known
        if not pairs:
            yield _RUNTIME, choice
        for name, value in known or pairs:
            for below, inner in _leaves(value, scope, reach.further()):
                yield below, (*choice, *(() if decided else (str(name),)), *inner)


def _joined(node: ast.JoinedStr | ast.BinOp, scope: Scope, reach: _Reach) -> Iterator[Value]:
    """Put an f-string or a sum of strings together when each part can be one thing only."""
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right] if isinstance(node.op, ast.Add) else []
    else:
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
    told = [] if reach.ended else [_each_once(part, scope, reach.further()) for part in parts]
    if told and all(len(each) == 1 and each[0].text is not None for each in told):
        yield Value("".join(each[0].text or "" for each in told))
    else:
        yield Value(None, f"it is put together from parts that are {_RUNTIME}")


def called(node: ast.Call) -> tuple[str, str]:
    """Give the name of what is called, and what stands before its dot."""
    if isinstance(node.func, ast.Name):
        return "", node.func.id
    if not isinstance(node.func, ast.Attribute):
        return "", ""
    before = node.func.value
    if isinstance(before, ast.Attribute):
        return before.attr, node.func.attr
    return (before.id if isinstance(before, ast.Name) else ""), node.func.attr


def argument_of(call: ast.Call, position: int | None, keywords: tuple[str, ...], scope: Scope) -> ast.expr | None:
    """Find an argument of a call, also in a dictionary that `**` spreads and this file writes out.

    Args:
        call: The call.
        position: Its place among the arguments without names; None when it has none.
        keywords: Its names.
        scope: Of the call.
    """
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return keyword.value
    for keyword in call.keywords:
        for leaf, _ in _leaves(keyword.value, scope, _Reach()) if keyword.arg is None else ():
            found = _entry(leaf, keywords)
            if found is not None:
                return found
    if position is None or not call.args:
        return None
    before = _spread(call.args, scope)[: position + 1]
    starred = next((each for each in before if isinstance(each, ast.Starred)), None)
    if starred is not None:
        return starred
    return before[position] if len(before) > position else None


def _spread(arguments: list[ast.expr], scope: Scope) -> list[ast.expr]:
    """Put what `*` spreads in its place, where this file writes it out."""
    found: list[ast.expr] = []
    for each in arguments:
        held = [leaf for leaf, _ in _leaves(each.value, scope, _Reach())] if isinstance(each, ast.Starred) else []
        written = held[0] if len(held) == 1 else None
        found += written.elts if isinstance(written, ast.List | ast.Tuple) else [each]
    return found


def _entry(leaf: ast.expr | str, keywords: tuple[str, ...]) -> ast.expr | None:
    if not isinstance(leaf, ast.Dict):
        return None
    pairs = zip(leaf.keys, leaf.values, strict=True)
    return next((value for key, value in pairs if isinstance(key, ast.Constant) and key.value in keywords), None)


def constants(node: ast.expr, scope: Scope) -> tuple[object, ...]:
    """Give the constants that an expression may be; text for what is only known at run time."""
    leaves = (leaf for leaf, _ in islice(_leaves(node, scope, _Reach()), _CANDIDATES))
    return tuple(leaf.value if isinstance(leaf, ast.Constant) else _RUNTIME for leaf in leaves)
