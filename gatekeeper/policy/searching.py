"""How pull requests are searched for models: the policy's own patterns, and what it ignores."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.errors import InputError, PolicyError
from gatekeeper.mention import Ignored, Pattern, Role
from gatekeeper.patterns import compiled
from gatekeeper.policy.overlay import Layer


def own_patterns(layers: Iterable[Layer]) -> tuple[Pattern, ...]:
    """Unite the patterns of all layers, the base's first.

    Raises:
        PolicyError: When an expression can't be used.
    """
    found: dict[Pattern, None] = {}
    for layer in layers:
        for index, content in enumerate(layer.content.ci.patterns):
            try:
                compiled(content.find)
            except InputError as error:
                raise _error(layer, ("patterns", index, "find"), error.message) from error
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


def _error(layer: Layer, where: tuple[str | int, ...], why: str) -> PolicyError:
    path = ("ci", *where)
    return layer.document.error(f"`{'.'.join(map(str, path))}`: {why}", path)
