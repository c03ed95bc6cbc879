"""Rooms whose public names come from modules that are loaded when a name is first asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package.

    A module must not be called as a public name is: Python would put it where the name belongs.

    Args:
        package: Its `__name__`.
        homes: Public name → the module of the package that it comes from.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return load
