"""What the operators of a graph need or do besides computing: libraries, files, code, chance, memory."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_external import escapes
from gatekeeper.checks.onnx.structure_walk import Body, Survey, Used, named, standard, text_of
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    import onnx

_STANDARD = ("", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training")
_RUNTIME = "com.microsoft"
_LAYOUTS = frozenset({"com.microsoft.nchwc", "com.ms.internal.nhwc"})
"""Domains in which ONNX Runtime saves what it has optimised for one machine: its own operators in another layout."""

_OLD = frozenset(
    {"Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler", "ParametricSoftplus",
     "Scale", "ScaledTanh", "SimplifiedLayerNormalization", "MemcpyFromHost", "MemcpyToHost"}
)  # fmt: skip
"""Operators that ONNX Runtime brings in the standard domain although the standard has them not, or no longer."""

_CALLS_CODE = frozenset(
    {"pyop", "pythonop", "pythonopgrad", "pyfunc", "eagerpyfunc", "pyfuncstateless", "pycall", "python", "pythoncode",
     "exec", "eval", "system", "shell", "subprocess", "popen"}
)  # fmt: skip
"""Names, in small letters, of operators that call code of the process around them: `PyOp` of onnxruntime-extensions,
`PythonOp` of ONNX Runtime's training builds, and names that say so themselves."""

_CALLS_OUT = re.compile(
    r"(?:Azure|OpenAI|Triton|Http|Url|Download|Upload|Socket)|\A(?:Read|Write|Load|Save|Open|Delete)(?:File|Model|Text)"
    r"|(?:File|Model)(?:Reader|Writer|Loader|Saver)\Z",
)
"""The operators of onnxruntime-extensions that send their operand to a service, and names that say what they do."""

_OPAQUE = frozenset({"EPContext", "Snpe", "TRTEngine", "TRTEngineOp", "QnnContext"})
"""Operators that hold, or name the file of, what another compiler made of a part of the model."""

_CHANCE = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
_SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"Reshape": (1,), "Expand": (1,), "ConstantOfShape": (0,), "Tile": (1,), "Slice": (1, 2, 3, 4), "Squeeze": (1,),
     "Unsqueeze": (1,), "Pad": (1, 3), "CenterCropPad": (1,)}
)  # fmt: skip
"""Operator → its operands that say shapes or axes: a few numbers for each dimension of a tensor."""

_LONGEST_SHAPE = 256
_LARGEST = 2**36
"""Elements: sixteen times the largest causal mask (65,536 squared) that anybody would write into a graph."""

_SHOWN = 5


def judge_operators(found: Survey, tally: Tally) -> None:
    """Judge each operator that a file calls.

    Args:
        found: The operators and the functions of the file.
        tally: Takes the problems.
    """
    functions = {(standard(text_of(body.proto.domain)), text_of(body.proto.name))
                 for body in found.functions if hasattr(body.proto, "domain")}  # fmt: skip
    own: dict[str, None] = {}
    for (written, name), uses in found.operators.items():
        domain, op = standard(text_of(written)), text_of(name)
        if (domain, op) not in functions and not _is_known(domain, op):
            _judge_unknown(domain, op, uses, own, tally)
        if domain == "" and op in _CHANCE:
            message = f"its answers depend on chance: {plural(len(uses), 'node')}, {named(uses[0].node)} for one"
            tally.add("chance", message, op)
        if domain == "" and op in _SHAPES:
            for use in uses:
                _judge_shapes(op, use, tally)
    if own:
        more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
        message = f"operators that neither ONNX nor ONNX Runtime brings: {', '.join(list(own)[:_SHOWN])}{more}"
        tally.add("own-operator", message, next(iter(own)))
    _judge_functions(functions, tally)


