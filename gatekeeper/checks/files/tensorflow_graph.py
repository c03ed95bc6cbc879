"""TensorFlow graphs: which operators a SavedModel or a frozen graph calls, read off the protobuf without TensorFlow.

Field numbers after `tensorflow/core/protobuf/{saved_model,meta_graph}.proto` and
`tensorflow/core/framework/{graph,node_def,function,op_def}.proto`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.checks.files.protobuf import BYTES
from gatekeeper.checks.files.protobuf_stream import Field, ProtobufStream
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_META_GRAPH, _GRAPH = 2, 2
_NODE, _LIBRARY, _FUNCTION, _SIGNATURE, _BODY, _NAME, _OP, _ATTRIBUTE = 1, 2, 1, 1, 3, 1, 2, 5
_SAVERS = frozenset({"Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2", "RestoreSlice", "MergeV2Checkpoints"})
_SAVING = re.compile(r"sav|restor|checkpoint", re.IGNORECASE)
_TABLES = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})
"""Read a vocabulary; honest models name one of their own assets."""

_PRINTS = frozenset({"PrintV2", "Print", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3"})
_ADDRESS = re.compile(rb"(?:file|grpc|https?|gs|s3)://[ -~]{0,100}")
_LONGEST = 4096
_MOST_KINDS = 200
_MOST_ADDRESSES = 5

_WRITES = frozenset(
    {
        "WriteFile", "DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "SaveDataset", "SaveDatasetV2",
        "DistributedSave", "CreateSummaryDbWriter", "CreateSummaryFileWriter", "SnapshotDataset", "SnapshotDatasetV2",
        "SnapshotChunkDataset", "DumpGraph", "WriteGraphSummary", "StatsAggregatorSetSummaryWriter",
    }
)  # fmt: skip
_READS = frozenset(
    {
        "ReadFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2",
        "TFRecordReader", "TFRecordReaderV2", "LMDBReader", "FixedLengthRecordReader", "FixedLengthRecordReaderV2",
        "ImmutableConst", "RecordInput", "LoadDataset", "MatchingFilesDataset", "ExperimentalMatchingFilesDataset",
        "LMDBDataset", "ExperimentalLMDBDataset", "SqlDataset", "ExperimentalSqlDataset", "CSVDataset", "CSVDatasetV2",
        "ExperimentalCSVDataset", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2",
        "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "GenerateVocabRemapping", "LoadAndRemapMatrix",
        "SnapshotDatasetReader", "SnapshotNestedDatasetReader", "ListSnapshotChunksDataset", "DecodeProtoV2",
        "FileSystemSetConfiguration", "CacheDataset", "CacheDatasetV2",
    }
)  # fmt: skip
_RUNS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc", "LoadLibrary", "GeneratorDataset", "Abort"})
_NETWORK = re.compile(r"Rpc|DataService|RemoteCall|Collective|Send\Z|Recv\Z")


@cache
def harmless() -> frozenset[str]:
    """Give the operators that touch no file, process or network (`tensorflow_ops.txt`)."""
    text = Path(__file__).with_name("tensorflow_ops.txt").read_text("ascii")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


@dataclass(slots=True)
class _Use:
    """How often an operator stands in the graph, and where first."""

    count: int = 0
    where: str = ""


@dataclass(slots=True)
class _Uses:
    operators: dict[str, _Use] = field(default_factory=dict)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)


def judge_saved_model(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge the operators of every graph in `saved_model.pb`.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `graph_fields` bounds the walk.

    Yields:
        Problems by the slugs of `files/model-code`.
    """
    stream = ProtobufStream(reader, size, fields=limits.graph_fields)
    uses = _Uses()
    try:
        for meta in _messages(stream, stream.whole(), _META_GRAPH):
            for graph in _messages(stream, meta, _GRAPH):
                _read_graph(stream, graph, uses)
    except ValueError as error:
        yield Problem(slug=UNJUDGED, message=f"the graph can't be read to its end: {error}")
    yield from _judge(uses)


