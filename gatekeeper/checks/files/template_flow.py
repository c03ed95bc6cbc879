"""What a template puts into the conversation, and on what that hangs: a small data flow over its syntax tree.

Variables are joined over all their assignments and the walk is repeated until nothing new is learnt, so the answer
does not depend on the order of statements. A text that is only there when a comparison with content holds carries
that comparison, through variables, namespaces, lists, macros and captured blocks alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.files.template_expressions import Expressions
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_paths import keys_taken, role_variables, shape
from gatekeeper.checks.files.template_values import (
    MOST_PIECES,
    NO_TRIGGERS,
    NOTHING,
    Origin,
    Piece,
    TooInvolvedError,
    Touch,
    Triggers,
    Value,
    join,
)

if TYPE_CHECKING:
    from jinja2 import nodes

_ROUNDS = 6
"""Walks until nothing new is learnt; each step of a chain of variables in the wrong order takes one more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """Something that the template writes."""

    value: Value
    line: int
    role: str = ""
    """Role of the message whose turn it stands in, as far as a condition says."""

    outside: bool = False
    """Whether a variable of the application decides whether it is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    triggers: Triggers = NO_TRIGGERS
    role: str = ""
    outside: bool = False


class Flow:
    """Walks one template.

    Args:
        tree: The parsed template.
        folder: Its constants.

    Attributes:
        emissions: What the template writes, in its order.
    """

    def __init__(self, tree: nodes.Template, folder: Folder) -> None:
        self._macros = {node.name: node for node in _macros(tree)}
        self._returned: dict[str, Value] = {}
        self._calling: list[str] = []
        self._expressions = Expressions(folder, self._called)
        self._expressions.keys = keys_taken(tree)
        self._expressions.roles = role_variables(tree)
        self._place = _Place()
        self._sink: list[Value] | None = None
        self.emissions: list[Emission] = []
        for _ in range(_ROUNDS):
            before = self._known()
            self.emissions = []
            self._body(tree.body)
            if self._known() == before:
                return

    @property
    def touches(self) -> list[Touch]:
        """Filters and methods that were applied to what was said."""
        return list(self._expressions.touched.values())

    def _known(self) -> dict[str, Value]:
        known = {**self._expressions.known, **{f"{name}()": value for name, value in self._returned.items()}}
        if any(len(value.pieces) > MOST_PIECES for value in known.values()):
            raise TooInvolvedError(f"a variable may hold more than {MOST_PIECES} texts")
        return known

    def _called(self, call: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value | None:
        """Walk a macro's body for one call; a macro that calls itself gives what it gave before."""
        name = call.node.name
        macro = self._macros.get(name)
        if macro is None or name in self._calling:
            return self._returned.get(name)
        expressions = self._expressions
        defaults = dict(zip((target.name for target in reversed(macro.args)), reversed(macro.defaults), strict=False))
        given = {target.name: expressions.evaluate(defaults.get(target.name)) for target in macro.args}
        given |= {target.name: value for target, value in zip(macro.args, arguments, strict=False)} | keywords
        outer, expressions.scope = expressions.scope, f"{name}:{call.lineno}"
        self._calling.append(name)
        for key, value in given.items():
            expressions.learn(expressions.local(key), value)
        found = self._captured(macro.body)
        self._calling.pop()
        expressions.scope = outer
        self._returned[name] = join(self._returned.get(name, NOTHING), found)
        return found

    def _body(self, body: list[Any]) -> None:
        for node in body:
            handler = getattr(self, f"_do_{type(node).__name__.lower()}", None)
            if handler is not None:
                handler(node)
            else:
                self._body([child for child in node.iter_child_nodes() if hasattr(child, "lineno")])

    @contextmanager
    def _within(self, triggers: Triggers, role: str = "", outside: bool = False) -> Iterator[None]:
        before = self._place
        self._place = _Place(
            triggers=before.triggers | triggers, role=role or before.role, outside=before.outside or outside
        )
        self._expressions.context = self._place.triggers
        try:
            yield
        finally:
            self._place = before
            self._expressions.context = before.triggers

    def _captured(self, body: list[Any]) -> Value:
        """Walk a body whose output is kept instead of written."""
        before, self._sink = self._sink, []
        try:
            self._body(body)
            return join(*self._sink)
        finally:
            self._sink = before

    def _write(self, value: Value, line: int) -> None:
        value = value.under(self._place.triggers)
        if self._sink is not None:
            self._sink.append(value)
            return
        self.emissions.append(Emission(value=value, line=line, role=self._place.role, outside=self._place.outside))

    def _assign(self, target: Any, value: Value) -> None:
        value = value.under(self._place.triggers)
        kind = type(target).__name__
        if kind == "Name":
            self._expressions.learn(self._expressions.local(target.name), value)
        elif kind == "NSRef":
            self._expressions.learn(self._expressions.field(target.name, target.attr), value)
        else:
            for item in getattr(target, "items", ()):
                self._assign(item, value)

    def _do_output(self, node: Any) -> None:
        for part in node.nodes:
            if type(part).__name__ == "TemplateData":
                self._write(Value(pieces=frozenset({Piece(part.data, part.lineno)})), part.lineno)
            else:
                self._write(self._expressions.evaluate(part), part.lineno)

    def _do_if(self, node: Any) -> None:
        missed: Triggers = NO_TRIGGERS
        missed_outside = False
        for branch in (node, *node.elif_):
            value = self._expressions.evaluate(branch.test)
            triggers, outside = value.triggers | value.latent, _mentions_outside(self._expressions, branch.test)
            outside = outside or missed_outside
            with (
                self._expressions.given(branch.test, branch.body),
                self._within(missed | triggers, _role(branch.test), outside),
            ):
                self._body(branch.body)
            missed |= frozenset(trigger.flipped() for trigger in triggers)
            missed_outside = outside
        with self._within(missed, outside=missed_outside):
            self._body(node.else_)

    def _do_for(self, node: Any) -> None:
        value = self._expressions.evaluate(node.iter)
        element = _element(value)
        self._assign(node.target, replace(element, latent=NO_TRIGGERS))
        test = self._expressions.condition(node.test) if node.test is not None else NO_TRIGGERS
        role = _role(node.test) if node.test is not None else ""
        with (
            self._expressions.given(node.test, node.body),
            self._within(value.triggers | value.latent | test, role, value.has(Origin.OUTSIDE)),
        ):
            self._body(node.body)
        self._body(node.else_)

    def _do_assign(self, node: Any) -> None:
        call = node.node
        value = self._expressions.evaluate(call)
        if type(call).__name__ == "Call" and getattr(call.node, "name", "") == "namespace":
            for keyword in call.kwargs:
                field = self._expressions.evaluate(keyword.value).under(self._place.triggers)
                name = self._expressions.local(getattr(node.target, "name", ""))
                self._expressions.learn(f"{name}.{keyword.key}", field)
            value = NOTHING
        own = [part for part in _joined(call) if shape(part) == _path(node.target)] if _path(node.target) else []
        if own and own[0] is not call:
            # What is there already does not hang on the condition under which more is put to it.
            parts = [part for part in _joined(call) if part not in own]
            value = join(*(self._expressions.evaluate(part) for part in parts))
        self._assign(node.target, value)

    def _do_assignblock(self, node: Any) -> None:
        self._assign(node.target, self._captured(node.body))

    def _do_exprstmt(self, node: Any) -> None:
        self._expressions.evaluate(node.node)

    def _do_with(self, node: Any) -> None:
        for target, value in zip(node.targets, node.values, strict=True):
            self._assign(target, self._expressions.evaluate(value))
        self._body(node.body)

    def _do_macro(self, node: Any) -> None:
        """A macro is walked where it is called."""

    def _do_callblock(self, node: Any) -> None:
        said = self._captured(node.body)
        self._returned["caller"] = join(self._returned.get("caller", NOTHING), said)
        self._write(join(self._expressions.evaluate(node.call), said), node.lineno)

    def _do_filterblock(self, node: Any) -> None:
        self._write(self._captured(node.body), node.lineno)


