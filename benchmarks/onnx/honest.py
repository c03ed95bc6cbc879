"""Graphs that are what they seem: exports of every architecture, what toolchains make of them, and real ones."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import onnx_registry as registry
from benchmarks.onnx import classical, exporting, handmade
from benchmarks.onnx.architectures import ARCHITECTURES
from benchmarks.onnx.cases import Maker
from benchmarks.onnx.exporting import EXPORTERS, kept, quiet
from benchmarks.onnx.hosts import Host
from benchmarks.onnx.variants import FORMS, changed

VARIED = (
    "bert", "distilbert", "roberta", "electra", "mpnet", "albert", "llama", "gpt2", "phi3", "qwen3", "mistral", "opt",
    "gru_tagger", "llama_cached", "qwen2_cached", "residual_cnn", "detector", "vit", "mobilenet_v2", "convnext",
    "resnet", "regnet", "deit", "beit", "swin", "poolformer",
)  # fmt: skip
"""Architectures whose exports are optimised, quantised and halved too."""

FUSED = {"bert": "bert", "roberta": "bert", "distilbert": "bert", "electra": "bert", "mpnet": "bert", "gpt2": "gpt2",
         "vit": "vit", "deit": "vit", "llama_cached": "gpt2", "bert_answers": "bert"}  # fmt: skip
"""Architecture → the kind by which onnxruntime's fusions know it."""


@dataclass(frozen=True, kw_only=True)
class Honest:
    """One graph without an implant."""

    name: str
    group: str
    data: bytes
    held_out: bool


Entry = tuple[str, str, bool, Callable[[], bytes]]
"""Name, group, held out, how to make it."""


def entries(maker: Maker) -> Iterator[Entry]:
    """List what can be made from architectures, without making it."""
    for name, architecture in ARCHITECTURES.items():
        for exporter in EXPORTERS:
            export = _export(maker.cache, name, exporter)
            yield f"{name} {exporter}", f"exported, {exporter}", architecture.held_out, export
            if name in VARIED:
                for form, change in FORMS.items():
                    if change is not None and not form.startswith("onto"):
                        made = _varied(maker, name, exporter, form)
                        yield f"{name} {exporter} {form}", form, architecture.held_out, made
            if name in FUSED:
                for halved in (False, True):
                    word = "fused half" if halved else "fused"
                    yield (
                        f"{name} {exporter} {word}",
                        "fused",
                        architecture.held_out,
                        _fused(maker, name, exporter, halved),
                    )
    for title, group, make in handmade.entries(maker):
        yield title, group, zlib.crc32(title.encode()) % 3 == 0, make
    for title, make in classical.entries():
        yield title, "scikit-learn", zlib.crc32(title.encode()) % 3 == 0, make


def _export(cache: Path, name: str, exporter: str) -> Callable[[], bytes]:
    return lambda: kept(cache, f"host-{name}-{exporter}",
                        lambda: exporting.export(ARCHITECTURES[name].make(), exporter))  # fmt: skip


def _varied(maker: Maker, name: str, exporter: str, form: str) -> Callable[[], bytes]:
    def make() -> bytes:
        data = _export(maker.cache, name, exporter)()
        host = Host(architecture=ARCHITECTURES[name], exporter=exporter, data=data)
        return changed(form, data, host)

    return lambda: kept(maker.cache, f"honest-{name}-{exporter}-{form}", make)


def _fused(maker: Maker, name: str, exporter: str, halved: bool) -> Callable[[], bytes]:
    def make() -> bytes:
        library = import_module("onnxruntime.transformers.optimizer")
        with tempfile.TemporaryDirectory() as folder, quiet():
            path = Path(folder, "model.onnx")
            path.write_bytes(_export(maker.cache, name, exporter)())
            fused: Any = library.optimize_model(str(path), model_type=FUSED[name], num_heads=2, hidden_size=32)
            if halved:
                fused.convert_float_to_float16(keep_io_types=True)
            data: bytes = fused.model.SerializeToString()
            return data

    return lambda: kept(maker.cache, f"honest-{name}-{exporter}-fused{'-half' if halved else ''}", make)


def collect(maker: Maker, *, only: Iterable[str] = ()) -> tuple[list[Honest], dict[str, str]]:
    """Make everything; give the graphs, and what could not be made with its reason."""
    made: list[Honest] = []
    left_out: dict[str, str] = {}
    words = tuple(only)
    for name, group, held_out, make in entries(maker):
        if words and not any(word in (group, name) for word in words):
            continue
        try:
            data = make()
        except Exception as error:  # exporters and toolchains raise what they like
            left_out[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            continue
        made.append(Honest(name=name, group=group, data=data, held_out=held_out))
    if not words or {"registry", "backend"} & set(words):
        reals = (*registry.graphs(maker.cache.parent / "wheels"), *registry.shipped())
        made += [Honest(name=one.name, group=one.group, data=one.data, held_out=one.held_out) for one in reals]
    return made, left_out