def judge_meta_graph(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge the `.meta` of a checkpoint, one graph with its settings; other files of a checkpoint hold no graph.

    Arguments and results as for `judge_saved_model`.
    """
    if name.suffix != ".meta":
        return
    stream = ProtobufStream(reader, size, fields=limits.graph_fields)
    uses = _Uses()
    try:
        for graph in _messages(stream, stream.whole(), _GRAPH):
            _read_graph(stream, graph, uses)
    except ValueError as error:
        yield Problem(slug="unjudged", message=f"the graph can't be read to its end: {error}")
    if not uses.operators:
        yield Problem(slug="unjudged", message="no operator can be read from it")
    yield from _judge(uses)


def judge_frozen_graph(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge the operators of a `GraphDef` file; arguments and results as for `judge_saved_model`."""
    stream = ProtobufStream(reader, size, fields=limits.graph_fields)
    uses = _Uses()
    try:
        _read_graph(stream, stream.whole(), uses)
    except ValueError as error:
        yield Problem(slug=UNJUDGED, message=f"the graph can't be read to its end: {error}")
    if not uses.operators and not _is_fingerprint(name, size):
        yield Problem(slug=UNJUDGED, message="no operator can be read from it")
    yield from _judge(uses)


def _is_fingerprint(name: PurePosixPath, size: int) -> bool:
    """Whether it is the digest that TensorFlow lays beside a SavedModel: some numbers, and no graph."""
    return name.name == "fingerprint.pb" and size <= _LONGEST


def _messages(stream: ProtobufStream, within: Field, number: int) -> Iterator[Field]:
    return (inner for inner in stream.fields(within) if inner.number == number and inner.wire == BYTES)


def _read_graph(stream: ProtobufStream, graph: Field, uses: _Uses) -> None:
    for part in stream.fields(graph):
        if part.number == _NODE and part.wire == BYTES:
            _read_node(stream, part, "", uses)
        elif part.number == _LIBRARY and part.wire == BYTES:
            for function in _messages(stream, part, _FUNCTION):
                _read_function(stream, function, uses)


def _read_function(stream: ProtobufStream, function: Field, uses: _Uses) -> None:
    name = ""
    bodies = []
    for part in stream.fields(function):
        if part.number == _SIGNATURE and part.wire == BYTES:
            name = next((_text(stream, inner) for inner in _messages(stream, part, _NAME)), "")
        elif part.number == _BODY and part.wire == BYTES:
            bodies.append(part)
    uses.functions.add(name)
    for body in bodies:
        _read_node(stream, body, name, uses)


def _read_node(stream: ProtobufStream, node: Field, function: str, uses: _Uses) -> None:
    name = operator = ""
    addresses = []
    for number, content in stream.contents(node, _LONGEST):
        if number == _NAME:
            name = content.decode("utf-8", "replace")
        elif number == _OP:
            operator = content.decode("utf-8", "replace")
        elif number == _ATTRIBUTE and operator in _PRINTS:
            addresses += _ADDRESS.findall(content)
    where = f"{function}/{name}" if function else name
    if operator in _SAVERS and not _SAVING.search(function or name):
        operator += " outside a saver"
    if len(uses.operators) < _MOST_KINDS or operator in uses.operators or operator not in harmless():
        use = uses.operators.setdefault(operator, _Use(where=where))
        use.count += 1
    room = _MOST_ADDRESSES - len(uses.addresses)
    uses.addresses += [(operator, address.decode("ascii")) for address in addresses[:room]]


def _text(stream: ProtobufStream, part: Field) -> str:
    return stream.read(part, _LONGEST).decode("utf-8", "replace")


def _judge(uses: _Uses) -> Iterator[Problem]:
    unknown = []
    for operator, use in uses.operators.items():
        slug, does = _does(operator)
        if slug:
            times = "once" if use.count == 1 else f"{use.count} times"
            message = f"the graph {does} ({printable(operator, 80)}, {times})"
            yield Problem(slug=slug, message=message, detail=printable(use.where, 160))
        elif operator not in harmless() and operator not in uses.functions:
            unknown.append(printable(operator, 60))
    for operator, address in uses.addresses:
        message = f"{operator} writes to {printable(address, 120)!r} whenever the graph runs"
        yield Problem(slug="tensorflow-writes", message=message)
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        message = f"operators that nobody reviewed: {', '.join(unknown[:5])}{more}"
        yield Problem(slug="tensorflow-unknown", message=message, detail=unknown[0])


def _does(operator: str) -> tuple[str, str]:
    """Give the rule and the words for an operator that does more than compute; empty words for others."""
    if operator in _WRITES:
        return "tensorflow-writes", "writes files"
    if operator in _RUNS:
        return "tensorflow-runs", "calls code outside it or ends the process"
    if operator in _READS or operator in _TABLES:
        return ("tensorflow-table" if operator in _TABLES else "tensorflow-reads"), "reads files"
    if operator.endswith(" outside a saver"):
        return "tensorflow-reads", "saves or restores"
    if _NETWORK.search(operator) and operator not in harmless():
        return "tensorflow-network", "talks to other machines"
    return "", ""
