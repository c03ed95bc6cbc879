"""Populations in files. A file may come from anybody: it is read within bounds, and nothing in it is run."""

from __future__ import annotations

import json
from pathlib import Path

from gatekeeper.codec import DOCUMENT, Fault, ShapeError, decode, encode
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.limits import MIB
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.population import Population
from gatekeeper.text import plural, printable

MAX_BYTES = 4 * MIB
"""Bytes of one file; a population of a hundred members takes a tenth of a megabyte."""

MAX_MEMBERS = 500
"""Adapters in one population."""

MAX_FEATURES = 200
"""Features of one population; an adapter of all linear modules has some fifty. Fits grow with their cube."""

_DEPTH = 8
_HINT = "`gatekeeper calibrate` writes one"


def load(path: Path) -> Population:
    """Read a population from a file.

    Raises:
        NotFoundError: When there is no such file.
        InputError: When it can't be read or is no population.
        LimitError: When it is too large.
    """
    shown = printable(str(path))
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise InputError(f"{shown} is no file", hint=_HINT)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no population at {shown}", hint=_HINT) from error
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}") from error
    return read(data, shown)


def read(data: bytes, where: str) -> Population:
    """Read a population.

    Args:
        data: JSON.
        where: What to call it in a message, printable.

    Raises:
        InputError: When it is none; the message names the place.
        LimitError: When it is too large.
    """
    if len(data) > MAX_BYTES:
        raise LimitError(f"{where} is larger than {MAX_BYTES} bytes")
    try:
        population = decode(Population, load_json_object(data, depth=_DEPTH), DOCUMENT)
    except ParseError as error:
        raise InputError(f"{where}: {error}", hint=_HINT) from error
    except ShapeError as error:
        place = error.place.removeprefix(".") or "the population"
        raise InputError(f"{where}: {place}: {_told(error)}", hint=_HINT) from error
    for what, count, most in (
        ("member", len(population.members), MAX_MEMBERS),
        ("feature", len(population.features), MAX_FEATURES),
    ):
        if count > most:
            raise LimitError(f"{where} has {plural(count, what)}, more than {most}")
    return population


def to_json(population: Population) -> str:
    """Write a population; `read` gives it back. A member stands in one line, so that two files can be compared."""
    raw = encode(population, DOCUMENT)
    members = ",\n".join(f"    {json.dumps(member, ensure_ascii=False)}" for member in raw.pop("members"))
    raw["members"] = []
    text = json.dumps(raw, indent=2, ensure_ascii=False)
    return text.replace('"members": []', f'"members": [\n{members}\n  ]', 1) + "\n"


def _told(error: ShapeError) -> str:
    if error.fault is Fault.MISSING:
        return f"{error.quoted} is missing"
    if error.fault is Fault.UNKNOWN:
        return f"{error.quoted} is no key of a population"
    if error.fault is Fault.REFUSED:
        return error.told
    if error.fault in (Fault.WORD, Fault.FORM):
        return f"{error.quoted} is not one of {', '.join(error.expected)}" if error.fault is Fault.WORD else (
            f"{error.quoted} does not have the form {error.expected[0]}"
        )  # fmt: skip
    return "something else was expected there"
