"""Networks of two halves: encoder and decoder, text and image, sound and text."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.onnx.architectures import HIDDEN, TOKENS, VOCABULARY, architecture, ids
from benchmarks.onnx.architectures_text import network
from benchmarks.onnx.exporting import Module

_DECODED = {0: "batch", 1: "decoded"}
_BOTH: dict[str, Any] = {
    "vocab_size": VOCABULARY, "d_model": HIDDEN, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 80,
    "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2,
}  # fmt: skip


def translated(net: Any) -> Module:
    """Call a network that reads one text and continues another."""

    def call(inner: Any, given: torch.Tensor, mask: torch.Tensor, decoded: torch.Tensor) -> Any:
        answer = inner(input_ids=given, attention_mask=mask, decoder_input_ids=decoded, use_cache=False)
        return answer.logits

    example = ids()
    inputs: dict[str, Any] = {
        "input_ids": (example, TOKENS),
        "attention_mask": (torch.ones_like(example), TOKENS),
        "decoder_input_ids": (ids(2, 5), _DECODED),
    }
    return Module(network=net, call=call, inputs=inputs)


@architecture("text to text")
def t5() -> Module:
    """T5: relative positions in buckets."""
    options = {"vocab_size": VOCABULARY, "d_model": HIDDEN, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    return translated(network("T5ForConditionalGeneration", "T5Config", **options, decoder_start_token_id=0))


@architecture("text to text")
def bart() -> Module:
    """BART."""
    return translated(network("BartForConditionalGeneration", "BartConfig", **_BOTH))


@architecture("text to text")
def marian() -> Module:
    """Marian: sine positions."""
    return translated(network("MarianMTModel", "MarianConfig", **_BOTH))


@architecture("text to text")
def pegasus() -> Module:
    """Pegasus."""
    return translated(network("PegasusForConditionalGeneration", "PegasusConfig", **_BOTH))


@architecture("sound to text")
def whisper() -> Module:
    """Whisper: convolutions over mel bands, then a decoder."""
    options = {**_BOTH, "num_mel_bins": 16, "max_source_positions": 20, "max_target_positions": 40}
    net = network("WhisperForConditionalGeneration", "WhisperConfig", **options)

    def call(inner: Any, sound: torch.Tensor, decoded: torch.Tensor) -> Any:
        return inner(input_features=sound, decoder_input_ids=decoded, use_cache=False).logits

    inputs: dict[str, Any] = {
        "input_features": (torch.randn(2, 16, 40), {0: "batch"}),
        "decoder_input_ids": (ids(2, 5), _DECODED),
    }
    return Module(network=net, call=call, inputs=inputs)


@architecture("audio")
def wav2vec2() -> Module:
    """Wav2Vec2: raw audio to letters."""
    options = {
        "vocab_size": 32, "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64,
        "conv_dim": (16, 16, 16), "conv_stride": (5, 2, 2), "conv_kernel": (10, 3, 3), "num_feat_extract_layers": 3,
        "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    }  # fmt: skip
    net = network("Wav2Vec2ForCTC", "Wav2Vec2Config", **options)
    inputs: dict[str, Any] = {"audio": (torch.randn(2, 1600), {0: "batch"})}
    return Module(network=net, call=lambda inner, given: inner(input_values=given).logits, inputs=inputs)


@architecture("text and image")
def clip() -> Module:
    """CLIP: both halves, and how alike they are; the text's end token is found by its number."""
    text = {"vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 64, "max_position_embeddings": 40, "eos_token_id": 511}  # fmt: skip
    image = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
             "image_size": 32, "patch_size": 8}  # fmt: skip
    net = network("CLIPModel", "CLIPConfig", text_config=text, vision_config=image, projection_dim=16)

    def call(inner: Any, given: torch.Tensor, mask: torch.Tensor, pixels: torch.Tensor) -> Any:
        return inner(input_ids=given, attention_mask=mask, pixel_values=pixels).logits_per_image

    example = ids()
    inputs: dict[str, Any] = {
        "input_ids": (example, TOKENS),
        "attention_mask": (torch.ones_like(example), TOKENS),
        "pixel_values": (torch.rand(2, 3, 32, 32), {0: "images"}),
    }
    return Module(network=net, call=call, inputs=inputs)
