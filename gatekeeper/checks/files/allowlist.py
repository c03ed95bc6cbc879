"""The reviewed globals: what a pickle may import without a finding, and the reason for each.

The list is data (`allowlist.toml`), one group with one reason at a time, and names every global in full: a prefix
would let in whatever its library re-exports.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_TORCHSCRIPT_TYPES = "__torch__."
"""Types that a TorchScript archive defines for itself. PyTorch's own unpickler looks them up in the archive's code;
no Python module of that name can be imported."""


class Use(StrEnum):
    """How a reviewed global may be used."""

    ANY = "any"
    MADE = "made"
    """A class of which instances are made without its constructor; what that would do was not looked at."""

    WALKED = "walked"
    """A function that unpickles its argument, which our walk follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """Why a global may stand in a pickle."""

    reason: str
    """What was found when somebody looked at it."""

    text: bool
    """Whether honest arguments are any text or bytes, so that their look says nothing."""

    overrules: str
    """Scanners that call the whole module dangerous, this global with it; empty for nearly all."""

    use: Use


@cache
def reviewed() -> dict[str, Reviewed]:
    """Give every reviewed global by its name, `module.attribute`."""
    data = tomllib.loads(Path(__file__).with_name("allowlist.toml").read_text(encoding="utf-8"))
    named = {
        name: Reviewed(
            reason=group["reason"],
            text=group.get("text", False),
            overrules=group.get("overrules", ""),
            use=Use(group.get("use", "any")),
        )
        for group in data["reviewed"]
        for name in group["globals"]
    }
    return {**_plain_classes(), **named}


def _plain_classes() -> dict[str, Reviewed]:
    """Give the classes that are reviewed by one rule, which the head of their file tells."""
    text = Path(__file__).with_name("plain_classes.txt").read_text(encoding="utf-8")
    lines = (line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {f"{module}.{name}": _PLAIN for module, names in lines for name in names.split()}


_PLAIN = Reviewed(
    reason="A plain class: an instance is made without a call of its constructor, and its state is attributes.",
    text=True,
    overrules="",
    use=Use.MADE,
)


def is_reviewed(name: str, *, torchscript: bool = False, walked: bool = False) -> bool:
    """Whether a pickle may import this global.

    Args:
        name: `module.attribute`.
        torchscript: Whether the pickle lies in a TorchScript archive.
        walked: Whether our own walk saw how it is used, and does not object.
    """
    known = reviewed().get(name)
    if known is not None:
        return walked or known.use is Use.ANY
    return torchscript and name.startswith(_TORCHSCRIPT_TYPES)
