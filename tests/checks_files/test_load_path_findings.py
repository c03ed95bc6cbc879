"""What loaders look for in vain, what two loaders read differently, and layouts made to deceive or to cost."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from gatekeeper.artifact import ExcludedFile, Reference, Scheme
from gatekeeper.checks.files.load_path import LoadPath
from gatekeeper.checks.files.loaders import HANDED, LOADERS, Layout, ask
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support.artifacts import artifact, look, slugs

LLAMA = json.dumps({"model_type": "llama"}).encode()


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def pipeline(**components: Any) -> dict[str, bytes]:
    return {"model_index.json": as_json({"_class_name": "P", "_diffusers_version": "0.30", **components})}


def modules(*paths_and_types: tuple[str, str]) -> dict[str, bytes]:
    entries = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in paths_and_types]
    return {"modules.json": as_json(entries), "config.json": LLAMA, "model.safetensors": b"x"}


UNET = {"unet/config.json": b"{}", "unet/diffusion_pytorch_model.safetensors": b"x"}

PAIRS: dict[str, tuple[dict[str, bytes], dict[str, bytes]]] = {
    "a component without files": (
        pipeline(unet=["diffusers", "UNet"], vae=["diffusers", "Vae"]) | UNET,
        pipeline(unet=["diffusers", "UNet"], vae=[None, None], other=None, count=[1, 2, 3]) | UNET,
    ),
    "a component without weights": (
        pipeline(unet=["diffusers", "UNet"]) | {"unet/config.json": b"{}", "x.safetensors": b"x"},
        pipeline(unet=["diffusers", "UNet"], scheduler=["diffusers", "S"])
        | UNET
        | {"scheduler/scheduler_config.json": b"{}"},
    ),
    "an adapter without weights": (
        {"adapter_config.json": b"{}", "training_args.bin": b"x"},
        {"adapter_config.json": b"{}", "adapter_model.bin": b"x"},
    ),
    "a module without weights": (
        modules(("", "Transformer"), ("2_Dense", "Dense")),
        modules(("", "Transformer"), ("1_Pooling", "Pooling"), ("3_Normalize", "Normalize")),
    ),
    "a module that only another backend could load": (
        modules(("0_Transformer", "Transformer")),
        modules(("0_Transformer", "Transformer")) | {"0_Transformer/onnx/model.onnx": b"x"},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_weights_that_a_configuration_names_in_vain_are_a_finding(name: str) -> None:
    broken, honest = PAIRS[name]
    result = look(LoadPath(), broken)
    found = [finding for finding in result.findings if finding.id == "files/load-path/weights-missing"]
    assert [finding.hazard for finding in found] == [Hazard.SUSPICIOUS]
    assert found[0].location.path in broken
    assert not slugs(look(LoadPath(), honest))


EMPTY: dict[str, dict[str, bytes]] = {
    "a card alone": {"README.md": b"hello", "LICENSE": b"x", "logo.png": b"x"},
    "a configuration alone": {"config.json": LLAMA},
    "a configuration in a folder": {"small/config.json": LLAMA, "README.md": b"x"},
    "modules without weights": {"modules.json": b"[]", "README.md": b"x"},
}
FULL: dict[str, dict[str, bytes]] = {
    "a tokenizer": {"tokenizer_config.json": b"{}", "tokenizer.json": b"{}"},
    "weights of nobody's layout": {"README.md": b"x", "nested/best.pt": b"x"},
    "a spaCy pipeline": {"config.cfg": b"x", "meta.json": as_json({"pipeline": ["ner"]}), "ner/model": b"x"},
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_repo_without_anything_to_load_is_not_taken_for_a_model(name: str) -> None:
    (finding,) = look(LoadPath(), EMPTY[name]).findings
    assert (finding.id, finding.hazard) == ("files/load-path/nothing-to-load", Hazard.NONE)
    assert finding.severity is Severity.LOW


@pytest.mark.parametrize("name", FULL)
def test_what_can_be_loaded_is_something(name: str) -> None:
    assert not slugs(look(LoadPath(), FULL[name]))


def test_a_single_file_is_what_its_user_named() -> None:
    single = artifact({"config.json": LLAMA}, reference=Reference(scheme=Scheme.FILE, name="config.json"))
    assert not slugs(look(LoadPath(), single))


def test_two_sets_of_weights_are_told_with_their_sizes_and_weigh_nothing() -> None:
    files = {"config.json": LLAMA, "model.safetensors": b"x" * 10, "pytorch_model.bin": b"x" * 30}
    result = look(LoadPath(), files)
    (finding,) = result.findings
    assert (finding.severity, finding.hazard, result.status) == (Severity.INFO, Hazard.NONE, Status.PASS)
    assert "transformers reads model.safetensors (10 bytes)" in finding.message
    assert "pytorch_model.bin (30 bytes)" in finding.message
    variant = {"config.json": LLAMA, "model.safetensors": b"x", "model.fp16.safetensors": b"x"}
    assert not slugs(look(LoadPath(), variant))


def test_an_adapter_s_sets_are_told_in_the_loader_s_order() -> None:
    files = {"adapter_config.json": b"{}", "adapter_model.bin": b"x", "adapter_model.safetensors": b"xx"}
    finding = look(LoadPath(), files).findings[0]
    assert finding.message.index("adapter_model.safetensors") < finding.message.index("adapter_model.bin")


def test_what_is_missing_says_that_files_were_left_out() -> None:
    out = (ExcludedFile(path="adapter_model.bin", size=1),)
    subset = artifact({"adapter_config.json": b"{}", "x.safetensors": b"x"}, exclude=("*.bin",), excluded=out)
    (finding,) = look(LoadPath(), subset).findings
    assert "--exclude" in finding.message


INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize("data", [b"{", b'{"weight_map": 1}', b"[]", b'{"weight_map": {"a": "x", "a": "y"}}', b"\xff"])
def test_weights_below_an_index_that_can_not_be_read_are_never_called_unread(data: bytes) -> None:
    files = {"config.json": LLAMA, INDEX: data, "a.safetensors": b"x", "b.safetensors": b"x"}
    readers = look(LoadPath(), files).readers
    assert "transformers" in readers["a.safetensors"]
    assert "transformers" in readers["b.safetensors"]


@pytest.mark.parametrize("data", [b"{", b"[" * 5000, b'{"model_type": NaN}', b'{"a": 1, "a": 2}'])
def test_a_configuration_that_can_not_be_read_leaves_nothing_known_to_be_unread(data: bytes) -> None:
    files = {"config.json": data, "model.safetensors": b"x", "stray.bin": b"x", "README.md": b"x"}
    result = look(LoadPath(), files)
    assert result.status is Status.UNKNOWN
    assert all(result.readers.values())


@pytest.mark.parametrize(
    "shard", ["../model.safetensors", "/etc/passwd", "a/../../x", "", ".", "..", "\0", "x" * 5000, "\ud800"]
)
def test_an_index_leads_to_nothing_that_is_not_in_the_repo(shard: str) -> None:
    files = {"sub/config.json": LLAMA, f"sub/{INDEX}": as_json({"weight_map": {"a": shard}}), "model.safetensors": b"x"}
    result = look(LoadPath(), files)
    assert set(result.readers) == set(files)


HOSTILE: dict[str, Any] = {
    "modules.json": [[], {}, [1], [{"path": 1, "type": []}], [{"path": "..", "type": "x"}], "x", None, [None] * 1000],
    "model_index.json": [{"a": ["x", "y"]}, {"..": ["a", "b"]}, {"a/b": ["c", "d"]}, {"": ["a", "b"]}, {"a": [1, 2]}],
    "adapter_config.json": [[], {"peft_type": 5}],
    "config.json": [
        {"transformers_weights": ["x"]}, {"transformers_weights": "../x"}, {"auto_map": 5, "model_type": "x"},
        {"sklearn": {"model": {"file": 7}}}, {"sklearn": []}, {"architecture": "x"}, {"_class_name": []},
    ],
    "meta.json": [{"components": "x"}, {"pipeline": [1, None]}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, values in HOSTILE.items() for each in values])
def test_no_shape_of_a_configuration_makes_a_loader_fail(name: str, value: Any) -> None:
    files = {name: as_json(value), "config.cfg": b"x", "model.safetensors": b"x", "x": b"x"}
    result = look(LoadPath(), files)
    assert set(result.readers) == set(files)


def test_configurations_are_read_within_one_budget() -> None:
    files = {f"{number}/config.json": LLAMA + b" " * 100 for number in range(20)}
    files |= {f"{number}/model.safetensors": b"x" for number in range(20)}
    result = look(LoadPath(), files, load_path_bytes=1_000)
    assert "load_path_bytes" in result.reason
    assert result.status is Status.UNKNOWN
    assert all(result.readers.values())


def test_findings_of_a_greedy_index_are_few() -> None:
    files = pipeline(**{f"c{number}": ["a", "b"] for number in range(5_000)}) | {"x.safetensors": b"x"}
    assert 0 < len(look(LoadPath(), files).findings) <= 60


def parsed_and_names(count: int) -> tuple[list[str], Layout]:
    names = [f"d{number % 97}/e{number % 7}/model.v{number}.safetensors" for number in range(count)]
    modules = [{"path": f"d{number}", "type": "a.Router"} for number in range(5_000)]
    parsed: list[str] = []

    def parse(path: str) -> Any:
        parsed.append(path)
        return modules

    paths = (*map(PurePosixPath, names), PurePosixPath("modules.json"), PurePosixPath("d1/e1/config.json"))
    return parsed, Layout(paths=paths, formats={}, parse=parse)


def test_each_configuration_is_parsed_once() -> None:
    parsed, layout = parsed_and_names(500)
    ask(layout)
    ask(layout)
    assert sorted(parsed) == sorted(set(parsed))


def test_no_loader_gives_more_readings_than_a_few_for_each_file() -> None:
    _, layout = parsed_and_names(2_000)
    for loader in (*LOADERS, *HANDED):
        assert sum(1 for _ in loader(layout)) <= 20 * len(layout.paths), loader
