"""The nouns: a configuration as read, and one place in it that asks for code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.parsing import ParseError
from gatekeeper.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One place where a configuration asks for code."""

    slug: str
    """Rule of `files/remote-code`."""

    message: str
    detail: str = ""
    """Dotted key."""

    module: str = ""
    """File of this repo that it names; empty for other code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """One configuration file, parsed."""

    path: PurePosixPath
    value: Any
    """Mappings, lists and scalars; keys are text."""

    has: Callable[[str], bool]
    """Whether the repo has a file at a path."""

    most_parts: int
    """Objects and lists that are looked at (`config_parts` of the limits)."""

    shadowed: tuple[Any, ...] = field(default=())
    """Values that a later one of the same key hides from some readers."""

    def mappings(self, *, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give every mapping in it, each with its dotted place; the parser has bounded the depth.

        Args:
            skip: Keys whose values are not entered.

        Raises:
            ParseError: When it has more parts than are looked at.
        """
        waiting: list[tuple[str, Any]] = [("", value) for value in (self.value, *self.shadowed)]
        seen: set[int] = set()  # what a YAML alias repeats is looked at once
        left = self.most_parts * 4
        while waiting:
            where, value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            left -= 4 + (len(value) if isinstance(value, dict | list) else 0)
            if left < 0:
                raise ParseError(f"more than {self.most_parts} objects and lists")
            if isinstance(value, dict):
                yield where, value
                waiting += [
                    (f"{where}{key}.", inner)
                    for key, inner in value.items()
                    if isinstance(inner, dict | list) and key not in skip
                ]
            elif isinstance(value, list):
                waiting += [(where, inner) for inner in value if isinstance(inner, dict | list)]


def code_of(reference: str, where: str, config: Config) -> Ask:
    """Say what a reference `module.Class` or `org/name--module.Class` asks for (transformers, `auto_factory`)."""
    shown, where = printable(reference, 160), printable(where, 160)
    if "--" in reference:
        repo = printable(reference.split("--", 1)[0], 120)
        message = f"it asks for {shown!r}: code from {repo!r}, which nobody has pinned"
        return Ask(slug="foreign-code", message=message, detail=where)
    module = reference.rsplit(".", 1)[0].replace(".", "/") + ".py"
    present = file_of(module, config)
    if not present:
        return Ask(slug="missing-code", message=f"it asks for {shown!r}, which is not in the repo", detail=where)
    return Ask(slug="local-code", message=f"it asks for {shown!r}, code from this repo", detail=where, module=present)


def file_of(module: str, config: Config) -> str:
    """Find a module's file beside the configuration or at the root; empty when there is none."""
    paths = (str(config.path.parent / module), module)
    return next((path for path in paths if config.has(path)), "")
