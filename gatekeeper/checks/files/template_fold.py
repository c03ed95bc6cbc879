"""Constant expressions of a template, worked out: text that is spelt in pieces is read as what it amounts to.

Only string and list building is followed, on constants and on variables that hold one constant; nothing is rendered,
and no result is longer than `_LONGEST`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes

_LONGEST = 4096
"""Characters or items of one folded value."""

_WIDTH = re.compile(r"\d{4,}")
"""A width or precision in a format that would make a long text."""


_FAILED = object()


class _Unknown(Exception):  # noqa: N818 - a jump, not an error
    """The expression is no constant."""


class Folder:
    """Works out constant expressions of one template.

    Args:
        tree: The template; variables that are set once, to a constant, are known.
    """

    def __init__(self, tree: nodes.Template) -> None:
        from jinja2 import nodes

        self._values: dict[str, Any] = {}
        self._memo: dict[int, Any] = {}
        assigned: dict[str, list[nodes.Node]] = {}
        for node in tree.find_all(nodes.Assign):
            key = _key(node.target)
            if key:
                assigned.setdefault(key, []).append(node.node)
        for node in tree.find_all((nodes.For, nodes.Macro, nodes.AssignBlock)):  # type: ignore[assignment]
            for name in node.find_all(nodes.Name):
                if name.ctx in ("store", "param"):
                    assigned.setdefault(name.name, []).append(name)
        self._keywords(tree, assigned)
        for _ in range(3):  # a variable may be set to another one
            self._values = {key: self.fold(found[0], None) for key, found in assigned.items() if len(found) == 1}
            self._values = {key: value for key, value in self._values.items() if value is not None}
            self._memo.clear()

    @staticmethod
    def _keywords(tree: nodes.Template, assigned: dict[str, list[nodes.Node]]) -> None:
        """Take `namespace(a=…)` for an assignment to `ns.a`."""
        from jinja2 import nodes

        for node in tree.find_all(nodes.Assign):
            call, key = node.node, _key(node.target)
            if key and isinstance(call, nodes.Call) and isinstance(call.node, nodes.Name):
                for keyword in call.kwargs:
                    assigned.setdefault(f"{key}.{keyword.key}", []).append(keyword.value)

    def fold(self, node: nodes.Node, default: Any = None) -> Any:
        """Give the value of a constant expression.

        Args:
            node: An expression.
            default: What to give when it is no constant.
        """
        try:
            return self._fold(node)
        except Exception:  # no constant, too deep, or an expression that fails on constants in the loader too
            return default

    def _fold(self, node: nodes.Node) -> Any:
        known = self._memo.get(id(node), self)
        if known is self:
            self._memo[id(node)] = _FAILED  # what raises on the way is no constant
            known = self._memo[id(node)] = self._folded(node)
        if known is _FAILED:
            raise _Unknown
        return known

    def _folded(self, node: nodes.Node) -> Any:
        handler = _HANDLERS.get(type(node).__name__)
        if handler is None:
            raise _Unknown
        value = handler(self, node)
        if isinstance(value, str | list | tuple | dict) and len(value) > _LONGEST:
            raise _Unknown
        if isinstance(value, int) and value.bit_length() > 64:
            raise _Unknown
        return value

    def _name(self, node: Any) -> Any:
        key = _key(node)
        if key not in self._values:
            raise _Unknown
        return self._values[key]

    def _attribute(self, node: Any) -> Any:
        key = _key(node)
        if key in self._values:
            return self._values[key]
        holder = self._fold(node.node)
        if isinstance(holder, dict):
            return holder[node.attr]
        raise _Unknown

    def _item(self, node: Any) -> Any:
        holder = self._fold(node.node)
        if type(node.arg).__name__ == "Slice":
            bounds = [
                None if part is None else self._fold(part) for part in (node.arg.start, node.arg.stop, node.arg.step)
            ]
            return holder[slice(*bounds)]
        return holder[self._fold(node.arg)]

    def _times(self, node: Any) -> Any:
        left, right = self._fold(node.left), self._fold(node.right)
        if isinstance(left, str | list) and isinstance(right, int) and len(left) * right > _LONGEST:
            raise _Unknown
        return left * right

    def _power(self, node: Any) -> Any:
        left, right = self._fold(node.left), self._fold(node.right)
        if not isinstance(left, int) or not isinstance(right, int) or not 0 <= right <= 64 or abs(left) > 2**32:
            raise _Unknown
        return left**right

    def _modulo(self, node: Any) -> Any:
        left, right = self._fold(node.left), self._fold(node.right)
        return _formatted(left, right) if isinstance(left, str) else left % right

    def _condition(self, node: Any) -> Any:
        branch = node.expr1 if self._fold(node.test) else node.expr2
        return self._fold(branch)

    def _filter(self, node: Any) -> Any:
        apply = _FILTERS.get(node.name)
        if apply is None or node.node is None or (node.kwargs and node.name != "join"):
            raise _Unknown
        arguments = [self._fold(argument) for argument in node.args]
        arguments += [self._fold(keyword.value) for keyword in node.kwargs]
        return apply(self._fold(node.node), *arguments)

    def _call(self, node: Any) -> Any:
        method = getattr(node.node, "attr", "")
        if method == "get":
            return self._fold(node.node.node)[self._fold(node.args[0])]
        apply = _METHODS.get(method)
        if apply is None or node.kwargs:
            raise _Unknown
        return apply(self._fold(node.node.node), *[self._fold(argument) for argument in node.args])


def _key(node: Any) -> str:
    """Give the name by which a variable or a namespace's field is known; empty for anything else."""
    kind = type(node).__name__
    if kind == "Name":
        return str(node.name)
    if kind == "NSRef":
        return f"{node.name}.{node.attr}"
    if kind == "Getattr" and type(node.node).__name__ == "Name":
        return f"{node.node.name}.{node.attr}"
    return ""


