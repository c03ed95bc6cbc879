"""Honest graphs that toolchains build around exports: merged decoders, non-maximum suppression, tables by length."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from benchmarks.onnx.architectures import ARCHITECTURES
from benchmarks.onnx.cases import Maker
from benchmarks.onnx.exporting import EXPORTERS, export, kept
from benchmarks.onnx.graft import Graft

Made = tuple[str, str, Callable[[], bytes]]
_MERGED = {"llama_prefill": "llama_cached", "gpt2_prefill": "gpt2_cached", "qwen3_prefill": "qwen3_cached"}
_BOOL = TensorProto.BOOL


def entries(maker: Maker) -> Iterator[Made]:
    """List name, group and how to make it."""

    def exported(name: str, exporter: str) -> bytes:
        return kept(maker.cache, f"host-{name}-{exporter}", lambda: export(ARCHITECTURES[name].make(), exporter))

    for exporter in EXPORTERS:
        for first, later in _MERGED.items():
            yield (
                f"merged {later} {exporter}",
                "merged decoder",
                partial(lambda a, b, e: merged(exported(a, e), exported(b, e)), first, later, exporter),
            )
        for name in ("llama", "mistral", "qwen3", "phi3"):
            for way in ("Where", "If"):
                yield (
                    f"long rope {way} {name} {exporter}",
                    "tables by length",
                    partial(lambda n, e, w: long_rope(exported(n, e), w), name, exporter, way),
                )
        for way in ("plain", "If", "filter"):
            yield (
                f"suppression {way} {exporter}",
                "suppression",
                partial(lambda e, w: suppression(exported("detector", e), w), exporter, way),
            )
        for name in ("residual_cnn", "detector", "vit", "resnet"):
            yield (
                f"bytes in {name} {exporter}",
                "front end",
                partial(lambda n, e: bytes_in(exported(n, e)), name, exporter),
            )
        for name in ("bert", "roberta", "gru_tagger"):
            yield (
                f"mask from padding {name} {exporter}",
                "front end",
                partial(lambda n, e: mask_from_padding(exported(n, e)), name, exporter),
            )


def merged(first: bytes, later: bytes) -> bytes:
    """Join two exports of one decoder, without and with a past, in an `If` on a flag, sharing their weights."""
    models = [onnx.load_model_from_string(data) for data in (first, later)]
    outer = helper.make_graph([], "merged", [], [])
    shared: dict[str, str] = {}
    bodies = []
    for at, model in enumerate(models):
        body = _body(model, f"branch_{at}", shared, outer)
        bodies.append(body)
    outer.input.extend(models[1].graph.input)
    outer.input.append(helper.make_tensor_value_info("use_cache_branch", _BOOL, [1]))
    outer.output.extend(models[1].graph.output)
    names = [value.name for value in outer.output]
    outer.node.append(
        helper.make_node(
            "If", ["use_cache_branch"], names, name="optimum::if", then_branch=bodies[1], else_branch=bodies[0]
        )
    )
    result = helper.make_model(outer, opset_imports=models[1].opset_import, producer_name="optimum-onnx")
    result.ir_version = models[1].ir_version
    result.functions.extend(models[1].functions)
    data: bytes = result.SerializeToString()
    return data


def _body(model: ModelProto, prefix: str, shared: dict[str, str], outer: GraphProto) -> GraphProto:
    graph = model.graph
    kept_names = {value.name for value in graph.input}
    names: dict[str, str] = {}
    for tensor in graph.initializer:
        key = hashlib.sha256(
            bytes([tensor.data_type]) + repr(tuple(tensor.dims)).encode() + tensor.raw_data
        ).hexdigest()
        if key not in shared:
            shared[key] = f"shared.{len(shared)}.{tensor.name}"
            copy = outer.initializer.add()
            copy.CopyFrom(tensor)
            copy.name = shared[key]
        names[tensor.name] = shared[key]
    body = helper.make_graph([], prefix, [], [])
    for node in graph.node:
        copied = body.node.add()
        copied.CopyFrom(node)
        copied.name = f"{prefix}/{node.name}"
        for field in (copied.input, copied.output):
            for at, name in enumerate(field):
                if name and name not in kept_names:
                    field[at] = names.get(name, f"{prefix}/{name}")
    for value in graph.output:
        copied_value = body.output.add()
        copied_value.CopyFrom(value)
        copied_value.name = f"{prefix}/{value.name}"
    return body


def long_rope(data: bytes, way: str) -> bytes:
    """Choose between rotation frequencies for short and long inputs by the input's length, as Phi-3's exports do."""
    graft = Graft(data, seed=3)
    name, short = next((name, array) for name, array in _constants(graft.graph) if _falls(array))
    size = graft("Gather", graft("Shape", "input_ids"), graft.const(1, np.int64), axis=0)
    is_long = graft("Greater", size, graft.const(4096, np.int64))
    steps = np.linspace(1.1, 4, short.size, dtype=np.float32).reshape(short.shape)
    longer = short / steps
    if way == "Where":
        graft.replace(name, graft("Where", is_long, graft.const(longer), name))
        return graft.done()
    bodies = []
    for branch, array in (("then", longer), ("else", short)):
        value = numpy_helper.from_array(array, f"{branch}_table")
        node = helper.make_node("Constant", [], [f"{branch}_out"], value=value)
        output = helper.make_tensor_value_info(f"{branch}_out", TensorProto.FLOAT, list(short.shape))
        bodies.append(helper.make_graph([node], branch, [], [output]))
    graft.replace(name, graft("If", is_long, then_branch=bodies[0], else_branch=bodies[1]))
    return graft.done()


def _constants(graph: GraphProto) -> Iterator[tuple[str, np.ndarray]]:
    tensors = [(tensor.name, tensor) for tensor in graph.initializer]
    tensors += [(node.output[0], node.attribute[0].t) for node in graph.node if node.op_type == "Constant"]
    for name, tensor in tensors:
        if tensor.data_type == TensorProto.FLOAT:
            yield name, numpy_helper.to_array(tensor)


def _falls(array: np.ndarray) -> bool:
    flat = array.ravel()
    return flat.size in (8, 16) and flat[0] == 1.0 and bool(np.all(np.diff(flat) < 0)) and flat[-1] > 0


def suppression(data: bytes, way: str) -> bytes:
    """Add non-maximum suppression behind a detector, plain, with a branch for no box, or with a score filter first."""
    graft = Graft(data, seed=4)
    out = graft("Transpose", "output0", perm=[0, 2, 1])
    boxes, scores = graft.slice(out, 0, 4, 2), graft("Transpose", graft.slice(out, 4, 12, 2), perm=[0, 2, 1])
    if way == "filter":
        sure = graft("Greater", scores, graft.const(0.25, np.float32))
        scores = graft("Where", sure, scores, graft.const(0, np.float32))
    limits = (graft.ints(100), graft.const([0.45], np.float32), graft.const([0.25], np.float32))
    chosen = graft("NonMaxSuppression", boxes, scores, *limits)
    if way == "If":
        count = graft("Gather", graft("Shape", chosen), graft.const(0, np.int64), axis=0)
        none = graft("Equal", count, graft.const(0, np.int64))
        empty = numpy_helper.from_array(np.zeros((0, 4), np.float32), "nothing")
        then = helper.make_graph([helper.make_node("Constant", [], ["no_box"], value=empty)], "empty", [],
                                 [helper.make_tensor_value_info("no_box", TensorProto.FLOAT, None)])  # fmt: skip
        place = graft("Squeeze", graft.slice(chosen, 2, 3), graft.ints(1))
        flat = graft("Reshape", boxes, graft.ints(-1, 4))
        other = helper.make_graph([helper.make_node("Gather", [flat, place], ["some_box"], axis=0)], "boxes", [],
                                  [helper.make_tensor_value_info("some_box", TensorProto.FLOAT, None)])  # fmt: skip
        found = graft("If", none, then_branch=then, else_branch=other)
        graft.graph.output.append(helper.make_tensor_value_info(found, TensorProto.FLOAT, None))
    else:
        graft.graph.output.append(helper.make_tensor_value_info(chosen, TensorProto.INT64, None))
    return graft.done()


def bytes_in(data: bytes) -> bytes:
    """Take bytes with channels last, turn blue and red around, scale and normalise, as deployers prepend it."""
    graft = Graft(data, seed=5)
    old = graft.graph.input[0].name
    image = graft.as_float(graft("Transpose", "image_bytes", perm=[0, 3, 1, 2]))
    image = graft("Gather", image, graft.ints(2, 1, 0), axis=1)
    image = graft(
        "Clip",
        graft("Div", image, graft.const(255, np.float32)),
        graft.const(0, np.float32),
        graft.const(1, np.float32),
    )
    mean, spread = (
        graft.const(np.array(values, np.float32).reshape(1, 3, 1, 1)) for values in ((0.5, 0.4, 0.4), (0.2, 0.2, 0.2))
    )
    graft.replace(old, graft("Div", graft("Sub", image, mean), spread))
    del graft.graph.input[0]
    graft.graph.input.insert(0, helper.make_tensor_value_info("image_bytes", TensorProto.UINT8, ["batch", 32, 32, 3]))
    return graft.done()


def mask_from_padding(data: bytes) -> bytes:
    """Clip ids to the vocabulary, and where the graph reads a mask make it from the ids themselves."""
    graft = Graft(data, seed=6)
    bounded = graft("Clip", "input_ids", graft.const(0, np.int64), graft.const(511, np.int64))
    graft.replace("input_ids", bounded)
    if any(value.name == "attention_mask" for value in graft.graph.input):
        real = graft.as_int(graft("Not", graft("Equal", "input_ids", graft.const(1, np.int64))))
        graft.replace("attention_mask", real)
        inputs = [value for value in graft.graph.input if value.name != "attention_mask"]
        del graft.graph.input[:]
        graft.graph.input.extend(inputs)
    return graft.done()
