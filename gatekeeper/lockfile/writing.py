"""`Lock` → text, line by line, so that comments, blank lines and the lines of other models stay as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from gatekeeper.atomic import atomic_write
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.lock import LOCK_VERSION, Lock, LockedFile, LockedModel
from gatekeeper.lockfile.places import find_lock
from gatekeeper.lockfile.reading import load_toml, parse, read, read_text
from gatekeeper.text import printable, quoted

_PREAMBLE = (
    "# Models as they were pinned. `gatekeeper lock` writes this file and keeps its comments.",
    f"version = {LOCK_VERSION}",
)
_HEADER = re.compile(r"[ \t]*\[.*")
_BLANK = re.compile(r"[ \t]*(?:#.*)?")
_BEFORE_COMMENT = re.compile(r"""(?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*""")
_PLAIN_FILE = re.compile(r'"([\w./+@,~() -]+)" = \{ size = \d+, sha256 = "[0-9a-f]{64}" \}', re.ASCII)
"""A line that is surely one statement, without asking a parser: nearly all lines are of this form."""

_FILES = "files"

Key = tuple[str, bool]
"""Which table: the model's id, and whether it is the one of its files. Sorts as tables are written."""


@dataclass(kw_only=True, slots=True)
class _Statement:
    """One `key = value` with the comments and blank lines above it."""

    key: str
    line: str
    above: list[str] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class _Table:
    """One `[table]` of the file: a model's, or that of its files."""

    key: Key
    header: str
    above: list[str] = field(default_factory=list)
    """Comments right above the header."""

    statements: list[_Statement] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    """Comments and blank lines after the last statement."""


def find(start: Path | None = None) -> Path | None:
    """Give the nearest lock at or above a folder (None: the current one), not above the repository, or None."""
    found = find_lock(str(start) if start else "")
    return Path(found) if found else None


def dump(lock: Lock, *, over: str = "") -> str:
    """Write a lock as text.

    Args:
        lock: All of it.
        over: The text that it replaces: comments, blank lines and lines whose value stays are kept as they are.

    Returns:
        The text; `parse` gives the lock again, and writing it over itself changes nothing.

    Raises:
        InputError: When `over` is no lock, or holds an entry that can't be changed line by line.
    """
    preamble, tables = _take_apart(over) if over.strip() else (list(_PREAMBLE), {})
    _drop(tables, {model.id for model in lock.models}, preamble)
    kept = []
    for model in lock.models:
        for key, header, wanted in _tables_of(model):
            table = tables.get(key) or _Table(key=key, header=header)
            table.statements = _merged(table.statements, wanted, by_name=key[1])
            kept.append(table)
    return _put_together(preamble, sorted(kept, key=lambda table: table.key))


def write(path: Path, lock: Lock) -> None:
    """Write a lock to its file at once, over what is there.

    Raises:
        InputError: When the file that is there is no lock, or can't be written.
    """
    with _alone(path.parent):
        _replace(path, lock)


def edit(path: Path, change: Callable[[Lock], Lock]) -> Lock:
    """Read a lock, change it and write it, while no other `edit` of the same folder does.

    Args:
        path: The file; when it is missing, `change` is given an empty lock.
        change: Gives the new lock; what it raises leaves the file as it was.

    Raises:
        InputError: When the file that is there is no lock, or can't be written.
    """
    with _alone(path.parent):
        try:
            before = read(path)
        except NotFoundError:
            before = Lock()
        after = change(before)
        if after != before or not path.exists():
            _replace(path, after)
        return after


def with_model(lock: Lock, model: LockedModel) -> Lock:
    """Add an entry, or put it in the place of the one with its id."""
    others = [each for each in lock.models if each.id != model.id]
    return replace(lock, models=tuple(sorted([*others, model], key=lambda each: each.id)))


def without_model(lock: Lock, id: str) -> Lock:
    """Take an entry out."""
    return replace(lock, models=tuple(each for each in lock.models if each.id != id))


def _replace(path: Path, lock: Lock) -> None:
    try:
        over = read_text(path)
    except NotFoundError:
        over = ""
    text = dump(lock, over=over)
    if text == over:
        return
    # Nothing leaves here that would not be read again: a comment that broke the file would lock everybody out.
    if parse(text, source=str(path)) != lock:
        raise InputError(f"{printable(str(path))} can't be changed in place", hint="delete it and lock the models anew")
    try:
        atomic_write(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{printable(str(path))} can't be written: {error.strerror}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other writers of locks in a folder waiting; they lock the folder, as the file itself is replaced."""
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{printable(str(folder))} can't be opened: {error.strerror}") from error
    try:
        # Some network file systems know no locks; a lost entry there is one that `gate --locked` misses aloud.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _tables_of(model: LockedModel) -> Iterator[tuple[Key, str, dict[str, str]]]:
    """Give both tables of a model: their keys, their headers and the lines that they must hold."""
    id = quoted(model.id)
    yield (model.id, False), f"[models.{id}]", {key: f"{key} = {value}" for key, value in _values(model).items()}
    files = {file.path: f"{quoted(file.path)} = {_file(file)}" for file in model.files}
    yield (model.id, True), f"[models.{id}.{_FILES}]", files


def _values(model: LockedModel) -> dict[str, str]:
    """Give key → value as TOML, in the order of the file."""
    values = {
        "commit": quoted(model.commit),
        "digest": quoted(f"sha256:{model.digest}"),
        "kind": quoted(model.kind),
    }
    if model.signer:
        values["signer"] = quoted(model.signer)
    if model.base:
        values["base"] = quoted(str(model.base))
    values["policy"] = quoted(model.policy)
    values["verdict"] = quoted(model.verdict)
    values["decided"] = model.decided_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    if model.exclude:
        values["exclude"] = f"[{', '.join(map(quoted, model.exclude))}]"
    return values


def _file(file: LockedFile) -> str:
    return f"{{ size = {file.size}, sha256 = {quoted(file.sha256)} }}"


def _merged(present: list[_Statement], wanted: Mapping[str, str], *, by_name: bool) -> list[_Statement]:
    """Give the statements that must be there: those that are, with their comments, and new ones."""
    found = {statement.key: statement for statement in present}
    result = []
    for key, line in wanted.items():
        statement = found.get(key)
        if statement is None:
            statement = _Statement(key=key, line=line)
        elif line != statement.line and load_toml(line, "") != load_toml(statement.line, ""):
            ahead = _BEFORE_COMMENT.match(statement.line)
            comment = statement.line[ahead.end() if ahead else 0 :]
            statement.line = f"{line}  {comment}" if comment else line
        result.append(statement)
    return sorted(result, key=lambda statement: statement.key) if by_name else result


def _drop(tables: dict[Key, _Table], ids: Set[str], preamble: list[str]) -> None:
    """Take out the tables of other models; comments that a blank line parts from them stay, with what is above."""
    above = preamble
    for key, table in list(tables.items()):
        if key[0] in ids:
            above = table.tail
            continue
        start = next((number for number, line in enumerate(table.tail) if not line.strip()), len(table.tail))
        if any(line.strip() for line in table.tail[start:]):
            above += table.tail[start:]
        del tables[key]


def _put_together(preamble: Sequence[str], tables: Sequence[_Table]) -> str:
    lines = list(preamble)
    for table in tables:
        if lines and lines[-1].strip():
            lines.append("")
        lines += [*table.above, table.header]
        for statement in table.statements:
            lines += [*statement.above, statement.line]
        lines += table.tail
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines) + "\n"


def _take_apart(text: str) -> tuple[list[str], dict[Key, _Table]]:
    """Part a lock into what stands before its tables, and the tables.

    Raises:
        InputError: When it is no lock, or not written with one statement a line.
    """
    parse(text)
    preamble: list[str] = []
    tables: dict[Key, _Table] = {}
    table: _Table | None = None
    waiting: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if _BLANK.fullmatch(line):
            waiting.append(line)
        elif _HEADER.fullmatch(line):
            tail, above = _attached(waiting)
            (table.tail if table else preamble).extend(tail)
            table = _Table(key=_table_key(line, number), header=line, above=above)
            if table.key in tables:
                raise _unsplit(number)
            tables[table.key], waiting = table, []
        elif table is None:
            preamble += [*waiting, line]
            waiting = []
        else:
            table.statements.append(_Statement(key=_statement_key(line, number), line=line, above=waiting))
            waiting = []
    (table.tail if table else preamble).extend(waiting)
    return preamble, tables


def _attached(lines: list[str]) -> tuple[list[str], list[str]]:
    """Part lines before a header into those of the table above, and the comments that stand right on the header."""
    start = len(lines)
    while start and lines[start - 1].strip():
        start -= 1
    return lines[:start], lines[start:]


def _table_key(line: str, number: int) -> Key:
    try:
        table = load_toml(line, "")
    except InputError:
        raise _unsplit(number) from None
    match table:
        case {"models": dict() as models} if len(models) == 1:
            (id, inner), *_ = models.items()
            if inner in ({}, {_FILES: {}}) and isinstance(inner, dict):
                return id, bool(inner)
    raise _unsplit(number)


def _statement_key(line: str, number: int) -> str:
    plain = _PLAIN_FILE.fullmatch(line)
    if plain:
        return plain[1]
    try:
        (key,) = load_toml(line, "")
    except (InputError, ValueError):
        raise _unsplit(number) from None
    return key


def _unsplit(number: int) -> InputError:
    return InputError(
        f"line {number} of the lock is in a form that can't be changed in place",
        hint="write one statement a line, as `gatekeeper lock` does, or delete the model's entry and lock it again",
    )
