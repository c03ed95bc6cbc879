"""How graphs are read, run and compared."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.units import GIB, KIB, MIB


@dataclass(frozen=True, kw_only=True)
class GraphLimits:
    """Bounds on computation graphs."""

    graph_fields: int = 800_000
    """Fields of a TensorFlow graph that are read one by one; a graph of ten thousand operators has some 100,000."""

    onnx_bytes: int = 64 * MIB
    """Bytes of an ONNX model without the weights that are left out; a graph of 100,000 nodes has half of this."""

    onnx_nodes: int = 400_000
    """Nodes, constants and types of an ONNX graph when local functions are written out at each of their calls; the
    largest honest ones have a quarter of this."""

    onnx_edges: int = 4_000_000
    """Operands and results of all these nodes."""

    onnx_depth: int = 64
    """Graphs of `If`, `Loop` and `Scan` and local functions of an ONNX model in each other."""

    onnx_functions: int = 20_000
    """Local functions of an ONNX model; old exporters write one for each kind of module."""

    onnx_attributes: int = 1_000
    """Attributes of one node of an ONNX graph; standard operators have some twenty."""

    onnx_name_characters: int = 4_096
    """Characters of one name in an ONNX model; exporters join module paths to a few hundred."""

    onnx_listed: int = 1_024
    """Numbers of one attribute that are kept as a list; longer ones, such as the trees of a forest, are tables."""

    onnx_constant_elements: int = 65_536
    """Elements of one constant of an ONNX graph that are decoded."""

    onnx_metadata_bytes: int = 1 * MIB
    """Characters of an ONNX model's metadata that are kept."""

    onnx_checksum_bytes: int = 4 * GIB
    """Bytes of a file of tensors whose SHA-1 is computed because an ONNX graph gives it; hardly any does."""

    onnx_whole_bytes: int = 8 * MIB
    """Bytes of an ONNX model up to which it is parsed as it is; larger ones are parsed without their weights."""

    onnx_tensor_bytes: int = 256 * KIB
    """Bytes of one tensor of a large ONNX model that are kept with the graph; a sixteenth of it in a model that is
    larger than `onnx_bytes`."""

    onnx_cpu_seconds: int = 60
    """CPU seconds that analysing one ONNX graph may cost: a net under `onnx_nodes` and `onnx_edges`; a graph of 100,000
    nodes costs six."""

    onnx_wall_seconds: float = 300
    """Wall-clock seconds of the same: a net under its CPU seconds."""

    onnx_memory_bytes: int = 1 * GIB
    """Address space of the child that analyses it, in bytes; libraries map a third of this without using it."""

    onnx_confirm_runs: int = 3_000
    """Inputs on which one detector found in an ONNX graph is run, when onnxruntime is installed."""

    onnx_confirm_cpu_seconds: int = 60
    """CPU seconds that running the detectors of one ONNX graph may cost."""

    onnx_confirm_memory_bytes: int = 2 * GIB
    """Address space of the child that runs them, in bytes."""

    onnx_deep_bytes: int = 512 * MIB
    """Bytes of an ONNX model and of the files that its tensors lie in, up to which it is run as a whole."""

    onnx_deep_cpu_seconds: int = 120
    """CPU seconds that running one whole ONNX graph may cost; it is run as often as they allow, up to a few dozen
    times."""

    onnx_deep_memory_bytes: int = 6 * GIB
    """Address space of the child that runs it, in bytes: it holds the model four times over."""

    onnx_export_parameters: int = 300_000_000
    """Weights of an architecture of two layers up to which it is written out anew to hold a graph against it; language
    models up to some two billion weights have fewer."""

    onnx_export_cpu_seconds: int = 900
    """CPU seconds that writing out one architecture may cost, by each exporter with and without its head; a large
    encoder takes two minutes."""

    onnx_export_memory_bytes: int = 16 * GIB
    """Address space of the child that does it, in bytes: torch maps several gigabytes without using them."""

    conversion_bytes: int = 1 * GIB
    """Bytes of weights that are read to tell whether a graph holds those that lie beside it in another format."""

    conversion_tensor_bytes: int = 48 * MIB
    """Bytes of one tensor that is compared so; the embeddings of large language models have more."""
