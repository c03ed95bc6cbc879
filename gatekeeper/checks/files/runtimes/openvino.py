"""OpenVINO's graphs: which operators a `.xml` names, and where its constants lie in the `.bin` beside it.

Layout: docs/articles_en/documentation/openvino-ir-format (versions 10 and 11), and the sources of openvino_tokenizers
for the operators that tokenizers need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.runtimes.spans import Span, judge_spans
from gatekeeper.checks.files.runtimes.xml_elements import read_xml
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_OWN_SETS = re.compile(r"(?:opset[1-9][0-9]?|util|ie_internal_opset)\Z")
"""Sets of operators that OpenVINO brings; others come from libraries that are loaded for them."""

_TOKENIZERS = frozenset(
    {
        "BPETokenizer", "ByteFallback", "BytesToChars", "CaseFold", "CharsMapNormalization", "CharsToBytes",
        "CombineSegments", "EqualStr", "FuzeRagged", "NormalizeUnicode", "RaggedTensorPack", "RaggedToDense",
        "RaggedToRagged", "RaggedToSparse", "RegexNormalization", "RegexSplit", "SentencepieceDetokenizer",
        "SentencepieceStreamDetokenizer", "SentencepieceTokenizer", "SpecialTokensSplit", "StringTensorPack",
        "StringTensorUnpack", "StringToHashBucket", "TrieTokenizer", "Truncate", "UTF8Validate", "UnigramTokenizer",
        "VocabDecoder", "VocabEncoder", "WordpieceTokenizer",
    }
)  # fmt: skip
"""Operators of openvino_tokenizers, by the same authors: they work on texts in memory and touch no file."""

_BITS = {
    **dict.fromkeys(("f32", "i32", "u32"), 32),
    **dict.fromkeys(("f64", "i64", "u64"), 64),
    **dict.fromkeys(("f16", "bf16", "i16", "u16"), 16),
    **dict.fromkeys(("i8", "u8", "boolean", "f8e4m3", "f8e5m2", "f8e8m0"), 8),
    **dict.fromkeys(("i4", "u4", "nf4", "f4e2m1"), 4),
    **{"u1": 1, "u2": 2, "u3": 3, "u6": 6},
}
"""Bits of one value by `element_type`; texts have no fixed width."""

_ALIGNMENT = 64
"""Bytes that a writer may leave between constants, and after the last."""

_VERSIONS = frozenset({"10", "11"})


class _Graph:
    """What one document says, gathered element by element."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._layer = ("", "")
        self.spans: set[Span] = set()
        self.own: dict[str, None] = {}
        self.problems: list[Problem] = []

    def element(self, path: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        """Take one element in."""
        if len(path) == 1 and (path[0] != "net" or attributes.get("version") not in _VERSIONS):
            raise UnsupportedError("it is no graph of version 10 or 11")
        if path[-1] == "layer":
            kind, origin = attributes.get("type", ""), attributes.get("version", "")
            self._layer = (kind, printable(attributes.get("name", ""), 80))
            if not _OWN_SETS.match(origin) and not (origin == "extension" and kind in _TOKENIZERS):
                self.own[f"{printable(kind, 60)} of {printable(origin, 40) or 'no set'}"] = None
        elif path[-1] == "data" and path[-2:-1] == ("layer",) and self._layer[0] == "Const":
            self._constant(attributes)

    def _constant(self, attributes: Mapping[str, str]) -> None:
        name = self._layer[1]
        try:
            start, length = (_number(attributes.get(key, "")) for key in ("offset", "size"))
            extents = [_number(part.strip()) for part in attributes.get("shape", "").split(",") if part.strip()]
        except ValueError:
            self._say(f"the place or shape of constant {name!r} can't be read", name)
            return
        if len(self.spans) >= self._limits.tensors:
            raise UnsupportedError("it has more constants than are looked at")
        self.spans.add(Span(start, length, ""))
        bits = _BITS.get(attributes.get("element_type", ""))
        if bits is not None:
            for extent in extents:
                bits *= extent
            if -(-bits // 8) != length:
                self._say(f"constant {name!r} takes {length} bytes, its type and shape {-(-bits // 8)}", name)

    def _say(self, message: str, name: str) -> None:
        self.problems.append(Problem(slug="malformed", message=message, detail=name))


def judge_openvino(
    reader: BinaryIO,
    name: PurePosixPath,
    size: int,
    limits: Limits,
    *,
    sizes: Mapping[PurePosixPath, int] | None = None,
) -> Iterator[Problem]:
    """Judge a graph, and the places of its constants.

    Args:
        reader: The `.xml`, seekable.
        name: Its path.
        size: Its size in bytes.
        limits: `xml_bytes` and `tensors` bound the work.
        sizes: Path → bytes of the files around it; None when they can't be looked at.
    """
    graph = _Graph(limits)
    try:
        read_xml(reader, size, limits, graph.element)
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))
        return
    yield from graph.problems
    if graph.own:
        message = f"operators that OpenVINO does not bring: {', '.join(list(graph.own)[:5])}"
        yield Problem(slug="own-operator", message=message, detail=next(iter(graph.own)))
    if sizes is not None and graph.spans:
        beside = name.with_suffix(".bin")
        if beside in sizes:
            named = [span._replace(name=f"the constant at {span.start}") for span in graph.spans]
            yield from judge_spans(named, sizes[beside], printable(beside.name, 80), padding=_ALIGNMENT)
        else:
            yield Problem(slug="missing-part", message=f"{printable(beside.name, 80)!r} is not there")


def _number(text: str) -> int:
    """Read a whole number as OpenVINO writes it: digits alone, at most nineteen."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise ValueError("no number")
    return int(text)
