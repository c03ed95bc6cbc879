"""Where the value of an expression in a template comes from, and on which comparisons with content it hangs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_paths import CALLS, CONTENT, NAMES, STRUCTURE, shape, system_messages
from gatekeeper.checks.files.template_values import (
    NOTHING,
    Origin,
    Piece,
    TooInvolvedError,
    Touch,
    Trigger,
    Triggers,
    Value,
    combine,
    join,
)

_PREDICATES = frozenset(
    {"startswith", "endswith", "find", "rfind", "index", "rindex", "count", "isupper", "islower", "isdigit", "isalpha",
     "isalnum", "istitle", "isspace", "isnumeric", "__contains__", "match", "search"}
)  # fmt: skip
_SPLITS = frozenset(
    {"split", "rsplit", "partition", "rpartition", "splitlines", "removeprefix", "removesuffix", "replace", "strip"}
)
_LIKE_TESTS = frozenset({"in", "eq", "equalto", "==", "ne", "!=", "sameas", "upper", "lower", "gt", "lt", "ge", "le",
                         "greaterthan", "lessthan", ">", "<", "<=", ">=", "contains", "match", "search"})  # fmt: skip
_SIZES = frozenset({"length", "count", "wordcount"})
_BUILDS = frozenset({"join", "format", "default", "d", "tojson", "indent", "string", "trim", "safe", "replace"})
"""Filters and methods that put their arguments into the text."""

_SPOKEN = (Origin.SAID, Origin.RULED, Origin.PART, Origin.CUT)

_HELD = (Origin.DATE, Origin.SAID, Origin.CUT, Origin.RULED, Origin.PART, Origin.LENGTH, Origin.COUNT, Origin.NAMED)
"""What may be held against a constant, the most telling first."""

_CUTS = frozenset({"split", "rsplit", "partition", "rpartition", "splitlines", "batch", "slice", "wordwrap"})

_NEAR = frozenset({"-1", "0", "1", "2"})
"""Counts that tell the first message, the last, or whether there is any."""


_MOST_STEPS = 600_000
"""Expressions that are evaluated for one template, each counted with the texts that it carries; the most involved
honest template that is known takes an eighth of this."""


class Expressions:
    """Evaluates expressions over what is known of variables.

    Args:
        folder: The template's constants.
        macros: Gives the value of a call (its node, arguments and keywords) of one of the template's own macros, None
            when there is no such macro.
    """

    def __init__(self, folder: Folder, macros: Callable[[Any, list[Value], dict[str, Value]], Value | None]) -> None:
        self._folder = folder
        self._macros = macros
        self._steps = 0
        self._anew: dict[int, frozenset[str]] = {}
        self.known: dict[str, Value] = {}
        """Variables and fields of namespaces; joined over all assignments."""

        self.context: Triggers = frozenset()
        """Comparisons that hold where the walk is."""

        self.scope = ""
        """The macro that the walk is in; its variables are its own."""

        self.systems: frozenset[str] = frozenset()
        """Expressions that are system messages where the walk is."""

        self.touched: dict[int, Touch] = {}
        """Filters and methods that were applied to what was said, by their node."""

        self.roles: Mapping[str, str] = {}
        """Variables that hold a message's role, each with that role's path."""

        self.keys: frozenset[tuple[str, str]] = frozenset()
        """Expressions and the keys that are taken from them somewhere: to look for one of these is no trigger."""

    def evaluate(self, node: Any) -> Value:
        """Say what is known of an expression."""
        if node is None:
            return NOTHING
        handler = _HANDLERS.get(type(node).__name__)
        value = handler(self, node) if handler else join(*(self.evaluate(part) for part in node.iter_child_nodes()))
        self._spend(1 + len(value.pieces))
        return value

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise TooInvolvedError("it is too involved for its text to be traced")

    def learn(self, key: str, value: Value) -> None:
        """Join what is known of a variable with one more assignment."""
        self.known[key] = join(self.known[key], value) if key in self.known else value

    def local(self, name: str) -> str:
        """Give the name by which a variable is known where the walk is."""
        return f"{self.scope}({name}" if self.scope else name

    def field(self, name: str, attribute: str) -> str:
        """Give the name by which a namespace's field is known where the walk is."""
        own = self.local(name)
        return f"{own if own in self.known else name}.{attribute}"

    def literals(self, node: Any, value: Value) -> list[str]:
        """Give the constants that an expression may be, as text; nothing for one that comes from elsewhere."""
        constant = self._folder.fold(node)
        if constant is not None and not isinstance(constant, bool):
            items = constant if isinstance(constant, list | tuple) else [constant]
            return [str(item) for item in items if not isinstance(item, list | tuple | dict)][:20]
        return [piece.text for piece in sorted(value.pieces, key=lambda piece: piece.text)][:20]

    def _const(self, node: Any) -> Value:
        if not isinstance(node.value, str):
            return NOTHING
        return Value(pieces=frozenset({Piece(node.value, node.lineno)}))

    def _name(self, node: Any) -> Value:
        name = node.name
        for key in (self.local(name), name):
            if key in self.known:
                return self.known[key]
        if name in ("messages", "message", "conversation"):
            return Value(origins=frozenset({Origin.MESSAGES}))
        if name in ("prompt", "user_input", "user_message"):
            return Value(origins=frozenset({Origin.SAID}))
        if name in ("loop", "namespace", "range", "bos_token", "eos_token", "add_generation_prompt", "raise_exception"):
            return NOTHING
        return Value(origins=frozenset({Origin.OUTSIDE}))

    def _attribute(self, node: Any) -> Value:
        inner = node.node
        if type(inner).__name__ == "Name":
            if inner.name == "loop" and node.attr in ("index", "index0", "revindex", "revindex0", "length"):
                return Value(origins=frozenset({Origin.COUNT}))
            key = self.field(inner.name, node.attr)
            if key in self.known:
                return self.known[key]
        return self._member(self.evaluate(inner), node.attr, inner)

    def _member(self, holder: Value, key: str, node: Any = None) -> Value:
        speaks = key == "name" and holder.has(Origin.MESSAGES)
        if key in NAMES and not speaks and holder.has(Origin.MESSAGES, Origin.OUTSIDE, *_SPOKEN):
            return Value(origins=frozenset({Origin.NAMED}), pieces=holder.pieces, triggers=holder.triggers)
        if key in CALLS and holder.has(Origin.MESSAGES, *_SPOKEN):
            return Value(origins=frozenset({Origin.OUTSIDE}), pieces=holder.pieces, triggers=holder.triggers)
        if key in STRUCTURE and holder.has(Origin.MESSAGES, *_SPOKEN):
            return Value(pieces=holder.pieces, triggers=holder.triggers)
        if key in CONTENT and (
            holder.has(Origin.MESSAGES, Origin.PART) or (holder.has(Origin.OUTSIDE) and key == "content")
        ):
            origin = Origin.RULED if node is not None and shape(node) in self.systems else Origin.SAID
            return Value(origins=frozenset({origin}), pieces=holder.pieces, triggers=holder.triggers)
        return holder

    def _item(self, node: Any) -> Value:
        key = self._folder.fold(node.arg)
        if isinstance(key, str):
            return self._member(self.evaluate(node.node), key, node.node)
        holder, index = self.evaluate(node.node), self.evaluate(node.arg)
        if index.has(*_SPOKEN) and holder.pieces:
            looked = Trigger(kind=Origin.SAID, literal=_keys(holder), line=node.lineno)
            index = Value(triggers=index.triggers | {looked})
        return combine(holder, Value(triggers=index.triggers))

    def _compare(self, node: Any) -> Value:
        left, found = node.expr, []
        value = self.evaluate(left)
        for operand in node.ops:
            other = self.evaluate(operand.expr)
            negative = operand.op in ("ne", "notin")
            inherited = value.triggers | other.triggers
            absent = self._folder.fold(operand.expr) in (-1, 0, False)  # what `find` and `count` give for "not there"
            flips = operand.op in ("eq", "lt", "lteq") if absent else negative
            found += [trigger.flipped() if flips else trigger for trigger in inherited]
            found += self._held(value, operand.expr, other, negative, node.lineno)
            is_key = other.has(Origin.PART) or self._is_key(operand.expr, left)
            if operand.op not in ("in", "notin") or not is_key:
                found += self._held(other, left, value, negative, node.lineno)
            value, left = other, operand.expr
        return Value(triggers=frozenset(found))

    def _is_key(self, holder: Any, key: Any) -> bool:
        """Whether a constant is looked for in something that it is taken from as a key elsewhere."""
        name = self._folder.fold(key)
        return isinstance(name, str) and (shape(holder), name) in self.keys

    def _held(self, value: Value, against: Any, other: Value, negative: bool, line: int) -> Iterator[Trigger]:
        """Say what it means that a value is held against another."""
        yield from (trigger.flipped() if negative else trigger for trigger in value.latent)
        kind = next((kind for kind in _HELD if value.has(kind)), None)
        if kind is None:
            return
        kind = Origin.SAID if kind in (Origin.CUT, Origin.PART) else kind
        for literal in self.literals(against, other):
            if literal.strip() and not (kind in (Origin.LENGTH, Origin.COUNT) and literal in _NEAR):
                yield Trigger(kind=kind, literal=literal, positive=not negative, line=line)

    def _not(self, node: Any) -> Value:
        value = self.evaluate(node.node)
        flipped = frozenset(trigger.flipped() for trigger in value.triggers)
        return Value(origins=value.origins, triggers=flipped, latent=value.latent)

    def _chosen(self, node: Any) -> Value:
        test = self.condition(node.test)
        other = frozenset(trigger.flipped() for trigger in test)
        with self.given(node.test):
            chosen = self.evaluate(node.expr1).under(test)
        return join(chosen, self.evaluate(node.expr2).under(other))

    def _both(self, node: Any) -> Value:
        left = self.evaluate(node.left)
        with self.given(node.left):
            return join(left, self.evaluate(node.right).under(left.triggers | left.latent))

    def _either(self, node: Any) -> Value:
        left = self.evaluate(node.left)
        missed = frozenset(trigger.flipped() for trigger in left.triggers | left.latent)
        right = self.evaluate(node.right)
        return replace(join(left, right.under(missed)), triggers=left.triggers | right.triggers)

    @contextmanager
    def given(self, test: Any, body: Iterable[Any] = ()) -> Iterator[None]:
        """Take for system messages what a condition says are some, as far as the body sets no such variable anew."""
        from jinja2 import nodes

        before, found = self.systems, system_messages(test, self.roles)
        if found and id(test) not in self._anew:
            names, waiting = set(), list(body)
            while waiting:
                node = waiting.pop()
                waiting.extend(node.iter_child_nodes())
                self._spend(1)
                if isinstance(node, nodes.Assign):
                    names.add(getattr(node.target, "name", ""))
            self._anew[id(test)] = frozenset(path for path in found if re.split(r"\W", path, maxsplit=1)[0] in names)
        self.systems = before | (found - self._anew.get(id(test), frozenset()))
        try:
            yield
        finally:
            self.systems = before

    def condition(self, node: Any) -> Triggers:
        """Give the comparisons that decide whether a test holds."""
        value = self.evaluate(node)
        return value.triggers | value.latent

    def _test(self, node: Any) -> Value:
        value = self.evaluate(node.node)
        found = set(value.triggers)
        if node.name in ("defined", "undefined"):
            found |= value.latent
        if node.name in _LIKE_TESTS:
            other = node.args[0] if node.args else None
            found |= set(self._held(value, other, self.evaluate(other), node.name in ("ne", "!="), node.lineno))
            if node.name in ("upper", "lower") and value.has(Origin.SAID):
                found.add(Trigger(kind=Origin.SAID, literal=f"is {node.name}", line=node.lineno))
        if node.name == "divisibleby" and value.has(Origin.COUNT, Origin.LENGTH):
            found |= set(self._held(value, node.args[0], NOTHING, False, node.lineno))
        return Value(triggers=frozenset(found))

    def _filter(self, node: Any) -> Value:
        value = self.evaluate(node.node)
        arguments = [self.evaluate(part) for part in [*node.args, *(keyword.value for keyword in node.kwargs)]]
        if node.name in _SIZES:
            return self._sized(value)
        if node.name in ("selectattr", "rejectattr", "select", "reject"):
            return combine(value, Value(triggers=frozenset(self._selected(node, value))))
        if node.name == "map":
            keys = [self._folder.fold(keyword.value) for keyword in node.kwargs if keyword.key == "attribute"]
            return self._member(value, keys[0]) if keys and isinstance(keys[0], str) else value
        if node.name in ("tojson", "string", "list") and value.has(Origin.MESSAGES):
            return join(value.only(Origin.SAID, Origin.MESSAGES), *arguments)
        return self._applied(node, value, arguments, builds=node.name in _BUILDS)

    def _sized(self, value: Value) -> Value:
        kinds = {**dict.fromkeys(_SPOKEN, Origin.LENGTH), Origin.MESSAGES: Origin.COUNT}
        origin = next((found for kind, found in kinds.items() if value.has(kind)), None)
        return Value(
            origins=frozenset({origin} if origin else ()), triggers=value.triggers | value.latent, latent=value.latent
        )

    def _selected(self, node: Any, value: Value) -> Iterator[Trigger]:
        """Read `selectattr(key, test, literal)` and `select(test, literal)`."""
        constants = [self._folder.fold(argument) for argument in node.args]
        if node.name.endswith("attr") and constants:
            value, constants = self._member(value, str(constants[0])), constants[1:]
        if len(constants) > 1 and constants[0] in _LIKE_TESTS:
            yield from self._held(value, node.args[-1], NOTHING, node.name.startswith("reject"), node.lineno)

    def _call(self, node: Any) -> Value:
        arguments = [self.evaluate(argument) for argument in node.args]
        keywords = {keyword.key: self.evaluate(keyword.value) for keyword in node.kwargs}
        target = node.node
        if type(target).__name__ == "Name":
            if target.name == "strftime_now":
                return Value(origins=frozenset({Origin.DATE}))
            if target.name == "raise_exception":
                return NOTHING
            returned = self._macros(node, arguments, keywords)
            return join(*arguments, *keywords.values()) if returned is None else returned
        if type(target).__name__ != "Getattr":
            return join(self.evaluate(target), *arguments)
        return self._method(node, target, arguments)

    def _method(self, node: Any, target: Any, arguments: list[Value]) -> Value:
        value = self.evaluate(target.node)
        if target.attr == "get" and node.args:
            key = self._folder.fold(node.args[0])
            found = self._member(value, key, target.node) if isinstance(key, str) else value
            looked = any(argument.has(*_SPOKEN) for argument in arguments[:1]) and value.pieces
            extra = {Trigger(kind=Origin.SAID, literal=_keys(value), line=node.lineno)} if looked else set()
            return join(found.under(frozenset(extra)), *arguments[1:])
        if target.attr in ("values", "items") and value.has(Origin.MESSAGES):
            return join(value, Value(origins=frozenset({Origin.SAID})))
        if target.attr in _PREDICATES and value.has(*_SPOKEN, Origin.DATE, Origin.NAMED):
            kind = next(kind for kind in _HELD if value.has(kind))
            kind = Origin.SAID if kind in (Origin.CUT, Origin.PART) else kind
            literals = [text for text in self.literals(node.args[0], arguments[0]) if text.strip()] if node.args else []
            hits = {Trigger(kind=kind, literal=text, line=node.lineno) for text in literals}
            if not node.args:
                hits.add(Trigger(kind=kind, literal=target.attr, line=node.lineno))
            return Value(triggers=frozenset(hits) | value.triggers)
        if target.attr in ("append", "insert", "extend", "update", "setdefault", "add"):
            self._mutated(target.node, arguments, [self.evaluate(keyword.value) for keyword in node.kwargs])
            return NOTHING
        return self._applied(node, value, arguments, builds=target.attr in _BUILDS)

    def _mutated(self, target: Any, arguments: list[Value], more: list[Value]) -> None:
        """Join what is put into a list or mapping with what is known of the variable that holds it."""
        while type(target).__name__ in ("Getitem", "Call", "Filter"):
            target = target.node
        value = join(*arguments, *more).under(self.context)
        kind = type(target).__name__
        if kind == "Getattr" and type(target.node).__name__ == "Name":
            self.learn(self.field(target.node.name, target.attr), join(self.evaluate(target), value))
        elif kind == "Name":
            self.learn(self.local(target.name), join(self.evaluate(target), value))

    def _applied(self, node: Any, value: Value, arguments: list[Value], *, builds: bool) -> Value:
        """Say what a filter or method makes of a value."""
        whole = join(value, *arguments)
        name = getattr(node, "name", "") or getattr(node.node, "attr", "")
        if value.has(*_SPOKEN, Origin.MESSAGES):
            self.touched[id(node)] = Touch(name=name, node=node, subject=value, arguments=tuple(arguments))
        said = any(argument.has(*_SPOKEN) for argument in arguments)
        if said and value.pieces and not builds and not value.has(Origin.SAID):
            probe = Trigger(kind=Origin.SAID, literal=_keys(value), line=node.lineno)
            return combine(whole, Value(triggers=frozenset({probe})))
        if name in _SPLITS and value.has(*_SPOKEN):
            literals = self.literals(node.args[0], arguments[0]) if node.args else []
            ruled = Origin.SAID if value.has(Origin.SAID, Origin.PART, Origin.CUT) else Origin.RULED
            cut = {Trigger(kind=ruled, literal=text, line=node.lineno) for text in literals if text.strip()}
            kept = value.pieces.union(*(argument.pieces for argument in arguments[1:]))
            cuts = {Origin.CUT} if name in _CUTS and ruled is Origin.SAID else value.origins
            return Value(origins=frozenset(cuts), pieces=kept, triggers=value.triggers, latent=value.latent | cut)
        return whole

    def _product(self, node: Any) -> Value:
        return combine(self.evaluate(node.left), self.evaluate(node.right))


def _keys(value: Value) -> str:
    return min((piece.text for piece in value.pieces), default="")


_HANDLERS: Mapping[str, Callable[[Expressions, Any], Value]] = {
    "Const": Expressions._const,
    "Name": Expressions._name,
    "Getattr": Expressions._attribute,
    "Getitem": Expressions._item,
    "Compare": Expressions._compare,
    "Not": Expressions._not,
    "And": Expressions._both,
    "Or": Expressions._either,
    "CondExpr": Expressions._chosen,
    "Test": Expressions._test,
    "Filter": Expressions._filter,
    "Call": Expressions._call,
    "Mul": Expressions._product,
}
