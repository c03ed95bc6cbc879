"""Defaults from `[tool.gatekeeper]` of the nearest pyproject.toml; flags and the environment come before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gatekeeper.errors import InputError

SETTINGS: dict[str, type] = {
    "policy": str,
    "format": str,
    "out": str,
    "cache_dir": str,
    "jobs": int,
    "offline": bool,
    "metadata_only": bool,
    "only": list,
    "skip": list,
    "verbose": bool,
    "quiet": bool,
}
"""Option → type, as TOML has it."""

_PARAMETERS = {"format": "format_"}
"""Settings whose click parameter has another name."""

_COMMANDS = frozenset({"gate", "scan", "report", "demo", "doctor"})


def default_map(command: str) -> dict[str, dict[str, Any]]:
    """Give click the defaults for one command.

    Raises:
        InputError: When the table holds an unknown key or a value of the wrong type.
    """
    if command not in _COMMANDS:
        return {}
    found = settings_file(Path.cwd())
    return {command: _read(found)} if found else {}


def settings_file(folder: Path) -> Path | None:
    """Give the nearest pyproject.toml with settings for this program, or None.

    Raises:
        InputError: When the nearest pyproject.toml can't be read.
    """
    found = _find(folder)
    return found if found and _table(found) else None


def _find(folder: Path) -> Path | None:
    """Give the nearest pyproject.toml, not looking above the repository that the folder is in."""
    for place in (folder, *folder.parents):
        if (place / "pyproject.toml").is_file():
            return place / "pyproject.toml"
        if (place / ".git").exists():
            return None
    return None


def _table(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        tools = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from error
    table = tools.get("gatekeeper", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise InputError(f"{path}: [tool.gatekeeper] is no table")
    return table


def _read(path: Path) -> dict[str, Any]:
    table = _table(path)
    return {_PARAMETERS.get(key, key.replace("-", "_")): _value(path, key, value) for key, value in table.items()}


def _value(path: Path, key: str, value: Any) -> Any:
    expected = SETTINGS.get(key.replace("-", "_"))
    if expected is None:
        known = ", ".join(sorted(name.replace("_", "-") for name in SETTINGS))
        raise InputError(f"{path}: [tool.gatekeeper] has no setting {key!r}", hint=f"settings: {known}")
    if not isinstance(value, expected):
        raise InputError(f"{path}: [tool.gatekeeper] {key} must be a {expected.__name__}")
    if key in {"policy", "cache_dir", "cache-dir"}:
        # A relative path in a file is relative to that file; names of built-in policies stay names.
        beside = path.parent / str(value)
        return str(beside) if beside.exists() else value
    return value
