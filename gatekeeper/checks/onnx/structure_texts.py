"""Texts in a model file: metadata, descriptions and string tensors, and whether they are meant to be run.

Metadata is evaluated by people's loaders: YOLOv5's, for one, called `eval` on the entry `names` of an ONNX file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_walk import Survey, text_of
from gatekeeper.limits import KIB
from gatekeeper.text import printable

if TYPE_CHECKING:
    import onnx

_CODE = re.compile(
    r"__import__\s*\(|\b(?:os\.(?:system|popen|exec[lv]p?e?)|subprocess\.\w+|pickle\.loads?|marshal\.loads"
    r"|socket\.socket|builtins\.\w+|importlib\.import_module|ctypes\.\w+)\s*\(|\b(?:eval|exec)\s*\(\s*[^\s)]"
    r"|<script\b|\A#!\s*/|\bpowershell(?:\.exe)?\s+-\w|\b(?:curl|wget)\s+(?:-\S+\s+)*https?://|\|\s*(?:ba)?sh\b"
    r"|__(?:globals|subclasses|builtins)__"
)
"""What a description of a model has no use for, and who wants something run can hardly do without."""

_EVALUATED = frozenset({"names", "stride", "imgsz", "anchors", "nc", "args"})
"""Entries that loaders of YOLO models have evaluated, or still do."""

_QUOTED = re.compile(r"'(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\"", re.DOTALL)
_CALL = re.compile(r"[A-Za-z_]\w*\s*\(|\blambda\b|\bfor\b.*\bin\b")
_ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s'\"<>]{4,200}")
_LONG = 64 * KIB
"""Characters; what exporters write beside a model has a tenth of this."""

_SEARCHED = 1024 * KIB
"""Characters of one text that are searched."""

_TEXTS = 8


def judge_texts(model: onnx.ModelProto, found: Survey, tally: Tally) -> None:
    """Judge the texts of a file.

    Args:
        model: The parsed message.
        found: Its graphs and tensors.
        tally: Takes the problems.
    """
    for where, text in _descriptions(model, found):
        _judge(where, text, tally)
    for key, value in _metadata(model.metadata_props):
        if key in _EVALUATED and _CALL.search(_QUOTED.sub("", value[:_SEARCHED])):
            message = f"the metadata entry {key!r}, which loaders evaluate, is more than a value: {value[:120]!r}"
            tally.add("metadata-code", message, key)
    for held in found.tensors:
        if held.tensor.data_type == _TEXTS and held.tensor.string_data:
            _judge_strings(held.tensor, held.where, tally)


def _descriptions(model: onnx.ModelProto, found: Survey) -> Iterator[tuple[str, str]]:
    """Give what is written about the model, its graphs and its functions, and where."""
    yield "the description of the model", text_of(model.doc_string)
    yield "the name of the producer", f"{text_of(model.producer_name)} {text_of(model.producer_version)}"
    for key, value in _metadata(model.metadata_props):
        yield f"the metadata entry {printable(key, 60)!r}", value
    for body in found.bodies:
        yield f"the description of {body.where}", text_of(body.proto.doc_string)
        for key, value in _metadata(body.proto.metadata_props):
            yield f"the metadata entry {printable(key, 60)!r} of {body.where}", value


def _metadata(entries: Any) -> Iterator[tuple[str, str]]:
    for entry in entries:
        yield text_of(entry.key), text_of(entry.value)


def _judge(where: str, text: str, tally: Tally) -> None:
    code = _CODE.search(text[:_SEARCHED])
    if code:
        tally.add("metadata-code", f"{where} holds code: {_around(text, code)!r}", where)
    elif address := _ADDRESS.search(text[:_SEARCHED]):
        tally.add("metadata-address", f"{where} names {printable(address.group(), 120)!r}", where)
    if len(text) > _LONG:
        tally.add("metadata-long", f"{where} has {len(text):,} characters", where)


def _around(text: str, found: re.Match[str]) -> str:
    return printable(text[max(0, found.start() - 20) : found.end() + 60], 120)


def _judge_strings(tensor: onnx.TensorProto, where: str, tally: Tally) -> None:
    """Search the strings of one tensor; vocabularies may hold pieces of code, so this is only told."""
    room = _SEARCHED
    for data in tensor.string_data:
        text = data[:room].decode("utf-8", "replace")
        code = _CODE.search(text)
        if code:
            name = text_of(tensor.name)
            message = (
                f"a text of the tensor {printable(name, 80)!r} in {where} looks like code: {_around(text, code)!r}"
            )
            tally.add("string-code", message, name)
        room -= len(text)
        if room <= 0:
            return
