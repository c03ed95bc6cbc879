"""Many architectures of one library, each from a configuration of the smallest sizes: one line an architecture."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.onnx.architectures import HIDDEN, TOKENS, VOCABULARY, architecture, ids, masked, pixels
from benchmarks.onnx.architectures_text import cached, network, prefill
from benchmarks.onnx.exporting import Module

_BASE: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 80, "pad_token_id": 1, "num_labels": 6,
}  # fmt: skip
_DECODER: dict[str, Any] = {**_BASE, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}

ENCODERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "roberta": ("RobertaForSequenceClassification", "RobertaConfig", {}),
    "electra": ("ElectraForSequenceClassification", "ElectraConfig", {"embedding_size": HIDDEN}),
    "albert": ("AlbertForSequenceClassification", "AlbertConfig", {"embedding_size": 16}),
    "mpnet": ("MPNetForSequenceClassification", "MPNetConfig", {}),
    "deberta_v2": ("DebertaV2ForSequenceClassification", "DebertaV2Config",
                   {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16}),
    "esm": ("EsmForMaskedLM", "EsmConfig",
            {"mask_token_id": 32, "token_dropout": True, "position_embedding_type": "rotary"}),
    "mobilebert": ("MobileBertForSequenceClassification", "MobileBertConfig",
                   {"embedding_size": 16, "intra_bottleneck_size": 16, "num_feedforward_networks": 1}),
    "modernbert": ("ModernBertForSequenceClassification", "ModernBertConfig",
                   {"local_attention": 8, "global_attn_every_n_layers": 2, "cls_token_id": 3, "sep_token_id": 4,
                    "bos_token_id": 3, "eos_token_id": 4}),
    "roformer": ("RoFormerForSequenceClassification", "RoFormerConfig", {"embedding_size": HIDDEN}),
    "nystromformer": ("NystromformerForSequenceClassification", "NystromformerConfig",
                      {"num_landmarks": 4, "segment_means_seq_len": 4}),
    "roberta_tokens": ("RobertaForTokenClassification", "RobertaConfig", {}),
    "bert_answers": ("BertForMaskedLM", "BertConfig", {}),
    "xlm_roberta": ("XLMRobertaForSequenceClassification", "XLMRobertaConfig", {}),
    "layoutlm_text": ("LayoutLMForSequenceClassification", "LayoutLMConfig", {}),
}  # fmt: skip

DECODERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 16}),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", {"head_dim": 16, "sliding_window": 8}),
    "gemma3": ("Gemma3ForCausalLM", "Gemma3TextConfig", {"head_dim": 16, "sliding_window": 8}),
    "mistral": ("MistralForCausalLM", "MistralConfig", {"sliding_window": 8}),
    "opt": ("OPTForCausalLM", "OPTConfig", {"word_embed_proj_dim": HIDDEN, "ffn_dim": 64}),
    "bloom": ("BloomForCausalLM", "BloomConfig", {"n_head": 2, "n_layer": 2}),
    "gpt_neo": ("GPTNeoForCausalLM", "GPTNeoConfig",
                {"num_layers": 2, "num_heads": 2, "attention_types": [[["global", "local"], 1]], "window_size": 8}),
    "gpt_neox": ("GPTNeoXForCausalLM", "GPTNeoXConfig", {}),
    "gptj": ("GPTJForCausalLM", "GPTJConfig",
             {"n_embd": HIDDEN, "n_layer": 2, "n_head": 2, "rotary_dim": 8, "n_positions": 80}),
    "phi": ("PhiForCausalLM", "PhiConfig", {}),
    "stablelm": ("StableLmForCausalLM", "StableLmConfig", {}),
    "olmo2": ("Olmo2ForCausalLM", "Olmo2Config", {}),
    "starcoder2": ("Starcoder2ForCausalLM", "Starcoder2Config", {}),
    "granite": ("GraniteForCausalLM", "GraniteConfig", {}),
    "cohere": ("CohereForCausalLM", "CohereConfig", {}),
    "smollm3": ("SmolLM3ForCausalLM", "SmolLM3Config", {}),
    "phi3_long": ("Phi3ForCausalLM", "Phi3Config",
                  {"original_max_position_embeddings": 16,
                   "rope_scaling": {"rope_type": "longrope", "short_factor": [1.0] * 8,
                    "long_factor": [1.5 + 0.25 * at for at in range(8)]}}),
    "llama_classes": ("LlamaForSequenceClassification", "LlamaConfig", {}),
    "gpt2_classes": ("GPT2ForSequenceClassification", "GPT2Config",
                     {"n_embd": HIDDEN, "n_layer": 2, "n_head": 2, "n_positions": 80}),
    "qwen2_classes": ("Qwen2ForSequenceClassification", "Qwen2Config", {}),
}  # fmt: skip

CACHED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "llama_cached": ("LlamaForCausalLM", "LlamaConfig", {}),
    "mistral_cached": ("MistralForCausalLM", "MistralConfig", {"sliding_window": None}),
    "gpt2_cached": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": HIDDEN, "n_layer": 2, "n_head": 2, "n_positions": 80}),
    "qwen3_cached": ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 16}),
}

_PATCHES: dict[str, Any] = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "intermediate_size": 64, "image_size": 32, "patch_size": 8, "num_labels": 6}  # fmt: skip
_STAGES: dict[str, Any] = {"num_labels": 6, "image_size": 32}

IMAGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "resnet": ("ResNetForImageClassification", "ResNetConfig",
               {"embedding_size": 16, "hidden_sizes": [16, 24], "depths": [1, 1], "layer_type": "basic",
                "num_labels": 6}),
    "resnet_bottleneck": ("ResNetForImageClassification", "ResNetConfig",
                          {"embedding_size": 16, "hidden_sizes": [32, 48], "depths": [1, 2], "num_labels": 6}),
    "convnextv2": ("ConvNextV2ForImageClassification", "ConvNextV2Config",
                   {"hidden_sizes": [16, 24, 32, 40], "depths": [1, 1, 1, 1], **_STAGES}),
    "swin": ("SwinForImageClassification", "SwinConfig",
             {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4, "patch_size": 2, **_STAGES}),
    "swinv2": ("Swinv2ForImageClassification", "Swinv2Config",
               {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4, "patch_size": 2, **_STAGES}),
    "deit": ("DeiTForImageClassification", "DeiTConfig", _PATCHES),
    "beit": ("BeitForImageClassification", "BeitConfig", {**_PATCHES, "use_relative_position_bias": True}),
    "dinov2": ("Dinov2ForImageClassification", "Dinov2Config", {**_PATCHES, "mlp_ratio": 2}),
    "mobilevit": ("MobileViTForImageClassification", "MobileViTConfig",
                  {"hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 16, 24, 32, 40, 64],
                   "num_attention_heads": 2, **_STAGES, "image_size": 64}),
    "mobilenet_v1": ("MobileNetV1ForImageClassification", "MobileNetV1Config", {"depth_multiplier": 0.25, **_STAGES}),
    "regnet": ("RegNetForImageClassification", "RegNetConfig",
               {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "groups_width": 8, "num_labels": 6}),
    "poolformer": ("PoolFormerForImageClassification", "PoolFormerConfig",
                   {"hidden_sizes": [16, 24, 32, 40], "depths": [1, 1, 1, 1], "num_labels": 6}),
    "levit": ("LevitForImageClassification", "LevitConfig",
              {"hidden_sizes": [32, 48, 64], "num_attention_heads": [2, 2, 2], "depths": [1, 1, 1],
               "key_dim": [8, 8, 8],
               "image_size": 64, "num_labels": 6}),
    "segformer": ("SegformerForSemanticSegmentation", "SegformerConfig",
                  {"hidden_sizes": [16, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 1, 2, 2],
                   "decoder_hidden_size": 16, "num_labels": 6}),
    "pvt_v2": ("PvtV2ForImageClassification", "PvtV2Config",
               {"hidden_sizes": [16, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 1, 2, 2],
                "num_labels": 6}),
    "yolos": ("YolosForObjectDetection", "YolosConfig",
              {**_PATCHES, "image_size": [32, 32], "num_detection_tokens": 5}),
    "efficientnet": ("EfficientNetForImageClassification", "EfficientNetConfig",
                     {"width_coefficient": 0.25, "depth_coefficient": 0.2, "hidden_dim": 320, "num_labels": 6}),
    "focalnet": ("FocalNetForImageClassification", "FocalNetConfig",
                 {"embed_dim": 16, "depths": [1, 1], "focal_levels": [1, 1], "focal_windows": [3, 3],
                  "patch_size": 4, **_STAGES}),
    "bit": ("BitForImageClassification", "BitConfig",
            {"embedding_size": 16, "hidden_sizes": [32, 64], "depths": [1, 1], "num_groups": 4, "num_labels": 6}),
}  # fmt: skip


def _enter() -> None:
    for name, (kind, config, options) in ENCODERS.items():
        _one("text", name, lambda k=kind, c=config, o=options: masked(network(k, c, **{**_BASE, **o})))
    for name, (kind, config, options) in DECODERS.items():
        _one(
            "causal",
            name,
            lambda k=kind, c=config, o=options: masked(network(k, c, **{**_DECODER, **o}), use_cache=False),
        )
    for name, (kind, config, options) in CACHED.items():
        _one("causal with cache", name, lambda k=kind, c=config, o=options: cached(network(k, c, **{**_DECODER, **o})))
        first = name.replace("cached", "prefill")
        _one("causal", first, lambda k=kind, c=config, o=options: prefill(network(k, c, **{**_DECODER, **o})))
    for name, (kind, config, options) in IMAGES.items():
        side = options.get("image_size", 32)
        side = side if isinstance(side, int) else side[0]
        _one("image", name, lambda k=kind, c=config, o=options, s=side: pixels(network(k, c, **o), size=s))


def _one(family: str, name: str, make: Any) -> None:
    architecture(family, name=name)(make)


@architecture("text")
def sentence_embedding() -> Module:
    """A mean over positions that the mask allows, scaled to length one."""
    net = network("BertModel", "BertConfig", **_BASE)

    def call(inner: Any, given: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = inner(input_ids=given, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)

    example = ids()
    inputs: dict[str, Any] = {"input_ids": (example, TOKENS), "attention_mask": (torch.ones_like(example), TOKENS)}
    return Module(network=net, call=call, inputs=inputs, outputs=("sentence_embedding",))


_enter()
