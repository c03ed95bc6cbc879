"""Why a condition came out as it did, in words: the facts that decided, with their values.

The condition is split at its `&&`, `||` and `!`; each piece is evaluated by the engine on its own, so that the
reason rests on the same arithmetic as the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.evidence import FactValue
from gatekeeper.policy.engine import EvaluationError, Program
from gatekeeper.policy.facts import BY_NAME
from gatekeeper.policy.syntax import Node
from gatekeeper.text import printable

_MAX_VALUE = 80
"""Characters of one value that are shown; values may come from a model repo."""

_MAX_REASON = 600
"""Characters of one reason."""


def because(program: Program, facts: Mapping[str, FactValue]) -> str:
    """Say which facts decided.

    Args:
        program: A condition that gave an answer for these facts.
        facts: Those that it mentions.

    Returns:
        One line, as `bytes.hub is match; no 'tampered' in findings.hazards`.
    """
    value, phrases = _weigh(program, program.tree.root, facts)
    return printable("; ".join(dict.fromkeys(phrases)) or ("always" if value else "never"), _MAX_REASON)


def show(value: FactValue) -> str:
    """Write a fact's value for people, cut and made harmless."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return printable(", ".join(value), _MAX_VALUE) if value else "empty"
    if isinstance(value, str):
        return printable(value, _MAX_VALUE) or "empty"
    return str(value)


def _weigh(program: Program, node: Node, facts: Mapping[str, FactValue]) -> tuple[bool | None, list[str]]:
    """Evaluate one node and give the phrases of the pieces that decided it."""
    if node.function in {"_&&_", "_||_"}:
        deciding = node.function == "_||_"
        sides = [_weigh(program, item, facts) for item in node.items]
        decided = [phrases for value, phrases in sides if value is deciding]
        value = deciding if decided else not deciding
        return value, [phrase for phrases in decided or [phrases for _, phrases in sides] for phrase in phrases]
    if node.function == "!_":
        value_below, phrases = _weigh(program, node.items[0], facts)
        return (None if value_below is None else not value_below), phrases
    value_here = _value(program, node, facts)
    return value_here, _phrases(node, facts, value_here)


def _value(program: Program, node: Node, facts: Mapping[str, FactValue]) -> bool | None:
    try:
        return program.part(node).run(facts)
    except EvaluationError:  # a piece that the rest of the condition made harmless
        return None


def _phrases(node: Node, facts: Mapping[str, FactValue], value: bool | None) -> list[str]:
    if node.function == "@in" and node.items[0].text is not None and node.items[1].fact:
        word = printable(node.items[0].text, _MAX_VALUE)
        return [f"{'' if value else 'no '}`{word}` in {node.items[1].fact}"]
    names = dict.fromkeys(below.fact for below in node.walk() if below.fact in BY_NAME)
    return [f"{name} is {show(facts[name])}" for name in names]
