"""Text that a template adds, changes or leaves out depending on what was said, on the date or on chance.

Honest templates look at content too: to split off `</think>`, to tell a string from a list of parts, to find a
`<tool_response>`. What they write then is markup, or a piece of that content. So the rule is not what a condition
looks for but what hangs on it: words that nobody said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_flow import Emission, Flow
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_values import Origin, Piece, Touch, Trigger, Triggers, Value
from gatekeeper.checks.files.template_words import is_switch, is_word_like, words
from gatekeeper.text import printable

if TYPE_CHECKING:
    from jinja2 import nodes

_SENTENCE = 4
"""Words that are a sentence and no label."""

_WHY = {
    Origin.SAID: "when a message holds {}",
    Origin.RULED: "when the system message holds {}",
    Origin.NAMED: "when a name or mark in the conversation is held against {}",
    Origin.LENGTH: "when a message's length is held against {}",
    Origin.COUNT: "when the number of a message is held against {}",
    Origin.DATE: "when the date is held against {}",
}


def hanging_text(flow: Flow) -> Iterator[Problem]:
    """Say which words are only there when a comparison with content, length, place or date holds.

    Args:
        flow: The walked template.
    """
    told: set[str] = set()
    written = "".join(sorted({piece.text for emission in flow.emissions for piece in emission.value.pieces}))
    for emission in flow.emissions:
        spoken = [piece for piece in _pieces(emission) if piece.triggers]
        for piece in spoken:
            triggers = frozenset(trigger for trigger in piece.triggers if not _is_deployers(trigger))
            dated = any(trigger.kind is Origin.DATE for trigger in triggers) and piece.text.strip()
            if piece.text in told or not triggers or not (words(piece.text) or dated):
                continue
            worst = _worst(triggers)
            together = dict.fromkeys(other.text for other in spoken if other.triggers == piece.triggers)
            spoken_words = len(words(" ".join(together)))
            if spoken_words < 2 and not is_word_like(worst.literal):
                continue
            if worst.kind is Origin.NAMED and spoken_words < _SENTENCE:  # tools are told apart by labels
                continue
            told.add(piece.text)
            own = not is_word_like(worst.literal) and worst.literal.strip() in written
            yield _hanging(piece, worst, own=own)


def _is_deployers(trigger: Trigger) -> bool:
    """Whether it is a place marked in the system message, or a documented switch in it: its writer asked for that."""
    return trigger.kind is Origin.RULED and (is_switch(trigger.literal) or not is_word_like(trigger.literal))


def _worst(triggers: Triggers) -> Trigger:
    """Give the trigger that speaks loudest: one that has to hold, on something that a person would write."""
    return min(
        triggers,
        key=lambda item: (not item.positive, not is_word_like(item.literal), item.line, item.literal, item.kind),
    )


def _hanging(piece: Piece, trigger: Trigger, *, own: bool) -> Problem:
    """Say it, milder where what hangs on it may well be honest.

    Markup that the template writes itself tells turns apart, and names tell tools.
    """
    why = _WHY[trigger.kind].format(repr(printable(trigger.literal, 60)))
    text = printable(" ".join(piece.text.split()), 120)
    if trigger.positive and trigger.kind not in (Origin.RULED, Origin.NAMED) and not own:
        slug = "date-trigger" if trigger.kind is Origin.DATE else "trigger-text"
        return Problem(slug=slug, message=f"line {piece.line}: it writes {text!r} {why}", detail=trigger.literal[:200])
    message = f"line {piece.line}: whether it writes {text!r} is decided {why}"
    return Problem(slug="conditional-text", message=message, detail=trigger.literal[:200])


def hanging_content(flow: Flow) -> Iterator[Problem]:
    """Say where what was said is only passed on when something that a person would write is, or is not, in it."""
    for emission in flow.emissions:
        value = emission.value
        words_looked_for = [
            trigger for trigger in value.triggers if trigger.kind in (Origin.SAID, Origin.RULED, Origin.DATE)
            and is_word_like(trigger.literal) and not _is_deployers(trigger)
        ]  # fmt: skip
        if value.has(Origin.SAID, Origin.RULED, Origin.PART, Origin.CUT) and words_looked_for:
            trigger = _worst(frozenset(words_looked_for))
            why = _WHY[trigger.kind].format(repr(printable(trigger.literal, 60)))
            message = f"line {emission.line}: how it passes content on changes {why}"
            yield Problem(slug="conditional-content", message=message, detail=trigger.literal[:200])
            return


def rewrites(folder: Folder, flow: Flow) -> Iterator[Problem]:
    """Say where words in content are replaced or taken out, whatever the conversation.

    Args:
        folder: The template's constants.
        flow: The walked template.
    """
    for touch in flow.touches:
        line = touch.node.lineno
        if touch.name == "replace":
            yield from _replacement(touch, folder)
        elif touch.name in ("truncate", "reverse", "shuffle", "translate"):
            yield Problem(slug="conditional-content", message=f"line {line}: it changes content with {touch.name}")


def _replacement(touch: Touch, folder: Folder) -> Iterator[Problem]:
    if len(touch.node.args) < 2:
        return
    old, new = (_text(*pair, folder) for pair in zip(touch.node.args[:2], touch.arguments, strict=False))
    ruled = touch.subject.has(Origin.RULED) and not touch.subject.has(Origin.SAID, Origin.PART, Origin.CUT)
    if is_switch(old) or (not is_word_like(old) and (ruled or not words(new))):
        return
    if words(new) and new.strip().lower() != old.strip().lower():
        shown = f"{printable(old, 60)!r} by {printable(new, 60)!r}"
        message = f"line {touch.node.lineno}: it replaces {shown} in content"
        yield Problem(slug="rewritten-content", message=message, detail=old[:200])
    elif is_word_like(old):
        message = f"line {touch.node.lineno}: it takes {printable(old, 60)!r} out of content"
        yield Problem(slug="conditional-content", message=message, detail=old[:200])


def _text(node: Any, value: Value, folder: Folder) -> str:
    folded = folder.fold(node)
    return folded if isinstance(folded, str) else " ".join(sorted(piece.text for piece in value.pieces))


def chance(tree: nodes.Template) -> Iterator[Problem]:
    """Say where a template leaves what it writes to chance."""
    from jinja2 import nodes

    for node in tree.find_all(nodes.Filter):
        if node.name == "random":
            message = f"line {node.lineno}: what it writes depends on chance"
            yield Problem(slug="random-text", message=message)


def words_in_turns(flow: Flow) -> Iterator[Problem]:
    """Say which sentences stand in somebody's turn although nobody said them, in every conversation."""
    told: set[str] = set()
    for emission in flow.emissions:
        if emission.role not in ("user", "assistant", "human", "gpt", "model") or emission.outside:
            continue
        for piece in _pieces(emission):
            if piece.text not in told and len(words(piece.text)) >= _SENTENCE and not piece.triggers:
                told.add(piece.text)
                text = printable(" ".join(piece.text.split()), 120)
                message = f"line {piece.line}: in every turn of role {emission.role!r} it writes {text!r}"
                yield Problem(slug="words-in-turn", message=message)


def _pieces(emission: Emission) -> list[Piece]:
    return sorted(emission.value.pieces, key=lambda piece: (piece.line, piece.text))
