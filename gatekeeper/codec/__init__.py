"""Nouns ↔ JSON values, led by the nouns' type hints, and the JSON Schema of the same.

    value = encode(noun, DOCUMENT)
    noun = decode(Noun, value, DOCUMENT)

A noun is a frozen dataclass whose fields hold texts, numbers, truth values, days, times, members of an enumeration,
facts, other nouns, tuples and string-keyed mappings of these, or one of several that JSON tells apart, as None. A text
may be `Annotated` with the pattern that it has to match. A noun may refuse its fields with a ValueError. How a noun
stands in a document is the document's `Dialect`; what readers are told of a value of another shape is made by each
document of a `ShapeError`.

What is decoded comes from `gatekeeper.parsing`, which is strict and bounds its depth and its number of values; the
work here is linear in these. The schema's maker, `gatekeeper.codec.schema`, is imported by those alone who need it.
"""

from gatekeeper.codec.dialect import (
    ANY_OFFSET,
    DAY,
    DOCUMENT,
    NON_FINITE,
    WHOLE_SECONDS,
    Dialect,
    Moment,
    lower_camel,
)
from gatekeeper.codec.faults import Fault, ShapeError
from gatekeeper.codec.reading import decode
from gatekeeper.codec.writing import encode, label

__all__ = [
    "ANY_OFFSET",
    "DAY",
    "DOCUMENT",
    "NON_FINITE",
    "WHOLE_SECONDS",
    "Dialect",
    "Fault",
    "Moment",
    "ShapeError",
    "decode",
    "encode",
    "label",
    "lower_camel",
]
