"""Noun → JSON Schema (draft 2020-12) of what `encode` writes of it."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, cast, get_args, get_origin

from gatekeeper.codec.dialect import DAY, NON_FINITE, Dialect, entries
from gatekeeper.codec.reading import alternatives, lengths
from gatekeeper.codec.writing import label
from gatekeeper.evidence import FactValue


def inline_schema(noun: Any, dialect: Dialect) -> dict[str, Any]:
    """Give the schema of a noun in one piece, with a description of each noun and no more words."""
    return _Maker(dialect, None).shape(noun)


def described_schema(noun: Any, dialect: Dialect) -> dict[str, Any]:
    """Give the schema of a noun as a reference into its `$defs`, which say of each field what its docstring says.

    Raises:
        OSError: When the nouns' source can't be read, since descriptions come from it.
    """
    definitions: dict[str, Any] = {}
    root = _Maker(dialect, definitions).shape(noun)
    return {**root, "$defs": dict(sorted(definitions.items()))}


def schema_document(name: str, title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put the head of a published document onto a schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gatekeeper:schema:{name}",
        "title": title,
        **schema,
    }


def schema_text(document: Mapping[str, Any]) -> str:
    """Write a published schema."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Maker:
    """Makes schemas.

    Args:
        dialect: How the nouns are written.
        definitions: Where nouns, enumerations and facts are defined; None to write each where it stands.
    """

    def __init__(self, dialect: Dialect, definitions: dict[str, Any] | None) -> None:
        self._dialect = dialect
        self._definitions = definitions
        self._scalars: dict[Any, dict[str, Any]] = {
            str: {"type": "string"},
            int: {"type": "integer"},
            bool: {"type": "boolean"},
            float: {"anyOf": [{"type": "number"}, _NON_FINITE]} if dialect.has_non_finite else {"type": "number"},
            type(None): {"type": "null"},
            datetime: {"type": "string", "format": "date-time", "pattern": f"^{dialect.moment.pattern}$"},
            date: {"type": "string", "format": "date", "pattern": f"^{DAY}$"},
        }

    def shape(self, hint: Any) -> dict[str, Any]:
        """Give the schema of one type."""
        if get_origin(hint) is Annotated:
            return {"type": "string", "pattern": f"^{get_args(hint)[1]}$"}
        if hint == FactValue:
            return self._defined("FactValue", self._fact)
        if parts := alternatives(hint):
            return {"anyOf": [self.shape(part) for part in parts]}
        if get_origin(hint) is tuple:
            return self._tuple(hint)
        if get_origin(hint) is Mapping:
            return {"type": "object", "additionalProperties": self.shape(get_args(hint)[1])}
        if hint in self._scalars:
            return dict(self._scalars[hint])
        make = self._noun if is_dataclass(hint) else self._words
        return self._defined(hint.__name__, lambda: make(hint))

    def _tuple(self, hint: Any) -> dict[str, Any]:
        if parts := lengths(hint):
            shapes = [self.shape(part) for part in parts]
            return {"type": "array", "prefixItems": shapes, "items": False, "minItems": len(shapes)}
        return {"type": "array", "items": self.shape(get_args(hint)[0])}

    def _defined(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if self._definitions is None:
            return make()
        if name not in self._definitions:
            self._definitions[name] = {}  # holds the place, should a noun ever hold itself
            self._definitions[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    def _noun(self, noun: Any) -> dict[str, Any]:
        known = entries(noun, self._dialect.key)
        said = {} if self._definitions is None else _docstrings(noun)
        properties = {entry.key: self.shape(entry.hint) for entry in known}
        for entry in known:
            if entry.name in said:
                properties[entry.key]["description"] = said[entry.name]
        closed = {} if self._dialect.is_open else {"additionalProperties": False}
        return {
            "type": "object",
            "description": _first_paragraph(noun),
            "properties": properties,
            "required": [each.key for each in known if not (each.has_default and self._dialect.has_defaults)],
            **closed,
        }

    def _words(self, enumeration: type[Enum]) -> dict[str, Any]:
        words = [label(member) for member in enumeration]
        if self._definitions is None:
            return {"type": "string", "enum": words}
        said = _docstrings(enumeration)
        meanings = [f"{label(member)}: {said[member.name]}" for member in enumeration if member.name in said]
        return {"type": "string", "description": "\n".join([_first_paragraph(enumeration), *meanings]), "enum": words}

    def _fact(self) -> dict[str, Any]:
        described = {} if self._definitions is None else {"description": "What a fact may hold."}
        forms = [*_FACTS, _NON_FINITE] if self._dialect.has_non_finite else [*_FACTS]
        return {**described, "anyOf": forms}


def _first_paragraph(noun: Any) -> str:
    return " ".join(inspect.cleandoc(noun.__doc__ or "").split("\n\n")[0].split())


def _docstrings(noun: Any) -> dict[str, str]:
    """Give the strings that stand right under a class's fields or members."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(noun))).body
    body = cast("ast.ClassDef", tree).body
    said: dict[str, str] = {}
    for field, after in pairwise(body):
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            continue
        target = field.target if isinstance(field, ast.AnnAssign) else getattr(field, "targets", [None])[0]
        if isinstance(target, ast.Name):
            said[target.id] = " ".join(str(after.value.value).split())
    return said


_FACTS: tuple[dict[str, Any], ...] = (
    {"type": ["boolean", "number", "string"]},
    {"type": "array", "items": {"type": "string"}},
)
_NON_FINITE: dict[str, Any] = {
    "description": "A number that JSON can't write.",
    "type": "object",
    "properties": {NON_FINITE: {"enum": ["nan", "inf", "-inf"]}},
    "required": [NON_FINITE],
    "additionalProperties": False,
}
