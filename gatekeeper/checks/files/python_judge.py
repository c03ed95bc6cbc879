"""One source file judged: what it hides from a reader, and what it does when it is imported or used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.python_calls import Call, calls
from gatekeeper.checks.files.python_names import Deed
from gatekeeper.checks.files.python_source import SourceProblemError, notebook_source, parse_source, read_source
from gatekeeper.limits import Limits
from gatekeeper.text import printable


def judge_python(
    reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, *, asked: bool = True
) -> Iterator[Problem]:
    """Judge a Python file or a notebook.

    Args:
        reader: The file, seekable.
        name: Its path.
        size: Its size in bytes.
        limits: Bounds on the parsing.
        asked: Whether a configuration, a server or an archive's loader would run it.

    Yields:
        Problems by the slugs of `files/python-code`.
    """
    unread = "unread-code" if asked else "unread-script"
    if size > limits.source_bytes:
        yield Problem(slug=unread, message=f"{size} bytes are more than is parsed of a source file")
        return
    reader.seek(0)
    data = reader.read(size)
    try:
        if name.suffix.lower() == ".ipynb":
            text = notebook_source(data, limits)
        else:
            text, problems = read_source(data)
            yield from problems
        found = _distinct(calls(parse_source(text, limits)))
    except SourceProblemError as error:
        yield Problem(slug=unread, message=str(error))
        return
    except RecursionError:
        yield Problem(slug=unread, message="its statements are nested too deeply to be followed")
        return
    yield from _asked(found) if asked else _unasked(found)


def _distinct(found: Iterator[Call]) -> list[Call]:
    """Give one call for each deed and time, with the most telling one first."""
    kept: dict[tuple[Deed, bool, bool, bool], Call] = {}
    for call in found:
        kept.setdefault((call.deed, call.on_import, call.hidden, call.installs), call)
    # A call is met as a name as well; what is known of its arguments says more.
    hidden = {call.line for call in kept.values() if call.hidden}
    told = (call for call in kept.values() if call.hidden or call.line not in hidden)
    return sorted(told, key=lambda call: call.line)


def _asked(found: list[Call]) -> Iterator[Problem]:
    # A call that installs is met twice: as a name and with its words. The words are milder.
    installs = {call.line for call in found if call.installs}
    for call in found:
        slug = _slug(call)
        if slug and not (call.deed is Deed.PROCESS and not call.installs and call.line in installs):
            yield _problem(slug, call)


def _slug(call: Call) -> str:
    if call.hidden:
        return "hidden-payload"
    if call.installs:
        return "installs-packages"
    if call.on_import:
        if call.deed in (Deed.PROCESS, Deed.CODE) or call.name in ("eval", "builtins.eval"):
            return "runs-on-import"
        return "reaches-on-import"
    if call.deed in (Deed.PROCESS, Deed.CODE):
        return "runs-when-used"
    return {Deed.EVALUATES: "evaluates-when-used", Deed.NETWORK: "connects-when-used"}.get(call.deed, "")


def _unasked(found: list[Call]) -> Iterator[Problem]:
    for call in found:
        if call.hidden:
            yield _problem("hidden-script", call)
        elif call.deed is not Deed.WRITES:
            yield _problem("script", call)


def _problem(slug: str, call: Call) -> Problem:
    when = "when it is imported" if call.on_import else "when it is used"
    shown = printable(call.name, 80)
    hidden = ", from what it decodes first" if call.hidden else ""
    message = f"line {call.line}: {when} it {call.deed.value}{hidden} ({shown})"
    return Problem(slug=slug, message=message, detail=f"line {call.line}")
