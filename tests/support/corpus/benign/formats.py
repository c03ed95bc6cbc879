"""What safetensors, gguf, onnx, Keras, h5py, TensorFlow, flax, diffusers and sentence-transformers save."""

# ruff: noqa: E501 - tables of cases read best with a case a line

# mypy: ignore-errors
# The libraries need not be installed where types are checked.

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.corpus.case import Case, Write, saved


def _tensors(folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.ones((2, 3), np.float32), "empty": np.zeros((0, 4), np.int8)}, folder / "model.safetensors",
              metadata={"format": "pt", "step": "10", "note": "os.system is only a word"})  # fmt: skip


def _tensors_like(folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    from tests.support.corpus.assembly import PLAIN
    from tests.support.samples import zipped

    data = np.frombuffer(PLAIN + zipped({"a": b"x"})[:40] + b"\x7fELF" + b"\x93NUMPY", np.uint8)
    save_file({"w": data, "z": np.zeros(64, np.uint8)}, folder / "adapter_model.safetensors")


def _tensors_torch(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    kinds = (torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.int64, torch.bool)
    save_file({str(kind): torch.zeros(3).to(kind) for kind in kinds}, folder / "model.safetensors")


SAFETENSORS: dict[str, Write] = {"plain": _tensors, "bytes-like-archives": _tensors_like}


def _gguf(name: str = "model.gguf", **texts: str) -> Write:
    def write(folder: Path) -> None:
        import gguf
        import numpy as np

        writer = gguf.GGUFWriter(folder / name, "llama")
        writer.add_block_count(1)
        writer.add_context_length(128)
        writer.add_token_list(["<s>", "</s>", "import os", "__class__", "eval("])
        writer.add_token_scores([0.0] * 5)
        for key, value in texts.items():
            writer.add_string(f"tokenizer.{key}", value)
        writer.add_tensor("token_embd.weight", np.ones((5, 32), np.float32))
        writer.add_tensor("output_norm.weight", np.ones(32, np.float16))
        quantised = gguf.quants.quantize(np.ones((4, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor("blk.0.attn_q.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    return write


_CHAT = (
    "{%- for message in messages %}{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
GGUF: dict[str, Write] = {
    "plain": _gguf(),
    "chat": _gguf(chat_template=_CHAT),
    "named": _gguf(**{"chat_template.x": _CHAT}),
}


def _keras_model() -> Any:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    hidden = keras.layers.Dropout(0.1)(keras.layers.BatchNormalization()(hidden))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def _keras(name: str) -> Write:
    return lambda folder: _keras_model().save(folder / name)


KERAS: dict[str, Write] = {"archive": _keras("model.keras")}
KERAS_WEIGHTS: dict[str, Write] = {
    "hdf5": _keras("model.h5"),
    "weights": lambda folder: _keras_model().save_weights(folder / "model.weights.h5"),
}


def _saved_model(folder: Path) -> None:
    import tensorflow as tf

    class Double(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2])])
        def __call__(self, x: Any) -> Any:
            return x * 2.0

    tf.saved_model.save(Double(), str(folder))


def _onnx(folder: Path) -> None:
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(0).random((20, 3)).astype(np.float32)
    model = LogisticRegression().fit(rows, (rows[:, 0] > 0.5).astype(int))
    (folder / "model.onnx").write_bytes(to_onnx(model, rows[:1]).SerializeToString())


def _flax(folder: Path) -> None:
    import numpy as np
    from flax.serialization import to_bytes

    (folder / "flax_model.msgpack").write_bytes(to_bytes({"dense": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}}))
    (folder / "config.json").write_text('{"model_type": "bert"}')


def _diffusers(folder: Path) -> None:
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DModel
    from diffusers.pipelines.ddim import DDIMPipeline

    net = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    DDIMPipeline(net, DDIMScheduler()).save_pretrained(folder)
    AutoencoderKL(block_out_channels=(8,), norm_num_groups=4).save_pretrained(folder / "vae")  # fmt: skip


def _sentences(folder: Path) -> None:
    import transformers
    from sentence_transformers import SentenceTransformer, models
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    inner = folder / "inner"
    settings = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 9,
    }
    transformers.BertModel(transformers.BertConfig(**settings)).save_pretrained(inner)
    tokens = Tokenizer(WordLevel({"[UNK]": 0, "[PAD]": 1, "a": 2}, "[UNK]"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(
        inner
    )
    words = models.Transformer(str(inner))
    parts = [words, models.Pooling(8), models.Dense(8, 4), models.Normalize()]
    SentenceTransformer(modules=parts).save(str(folder / "model"), create_model_card=False)
    for path in inner.iterdir():
        path.unlink()
    inner.rmdir()


def _spacy(folder: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(folder)


def _executed(folder: Path) -> None:
    """A notebook, as Jupyter writes it, with its outputs."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# How to use\n"]},
        {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [{"output_type": "stream", "name": "stdout",
         "text": ["tensor([1.])\n"]}], "source": ["import torch\n", "print(torch.ones(1))"]},
    ]  # fmt: skip
    book = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "usage.ipynb").write_text(json.dumps(book))


CASES: tuple[tuple[Case, ...], ...] = (
    saved("safetensors", SAFETENSORS, loader="safetensors", needs=("safetensors", "numpy")),
    saved("safetensors-torch", {"types": _tensors_torch}, loader="safetensors", needs=("safetensors", "torch")),
    saved("gguf", GGUF, loader="llama.cpp", needs=("gguf", "numpy"), held_out=True),
    saved("keras-archive", KERAS, loader="keras", needs=("keras", "torch")),
    saved("keras-hdf5", KERAS_WEIGHTS, loader="keras", needs=("keras", "h5py", "torch")),
    saved("saved-model", {"double": _saved_model}, loader="tf.saved_model.load", needs=("tensorflow",),
          apart="a graph"),
    saved("onnx", {"logistic": _onnx}, loader="onnxruntime", needs=("skl2onnx", "onnx", "sklearn"), apart="a graph"),
    saved("flax", {"weights": _flax}, loader="flax", needs=("flax", "msgpack")),
    saved("diffusers", {"pipeline": _diffusers}, loader="diffusers", needs=("diffusers", "torch"), held_out=True),
    saved("sentence-transformers", {"model": _sentences}, loader="sentence-transformers",
          needs=("sentence_transformers", "transformers", "torch")),
    saved("spacy", {"blank": _spacy}, loader="spaCy", needs=("spacy",), apart="binary tables of spaCy's own"),
    saved("notebook", {"executed": _executed}, loader="Jupyter", needs=("json",)),
)  # fmt: skip
