"""What walking over the pickles of one file has seen, and what it may still cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.checks.files.pickle_values import Value
from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits

_MOST_PROBLEMS = 20
"""Problems of one rule for one file."""

_MOST_IDS = 200_000
"""Persistent ids of one file that are kept."""


class Broken(Exception):  # noqa: N818 - an unpickler's end, not an error of ours
    """No unpickler gets past this opcode.

    Args:
        message: Why, in one sentence without an end.
        truncated: Whether bytes are missing.
    """

    def __init__(self, message: str, *, truncated: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.truncated = truncated


class Spent(Exception):  # noqa: N818 - a budget's end, not an error
    """A budget is used up; the message names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One name that is imported."""

    module: str
    attribute: str
    offset: int
    """Of the first opcode that imports it."""

    @property
    def name(self) -> str:
        """`module.attribute`."""
        return f"{self.module}.{self.attribute}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Splice:
    """Bytes in the middle of a pickle that joblib reads by itself."""

    start: int
    end: int
    pickled: bool
    """Whether they are a pickle: an array of objects."""


@dataclass(kw_only=True, slots=True)
class Record:
    """Everything seen in one file, over all its pickles."""

    limits: Limits
    opcodes: int = 0
    text: int = 0
    """Characters of text kept so far."""

    imports: dict[str, Import] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    """Name → the first call of it, as text."""

    passed: set[str] = field(default_factory=set)
    """Names that a call is given, which it could call in turn."""

    problems: list[Problem] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    """What was not looked at."""

    truncated: bool = False
    ids: list[Value] = field(default_factory=list)
    """Persistent ids, in order."""

    splices: list[Splice] = field(default_factory=list)
    texts: list[str] | None = None
    """Short texts in order, when somebody asked for them."""

    seen: bytearray = field(default_factory=lambda: bytearray(256))
    """1 for each opcode that was met."""

    def note(self, slug: str, message: str, offset: int, detail: str = "") -> None:
        """Keep a problem; the same sentence once, and not more than a handful of a kind."""
        alike = [problem for problem in self.problems if problem.slug == slug]
        if len(alike) < _MOST_PROBLEMS and all(problem.message != message for problem in alike):
            self.problems.append(Problem(slug=slug, message=message, offset=offset, detail=detail))

    def imported(self, module: str, attribute: str, offset: int) -> None:
        """Keep a name that is imported.

        Raises:
            Spent: When there are too many.
        """
        name = f"{module}.{attribute}"
        if name not in self.imports:
            if len(self.imports) >= self.limits.pickle_globals:
                raise Spent(f"it imports more than {self.limits.pickle_globals} names")
            self.imports[name] = Import(module=module, attribute=attribute, offset=offset)

    def identified(self, value: Value) -> None:
        """Keep a persistent id.

        Raises:
            Spent: When there are too many.
        """
        if len(self.ids) >= _MOST_IDS:
            raise Spent(f"it has more than {_MOST_IDS} persistent ids")
        self.ids.append(value)
