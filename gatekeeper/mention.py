"""Mention: one place in a file that names a model, or would name one if we knew how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What the model is to whoever names it."""

    MODEL = "model"
    ADAPTER = "adapter"
    TOKENIZER = "tokenizer"
    """A tokenizer or processor, which usually lies in the model's own repo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """One place that names a model."""

    path: str = ""
    """File, as it was found."""

    line: int
    """One-based; in a notebook counted within the cell. 0 when the whole file is meant."""

    cell: int = 0
    """One-based cell of a notebook; 0 for other files."""

    name: str = ""
    """`org/name`; empty when it can't be told."""

    revision: str = ""
    """As written; empty when none is."""

    role: Role = Role.MODEL
    remote_code: bool = False
    """Whether the loader is told to run code that the repo brings (`trust_remote_code`)."""

    call: str = ""
    """What names it, such as `AutoModel.from_pretrained`."""

    unresolved: str = ""
    """Why the name or its revision can't be told, in words; empty when both can."""

    @property
    def place(self) -> str:
        """Where it stands, as editors take it."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}" if self.line else self.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A place of a team's own where files name models."""

    path: str
    """Glob over paths from the repository's root: `*` and `?` stay within one part, `**` stands for any parts."""

    find: str
    """Regular expression that is searched in each line, with the group `name` and perhaps the group `revision`."""

    role: Role = Role.MODEL


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """What is not looked at, or is no model: files, or names. Exactly one of the two is given."""

    path: str = ""
    """Glob over paths, as in `Pattern`."""

    name: str = ""
    """Glob over names: `org/*`."""
