"""Failure cases read from files, strictly, and the schema of such a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from gatekeeper.codec import Fault, ShapeError, decode, encode
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.patch.case import CASE, CASE_VERSION, CaseDocument, FailureCase, Message, Role
from gatekeeper.tensors.language import Prompt
from gatekeeper.text import plural, printable

CASE_SCHEMA = f"failure-case-{CASE_VERSION}.json"
"""Name of the published schema, beside this module."""

_HINT = f"docs/patcher.md shows one, and {CASE_SCHEMA} is its schema"


def load_cases(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> tuple[FailureCase, ...]:
    """Read failure cases: one JSON object a file, or one a line in a file whose name ends in `.jsonl`.

    Args:
        paths: Files, in the order in which the cases are numbered.
        limits: Bounds of files and cases.

    Raises:
        InputError: When one can't be read or is no failure case, or is given twice; the message names file and line.
        LimitError: When there are too many, or a file is too large.
    """
    found: dict[str, FailureCase] = {}
    for path in paths:
        for where, data in _parts(path, limits):
            case = read_case(data, where)
            if case.sha256 in found:
                raise InputError(f"{where}: the same failure was given before", hint="give each failure once")
            found[case.sha256] = case
            if len(found) > limits.failure_cases:
                raise LimitError(f"more than {plural(limits.failure_cases, 'failure')} (failure_cases)")
    return tuple(found.values())


def read_case(data: bytes, where: str) -> FailureCase:
    """Read one failure case.

    Args:
        data: JSON, already bounded.
        where: What to call it in a message, printable.

    Raises:
        InputError: When it is none.
    """
    try:
        raw = load_json_object(data, depth=DEFAULT_LIMITS.json_depth)
        document = decode(CaseDocument, raw, CASE)
    except ParseError as error:
        raise InputError(f"{where}: {error}", hint=_HINT) from error
    except ShapeError as error:
        place = error.place.removeprefix(".") or "the case"
        raise InputError(f"{where}: {place}: {_told(error)}", hint=_HINT) from error
    if why := _objection(document):
        raise InputError(f"{where}: {why}", hint=_HINT)
    return FailureCase(
        prompt=_prompt(document),
        response=document.response,
        corrected=document.corrected,
        decoding=document.decoding,
        seen_at=document.seen_at,
        seen_where=document.seen_where,
    )


def case_to_json(case: FailureCase) -> str:
    """Write a failure case; `load_cases` reads it back as it was."""
    return json.dumps(encode(case.document, CASE), indent=2, ensure_ascii=True) + "\n"


def case_schema() -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of a failure case."""
    return cast("dict[str, Any]", json.loads(Path(__file__).with_name(CASE_SCHEMA).read_bytes()))


def generate_case_schema() -> dict[str, Any]:
    """Make the schema from the nouns: what should be published."""
    from gatekeeper.codec.schema import described_schema, schema_document

    schema = described_schema(CaseDocument, CASE)
    schema["$defs"]["CaseDocument"]["properties"]["schema_version"]["const"] = CASE_VERSION
    return schema_document(CASE_SCHEMA.removesuffix(".json"), f"gatekeeper failure case {CASE_VERSION}", schema)


def _parts(path: Path, limits: Limits) -> list[tuple[str, bytes]]:
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(limits.failure_bytes + 1)
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror or type(error).__name__}") from error
    if len(data) > limits.failure_bytes:
        raise LimitError(f"{shown} has more than {plural(limits.failure_bytes, 'byte')} (failure_bytes)")
    if path.suffix != ".jsonl":
        return [(shown, data)]
    lines = [(f"{shown}:{number}", line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise InputError(f"{shown} holds no failure case", hint=_HINT)
    return lines


def _objection(document: CaseDocument) -> str:
    """Say why a document that has the right shape is no failure case; empty when it is one."""
    if document.schema_version != CASE_VERSION:
        return f"schema_version {printable(document.schema_version, 40)!r} is not {CASE_VERSION}"
    if not isinstance(document.prompt, str):
        if why := _disorder(document.prompt):
            return why
        if document.system:
            return "system stands beside a conversation; put it into the conversation's first message"
    if not _prompt(document).text.strip():
        return "the prompt is empty"
    if not document.response.strip():
        return "the response is empty: there is nothing that the model should not have said"
    if document.response.strip() == document.corrected.strip():
        return "the corrected response is the response itself"
    return ""


def _disorder(messages: tuple[Message, ...]) -> str:
    turns = messages[1:] if messages and messages[0].role is Role.SYSTEM else messages
    if not turns or turns[-1].role is not Role.USER:
        return "the conversation does not end with the user's request"
    if any(message.role is Role.SYSTEM for message in turns):
        return "only the first message may be the system's"
    if any(one.role is other.role for one, other in pairwise(turns)):
        return "user and assistant do not take turns"
    return ""


def _prompt(document: CaseDocument) -> Prompt:
    if isinstance(document.prompt, str):
        return Prompt(text=document.prompt, system=document.system)
    *earlier, last = document.prompt
    prompt = Prompt(text=last.content)
    if earlier and earlier[0].role is Role.SYSTEM:
        prompt = replace(prompt, system=earlier.pop(0).content)
    return replace(prompt, before=tuple((message.role.value, message.content) for message in earlier))


_WORDS: dict[Fault, Callable[[ShapeError], str]] = {
    Fault.MISSING: lambda error: f"{error.quoted} is missing",
    Fault.UNKNOWN: lambda error: f"there is no key {error.quoted}",
    Fault.WORD: lambda error: f"{error.quoted} is none of {', '.join(error.expected)}",
    Fault.FORM: lambda error: f"{error.quoted} is no time with its offset, as 2026-11-23T10:00:00Z",
    Fault.CALENDAR: lambda error: f"{error.quoted} is no day of the calendar",
}
"""Of what is wrong in other ways nothing more is told than where."""


def _told(error: ShapeError) -> str:
    words = _WORDS.get(error.fault)
    return words(error) if words else "a value of another type was expected"
