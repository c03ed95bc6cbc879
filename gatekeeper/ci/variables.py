"""Variables of shells, compose files, workflows, charts and Makefiles, followed within one file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_USE = re.compile(
    r"\$\{\{\s*([\w.-]{1,100})\s*\}\}"  # workflows
    r"|\{\{-?\s*\.?([\w.-]{1,100})\s*-?\}\}"  # charts and templates
    r"|\$\{([A-Za-z_]\w{0,99})(?::?[-=]([^${}]{0,300}))?\}"  # shells and compose files, with a default
    r"|\$[({]([A-Za-z_][\w.]{0,99})[)}]"  # Makefiles, Kubernetes, Terraform
    r"|\$([A-Za-z_]\w{0,99})"
)
_LEFT = re.compile(r"\$[{(\w@*#?!]|\$\$|\{\{|\{%|`|%\(|%[A-Za-z_]\w*%|^<.*>$|^__\w+__$|^@\w+@$")
_ROUNDS = 6
_CANDIDATES = 32
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its variables filled in."""

    text: str
    line: int
    """Where it is written: that of the variable when the text is nothing but one; 0 when that is not known."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a text can be once its variables are filled in."""

    texts: tuple[Text, ...] = ()
    why: str = ""
    """Why it can't be told; empty when it can."""


@dataclass(slots=True)
class Variables:
    """What a file sets."""

    _values: dict[str, list[Text]] = field(default_factory=dict)

    def set(self, name: str, value: str, line: int) -> None:
        """Note a value; a name may have several."""
        held = self._values.setdefault(name, [])
        if len(held) < _CANDIDATES and len(value) <= _LONGEST and all(value != each.text for each in held):
            held.append(Text(value, line))

    def expand(self, text: str, line: int = 0) -> Expansion:
        """Fill in the variables of a text, in few rounds, with few candidates, so that no nest of them takes long.

        Args:
            text: As written.
            line: In which.
        """
        candidates = [Text(text, line)]
        for _ in range(_ROUNDS):
            following = [filled for each in candidates for filled in self._filled(each)]
            if following == candidates:
                break
            candidates = list(dict.fromkeys(following))[:_CANDIDATES]
        told = tuple(each for each in candidates if not _LEFT.search(each.text))
        return Expansion(told) if told else Expansion(why=_why(candidates[0].text))

    def _filled(self, text: Text) -> list[Text]:
        """Fill in the first variable; gives the text itself when there is none, or nothing is known of it."""
        use = _USE.search(text.text) if len(text.text) <= _LONGEST else None
        if use is None:
            return [text]
        workflow, chart, shell, default, make, plain = use.groups()
        name = workflow or chart or shell or make or plain or ""
        values = self._values.get(name) or self._values.get(name.rsplit(".", 1)[-1])
        if values is None:
            if default is None:
                return [text]
            values = [Text(default.strip("\"'"), text.line)]
        before, after = text.text[: use.start()], text.text[use.end() :]
        return [Text(before + each.text + after, text.line if before or after else each.line) for each in values]


def _why(text: str) -> str:
    use = _USE.search(text)
    name = next((group for group in use.groups() if group), "") if use else ""
    return f"{name} is not set in this file" if name and not name.isdigit() else "only known when it runs"
