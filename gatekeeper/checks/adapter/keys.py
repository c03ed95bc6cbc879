"""Names of tensors → modules and parts, in the customs of PEFT, Diffusers and kohya.

PEFT (`utils/save_and_load.py`) writes `base_model.model.<module>.lora_A.weight`; Diffusers writes `unet.<module>` with
the same ends, and before 0.22 `<module>.lora.down.weight` or `<module>_lora.down.weight`; kohya's scripts write
`lora_unet_<module with underscores>.lora_down.weight` and an `.alpha` beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatekeeper.checks.adapter.layout import Method, Part, Style

_PREFIXES = ("base_model.model.", "base_model.")
_DIFFUSERS = ("unet.", "transformer.", "text_encoder.", "text_encoder_2.", "text_encoder_3.", "diffusion_model.")
_KOHYA = (
    "lora_unet_",
    "lora_te_",
    "lora_te1_",
    "lora_te2_",
    "lora_te3_",
    "lora_transformer_",
    "lora_prior_unet_",
    "lycoris_",
)

_BUNDLED = "bundle_emb."
"""Before embeddings of new words that trainers of image models put into the same file."""

_ENDS: tuple[tuple[str, Part], ...] = (
    (".lora_A.weight", Part.A),
    (".lora_B.weight", Part.B),
    (".lora_B.bias", Part.B_BIAS),
    (".lora_A", Part.A),
    (".lora_B", Part.B),
    (".lora_E", Part.E),
    (".ranknum", Part.RANKNUM),
    (".lora_embedding_A", Part.EMBEDDING_A),
    (".lora_embedding_B", Part.EMBEDDING_B),
    (".lora_magnitude_vector.weight", Part.MAGNITUDE),
    (".lora_magnitude_vector", Part.MAGNITUDE),
    (".dora_scale", Part.MAGNITUDE),
    (".lora_down.weight", Part.A),
    (".lora_up.weight", Part.B),
    (".lora_mid.weight", Part.MID),
    (".lora.down.weight", Part.A),
    (".lora.up.weight", Part.B),
    ("_lora.down.weight", Part.A),
    ("_lora.up.weight", Part.B),
    (".lora_linear_layer.down.weight", Part.A),
    (".lora_linear_layer.up.weight", Part.B),
    (".alpha", Part.ALPHA),
    (".ia3_l", Part.IA3),
    (".hada_w1_a", Part.HADA_W1_A),
    (".hada_w1_b", Part.HADA_W1_B),
    (".hada_w2_a", Part.HADA_W2_A),
    (".hada_w2_b", Part.HADA_W2_B),
    (".hada_t1", Part.HADA_T1),
    (".hada_t2", Part.HADA_T2),
    (".lokr_w1_a", Part.LOKR_W1_A),
    (".lokr_w1_b", Part.LOKR_W1_B),
    (".lokr_w1", Part.LOKR_W1),
    (".lokr_w2_a", Part.LOKR_W2_A),
    (".lokr_w2_b", Part.LOKR_W2_B),
    (".lokr_w2", Part.LOKR_W2),
    (".lokr_t2", Part.LOKR_T2),
    (".vera_lambda_b", Part.VERA_B),
    (".vera_lambda_d", Part.VERA_D),
    (".token_adapter.trainable_tokens_delta", Part.TOKENS),
    (".trainable_tokens_delta", Part.TOKENS),
)

# Other methods of PEFT 0.21 put a parameter under a name of their own below the module: the prefixes that
# `tuners/*/model.py` declare. They are told, not read.
_UNREAD = re.compile(
    r"(.*)\.(?:oft_|boft_|hra_|miss_|bone_|randlora_|shira_|c3a_|waveft_|fourierft_|vblora_|road_|gralora_|delora_"
    r"|hira_|lily_|glora_|ln_tuning_layers|osf_|poly_|frod_|pvera_|tinylora_|psoft_|adamss_|beft_|unilora_|peanut_"
    r"|deft_|supertuning_|shadow_|internal_xlora|adaption_|diff(?:_b)?$|oft_blocks|on_input$|w_norm|b_norm|lora_)"
)
_SHARED = re.compile(
    r"(?:vera_[AB]|randlora_[AB]|vblora_vector_bank|unilora_\w+|pvera_\w+|prompt_\w+|prefix_\w+|\w*router\w*)(?:\..*)?"
)

_METHODS: tuple[tuple[frozenset[Part], Method], ...] = (
    (frozenset({Part.IA3}), Method.IA3),
    (frozenset({Part.HADA_W1_A, Part.HADA_W1_B, Part.HADA_W2_A, Part.HADA_W2_B}), Method.LOHA),
    (frozenset(part for part in Part if part.value.startswith("lokr_")), Method.LOKR),
    (frozenset({Part.E}), Method.ADALORA),
    (frozenset({Part.MAGNITUDE}), Method.DORA),
    (frozenset({Part.A, Part.B, Part.EMBEDDING_A, Part.EMBEDDING_B, Part.B_BIAS}), Method.LORA),
    (frozenset({Part.VERA_B, Part.VERA_D}), Method.VERA),
)
_WRAPPERS = re.compile(r"\.(?:base_layer|original_module|modules_to_save(?:\.default)?)(?=\.|$)")
_NUMBER = re.compile(r"(?:^|[._])(\d{1,4})(?=[._]|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """What a tensor's name says of it."""

    module: str
    """Empty when it belongs to none."""

    part: Part


def place_of(name: str) -> Place:
    """Read the name of a tensor.

    Args:
        name: As in the header.
    """
    bare = next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
    for end, part in _ENDS:
        if bare.endswith(end):
            return Place(_module(bare[: -len(end)]), part)
    if bare.startswith(_BUNDLED):
        return Place(bare.removeprefix(_BUNDLED).split(".")[0], Part.TOKENS)
    if _SHARED.fullmatch(bare):
        return Place("", Part.UNREAD)
    unread = _UNREAD.match(bare)
    if unread:
        return Place(_module(unread[1]), Part.UNREAD)
    module, _, last = bare.rpartition(".")
    return Place(_module(module or bare), Part.BIAS if last == "bias" else Part.WEIGHT)


def style_of(names: list[str]) -> Style:
    """Say by whose custom most tensors are named.

    Args:
        names: As in the header.
    """
    counts = {
        Style.PEFT: sum(name.startswith(_PREFIXES) for name in names),
        Style.KOHYA: sum(name.startswith(_KOHYA) for name in names),
        Style.DIFFUSERS: sum(name.startswith(_DIFFUSERS) for name in names),
    }
    style = max(counts, key=lambda key: counts[key])
    return style if counts[style] else Style.UNKNOWN


def method_of(parts: frozenset[Part]) -> Method:
    """Say which method the parts of one module belong to.

    Args:
        parts: Of its tensors.
    """
    return next((method for signs, method in _METHODS if signs & parts), Method.OTHER)


def layer_of(module: str) -> int | None:
    """Give the first number in a module's name that stands between dots or underscores; None without one."""
    found = _NUMBER.search(module)
    return int(found[1]) if found else None


def target_of(module: str) -> str:
    """Give the last word of a module's name; in the style of kohya, what stands behind the last number."""
    if module.startswith(_KOHYA):
        return re.sub(r"^.*_\d+_(?=\D)", "", module)
    words = [word for word in module.split(".") if word and not word.isdecimal()]
    return words[-1] if words else module


def _module(name: str) -> str:
    """Leave out what wrappers add to the name of a module."""
    return _WRAPPERS.sub("", name).removesuffix(".token_adapter")
