"""Statements of in-toto: who they are about, by name and digest, and what they say.

Source: https://github.com/in-toto/attestation, spec/v1 (Statement, ResourceDescriptor, DigestSet).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import strict
from gatekeeper.text import plural, printable

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

VSA = "https://slsa.dev/verification_summary/v1"
"""Predicate: the summary of a verification, for any consumer of SLSA."""

DECISION = "urn:gatekeeper:predicate:gate-decision:v1"
"""Predicate: a decision of gatekeeper, with its reasons."""

APPROVAL = "urn:gatekeeper:predicate:approval:v1"
"""Predicate: a person's sign-off."""

OMS = "https://model_signing/signature/v1.0"
"""Predicate: a publisher's signature over the files of a model (OpenSSF Model Signing)."""

_STATEMENT = frozenset({"_type", "subject", "predicateType", "predicate"})
_SUBJECT = frozenset({"name", "digest"})
_HEX = re.compile(r"[0-9a-f]+\Z")
_DIGITS = {"sha1": 40, "gitCommit": 40, "sha256": 64, "sha384": 96, "sha512": 128}
"""Algorithm → hexadecimal digits of its digests."""


_LONG = 256
"""Characters of an algorithm's name or of a digest that nobody exceeds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementSubject:
    """Something that a statement is about."""

    name: str
    """For files their path, with slashes. Hostile until the signature held."""

    digest: Mapping[str, str]
    """Algorithm, as in-toto spells it → value: hexadecimal, lower case, for algorithms that are known here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What is said about which bytes."""

    subjects: tuple[StatementSubject, ...]
    """At least one; each name stands once."""

    predicate_type: str
    """URI."""

    predicate: Mapping[str, Any]


def statement_json(statement: Statement) -> bytes:
    """Write a statement in its one canonical form: sorted keys, no blanks, UTF-8.

    Raises:
        InputError: When a text in it is no Unicode (a file's name can be), or a number is not finite.
    """
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": each.name, "digest": dict(each.digest)} for each in statement.subjects],
        "predicateType": statement.predicate_type,
        "predicate": statement.predicate,
    }
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except ValueError as error:  # UnicodeEncodeError is one
        raise InputError(
            f"this can't be said in a statement: {printable(str(error), 120)}",
            hint="names of files must be Unicode; leave the file out with --exclude",
        ) from error


def parse_statement(payload: bytes) -> Statement:
    """Read the payload of an envelope whose signature held.

    Raises:
        SignatureError: When it is malformed or too large, or of another type or version (`other-type`).
    """
    document = strict.load(payload, "the statement")
    kind = document.get("_type")
    if isinstance(kind, str) and kind != STATEMENT_TYPE:
        raise SignatureError(
            f"this is {printable(kind, 80)!r}, and {STATEMENT_TYPE!r} was expected", refusal=Refusal.OTHER_TYPE
        )
    document = dict(strict.fields(document, "the statement", _STATEMENT))
    strict.text(document["_type"], "the statement's _type")
    predicate = document["predicate"]
    if not isinstance(predicate, Mapping):
        raise strict.malformed("the statement's predicate is no JSON object")
    return Statement(
        subjects=_subjects(strict.items(document["subject"], "the statement's subject")),
        predicate_type=strict.text(document["predicateType"], "the statement's predicateType"),
        predicate=predicate,
    )


def _subjects(values: list[Any]) -> tuple[StatementSubject, ...]:
    if not values:
        raise strict.malformed("the statement is about nothing: it has no subject")
    if len(values) > DEFAULT_LIMITS.statement_subjects:
        raise SignatureError(
            f"the statement has more than {plural(DEFAULT_LIMITS.statement_subjects, 'subject')} (statement_subjects)",
            refusal=Refusal.TOO_LARGE,
        )
    subjects = tuple(_subject(each) for each in values)
    seen: set[str] = set()
    for each in subjects:
        if each.name in seen:
            raise strict.malformed(f"the statement names {printable(each.name, 80)!r} twice")
        seen.add(each.name)
    return subjects


def _subject(value: object) -> StatementSubject:
    value = strict.fields(value, "a subject of the statement", _SUBJECT)
    name = strict.text(value["name"], "a subject's name", DEFAULT_LIMITS.path_bytes)
    digest = value["digest"]
    if not isinstance(digest, Mapping) or not digest:
        raise strict.malformed(f"{printable(name, 80)!r} has no digest")
    for algorithm, digits in digest.items():
        if problem := _problem(algorithm, digits):
            raise strict.malformed(f"a digest of {printable(name, 80)!r} {problem}")
    return StatementSubject(name=name, digest=dict(digest))


def _problem(algorithm: str, digits: object) -> str:
    """Say what is wrong with one entry of a digest set; empty when nothing is."""
    if len(algorithm) > _LONG or not isinstance(digits, str) or len(digits) > _LONG:
        return f"is no text, or longer than {_LONG} characters"
    length = _DIGITS.get(algorithm)
    if length is not None and (len(digits) != length or not _HEX.match(digits)):
        return f"is none of {algorithm}: {length} digits, in lower case"
    return ""