def _judge_unknown(domain: str, op: str, uses: list[Used], own: dict[str, None], tally: Tally) -> None:
    node = uses[0].node
    shown = printable(f"{domain}::{op}" if domain else op, 80)
    if op.lower() in _CALLS_CODE:
        tally.add("calls-code", f"{named(node)} calls code of the program that runs the graph ({shown})", shown)
    elif _CALLS_OUT.search(op):
        tally.add("reaches-out", f"{named(node)} reaches for files or other machines ({shown})", shown)
    elif op in _OPAQUE:
        tally.add("opaque-part", f"{named(node)} holds what another compiler made of the model ({shown})", shown)
        for use in uses:
            _judge_context(use.node, tally)
    else:
        own[shown] = None


def _judge_context(node: onnx.NodeProto, tally: Tally) -> None:
    """Look where a compiled part lies: ONNX Runtime takes `ep_cache_context` for a path when `embed_mode` is 0."""
    given = {text_of(attribute.name): attribute for attribute in node.attribute}
    mode, path = given.get("embed_mode"), given.get("ep_cache_context")
    if path is not None and mode is not None and mode.i == 0 and escapes(text_of(path.s)):
        where = printable(text_of(path.s), 100)
        tally.add("external-escape", f"{named(node)} lies outside the model's folder, in {where!r}", where)


def _is_known(domain: str, op: str) -> bool:
    if domain in _STANDARD:
        from onnx import defs

        return defs.has(op, domain) or (domain == "" and op in _OLD)
    return domain in _LAYOUTS or (domain == _RUNTIME and op in microsoft_operators())


@cache
def microsoft_operators() -> frozenset[str]:
    """Give the operators of ONNX Runtime's own domain (`microsoft_ops.txt`)."""
    text = Path(__file__).with_name("microsoft_ops.txt").read_text("ascii")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _judge_functions(functions: set[tuple[str, str]], tally: Tally) -> None:
    """Say which functions of the file have the names of operators.

    Which of the two counts is left to the runtime (onnx/onnx.proto, `ModelProto.functions`), so each may run another.
    """
    for domain, name in sorted(functions):
        shown = printable(f"{domain}::{name}" if domain else name, 80)
        if domain in _STANDARD and _is_known(domain, name):
            tally.add("function-shadows", f"the file brings a function of its own for the operator {shown!r}", shown)
        elif domain == _RUNTIME and _is_known(domain, name):
            tally.add("function-stands-in", f"the file brings what {shown!r} is where it is not known", shown)


def _judge_shapes(op: str, use: Used, tally: Tally) -> None:
    """Look at the operands of one node that say shapes, as far as they are constants."""
    for place in _SHAPES[op]:
        name = use.node.input[place] if place < len(use.node.input) else ""
        tensor = _initializer(use.body, name) if name else None
        if tensor is None:
            continue
        count = math.prod(tensor.dims) if all(size >= 0 for size in tensor.dims) else 0
        if count > _LONGEST_SHAPE:
            message = f"{named(use.node)} has {count:,} numbers where a shape or axes belong"
            tally.add("odd-operand", message, text_of(name))
        elif op in ("ConstantOfShape", "Expand") and math.prod(map(abs, _numbers(tensor))) > _LARGEST:
            tally.add(
                "huge-value", f"{named(use.node)} makes more than {_LARGEST:,} elements out of one", text_of(name)
            )


def _initializer(body: Body | None, name: str) -> onnx.TensorProto | None:
    while body is not None:
        if body.stored is None:
            body.stored = {tensor.name: tensor for tensor in getattr(body.proto, "initializer", ())}
            body.stored |= {node.output[0]: attribute.t for node in body.nodes if node.op_type == "Constant"
                            for attribute in node.attribute if attribute.name == "value" and node.output}  # fmt: skip
        if name in body.stored:
            return body.stored[name]
        body = body.outer
    return None


def _numbers(tensor: onnx.TensorProto) -> tuple[int, ...]:
    """Give the elements of a short tensor of 64-bit integers; none for another."""
    if tensor.data_type != 7:
        return ()
    raw = tensor.raw_data
    if raw and len(raw) % 8 == 0:
        return struct.unpack(f"<{len(raw) // 8}q", raw)
    return tuple(tensor.int64_data)
