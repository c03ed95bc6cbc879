"""The README shows what the program prints."""

from __future__ import annotations

import re

from click.testing import CliRunner

from gatekeeper.cli.main import COMMANDS, cli
from tests.support.readme import README, remade


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text("utf-8")
    assert remade(text) == text, "remake it with `make docs-write`"


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = re.findall(r"gatekeeper (?!import)(\w[\w-]*)((?: --[\w-]+)*)", README.read_text("utf-8"))
    assert shown
    for name, _ in shown:
        assert name in COMMANDS
        assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0
