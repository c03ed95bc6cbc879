"""Conditions: CEL expressions over the vocabulary, checked as far as possible when the policy loads.

Beyond what the engine checks (names and types), a condition is refused when it compares a fact with a word that the
fact can never be, when it uses `has` or `dyn`, which switch the checks off, and when it fails on an artifact about
which nothing is known. At evaluation, facts are looked at *before* the engine sees them: CEL would let `a || b`
hide a missing `b`, and every comparison with NaN is silently false.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gatekeeper.decision import RowState
from gatekeeper.evidence import FactValue
from gatekeeper.policy.engine import CompilationError, EvaluationError, Program, compile_source
from gatekeeper.policy.facts import BY_NAME, VOCABULARY, Fact, misfit
from gatekeeper.policy.reasons import because
from gatekeeper.policy.syntax import Node
from gatekeeper.text import printable

NO_REASONS: Mapping[str, str] = MappingProxyType({})
"""For callers that know no reasons why facts are missing."""

_DEFAULTS = {fact.name: fact.default for fact in VOCABULARY}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*")
_QUOTED = re.compile(r"""\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*""", re.DOTALL)
_HAS = re.compile(r"\bhas\s*\(")


class ExpressionError(ValueError):
    """The source is no condition.

    Args:
        message: What is wrong, in one line.
        offset: Where in the source, in code points.
        hint: What to write instead; may be empty.
    """

    def __init__(self, message: str, offset: int, *, hint: str = "") -> None:
        """Keep the parts, so that the loader can point into its file."""
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A compiled `when`."""

    source: str
    """As written."""

    facts: tuple[str, ...]
    """Names of the facts that it mentions, sorted."""

    _program: Program

    @property
    def always(self) -> bool:
        """Whether it is the literal `true`."""
        return self.source.strip() == "true"

    def evaluate(self, facts: Mapping[str, FactValue], reasons: Mapping[str, str] = NO_REASONS) -> tuple[RowState, str]:
        """Try it on facts.

        Args:
            facts: What is known; a fact that the condition mentions and that is not in it makes it indeterminate,
                even where the rest of the condition would decide.
            reasons: Why facts are missing, by name.

        Returns:
            Whether it holds, and in words the facts that decided.
        """
        problems = [problem for name in self.facts if (problem := _problem(name, facts, reasons))]
        if problems:
            return RowState.INDETERMINATE, "; ".join(problems)
        known = {name: facts[name] for name in self.facts}
        try:
            holds = self._program.run(known)
        except EvaluationError as error:
            return RowState.INDETERMINATE, f"can't be evaluated: {error}"
        return (RowState.HOLDS if holds else RowState.FAILS), because(self._program, known)

    def constant(self) -> bool | None:
        """Give the value that it has whatever the facts; None when it mentions any."""
        return None if self.facts else self._program.run({})


def compile_condition(source: str, known_ids: Mapping[str, frozenset[str]] = MappingProxyType({})) -> Condition:
    """Compile and check one `when`.

    Args:
        source: A CEL expression, https://github.com/google/cel-spec.
        known_ids: For list facts whose words depend on the installed checks: all that may stand in them.

    Raises:
        ExpressionError: When it is no boolean expression over the vocabulary, or can be seen to be a mistake.
    """
    if found := _HAS.search(_QUOTED.sub(lambda quoted: " " * len(quoted[0]), source)):
        raise ExpressionError("`has` is not needed: facts are always there", found.start())
    try:
        program = compile_source(source)
    except CompilationError as error:
        raise _explained(source, error) from error
    for node in program.tree.root.walk():
        _refuse_mistake(node, known_ids)
    mentioned = tuple(sorted({node.fact for node in program.tree.root.walk() if node.fact in BY_NAME}))
    try:
        program.run({name: _DEFAULTS[name] for name in mentioned})
    except EvaluationError as error:
        raise ExpressionError(f"fails when nothing is known of an artifact: {error}", 0) from error
    return Condition(source=source, facts=mentioned, _program=program)


def nearest(name: str, names: list[str]) -> str:
    """Say which names were perhaps meant; empty when none is near."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(f'`{match}`' for match in close)}?" if close else ""


def _problem(name: str, facts: Mapping[str, FactValue], reasons: Mapping[str, str]) -> str:
    if name not in facts:
        return f"{name} is missing" + (f": {reasons[name]}" if name in reasons else "")
    wrong = misfit(BY_NAME[name], facts[name])
    return f"{name} {wrong}" if wrong else ""


def _explained(source: str, error: CompilationError) -> ExpressionError:
    """Turn what the engine says of a name that it does not know into words about facts."""
    found = next((name for name in _NAME.finditer(source) if name.start() <= error.offset <= name.end()), None)
    unknown = "undeclared reference" in error.message or "select operation" in error.message
    if not found or not unknown:
        return ExpressionError(error.message, error.offset)
    name = re.sub(r"\s", "", found[0])
    if source[found.end() :].lstrip().startswith("("):
        function = name.rsplit(".", 1)[-1]
        return ExpressionError(f"unknown function `{printable(function)}`", found.end() - len(function))
    hint = nearest(name, list(BY_NAME)) or "`gatekeeper policy facts` lists all facts"
    return ExpressionError(f"unknown fact `{printable(name)}`", found.start(), hint=hint)


def _refuse_mistake(node: Node, known_ids: Mapping[str, frozenset[str]]) -> None:
    if node.function == "dyn":
        raise ExpressionError("`dyn` switches type checks off and is not accepted", node.offset)
    for fact, literal in _compared(node):
        words = fact.values or tuple(sorted(known_ids.get(fact.name, ())))
        if words and literal.text not in words:
            text = printable(literal.text or "", 80)
            hint = nearest(text, list(words)) or f"it may be {', '.join(words[:12])}"
            raise ExpressionError(f"`{fact.name}` can never be or hold {text!r}", literal.offset, hint=hint)


def _compared(node: Node) -> Iterator[tuple[Fact, Node]]:
    """Give each pair of a fact and a literal string that an operator compares."""
    if node.function not in {"_==_", "_!=_", "@in"} or len(node.items) != 2:
        return
    for one, other in (node.items, node.items[::-1]):
        if one.fact in BY_NAME:
            listed = () if other.function else other.items
            for literal in (other, *listed):
                if literal.text is not None:
                    yield BY_NAME[one.fact], literal