def _formatted(text: str, arguments: Any) -> str:
    if _WIDTH.search(text) or "*" in text or not _plain(arguments):
        raise _Unknown
    return text % (tuple(arguments) if isinstance(arguments, list) else arguments)


def _braced(text: str, *arguments: Any) -> str:
    if _WIDTH.search(text) or "[" in text or "." in text or not _plain(list(arguments)):
        raise _Unknown
    return text.format(*arguments)


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_plain(item) for item in value)
    return isinstance(value, str | int | float) and (not isinstance(value, str) or len(value) <= _LONGEST)


def _joined(items: Any, separator: str = "") -> str:
    return separator.join(str(item) for item in items)


def _replaced(text: str, old: str, new: str) -> str:
    if len(new) * (len(text) + 1) > 16 * _LONGEST:
        raise _Unknown
    return text.replace(old, new)


_HANDLERS: Mapping[str, Callable[[Folder, Any], Any]] = {
    "Const": lambda _folder, node: node.value,
    "TemplateData": lambda _folder, node: node.data,
    "Name": Folder._name,
    "Getattr": Folder._attribute,
    "Getitem": Folder._item,
    "List": lambda folder, node: [folder._fold(item) for item in node.items],
    "Tuple": lambda folder, node: tuple(folder._fold(item) for item in node.items),
    "Dict": lambda folder, node: {folder._fold(pair.key): folder._fold(pair.value) for pair in node.items},
    "Concat": lambda folder, node: "".join(str(folder._fold(part)) for part in node.nodes),
    "Add": lambda folder, node: folder._fold(node.left) + folder._fold(node.right),
    "Sub": lambda folder, node: folder._fold(node.left) - folder._fold(node.right),
    "Mul": Folder._times,
    "Pow": Folder._power,
    "FloorDiv": lambda folder, node: folder._fold(node.left) // folder._fold(node.right),
    "Mod": Folder._modulo,
    "Neg": lambda folder, node: -folder._fold(node.node),
    "CondExpr": Folder._condition,
    "Filter": Folder._filter,
    "Call": Folder._call,
}

_FILTERS: Mapping[str, Callable[..., Any]] = {
    "join": _joined,
    "format": lambda text, *arguments: _formatted(text, arguments),
    "replace": _replaced,
    "reverse": lambda value: value[::-1],
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
    "capitalize": lambda value: str(value).capitalize(),
    "title": lambda value: str(value).title(),
    "trim": lambda value, *chars: str(value).strip(*chars),
    "string": str,
    "safe": str,
    "list": list,
    "first": lambda value: value[0],
    "last": lambda value: value[-1],
    "length": len,
    "count": len,
    "int": int,
    "sort": sorted,
    "default": lambda value, *_rest: value,
    "d": lambda value, *_rest: value,
}

_METHODS: Mapping[str, Callable[..., Any]] = {
    "join": lambda separator, items: _joined(items, separator),
    "format": _braced,
    "replace": _replaced,
    "lower": str.lower,
    "upper": str.upper,
    "capitalize": str.capitalize,
    "swapcase": str.swapcase,
    "title": str.title,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "split": str.split,
}
