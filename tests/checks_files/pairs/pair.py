"""What a pair is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatekeeper.artifact import Artifact

Subject = Mapping[str, bytes] | Artifact
"""A small repo: path → bytes, or an artifact where the source's own notes matter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A subject on each side of one rule. Both are callables, so that importing the registry builds nothing."""

    fires: Callable[[], Subject]
    """Breaks the rule."""

    near: Callable[[], Subject]
    """Honest and as like the other as can be: the rule's check finds nothing of medium or more in it."""


def one(name: str, fires: Callable[[], bytes], near: Callable[[], bytes], near_name: str = "") -> Pair:
    """A pair of single files under one name, or under two."""
    return Pair(fires=lambda: {name: fires()}, near=lambda: {near_name or name: near()})
