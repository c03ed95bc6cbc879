"""How pull requests are searched for models: the policy's own patterns, and what it ignores."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gatekeeper.errors import PolicyError
from gatekeeper.mention import Ignored, Pattern, Role
from gatekeeper.policy.overlay import Layer
from gatekeeper.text import printable

_TWICE = re.compile(r"[+*}]\)[+*{]")
"""A repetition of a repetition: its time can grow exponentially with the line, and lines come from strangers."""

_GROUPS = frozenset({"name", "revision"})


def own_patterns(layers: Iterable[Layer]) -> tuple[Pattern, ...]:
    """Unite the patterns of all layers, the base's first.

    Raises:
        PolicyError: When an expression can't be used.
    """
    found: dict[Pattern, None] = {}
    for layer in layers:
        for index, content in enumerate(layer.content.ci.patterns):
            if why := _objection(content.find):
                raise _error(layer, ("patterns", index, "find"), why)
            found[Pattern(path=content.path, regex=content.find, role=Role(content.role))] = None
    return tuple(found)


def ignored(layers: Iterable[Layer]) -> tuple[Ignored, ...]:
    """Unite what the layers ignore, the base's first.

    Raises:
        PolicyError: When an entry has not exactly one of `path` and `name`.
    """
    found: dict[Ignored, None] = {}
    for layer in layers:
        for index, content in enumerate(layer.content.ci.ignore):
            if (content.path is None) == (content.name is None):
                raise _error(layer, ("ignore", index), "exactly one of path and name is expected")
            found[Ignored(path=content.path or "", name=content.name or "")] = None
    return tuple(found)


def _objection(find: str) -> str:
    try:
        groups = set(re.compile(find).groupindex)
    except (re.error, RecursionError, OverflowError) as error:
        return f"it is no regular expression: {printable(str(error))}"
    if "name" not in groups:
        return "it lacks the group that gives the name: (?P<name>…)"
    if groups - _GROUPS:
        return f"it has groups that mean nothing here: {printable(', '.join(sorted(groups - _GROUPS)))}"
    return "it repeats a repetition, which can take for ever on a hostile line" if _TWICE.search(find) else ""


def _error(layer: Layer, where: tuple[str | int, ...], why: str) -> PolicyError:
    path = ("ci", *where)
    return layer.document.error(f"`{'.'.join(map(str, path))}`: {why}", path)
