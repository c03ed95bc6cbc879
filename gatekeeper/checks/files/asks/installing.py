"""Packaging: files by which installing what lies in the repo runs or fetches code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.asks.ask import Ask
from gatekeeper.checks.files.passages import decoded
from gatekeeper.text import printable

_LISTS = re.compile(r"(requirements|constraints)[\w.-]*\.(txt|in)\Z|\A(conda|environment)\.ya?ml\Z|\Apyproject\.toml\Z")
_RUNS = {
    "setup.py": "pip runs it to install the folder",
    "pyproject.toml": "pip runs the build backend that it names to install the folder",
    "Dockerfile": "building the image runs it",
    "Makefile": "make runs it",
}
_OPTION = re.compile(r"(?:^|[\s\"'-])(?:-e\b|-f\b|-i\b|--(?:editable|find-l|trusted-h|index|extra|pypi-url))")
"""Options of pip that name where packages come from (pip, `cmdoptions.py`), which may be cut short; conda's lists hold
them as items."""

_FROM_SOURCE = re.compile(r"\b(?:git|hg|svn|bzr)\+|\bgit@[\w.-]{1,100}:", re.IGNORECASE)
_DIRECT = re.compile(r"@\s{0,8}(?:https?|ftp|file):", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:(?:https?|ftp)://|\bfile:)[^\s\"',]{0,1000}", re.IGNORECASE)
_MAY = re.compile(r"://|[+@]|file:|--|-[efi]", re.IGNORECASE)
_HOST = re.compile(r"https://([a-z0-9.-]{1,100})(?::443)?(?:/|\Z)", re.IGNORECASE)
_INDEXES = frozenset(
    {"pypi.org", "files.pythonhosted.org", "download.pytorch.org", "pypi.nvidia.com", "conda.anaconda.org",
     "repo.anaconda.com"}
)  # fmt: skip
"""Indexes that the Python and conda communities, PyTorch and NVIDIA keep themselves: named more often than not, and
nobody else can put a package there under a name of theirs."""

_COMMENT = re.compile(r"(?:^|\s)#")
_CONTINUED = re.compile(r"\\\r?\n")
_LINE = 1_000
"""Characters of one line that are looked at: addresses are shorter."""

_MOST = 10


def is_list(path: PurePosixPath) -> bool:
    """Whether a file lists what is to be installed."""
    return bool(_LISTS.search(path.name))


def placed(path: PurePosixPath) -> str:
    """Say what runs a file when the repo is installed or built; empty when nothing does."""
    if ".github" in path.parts[:-1] or "hooks" in path.parts[:-1]:
        return "an automation may run it"
    return _RUNS.get(path.name, "")


def asks(data: bytes, path: PurePosixPath) -> Iterator[Ask]:
    """Find packages that come from elsewhere than an index that a community keeps.

    Args:
        data: The list.
        path: Its path; a `pyproject.toml` holds addresses that nothing is fetched from as well.
    """
    told = 0
    text = _CONTINUED.sub("", decoded(data))
    for line in text.split("\n"):
        if not _MAY.search(line):
            continue
        entry = _COMMENT.split(line[:_LINE], maxsplit=1)[0].strip()
        what = _elsewhere(entry, is_project=path.suffix == ".toml")
        if what:
            shown = printable(entry, 160)
            yield Ask(slug="installs-elsewhere", message=f"installing what it lists {what}: {shown!r}", detail=shown)
            told += 1
            if told == _MOST:
                return


def _elsewhere(entry: str, *, is_project: bool) -> str:
    """Say where a line has something fetched from; empty for a package of the default index."""
    if _FROM_SOURCE.search(entry):
        return "fetches and builds source code from a repository"
    if is_project and not _DIRECT.search(entry):
        return ""
    addresses = _ADDRESS.findall(entry)
    if not all(map(_is_kept, addresses)):
        return "fetches from an address of its own"
    return "fetches from elsewhere than an index" if not addresses and _OPTION.search(entry) else ""


def _is_kept(address: str) -> bool:
    host = _HOST.match(address)
    return host is not None and host[1].lower() in _INDEXES
