"""Whether every name means one value, and what is there for nothing.

The specification wants each name of a graph to be given once, and not again inside the graphs of its nodes
(https://onnx.ai/onnx/repo-docs/IR.html, "Names Within a Graph"). Runtimes that meet it twice choose differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_tensors import bytes_of, elements_of
from gatekeeper.checks.onnx.structure_walk import Body, Name, Survey, standard, text_of
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    import onnx

_HEAVY = 2**20
"""Bytes of unused tensors from which on they are told as more than a leftover; a leftover is a constant or two."""


def judge_names(model: onnx.ModelProto, found: Survey, tally: Tally) -> None:
    """Judge the names of every scope.

    Args:
        model: The parsed message.
        found: Its scopes.
        tally: Takes the problems.
    """
    given = {id(body): _given(body, tally) for body in found.bodies}
    for body in found.bodies:
        for name in given[id(body)]:
            if isinstance(name, bytes):
                tally.add("name-text", f"{_shown(name)} in {body.where} is not UTF-8", text_of(name))
    free: dict[int, set[Name]] = {}
    for body in reversed(found.bodies):  # what lies inside comes first
        free[id(body)] = _judge_scope(body, given, free, tally)
    _judge_functions(model, found, tally)


def _given(body: Body, tally: Tally) -> set[Name]:
    """Give the names that a scope gives to values, and tell of those that it gives twice."""
    inputs, initializers, sparse = _inputs(body), *_initializers(body)
    names: set[Name] = set(inputs)
    _twice(inputs, len(names), body, tally)
    stored = [*initializers, *sparse]
    distinct = set(stored)
    _twice(stored, len(distinct), body, tally)
    names |= distinct  # an initializer may be the value that an input has when nobody gives one
    made = [name for given in body.gives for name in given if name]
    before = len(names)
    names.update(made)
    if len(names) != before + len(made):
        seen = set(inputs) | distinct
        for name in made:
            if name in seen:
                tally.add("name-twice", f"{_shown(name)} is made twice in {body.where}", text_of(name))
            seen.add(name)
    return names


def _twice(names: list[Name], distinct: int, body: Body, tally: Tally) -> None:
    if len(names) == distinct:
        return
    seen: set[Name] = set()
    for name in names:
        if name in seen:
            tally.add("name-twice", f"{_shown(name)} stands twice in {body.where}", text_of(name))
        seen.add(name)


def _inputs(body: Body) -> list[Name]:
    proto = body.proto
    if hasattr(proto, "initializer"):
        return [value.name for value in proto.input]
    return list(proto.input)


def _outputs(body: Body) -> list[Name]:
    proto = body.proto
    if hasattr(proto, "initializer"):
        return [value.name for value in proto.output]
    return list(proto.output)


def _initializers(body: Body) -> tuple[list[Name], list[Name]]:
    """Give the names of dense and of sparse initializers."""
    proto = body.proto
    if not hasattr(proto, "initializer"):
        return [], []
    return [tensor.name for tensor in proto.initializer], [each.values.name for each in proto.sparse_initializer]


def _judge_scope(body: Body, given: dict[int, set[Name]], free: dict[int, set[Name]], tally: Tally) -> set[Name]:
    """Judge one scope, and give the names that it takes from those around it."""
    ours = given[id(body)]
    outer = body.outer
    while outer is not None:
        for name in sorted(ours & given[id(outer)], key=text_of):
            message = f"{_shown(name)} means another value in {body.where} than around it"
            tally.add("name-shadows", message, text_of(name))
        outer = outer.outer
    taken: set[Name] = set()
    taken.update(*body.takes)
    for number in body.inner:
        taken |= _inner(body, number, free)
    outputs = _outputs(body)
    _judge_dead(body, outputs, free, tally)
    _judge_unused(body, taken.union(outputs), tally)
    missing = (taken.union(outputs)) - ours - {"", b""}
    if body.outer is None:
        for name in sorted(missing, key=text_of):
            tally.add("unmade-value", f"{_shown(name)} is used in {body.where}, and nothing makes it", text_of(name))
    return missing


def _inner(body: Body, number: int, free: dict[int, set[Name]]) -> set[Name]:
    """Give the names that the graphs of one node take from around it."""
    return set().union(*(free[id(inner)] for inner in body.inner.get(number, ())))


def _judge_dead(body: Body, outputs: Iterable[Name], free: dict[int, set[Name]], tally: Tally) -> None:
    """Say how many nodes no output depends on."""
    makers = {name: number for number, names in enumerate(body.gives) for name in names}
    alive: set[int] = set()
    waiting = [makers[name] for name in outputs if name in makers]
    while waiting:
        number = waiting.pop()
        if number in alive:
            continue
        alive.add(number)
        waiting += [makers[name] for name in body.takes[number] if name in makers]
        if number in body.inner:
            waiting += [makers[name] for name in _inner(body, number, free) if name in makers]
    dead = len(body.nodes) - len(alive)
    if dead:
        tally.add("unused", f"of the {plural(len(body.nodes), 'node')} of {body.where}, no output needs {dead:,}")


def _judge_unused(body: Body, used: set[Name], tally: Tally) -> None:
    proto = body.proto
    if not hasattr(proto, "initializer"):
        return
    unused = [tensor for tensor in proto.initializer if tensor.name not in used]
    if not unused:
        return
    size = sum(bytes_of(tensor.data_type, elements_of(tuple(tensor.dims)) or 0) for tensor in unused)
    first = text_of(unused[0].name)
    message = (
        f"{plural(len(unused), 'tensor')} of {size:,} bytes in {body.where}, {_shown(first)} for one, nothing uses"
    )
    tally.add("unused-bytes" if size > _HEAVY else "unused", message, first)


def _judge_functions(model: onnx.ModelProto, found: Survey, tally: Tally) -> None:
    """Tell of functions of one name, and of those that nothing calls."""
    seen: set[tuple[str, str, str]] = set()
    calls = {(standard(text_of(domain)), text_of(op)) for domain, op in found.operators}
    for function in model.functions:
        key = (standard(text_of(function.domain)), text_of(function.name), text_of(function.overload))
        if key in seen:
            tally.add("function-twice", f"the function {_shown(key[1])} stands twice", key[1])
        elif key[:2] not in calls:
            tally.add("unused", f"the function {_shown(key[1])} is called by nothing", key[1])
        seen.add(key)


def _shown(name: Name) -> str:
    return repr(printable(text_of(name), 80))
