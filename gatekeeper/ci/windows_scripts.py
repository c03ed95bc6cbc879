"""Scripts for Windows, PowerShell and batch files → the same commands in the words of a shell, line for line.

Only what names models is carried over: programs with their arguments, variables, and lines that go on. Sources: "about
Parsing", "about Environment Variables" and "about Special Characters" of PowerShell's reference, and `set` and `cmd` of
Windows' commands.
"""

from __future__ import annotations

import re

from gatekeeper.ci.extractor import ending

_ENDINGS = frozenset({".bat", ".cmd", ".ps1", ".psm1"})

_REMARK = re.compile(r"<#.*?(?:#>|\Z)", re.DOTALL)
_SET = re.compile(r"^([ \t]*)\$(?:(?i:env|global|script|local):)?(\w{1,100})[ \t]*=[ \t]*(?=[\"'\w$])", re.MULTILINE)
_USE = re.compile(r"\$\{?(?i:env|global|script|local):(\w{1,100})\}?")

_BATCH_REMARK = re.compile(r"^([ \t]*)(?:@?rem\b|::)", re.MULTILINE | re.IGNORECASE)
_BATCH_SET = re.compile(
    r"^([ \t]*)@?set[ \t]+(?:\"(\w{1,100})=([^\"\r\n]*)\"|(\w{1,100})=([^&|\r\n]*))", re.MULTILINE | re.IGNORECASE
)
_BATCH_USE = re.compile(r"[%!](\w{1,100})[%!]")
_BATCH_ARGUMENT = re.compile(r"%~?([0-9*])")

_PATH = re.compile(r"(?<![\w./\\:%$}-])(?=[\w.-]{1,100}\\)(?!\.{1,2}\\)")
_PROGRAM = re.compile(r"(?<=\w)\.(?:exe|cmd|bat)\b", re.IGNORECASE)


def is_for_windows(path: str) -> bool:
    """Whether a file of this name is such a script."""
    return ending(path) in _ENDINGS


def as_shell(text: str, path: str) -> str:
    """Write a script in the words of a shell; line numbers stay what they are.

    Args:
        text: Of the script.
        path: Its name, by which the language is told.
    """
    batch = ending(path) in {".bat", ".cmd"}
    text = _batch(text) if batch else _powershell(text)
    return _PROGRAM.sub("", text)


def _powershell(text: str) -> str:
    text = _REMARK.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _slashed(text).replace("`", "\\")
    text = _SET.sub(r"\1\2=", text)
    return _USE.sub(r"${\1}", text)


def _batch(text: str) -> str:
    text = _slashed(_BATCH_REMARK.sub(r"\1#", text)).replace("^", "\\")
    text = _BATCH_SET.sub(_assigned, text)
    return _BATCH_ARGUMENT.sub(r"$\1", _BATCH_USE.sub(r"${\1}", text))


def _assigned(found: re.Match[str]) -> str:
    name, value = (found[2], found[3]) if found[2] else (found[4], found[5].strip())
    return f'{found[1]}{name}="{value}"'.replace('""', '"')


def _slashed(text: str) -> str:
    r"""Write paths with slashes; `models\tiny` is a folder and would be taken for the name of a model."""
    return _PATH.sub("./", text).replace("\\", "/") if "\\" in text else text
