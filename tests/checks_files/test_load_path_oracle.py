"""What the libraries themselves resolve on a folder of tiny files, against what the check says that they read."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.checks.files.load_path import LoadPath
from gatekeeper.checks.files.loaders import diffusers, texts, transformers
from tests.support.artifacts import folder_artifact, look

CONFIG = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
SAFE = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
BINS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")


def library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name} is not installed here: {error}")


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(("config.json", "adapter_config.json")):
            path.write_text(CONFIG)
        elif ".index." in name:
            shards = SAFE if "safetensors" in name else BINS
            path.write_text(
                json.dumps({"metadata": {}, "weight_map": {f"t{n}": each for n, each in enumerate(shards)}})
            )
        else:
            path.write_bytes(b"x")
    return root


def said(root: Path, loader: str) -> set[str]:
    readers = look(LoadPath(), folder_artifact(root)).readers
    return {path for path, loaders in readers.items() if loader in loaders and not path.endswith(".json")}


LAYOUTS = {
    "safetensors": ["model.safetensors"],
    "pickle": ["pytorch_model.bin"],
    "both": ["model.safetensors", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"],
    "sharded": ["model.safetensors.index.json", *SAFE],
    "sharded pickles": ["pytorch_model.bin.index.json", *BINS],
    "single and sharded": ["model.safetensors", "model.safetensors.index.json", *SAFE],
    "pickle beside shards": ["pytorch_model.bin", "model.safetensors.index.json", *SAFE],
    "sharded pickles beside one": ["model.safetensors", "pytorch_model.bin.index.json", *BINS],
    "strays": ["model.safetensors", "other.safetensors", "training_args.bin", "optimizer.pt", "extra.bin"],
}


def resolved(root: Path, **options: Any) -> set[str]:
    library("torch")
    resolve = library("transformers.modeling_utils")._get_resolved_checkpoint_files
    asked = {"variant": None, "gguf_file": None, "use_safetensors": None, "user_agent": {}, "is_remote_code": False}
    files, _ = resolve(str(root), **asked | options)
    return {str(Path(file).relative_to(root)) for file in files}


@pytest.mark.parametrize("name", LAYOUTS)
def test_transformers_reads_what_the_check_says(name: str, tmp_path: Path) -> None:
    root = make(tmp_path, "config.json", *LAYOUTS[name])
    assert said(root, "transformers") == resolved(root)


@pytest.mark.parametrize("name", ["both", "pickle beside shards", "sharded pickles beside one"])
def test_transformers_told_to_do_without_safetensors_reads_what_the_check_says(name: str, tmp_path: Path) -> None:
    root = make(tmp_path, "config.json", *LAYOUTS[name])
    told = said(root, "transformers (old or with use_safetensors=False)")
    assert told == resolved(root, use_safetensors=False)


@pytest.mark.parametrize(
    "names",
    [
        ["model.safetensors", "model.fp16.safetensors"],
        ["model.safetensors", "pytorch_model.fp16.bin"],
        ["model.safetensors", "model.safetensors.index.fp16.json", *SAFE],
    ],
)
def test_transformers_told_of_a_variant_reads_what_the_check_says(names: list[str], tmp_path: Path) -> None:
    root = make(tmp_path, "config.json", *names)
    assert said(root, "transformers (variant fp16)") == resolved(root, variant="fp16")


def test_transformers_told_of_a_subfolder_reads_what_the_check_says(tmp_path: Path) -> None:
    root = make(tmp_path, "config.json", "model.safetensors", "small/config.json", "small/model.safetensors")
    told = said(root, "transformers (as a subfolder)")
    assert told == resolved(root, download_kwargs={"subfolder": "small"})


@pytest.mark.parametrize("names", [["adapter_model.safetensors"], ["adapter_model.bin"],
                                   ["adapter_model.safetensors", "adapter_model.bin"]])  # fmt: skip
def test_peft_reads_what_the_check_says(names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library("torch")
    module = library("peft.utils.save_and_load")
    root = make(tmp_path, "adapter_config.json", *names)
    read: list[str] = []

    def note(path: str, *_given: object, **_options: object) -> dict[str, object]:
        read.append(str(Path(path).relative_to(root)))
        return {}

    monkeypatch.setattr(module, "safe_load_file", note)
    monkeypatch.setattr(module, "torch_load", note)
    module.load_peft_weights(str(root), device="cpu")
    assert said(root, "PEFT") == set(read)


def test_the_names_of_transformers_are_those_that_its_loader_knows() -> None:
    utils = library("transformers.utils")
    stems = {f"{stem}{ending}" for stem, ending in transformers.SETS}
    assert stems == {utils.SAFE_WEIGHTS_NAME, utils.WEIGHTS_NAME}
    known = {utils.CONFIG_NAME, utils.GENERATION_CONFIG_NAME, utils.PROCESSOR_NAME, utils.FEATURE_EXTRACTOR_NAME,
             utils.VIDEO_PROCESSOR_NAME, utils.CHAT_TEMPLATE_FILE}  # fmt: skip
    assert known <= texts.CONFIGS


def test_the_names_of_diffusers_are_those_that_its_loader_knows() -> None:
    constants = library("diffusers.utils.constants")
    names = ["".join(each) for each in diffusers._OWN]
    assert names == [constants.SAFETENSORS_WEIGHTS_NAME, constants.WEIGHTS_NAME]
