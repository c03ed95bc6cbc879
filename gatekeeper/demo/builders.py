"""Files of the embedded subjects, built byte for byte the same each time; payloads are inert.

They are written as code and not as binaries, so that a reviewer can read what the demo feeds to the gate.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Mapping

Files = Mapping[str, bytes]
"""Path in a repo → content."""

_EPOCH = (2026, 1, 1, 0, 0, 0)
"""Date of every zip member, so that archives are reproducible."""


def card(body: str, **front: str) -> bytes:
    """Write a model card with YAML front matter."""
    matter = "".join(f"{key}: {value}\n" for key, value in front.items())
    return f"---\n{matter}---\n{body}\n".encode()


def as_json(value: object) -> bytes:
    """Write JSON as the Hub's libraries do."""
    return (json.dumps(value, indent=2) + "\n").encode()


def safetensors(tensors: Mapping[str, tuple[int, ...]], seed: str) -> bytes:
    """Write a safetensors file with small seeded weights.

    Args:
        tensors: Name → shape; every tensor is F32.
        seed: Names the pseudo-random stream.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, shape in tensors.items():
        count = 1
        for side in shape:
            count *= side
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(body), len(body) + 4 * count]}
        body += _floats(f"{seed}/{name}", count)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def _floats(seed: str, count: int) -> bytes:
    """Give `count` little-endian floats in [-0.5, 0.5), from SHAKE-256 of the seed."""
    words = struct.unpack(f"<{count}H", hashlib.shake_256(seed.encode()).digest(2 * count))
    return struct.pack(f"<{count}f", *(word / 65536 - 0.5 for word in words))


class _Call:
    """Pickles into a call of `os.system("true")`, which does nothing even if somebody ran it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("true",))


def torch_zip_with_call() -> bytes:
    """Write a PyTorch checkpoint whose pickle calls a function when it is loaded."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (("data.pkl", pickle.dumps({"weight": _Call()}, protocol=2)), ("version", b"3\n")):
            archive.writestr(zipfile.ZipInfo(f"archive/{name}", _EPOCH), data)
    return buffer.getvalue()


def tiny_model(publisher: str) -> Files:
    """Build a well-kept model repo: card with licence, configuration, tokenizer, safetensors."""
    return {
        ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
        "README.md": card(
            f"# harbour-tiny\n\nA very small model that {publisher} keeps for demonstrations.",
            license="apache-2.0",
            library_name="transformers",
            pipeline_tag="text-generation",
        ),
        "config.json": as_json(
            {
                "architectures": ["LlamaForCausalLM"],
                "model_type": "llama",
                "hidden_size": 8,
                "intermediate_size": 16,
                "num_attention_heads": 2,
                "num_hidden_layers": 1,
                "vocab_size": 16,
                "torch_dtype": "float32",
            }
        ),
        "generation_config.json": as_json({"do_sample": False, "max_new_tokens": 32}),
        "tokenizer_config.json": as_json(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "chat_template": "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}",
            }
        ),
        "model.safetensors": safetensors(
            {
                "model.embed_tokens.weight": (16, 8),
                "model.layers.0.self_attn.q_proj.weight": (8, 8),
                "model.layers.0.mlp.up_proj.weight": (16, 8),
                "model.norm.weight": (8,),
                "lm_head.weight": (16, 8),
            },
            seed=publisher,
        ),
    }


def pickled_model() -> Files:
    """Build a repo whose only weights are a checkpoint with a call in it."""
    return {
        "README.md": card("# quick-classifier\n\nWorks out of the box.", license="mit"),
        "config.json": as_json({"architectures": ["BertForSequenceClassification"], "model_type": "bert"}),
        "pytorch_model.bin": torch_zip_with_call(),
    }


def adapter(base: str) -> Files:
    """Build a LoRA adapter with rank 2 for a base model."""
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    return {
        "README.md": card(
            "# harbour-lora\n\nMakes answers friendlier.",
            license="apache-2.0",
            base_model=base,
            base_model_relation="adapter",
            library_name="peft",
        ),
        "adapter_config.json": as_json(
            {
                "peft_type": "LORA",
                "base_model_name_or_path": base,
                "r": 2,
                "lora_alpha": 4,
                "target_modules": ["q_proj"],
                "task_type": "CAUSAL_LM",
            }
        ),
        "adapter_model.safetensors": safetensors(
            {f"{layer}.lora_A.weight": (2, 8), f"{layer}.lora_B.weight": (8, 2)}, seed="harbour-lora"
        ),
    }
