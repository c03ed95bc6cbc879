"""XML read element by element, with nothing in it that could name another file or unfold to more than it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO
from xml.parsers import expat

from gatekeeper.checks.files.problem import StructureError, UnsupportedError
from gatekeeper.limits import Limits

_DEPTH = 100
_PIECE = 1 << 16
_LONGEST = 1 << 20
"""Bytes of one tag, comment or the like."""

Element = Callable[[tuple[str, ...], Mapping[str, str]], None]
"""What is called for each element: its name after those that it lies in, and its attributes."""


def read_xml(reader: BinaryIO, size: int, limits: Limits, element: Element) -> None:
    """Read a document to its end.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `xml_bytes` and `xml_elements` bound the work.
        element: Called for each element, in their order.

    Raises:
        StructureError: `malformed` when it is no well-formed XML or nests deeply, `reaches-out` when it declares a
            document type, which is where entities and other files are named and bombs are made.
        UnsupportedError: When it is larger than is read, or a part of it is.
    """
    if size > limits.xml_bytes:
        raise UnsupportedError(f"{size} bytes of XML are more than xml_bytes allows")
    parser = expat.ParserCreate()
    within: list[str] = []
    left = limits.xml_elements

    def opened(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal left
        left -= 1 + len(attributes)
        if left < 0:
            raise UnsupportedError("it has more elements than are looked at")
        within.append(name.rpartition(":")[2])
        if len(within) > _DEPTH:
            raise StructureError("malformed", "it is nested too deeply", offset=parser.CurrentByteIndex)
        element(tuple(within), attributes)

    def refused(*_: object) -> None:
        message = "it declares a document type, by which XML takes in other files"
        raise StructureError("reaches-out", message, offset=parser.CurrentByteIndex)

    parser.StartElementHandler = opened
    parser.EndElementHandler = lambda _name: within.pop()
    parser.StartDoctypeDeclHandler = refused
    parser.EntityDeclHandler = refused
    reader.seek(0)
    given = 0
    try:
        while piece := reader.read(_PIECE):
            parser.Parse(piece, False)
            given += len(piece)
            if given - parser.CurrentByteIndex > _LONGEST:  # the parser begins such an element anew with each piece
                raise UnsupportedError("one of its elements is longer than is read")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        message = f"it is no well-formed XML: {expat.ErrorString(error.code)}"
        raise StructureError("malformed", message, offset=parser.CurrentByteIndex) from error
