"""PMML: models of data mining as XML, which call functions by name.

Functions after PMML 4.4, sections "Built-in Functions" and "Functions" (https://dmg.org/pmml/v4-4-1/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.runtimes.xml_elements import read_xml
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_FUNCTIONS = frozenset(
    {
        "+", "-", "*", "/", "min", "max", "sum", "avg", "median", "product", "log10", "ln", "sqrt", "abs", "exp",
        "pow", "threshold", "floor", "ceil", "round", "modulo", "isMissing", "isNotMissing", "isValid", "isNotValid",
        "equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "isIn", "isNotIn", "and",
        "or", "not", "if", "uppercase", "lowercase", "stringLength", "substring", "trimBlanks", "concat", "replace",
        "matches", "formatNumber", "formatDatetime", "dateDaysSinceYear", "dateSecondsSinceYear",
        "dateSecondsSinceMidnight", "normalCDF", "normalPDF", "stdNormalCDF", "stdNormalPDF", "erf", "normalIDF",
        "stdNormalIDF", "expm1", "hypot", "ln1p", "rint", "sin", "asin", "sinh", "cos", "acos", "cosh", "tan", "atan",
        "tanh",
    }
)  # fmt: skip
_MOST_NAMES = 10_000


class _Document:
    """The functions that a document defines and calls."""

    def __init__(self) -> None:
        self.called: dict[str, None] = {}
        self.defined: set[str] = set()
        self.tables: list[str] = []

    def element(self, path: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        """Take one element in."""
        if len(path) == 1 and path[0] != "PMML":
            raise StructureError("malformed", f"its outermost element is {printable(path[0], 40)!r}", offset=0)
        if path[-1] == "Apply":
            self.called[attributes.get("function", "")] = None
        elif path[-1] == "Aggregate":
            return
        elif path[-1] == "DefineFunction":
            self.defined.add(attributes.get("name", ""))
        elif path[-1] == "TableLocator":
            self.tables.append(path[-2] if len(path) > 1 else "")
        if len(self.called) + len(self.defined) > _MOST_NAMES:
            raise UnsupportedError("it has more functions than are looked at")


def judge_pmml(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge which functions a document calls, and whether it takes anything from elsewhere.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `xml_bytes` bounds the work.
    """
    document = _Document()
    try:
        read_xml(reader, size, limits, document.element)
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))
    if document.tables:
        yield Problem(slug="reaches-out", message="it takes values from a table that lies elsewhere (TableLocator)")
    own = [printable(name, 60) for name in document.called if name not in _FUNCTIONS | document.defined]
    if own:
        message = f"functions that PMML does not have and the file does not define: {', '.join(own[:5])}"
        yield Problem(slug="own-operator", message=message, detail=own[0])
