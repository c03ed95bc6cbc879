"""What toolchains do to a graph: optimised, quantised, halved."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import onnx

from benchmarks.onnx.exporting import quiet
from benchmarks.onnx.hosts import Feeds, Host
from benchmarks.onnx.running import UnusableError

_HEAVY = ["MatMul", "Gemm", "Conv"]


def optimised(data: bytes, host: Host | None = None) -> bytes:
    """Let onnxruntime fold and fuse, and save what it made."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optimised.onnx")
        options.optimized_model_filepath = str(path)
        runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def dynamic_int8(data: bytes, host: Host | None = None) -> bytes:
    """Quantise weights to int8 and activations as they come."""
    library = import_module("onnxruntime.quantization")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "int8.onnx")
        model = onnx.load_model_from_string(data)
        library.quantize_dynamic(model, str(path), weight_type=library.QuantType.QInt8, op_types_to_quantize=_HEAVY[:2])
        return path.read_bytes()


def static_qdq(data: bytes, host: Host) -> bytes:
    """Quantise with ranges measured on honest inputs, written as pairs of quantise and dequantise."""
    library = import_module("onnxruntime.quantization")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "qdq.onnx")
        model = onnx.load_model_from_string(data)
        library.quantize_static(
            model,
            str(path),
            reader(library, [host.feeds(seed, 2) for seed in (31, 32, 33)]),
            quant_format=library.QuantFormat.QDQ,
            op_types_to_quantize=_HEAVY,
            per_channel=False,
        )
        return path.read_bytes()


def half(data: bytes, host: Host | None = None) -> bytes:
    """Convert to float16 inside, with float32 at both ends."""
    library = import_module("onnxruntime.transformers.float16")
    model = library.convert_float_to_float16(onnx.load_model_from_string(data), keep_io_types=True)
    result: bytes = model.SerializeToString()
    return result


def reader(library: Any, feeds: Sequence[Feeds]) -> Any:
    """Give a calibration reader over some inputs."""

    class Reader(library.CalibrationDataReader):  # type: ignore[misc]  # its base is found at run time
        """Hands out inputs one by one."""

        def __init__(self) -> None:
            self.rest: Iterator[Feeds] = iter(feeds)

        def get_next(self) -> Feeds | None:
            return next(self.rest, None)

    return Reader()


FORMS = {
    "plain": None, "optimised": optimised, "int8": dynamic_int8, "qdq": static_qdq, "half": half,
    "onto optimised": optimised, "onto int8": dynamic_int8,
}  # fmt: skip
"""How a case is written: what is done to the graph after the graft, or to the host before it (`onto …`)."""


def changed(form: str, data: bytes, host: Host) -> bytes:
    """Apply a form.

    Raises:
        UnusableError: When the toolchain refuses.
    """
    change = FORMS[form]
    if change is None:
        return data
    with quiet():
        try:
            return change(data, host)
        except Exception as error:  # toolchains raise what they like
            raise UnusableError(f"{form}: {type(error).__name__} {str(error)[:200]}") from error