def _joined(node: Any) -> list[Any]:
    """Give the parts of a text that is put together with `+` or `~`."""
    kind = type(node).__name__
    if kind == "Add":
        return [*_joined(node.left), *_joined(node.right)]
    return [part for inner in node.nodes for part in _joined(inner)] if kind == "Concat" else [node]


def _path(target: Any) -> str:
    kind = type(target).__name__
    return f"{target.name}.{target.attr}" if kind == "NSRef" else target.name if kind == "Name" else ""


def _macros(tree: nodes.Template) -> Iterator[Any]:
    from jinja2 import nodes

    yield from tree.find_all(nodes.Macro)


def _element(value: Value) -> Value:
    """Give what is known of an element of something that is iterated over."""
    if value.has(Origin.CUT):
        return value.only(Origin.SAID)
    if value.has(Origin.SAID, Origin.PART) and not value.has(Origin.MESSAGES):
        return value.only(Origin.PART)
    return value.only(*(value.origins - {Origin.SAID}), *((Origin.SAID,) if value.has(Origin.SAID) else ()))


def _role(test: Any) -> str:
    """Give the role that a condition asks for, when it asks for one."""
    from jinja2 import nodes

    for compare in [test, *test.find_all(nodes.Compare)]:
        if not isinstance(compare, nodes.Compare) or compare.ops[0].op != "eq":
            continue
        key = getattr(compare.expr, "attr", None) or getattr(getattr(compare.expr, "arg", None), "value", None)
        literal = getattr(compare.ops[0].expr, "value", None)
        # `messages[0].role` says how the conversation begins, and not whose turn is being written.
        if key in ("role", "from") and isinstance(literal, str) and not re.search(r"\.-?\d+\.", shape(compare.expr)):
            return literal
    return ""


def _mentions_outside(expressions: Expressions, test: Any) -> bool:
    """Whether a condition asks for a variable that the application hands over."""
    from jinja2 import nodes

    return any(expressions.evaluate(name).has(Origin.OUTSIDE) for name in [test, *test.find_all(nodes.Name)]
               if isinstance(name, nodes.Name))  # fmt: skip
