"""Packaging: files by which installing what lies in the repo runs or fetches code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.asks.ask import Ask
from gatekeeper.text import printable

_LISTS = re.compile(r"(requirements|constraints)[\w.-]*\.(txt|in)\Z|\A(conda|environment)\.ya?ml\Z|\Apyproject\.toml\Z")
_RUNS = {
    "setup.py": "pip runs it to install the folder",
    "pyproject.toml": "pip runs the build backend that it names to install the folder",
    "Dockerfile": "building the image runs it",
    "Makefile": "make runs it",
}
_ELSEWHERE = re.compile(
    rb"^[^#\n]*?(?P<what>--?(?:extra-)?index-url\b[^\n]*|--?find-links\b[^\n]*|--trusted-host\b[^\n]*"
    rb"|\b(?:git|hg|svn|bzr)\+[a-z+]+:[^\s\"',]+|@\s*(?:https?|file):[^\s\"',]+|^\s*-\s*(?:-e|https?:)[^\n]*"
    rb"|^\s*(?:-e\s|https?://|file:)[^\n]*)",
    re.MULTILINE,
)
_MOST = 10


def is_list(path: PurePosixPath) -> bool:
    """Whether a file lists what is to be installed."""
    return bool(_LISTS.search(path.name))


def placed(path: PurePosixPath) -> str:
    """Say what runs a file when the repo is installed or built; empty when nothing does."""
    if ".github" in path.parts[:-1] or "hooks" in path.parts[:-1]:
        return "an automation may run it"
    return _RUNS.get(path.name, "")


def asks(data: bytes) -> Iterator[Ask]:
    """Find packages that come from elsewhere than the default index.

    Args:
        data: The list.
    """
    for number, match in enumerate(_ELSEWHERE.finditer(data)):
        if number == _MOST:
            return
        shown = printable(match["what"].decode("utf-8", "replace").strip(), 160)
        yield Ask(slug="installs-elsewhere", message=f"installing what it lists fetches from elsewhere: {shown!r}",
                  detail=shown)  # fmt: skip
