"""What importing a name in a pickle means: reviewed, unknown, or dangerous.

A stream below protocol 3 may use the names of Python 2; unpicklers map them to today's, and so does this.
"""

from __future__ import annotations

import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from enum import StrEnum
from functools import cache
from pathlib import Path

from gatekeeper.checks.files.allowlist import Use, reviewed


class Standing(StrEnum):
    """What is known of a global."""

    REVIEWED = "reviewed"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


def standing(module: str, attribute: str, *, called: bool = False, passed: bool = False) -> Standing:
    """Say what is known of a global.

    Args:
        module: As the stream has it.
        attribute: As the stream has it; with dots it is reached through an object, and such names are never
            reviewed: what hangs on a reviewed object was not looked at.
        called: Whether it is called, which runs a class's constructor.
        passed: Whether a call is given it, which could call it in turn.
    """
    names = {(module, attribute), _today(module, attribute)}
    dotted = "." in attribute
    known = [found for one, other in names if not dotted and (found := reviewed().get(f"{one}.{other}"))]
    if any(_allows(found.use, called, passed) for found in known):
        return Standing.REVIEWED
    if any(_is_dangerous(one, other) for one, other in names):
        return Standing.DANGEROUS
    if dotted and any(part in _dangers()[0] or f"builtins.{part}" in _dangers()[1] for part in attribute.split(".")):
        return Standing.DANGEROUS
    return Standing.UNKNOWN


def _allows(use: Use, called: bool, passed: bool) -> bool:
    if use is Use.MADE:
        return not called and not passed
    return use is Use.ANY or (called and not passed)


def _today(module: str, attribute: str) -> tuple[str, str]:
    found = NAME_MAPPING.get((module, attribute))
    return found if found else (IMPORT_MAPPING.get(module, module), attribute)


def _is_dangerous(module: str, attribute: str) -> bool:
    modules, names = _dangers()
    full = f"{module}.{attribute}"
    if full in names:
        return True
    parts = module.split(".")
    return any(".".join(parts[:count]) in modules for count in range(1, len(parts) + 1))


@cache
def _dangers() -> tuple[frozenset[str], frozenset[str]]:
    """Give the dangerous modules and names."""
    groups = tomllib.loads(Path(__file__).with_name("dangers.toml").read_text(encoding="utf-8"))["dangers"]
    modules = frozenset(module for group in groups for module in group.get("modules", ()))
    return modules, frozenset(name for group in groups for name in group.get("globals", ()))
