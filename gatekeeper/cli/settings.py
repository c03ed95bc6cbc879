"""Defaults from `[tool.gatekeeper]` of the nearest pyproject.toml; flags and the environment come before them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.options import PREFIX
from gatekeeper.errors import InputError
from gatekeeper.text import printable

SETTINGS: dict[str, type] = {
    "policy": str,
    "approval": list,
    "revision": str,
    "format": str,
    "out": Path,
    "cache-dir": Path,
    "no-cache": bool,
    "jobs": int,
    "offline": bool,
    "metadata-only": bool,
    "deep": bool,
    "lock": Path,
    "locked": bool,
    "exclude": list,
    "only": list,
    "skip": list,
    "verbose": bool,
    "quiet": bool,
    "key": str,
    "signer-public-key": Path,
    "keygen-out": Path,
    "keygen-force": bool,
    "sign-certificate-chain": Path,
    "sign-force": bool,
    "audit-report-out": Path,
    "audit-report-since": Path,
    "audit-report-max-age": str,
    "audit-report-now": str,
    "verifier-id": str,
    "bom-spec": str,
    "bom-out": Path,
    "calibrate-out": Path,
    "convert-key": str,
    "convert-copy-code": bool,
    "approve-expires": str,
    "approve-out": Path,
    "approve-force": bool,
    "demo-out": Path,
    "demo-serve": bool,
    "demo-skip-repair": bool,
    "fetch-flat": bool,
    "fetch-force": bool,
    "explain-controls": bool,
    "init-trust": list,
    "init-deny": list,
    "init-licence": list,
    "init-extends": str,
    "init-name": str,
    "init-out": Path,
    "init-force": bool,
    "lock-update": bool,
    "lock-remove": list,
    "lock-from": list,
    "lock-dry-run": bool,
    "update-to": str,
    "update-write": bool,
    "policy-tests": Path,
    "policy-facts": Path,
    "clean-safe": Path,
    "clean-unsafe": Path,
    "eval-file": Path,
    "localiser": str,
    "passes": int,
    "quantized": bool,
    "show-unsafe-text": bool,
    "device": str,
    "seed": int,
    "patch-out": Path,
    "audit-failures-out": Path,
    "merge-out": Path,
}
"""Key → type, as TOML has it; a `Path` is a string, relative to the file that it stands in."""

NOT_HERE: dict[str, str] = {
    **dict.fromkeys(("signer-command", "judge"), "whoever can change this file could have any program run"),
    **dict.fromkeys(("failure", "base", "resume", "gate-patch", "patch-plan"), "a run is told it anew each time"),
    **dict.fromkeys(("bumps-base", "bumps-head", "bumps-staged"), "each change has its own"),
    **dict.fromkeys(
        (
            *("ci-models", "ci-base-ref", "ci-head-ref", "ci-mode", "ci-fail-on", "ci-comment", "ci-report-dir"),
            "ci-patch",
        ),
        "the change that is judged could choose how",
    ),
    "reference": "each model has one of its own",
    **dict.fromkeys(
        ("calibrate-poisoned", "calibrate-false-alarms", "calibrate-name"),
        "whoever can change this file could choose what counts as honest",
    ),
    **dict.fromkeys(
        ("audit-population", "audit-no-behaviour", "audit-together", "audit-prompts", "merge-verify"),
        "whoever can change this file could choose how little is looked at",
    ),
    **dict.fromkeys(
        ("approve-by", "approve-reason", "approve-ticket", "approve-attestation"),
        "a sign-off says it anew each time",
    ),
    **dict.fromkeys(
        (
            *("admit-attestation", "admit-key", "admit-reference", "admit-resource-uri", "admit-lock"),
            *("admit-policy-digest", "admit-max-age", "admit-level", "admit-approval", "admit-approver-key"),
            *("verify-key", "audit-report-key"),
        ),
        "whoever can change this file could choose whom to believe",
    ),
}
"""Keys that the file may not have, because it may come from a stranger → why."""

_TOML_NAMES: Mapping[type, str] = {
    str: "a string",
    Path: "a string",
    int: "a whole number",
    bool: "true or false",
    list: "a list of strings",
}

Defaults = dict[str, Any]
"""Parameter → default, nested for groups: what click calls a default map."""


def default_map(command: click.Command) -> Defaults:
    """Give click the defaults for a command, or for a group and the commands in it.

    Raises:
        InputError: When the file can't be read, or the table holds an unknown key or a value of the wrong type.
    """
    found = _find(Path.cwd())
    table = _read(found) if found else {}
    return _defaults(command, table) if table else {}


def asked_format(arguments: list[str]) -> str:
    """Say which `--format` is asked for, even where the arguments or the settings can't be parsed."""
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("--format=")]
    given += [argument[2:] for argument in arguments if argument.startswith("-f") and argument != "-f"]
    given += [value for name, value in pairwise(arguments) if name in {"--format", "-f"}]
    if given:
        return given[-1]
    if said := os.environ.get(f"{PREFIX}FORMAT"):
        return said
    try:
        found = _find(Path.cwd())
        return str(_read(found).get("format", "")) if found else ""
    except (InputError, OSError):
        return ""


