"""Where the built-in policies and their tests lie: in the package once installed, at the root of a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

BUILTIN_POLICIES = ("default", "strict")
"""Policies that can be named instead of a path."""


def read(name: str) -> bytes:
    """Give the bytes of a built-in policy.

    Raises:
        KeyError: When there is none of that name.
    """
    if name not in BUILTIN_POLICIES:
        raise KeyError(name)
    return _folder().joinpath(f"{name}.yaml").read_bytes()


def read_tests(name: str) -> tuple[tuple[str, bytes], ...]:
    """Give name and bytes of the test files of a built-in policy."""
    return ((f"tests/{name}.yaml", _folder().joinpath("tests", f"{name}.yaml").read_bytes()),)


def _folder() -> Traversable:
    packaged = files("gatekeeper").joinpath("policies")
    # A wheel carries the folder inside the package (pyproject.toml, force-include); a checkout has it at the root.
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "policies"
