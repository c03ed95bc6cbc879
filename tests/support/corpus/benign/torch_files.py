"""What torch, PEFT, transformers and accelerate save."""

# mypy: ignore-errors
# The libraries need not be installed where types are checked.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.corpus.case import Case, Write, saved


def _net() -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def _stored(name: str, value: Callable[[], Any], **options: Any) -> Write:
    def write(folder: Path) -> None:
        import torch

        torch.save(value(), folder / name, **options)

    return write


def _trained() -> dict[str, Any]:
    import torch

    net = _net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    net(torch.ones(3, 4)).sum().backward()
    optimizer.step()
    schedule.step()
    return {
        "epoch": 3,
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(),
        "rng": torch.get_rng_state(),
        "best": float("inf"),
        "arguments": {"lr": 1e-3, "name": "run | one; two"},
    }


def _tied() -> Any:
    import torch

    weight = torch.randn(6, 4)
    return OrderedDict(embed=weight, head=weight, view=weight[:2].t(), bias=torch.zeros(6))


def _types() -> dict[str, Any]:
    import torch

    names = ("float16", "bfloat16", "float64", "int8", "uint8", "int16", "int64", "bool", "complex64", "float8_e4m3fn")
    return {name: torch.zeros(4).to(getattr(torch, name)) for name in names}


def _quantised() -> dict[str, Any]:
    import torch

    whole = torch.quantize_per_tensor(torch.randn(4, 4), 0.1, 3, torch.qint8)
    rows = torch.quantize_per_channel(
        torch.randn(4, 4), torch.ones(4), torch.zeros(4, dtype=torch.int64), 0, torch.qint8
    )
    return {"whole": whole, "rows": rows}


def _sparse() -> dict[str, Any]:
    import torch

    dense = torch.eye(4)
    return {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "nested": dense}


def _lightning() -> dict[str, Any]:
    return {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": _net().state_dict(),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_score": None, "dirpath": "/home/x/run"}},
        "hyper_parameters": {"lr": 0.1, "layers": [1, 2]},
    }


def _like_archives() -> dict[str, Any]:
    import torch

    from tests.support.corpus.assembly import PLAIN
    from tests.support.samples import zipped

    data = PLAIN + zipped({"a": b"x"})[:50] + b"\x89PNG\r\n\x1a\n" + b"7z\xbc\xaf\x27\x1c" + b"PK\x05\x06"
    return {"bytes": torch.frombuffer(bytearray(data), dtype=torch.uint8).clone()}


def _random_states() -> dict[str, Any]:
    import random

    import numpy as np
    import torch

    return {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.random.get_rng_state()}


def _parameters() -> dict[str, Any]:
    import torch

    return {"a": torch.nn.Parameter(torch.ones(2)), "size": torch.Size([2, 3]), "kind": torch.float16,
            "device": torch.device("cpu"), "b": torch.nn.ParameterList([torch.ones(1)]).state_dict()}  # fmt: skip


STATE: dict[str, Write] = {
    "state-dict": _stored("pytorch_model.bin", lambda: _net().state_dict()),
    "state-dict-legacy": _stored("weights.pth", lambda: _net().state_dict(), _use_new_zipfile_serialization=False),
    "full-checkpoint": _stored("checkpoint.pt", _trained),
    "full-checkpoint-legacy": _stored("checkpoint.tar", _trained, _use_new_zipfile_serialization=False),
    "tied": _stored("pytorch_model.bin", _tied),
    "types": _stored("types.pt", _types),
    "quantised": _stored("quantised.pt", _quantised),
    "sparse": _stored("sparse.pt", _sparse),
    "lightning": _stored("last.ckpt", _lightning),
    "bytes-like-archives": _stored("bytes.pt", _like_archives),
    "bytes-like-archives-legacy": _stored("bytes.pth", _like_archives, _use_new_zipfile_serialization=False),
    "random-states": _stored("rng_state.pth", _random_states),
    "parameters": _stored("parameters.pt", _parameters),
    "empty": _stored("empty.pt", dict),
    "protocol-4": _stored("p4.pt", lambda: _net().state_dict(), pickle_protocol=4),
    "large": _stored("large.bin", lambda: {"w": __import__("torch").zeros(2**21)}),
    "text-and-numbers": _stored("vocab.pt", lambda: {"os.system": 1, "eval(": [2, 3.5, None, True], "__import__": ()}),
}