def _defaults(command: click.Command, table: Mapping[str, Any]) -> Defaults:
    if isinstance(command, click.Group):
        return {name: _defaults(each, table) for name, each in command.commands.items()}
    named = {setting_of(parameter): parameter.name for parameter in command.params}
    return {parameter: table[key] for key, parameter in named.items() if parameter and key in table}


def setting_of(parameter: click.Parameter) -> str:
    """Name the key of a parameter; empty for one that can only be given on the command line."""
    variable = parameter.envvar if isinstance(parameter.envvar, str) else ""
    return variable.removeprefix(PREFIX).lower().replace("_", "-")


def settings_file(folder: Path) -> Path | None:
    """Give the nearest pyproject.toml with settings for this program, or None.

    Raises:
        InputError: When the nearest pyproject.toml can't be read.
    """
    found = _find(folder)
    return found if found and _read(found) else None


def _find(folder: Path) -> Path | None:
    """Give the nearest pyproject.toml, looked for where the lock is."""
    from gatekeeper import lockfile

    found = lockfile.find_above("pyproject.toml", str(folder))
    return Path(found) if found else None


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        tool = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}", hint="mend the file, or run from another folder") from error
    table = tool.get("gatekeeper", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise InputError(f"{path}: tool.gatekeeper must be a table")
    return {key.replace("_", "-"): _value(path, key, value) for key, value in table.items()}


def _value(path: Path, key: str, value: Any) -> Any:
    expected = SETTINGS.get(key.replace("_", "-"))
    if why := NOT_HERE.get(key.replace("_", "-")):
        raise InputError(
            f"{path}: [tool.gatekeeper] may not have {key}: {why}", hint="use the command line or the environment"
        )
    if expected is None:
        raise InputError(
            f"{path}: [tool.gatekeeper] has no setting {printable(key)!r}", hint=f"settings: {', '.join(SETTINGS)}"
        )
    if not _fits(value, expected):
        raise InputError(f"{path}: [tool.gatekeeper] {key} must be {_TOML_NAMES[expected]}")
    if expected is Path:
        return str(path.parent / value)
    if key == "policy":
        return _policy(path, value)
    if key == "approval":
        return [str(path.parent / each) for each in value]
    if key == "key":
        return value if value.startswith("env:") else str(path.parent / value)
    return value


def _fits(value: Any, expected: type) -> bool:
    if expected is list:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return type(value) is (str if expected is Path else expected)


def _policy(path: Path, value: str) -> str:
    """Read a policy as relative to the file that names it; names of built-in policies stay names."""
    from gatekeeper.policy import BUILTIN_POLICIES

    return value if value in BUILTIN_POLICIES else str(path.parent / value)
