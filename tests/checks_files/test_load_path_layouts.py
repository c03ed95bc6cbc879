"""Repos as people publish them: for each file the loaders that would read it, and what nobody reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.checks.files.load_path import LoadPath
from gatekeeper.checks.files.loaders import BY_NAME
from tests.support.artifacts import look

OLD = "old or with use_safetensors=False"
LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
WHISPER = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}


def repo(*names: str, **configs: Any) -> dict[str, bytes]:
    """Give files of one byte, and JSON files: `config`, or a path with `__` for a slash."""
    files = dict.fromkeys(names, b"x")
    return files | {f"{name.replace('__', '/')}.json": json.dumps(value).encode() for name, value in configs.items()}


def index(*shards: str) -> bytes:
    return json.dumps({"weight_map": {f"t{number}": shard for number, shard in enumerate(shards)}}).encode()


def readers(files: dict[str, bytes]) -> dict[str, tuple[str, ...]]:
    result = look(LoadPath(), files)
    assert not result.gaps, result.reason
    assert set(result.readers) == set(files)
    return dict(result.readers)


SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
BINS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
PIPELINE = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": [None, None],
    "requires_safety_checker": False,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
]
SERVED = ("transformers", "vLLM", "Ollama (import)")

LAYOUTS: dict[str, tuple[dict[str, bytes], dict[str, tuple[str, ...]]]] = {
    "transformers": (
        repo("model.safetensors", "tokenizer.json", "README.md", "LICENSE", "merges.txt", config=LLAMA),
        {"model.safetensors": SERVED, "tokenizer.json": SERVED, "config.json": SERVED,
         "merges.txt": ("transformers", "vLLM"), "README.md": (), "LICENSE": ()},
    ),
    "left by a trainer": (
        repo("model.safetensors", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state_0.pth", "scaler.pt",
             "trainer_state.json", "checkpoint-500/model.safetensors", "checkpoint-500/optimizer.pt",
             "global_step500/mp_rank_00_model_states.pt", config=LLAMA, **{"checkpoint-500__config": LLAMA}),
        {"model.safetensors": SERVED, "training_args.bin": (), "optimizer.pt": (), "scheduler.pt": (),
         "rng_state_0.pth": (), "scaler.pt": (), "checkpoint-500/model.safetensors": (),
         "checkpoint-500/optimizer.pt": (), "checkpoint-500/config.json": (),
         "global_step500/mp_rank_00_model_states.pt": ()},
    ),
    "pickle beside safetensors": (
        repo("model.safetensors", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "rust_model.ot",
             config=LLAMA),
        {"model.safetensors": SERVED, "pytorch_model.bin": (f"transformers ({OLD})",),
         "tf_model.h5": ("transformers (before 5; from_tf)",),
         "flax_model.msgpack": ("transformers (before 5; from_flax)",), "rust_model.ot": ("rust-bert",)},
    ),
    "pickles alone": (
        repo("pytorch_model.bin", "training_args.bin", "extra.bin", "stray.pt", config=LLAMA),
        {"pytorch_model.bin": SERVED, "training_args.bin": (), "extra.bin": ("vLLM",), "stray.pt": ()},
    ),
    "vLLM falls back to .pt": (repo("llama.pt", "optimizer.pt", config=LLAMA),
                               {"llama.pt": ("vLLM",), "optimizer.pt": ()}),
    "sharded": (
        repo(*SHARDS, *BINS, "consolidated-extra.pt", config=LLAMA)
        | {"model.safetensors.index.json": index(*SHARDS), "pytorch_model.bin.index.json": index(*BINS)},
        {SHARDS[0]: SERVED, SHARDS[1]: SERVED, "model.safetensors.index.json": SERVED,
         BINS[0]: (f"transformers ({OLD})",), "pytorch_model.bin.index.json": (f"transformers ({OLD})",
                                                                                "Ollama (import)"),
         "consolidated-extra.pt": ()},
    ),
    "a shard that the index does not name": (
        repo(*SHARDS, "model-00003-of-00003.safetensors", config=LLAMA)
        | {"model.safetensors.index.json": index(*SHARDS)},
        {SHARDS[0]: SERVED, "model-00003-of-00003.safetensors": ("Ollama (import)",)},
    ),
    "single file before index": (
        repo("model.safetensors", *SHARDS, config=LLAMA) | {"model.safetensors.index.json": index(*SHARDS)},
        {"model.safetensors": ("transformers", "Ollama (import)"), SHARDS[0]: ("vLLM", "Ollama (import)")},
    ),
    "variants": (
        repo("model.safetensors", "model.fp16.safetensors", config=LLAMA),
        {"model.fp16.safetensors": ("transformers (variant fp16)", "vLLM", "Ollama (import)")},
    ),
    "named in the configuration": (
        repo("other.safetensors", "model.safetensors", config={**LLAMA, "transformers_weights": "other.safetensors"}),
        {"other.safetensors": ("transformers", "vLLM"), "model.safetensors": ("vLLM", "Ollama (import)")},
    ),
    "subfolder": (
        repo("model.safetensors", "small/model.safetensors", "small/pytorch_model.bin", config=LLAMA,
             small__config=LLAMA),
        {"small/model.safetensors": ("transformers (as a subfolder)",),
         "small/pytorch_model.bin": (f"transformers (as a subfolder; {OLD})",)},
    ),
    "remote code": (
        repo("model.safetensors", "modeling_own.py", "configuration_own.py", "tools/other.py",
             "custom_generate/generate.py", config={**LLAMA, "auto_map": {"AutoModel": "modeling_own.M"}}),
        {"modeling_own.py": ("transformers (trust_remote_code)",),
         "configuration_own.py": ("transformers (trust_remote_code)",), "tools/other.py": (),
         "custom_generate/generate.py": ("transformers (trust_remote_code)",)},
    ),
    "code that nothing asks for": (repo("model.safetensors", "train.py", config=LLAMA), {"train.py": ()}),
    "tokenizer alone": (repo("tokenizer.json", "vocab.txt", tokenizer_config={}),
                        {"tokenizer.json": ("transformers",), "vocab.txt": ("transformers",)}),
    "diffusers": (
        repo("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.bin",
             "unet/diffusion_pytorch_model.fp16.safetensors", "text_encoder/model.safetensors",
             "text_encoder/pytorch_model.bin", "scheduler/scheduler_config.json", "v1-5-pruned.ckpt",
             "old/diffusion_pytorch_model.bin", model_index=PIPELINE, unet__config={}, text_encoder__config=LLAMA),
        {"unet/diffusion_pytorch_model.safetensors": ("diffusers",),
         "unet/diffusion_pytorch_model.bin": (f"diffusers ({OLD})",),
         "unet/diffusion_pytorch_model.fp16.safetensors": ("diffusers (variant fp16)",),
         "text_encoder/model.safetensors": ("diffusers",), "text_encoder/pytorch_model.bin": (f"diffusers ({OLD})",),
         "scheduler/scheduler_config.json": ("diffusers",), "v1-5-pruned.ckpt": ("diffusers (with from_single_file)",),
         "old/diffusion_pytorch_model.bin": (), "model_index.json": ("diffusers",)},
    ),
    "one model of diffusers": (
        repo("diffusion_pytorch_model.safetensors", config={"_class_name": "AutoencoderKL"}),
        {"diffusion_pytorch_model.safetensors": ("diffusers",), "config.json": ("diffusers",)},
    ),
    "LoRA for diffusers": (
        repo("pytorch_lora_weights.safetensors", "README.md"),
        {"pytorch_lora_weights.safetensors": ("diffusers (as an adapter)",)},
    ),
    "PEFT": (
        repo("adapter_model.safetensors", "adapter_model.bin", "training_args.bin", "checkpoint-9/adapter_model.bin",
             adapter_config={}, **{"checkpoint-9__adapter_config": {}}),
        {"adapter_model.safetensors": ("PEFT", "transformers", "vLLM (as a LoRA adapter)"),
         "adapter_model.bin": (f"PEFT ({OLD})", f"transformers ({OLD})"), "training_args.bin": (),
         "checkpoint-9/adapter_model.bin": ()},
    ),
    "sentence-transformers": (
        repo("model.safetensors", "pytorch_model.bin", "2_Dense/model.safetensors", "2_Dense/pytorch_model.bin",
             "onnx/model.onnx", "4_Other/pytorch_model.bin", config=LLAMA, modules=MODULES, **{
                 "1_Pooling__config": {}, "2_Dense__config": {}, "config_sentence_transformers": {}}),
        {"model.safetensors": ("transformers", "sentence-transformers", "vLLM", "Ollama (import)"),
         "pytorch_model.bin": (f"transformers ({OLD})", f"sentence-transformers ({OLD})"),
         "2_Dense/model.safetensors": ("sentence-transformers",), "onnx/model.onnx": ("onnxruntime",),
         "2_Dense/pytorch_model.bin": (f"sentence-transformers ({OLD})",), "4_Other/pytorch_model.bin": (),
         "1_Pooling/config.json": ("sentence-transformers",)},
    ),
    "GGUF": (
        repo("model.Q4_K_M.gguf", "big-00001-of-00002.gguf", "template", "params", "imatrix.dat"),
        {"model.Q4_K_M.gguf": ("transformers (with gguf_file)", "vLLM (when named)", "llama.cpp", "Ollama"),
         "template": ("Ollama",), "params": ("Ollama",), "imatrix.dat": ()},
    ),
    "Mistral": (
        repo(*SHARDS, "consolidated.safetensors", "tokenizer.model.v3", config=LLAMA, params={})
        | {"model.safetensors.index.json": index(*SHARDS)},
        {"consolidated.safetensors": ("vLLM", "the publisher's reference code"),
         SHARDS[0]: ("transformers", "Ollama (import)")},
    ),
    "Llama": (
        repo("model.safetensors", "original/consolidated.00.pth", config=LLAMA, original__params={}),
        {"original/consolidated.00.pth": ("the publisher's reference code",)},
    ),
    "ONNX": (
        repo("onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_quantized.onnx", config=LLAMA),
        {"onnx/model.onnx": ("onnxruntime",), "onnx/model.onnx_data": ("onnxruntime",)},
    ),
    "OpenVINO": (repo("openvino_model.xml", "openvino_model.bin"), {"openvino_model.bin": ("OpenVINO",)}),
    "SavedModel": (
        repo("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001",
             "fingerprint.pb"),
        {"saved_model.pb": ("TensorFlow",), "variables/variables.data-00000-of-00001": ("TensorFlow",),
         "fingerprint.pb": ("TensorFlow",)},
    ),
    "Keras": (repo("model.keras"), {"model.keras": ("Keras",)}),
    "spaCy": (
        repo("config.cfg", "ner/model", "vocab/strings.json", "tokenizer", "notes.pkl", meta={"components": ["ner"]}),
        {"ner/model": ("spaCy",), "vocab/strings.json": ("spaCy",), "tokenizer": ("spaCy",), "notes.pkl": ()},
    ),
    "scikit-learn": (
        repo("sklearn_model.joblib", "other.pkl"),
        {"sklearn_model.joblib": ("joblib",), "other.pkl": ()},
    ),
    "scikit-learn by its configuration": (
        repo("my.pkl", config={"sklearn": {"model": {"file": "my.pkl"}}}), {"my.pkl": ("joblib or pickle",)},
    ),
    "NeMo": (repo("speech.nemo"), {"speech.nemo": ("NeMo",)}),
    "timm": (
        repo("model.safetensors", "pytorch_model.bin", config={"architecture": "resnet18", "num_classes": 2}),
        {"model.safetensors": ("timm", "huggingface_hub (model mixin)"),
         "pytorch_model.bin": ("timm (old)", "huggingface_hub (model mixin; old)")},
    ),
    "open_clip": (
        repo("open_clip_model.safetensors", "open_clip_pytorch_model.bin", open_clip_config={}),
        {"open_clip_model.safetensors": ("open_clip",), "open_clip_pytorch_model.bin": ("open_clip (old)",)},
    ),
    "faster-whisper": (
        repo("tokenizer.json", "vocabulary.txt", "preprocessor_config.json", config={})
        | {"model.bin": b"\x06\0\0\0\x0c\0WhisperSpec\0" + bytes(64)},
        {"model.bin": ("CTranslate2", "faster-whisper"), "vocabulary.txt": ("CTranslate2", "faster-whisper"),
         "tokenizer.json": ("faster-whisper",)},
    ),
    "whisper.cpp": ({"ggml-base.bin": b"lmgg" + bytes(64)}, {"ggml-base.bin": ("whisper.cpp", "llama.cpp (old)")}),
    "SpeechBrain": (repo("hyperparams.yaml", "embedding.ckpt"), {"embedding.ckpt": ("SpeechBrain",)}),
    "inference endpoint": (
        repo("model.safetensors", "handler.py", "requirements.txt", config=LLAMA),
        {"handler.py": ("Inference Endpoints",), "requirements.txt": ("Inference Endpoints",)},
    ),
    "no loader's layout": (
        repo("weights/best.pt", "last.pth", "training_args.bin", "README.md"),
        {"weights/best.pt": (BY_NAME,), "last.pth": (BY_NAME,), "training_args.bin": (), "README.md": ()},
    ),
    "graphs for several runtimes": (
        repo("voice.onnx", "voice.jit", "voice_16k.safetensors", "optimizer.pt"),
        {"voice.onnx": ("onnxruntime",), "voice.jit": (BY_NAME,), "voice_16k.safetensors": (BY_NAME,),
         "optimizer.pt": ()},
    ),
    "only a checkpoint of a training": (
        repo("checkpoint-7/model.safetensors", "checkpoint-7/optimizer.pt", **{"checkpoint-7__config": LLAMA}),
        {"checkpoint-7/model.safetensors": ("transformers (as a subfolder)",), "checkpoint-7/optimizer.pt": ()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_file_is_read_by_whom_its_layout_says(name: str) -> None:
    files, expected = LAYOUTS[name]
    found = readers(files)
    assert {path: found[path] for path in expected} == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_an_honest_layout_holds_is_no_finding_that_weighs(name: str) -> None:
    result = look(LoadPath(), LAYOUTS[name][0])
    told = {finding.id.rsplit("/", 1)[1] for finding in result.findings}
    assert told <= {"two-sets"} | ({"nothing-to-load"} if name == "tokenizer alone" else set())