def _scripted(folder: Path) -> None:
    import torch

    torch.jit.trace(_net().eval(), torch.ones(3, 4)).save(str(folder / "model.pt"))


def _exported(folder: Path) -> None:
    import torch

    torch.export.save(torch.export.export(_net().eval(), (torch.ones(3, 4),)), folder / "model.pt2")


def _whole(folder: Path) -> None:
    import torch

    torch.save(_net(), folder / "net.pt")


GRAPHS: dict[str, Write] = {"traced": _scripted, "exported": _exported}


def _model(kind: str, **settings: int) -> Callable[[], Any]:
    def make() -> Any:
        import transformers

        config = transformers.AutoConfig.for_model(kind, **settings)
        return transformers.AutoModel.from_config(config)

    return make


_SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 32}
_KINDS: dict[str, dict[str, int]] = {
    "bert": _SMALL,
    "llama": {**_SMALL, "num_key_value_heads": 1},
    "qwen2": {**_SMALL, "num_key_value_heads": 1},
    "mistral": {**_SMALL, "num_key_value_heads": 1},
    "gpt2": {"n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 32},
    "t5": {"d_model": 8, "num_layers": 1, "num_heads": 2, "d_ff": 16, "d_kv": 4, "vocab_size": 32},
    "vit": {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16},
}


def _pretrained(kind: str, **options: Any) -> Write:
    def write(folder: Path) -> None:
        _model(kind, **_KINDS[kind])().save_pretrained(folder, **options)

    return write


TRANSFORMERS: dict[str, Write] = {
    **{kind: _pretrained(kind) for kind in _KINDS},
    "sharded": _pretrained("bert", max_shard_size="4KB"),
}


def _tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "<unk>": 2, "import": 3, "os.system": 4}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    wrapped.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}<<SYS>>{{ m['content'] }}<</SYS>>"
        "{% else %}[{{ m['role'] }}] {{ m['content'] | trim }}{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    wrapped.save_pretrained(folder)


def _arguments(folder: Path) -> None:
    import torch
    from transformers import TrainingArguments

    torch.save(TrainingArguments(output_dir=str(folder / "out"), report_to=[]), folder / "training_args.bin")


def _adapter(folder: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(_model("llama", **_KINDS["llama"])(), LoraConfig(r=2, target_modules=["q_proj"]))
    model.save_pretrained(str(folder))


def _adapter_pickled(folder: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(_model("bert", **_KINDS["bert"])(), LoraConfig(r=2, target_modules=["query"]))
    model.save_pretrained(str(folder), safe_serialization=False)


REPOS: dict[str, Write] = {"tokenizer": _tokenizer, "training-arguments": _arguments, "adapter": _adapter}
PEFT: dict[str, Write] = {"adapter-pickled": _adapter_pickled}

CASES: tuple[tuple[Case, ...], ...] = (
    saved("torch-state", STATE, loader="torch.load", needs=("torch", "numpy")),
    saved("torch-graphs", GRAPHS, loader="torch.jit.load, torch.export.load", needs=("torch",),
          apart="a graph with source inside"),
    saved("torch-module", {"whole": _whole}, loader="torch.load(weights_only=False)", needs=("torch",),
          apart="a whole module: loading it builds any class of torch.nn"),
    saved("transformers", TRANSFORMERS, loader="transformers", needs=("transformers", "torch"), held_out=True),
    saved("transformers-files", REPOS, loader="transformers, PEFT", needs=("peft", "transformers", "torch")),
    saved("peft-pickled", PEFT, loader="PEFT", needs=("peft", "transformers", "torch")),
)  # fmt: skip
