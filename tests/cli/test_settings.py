"""Every option can be set on the command line, in the environment and in pyproject.toml, in that order."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gatekeeper import lockfile
from gatekeeper.cli.main import COMMANDS, cli
from gatekeeper.cli.settings import NOT_HERE, SETTINGS, _read, asked_format, default_map, setting_of, settings_file
from gatekeeper.errors import InputError

VALUES: dict[type, Any] = {str: "word", Path: "place", int: 3, bool: True, list: ["a", "b"]}
CHOICES = {"bom-spec": "1.7", "format": "json", "init-extends": "strict"}


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = import_module(f"gatekeeper.cli.{name.replace('-', '_')}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", each) for below, each in command.commands.items())
        else:
            yield name, command


OPTIONS = [(name, each) for name, command in commands() for each in command.params if isinstance(each, click.Option)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv("GATEKEEPER_" + name.upper().replace("-", "_"), raising=False)
    return tmp_path


def written(home: Path, key: str, value: Any) -> None:
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    (home / "pyproject.toml").write_text(f"[tool.gatekeeper]\n{key} = {shown}\n")


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=lambda value: getattr(value, "name", value))
def test_every_option_has_a_variable_and_a_setting(name: str, option: click.Option) -> None:
    assert setting_of(option) in {*SETTINGS, *NOT_HERE}, f"{name} {option.name}"


def test_every_setting_belongs_to_an_option() -> None:
    assert {setting_of(option) for _, option in OPTIONS} == {*SETTINGS, *NOT_HERE}


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, each) for name, each in OPTIONS if setting_of(each) not in NOT_HERE],
    ids=lambda value: getattr(value, "name", value),
)
def test_each_setting_reaches_its_option_and_the_environment_beats_it(
    name: str, option: click.Option, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = setting_of(option)
    (home / "place").mkdir()
    (home / "file").write_text("{}")
    is_file = isinstance(option.type, click.Path) and not option.type.dir_okay
    value = CHOICES.get(key, "file" if is_file else VALUES[SETTINGS[key]])
    written(home, key, value)
    given = parsed(name, option)
    expected = Path(home / value) if SETTINGS[key] is Path else tuple(value) if isinstance(value, list) else value
    if key == "approval":
        expected = (home / "a", home / "b")
    assert given == (str(home / value) if key in {"policy", "key"} else expected)
    other = {"format": "text", "init-extends": "default", "jobs": "5"}.get(key, "false" if value is True else None)
    if other is not None:
        monkeypatch.setenv(str(option.envvar), other)
        assert str(parsed(name, option)).lower() == other


def parsed(name: str, option: click.Option) -> Any:
    """Give what the command's function would get for the option."""
    top, *below = name.split()
    command = import_module(f"gatekeeper.cli.{top.replace('-', '_')}").command
    defaults = default_map(command)
    for each in below:
        command, defaults = command.commands[each], defaults.get(each, {})
    words = ["x" for each in command.params if isinstance(each, click.Argument) and each.required]
    context = command.make_context(name, words, default_map=defaults, resilient_parsing=False)
    return context.params[option.name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("polcy = 1", "polcy"),
        ("jobs = true", "whole number"),
        ("jobs = '3'", "whole number"),
        ("offline = 1", "true or false"),
        ("only = 'files/structure'", "list of strings"),
        ("only = [1]", "list of strings"),
        ("out = []", "a string"),
        ("x = ", "pyproject.toml"),
        ("signer-command = 'true'", "any program"),
        ("signer_command = 'true'", "any program"),
    ],
)
def test_what_a_table_may_not_hold_is_refused_by_name(text: str, said: str, home: Path) -> None:
    (home / "pyproject.toml").write_text(f"[tool.gatekeeper]\n{text}\n")
    with pytest.raises(InputError, match=said):
        default_map(import_module("gatekeeper.cli.gate").command)


def test_a_file_without_our_table_sets_nothing(home: Path) -> None:
    (home / "pyproject.toml").write_text("tool = 1\n")
    assert default_map(import_module("gatekeeper.cli.gate").command) == {}


@pytest.mark.parametrize("data", [b"[tool]\ngatekeeper = 1\n", b"\xff\n", b"[tool.gatekeeper"])
def test_a_file_that_can_not_be_read_is_named(data: bytes, home: Path) -> None:
    (home / "pyproject.toml").write_bytes(data)
    with pytest.raises(InputError, match=r"pyproject\.toml"):
        default_map(import_module("gatekeeper.cli.gate").command)


def test_names_of_built_in_policies_stay_names(home: Path) -> None:
    written(home, "policy", "strict")
    assert default_map(import_module("gatekeeper.cli.gate").command)["policy"] == "strict"


def test_a_key_in_the_environment_is_no_path(home: Path) -> None:
    written(home, "key", "env:THE_KEY")
    assert _read(home / "pyproject.toml") == {"key": "env:THE_KEY"}
    written(home, "key", "keys/release.key")
    assert _read(home / "pyproject.toml") == {"key": str(home / "keys/release.key")}


def test_the_nearest_file_counts_and_none_above_the_repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(home, "jobs", 3)
    gate = import_module("gatekeeper.cli.gate").command
    below = home / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert default_map(gate) == {"jobs": 3}
    (home / "a" / ".git").mkdir()
    assert default_map(gate) == {}


def test_outside_of_a_repository_only_the_file_in_the_folder_itself_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write above, as into /tmp, would else choose the policy; the lock is found by the same rule."""
    (home / ".git").rmdir()
    written(home, "jobs", 3)
    (home / "gatekeeper.lock").touch()
    gate = import_module("gatekeeper.cli.gate").command
    below = home / "a" / "b"
    below.mkdir(parents=True)
    assert (default_map(gate), lockfile.find()) == ({"jobs": 3}, home / "gatekeeper.lock")
    monkeypatch.chdir(below)
    assert (default_map(gate), settings_file(below), lockfile.find()) == ({}, None, None)
    assert asked_format(["gate", "x"]) == ""
    (home / ".git").mkdir()
    assert (default_map(gate), lockfile.find()) == ({"jobs": 3}, home / "gatekeeper.lock")


@pytest.mark.parametrize(
    ("arguments", "variable", "expected"),
    [
        (["gate", "x", "--format", "json"], "", "json"),
        (["gate", "x", "--format=json"], "", "json"),
        (["gate", "x", "-fjson"], "", "json"),
        (["gate", "x", "-f", "json", "--jbos"], "", "json"),
        (["gate", "x", "--format", "text"], "json", "text"),
        (["gate", "x"], "json", "json"),
        (["gate", "x"], "", "html"),
    ],
)
def test_the_format_of_an_error_is_the_one_that_was_asked_for(
    arguments: list[str], variable: str, expected: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(home, "format", "html")
    if variable:
        monkeypatch.setenv("GATEKEEPER_FORMAT", variable)
    assert asked_format(arguments) == expected


def test_a_broken_file_does_not_hide_the_error_about_it(home: Path) -> None:
    (home / "pyproject.toml").write_text("[tool.gatekeeper")
    assert asked_format(["gate"]) == ""
    result = CliRunner().invoke(cli, ["gate", "x"], standalone_mode=False)
    assert isinstance(result.exception, InputError)
