"""What YAML, JSON and TOML documents have in common: a tree whose every value knows its line."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Scalar:
    """A value without parts, as text."""

    text: str
    line: int
    """One-based."""


@dataclass(slots=True)
class Mapping:
    """Keys with values, in the order of the file; a key may stand twice, and then both count."""

    line: int
    pairs: list[tuple[str, Node]] = field(default_factory=list)

    def scalars(self) -> dict[str, Scalar]:
        """Give the values without parts, by key."""
        return {key: value for key, value in self.pairs if isinstance(value, Scalar)}


@dataclass(slots=True)
class Sequence:
    """Values in order."""

    line: int
    members: list[Node] = field(default_factory=list)


Node = Scalar | Mapping | Sequence
"""A value with its line; a part may be shared by several, as the aliases of YAML do."""


class TreeError(ValueError):
    """A document that can't be read; the message says why, in printable words."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line
