"""diffusers: libraries and modules that a pipeline's index names (`pipelines/pipeline_loading_utils.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.text import printable

_LIBRARIES = frozenset({"diffusers", "transformers", "onnxruntime", "optimum", "peft", "controlnet_aux", "k_diffusion",
                        "sentence_transformers", "torch", "timm", "open_clip", "compel", "nunchaku"})  # fmt: skip
"""Libraries whose classes honest pipelines name as parts."""

_PIPELINES = frozenset(
    {
        "ace_step", "allegro", "alt_diffusion", "amused", "animatediff", "anyflow", "audio_diffusion", "audioldm",
        "audioldm2", "aura_flow", "blip_diffusion", "bria", "bria_fibo", "bria_fibo2", "chroma", "chronoedit",
        "cogvideo", "cogview3", "cogview4", "consisid", "consistency_models", "controlnet", "controlnet_hunyuandit",
        "controlnet_sd3", "controlnet_xs", "cosmos", "dance_diffusion", "ddim", "ddpm", "deepfloyd_if",
        "deprecated", "diffusion_gemma", "dit", "dreamlite", "easyanimate", "ernie_image", "flux", "flux2",
        "glm_image", "helios", "hidream_image", "hunyuan_image", "hunyuan_video", "hunyuan_video1_5", "hunyuandit",
        "i2vgen_xl", "ideogram4", "joyimage", "kandinsky", "kandinsky2_2", "kandinsky3", "kandinsky5", "kandinsky6",
        "kolors", "krea2", "latent_consistency_models", "latent_diffusion", "latte", "ledits_pp", "llada2",
        "longcat_audio_dit", "longcat_image", "ltx", "ltx2", "lucy", "lumina", "lumina2", "marigold", "mochi",
        "motif_video", "musicldm", "nucleusmoe_image", "omnigen", "onnx_utils", "ovis_image", "pag",
        "paint_by_example", "pia", "pixart_alpha", "pndm", "prx", "qwenimage", "qwenimage21", "repaint",
        "rfd4_proteina", "sana", "sana_video", "sana_wm", "score_sde_ve", "semantic_stable_diffusion", "shap_e",
        "skyreels_v2", "spectrogram_diffusion", "stable_audio", "stable_audio_3", "stable_cascade",
        "stable_diffusion", "stable_diffusion_3", "stable_diffusion_attend_and_excite", "stable_diffusion_diffedit",
        "stable_diffusion_gligen", "stable_diffusion_k_diffusion", "stable_diffusion_ldm3d",
        "stable_diffusion_panorama", "stable_diffusion_safe", "stable_diffusion_sag", "stable_diffusion_xl",
        "stable_video_diffusion", "stochastic_karras_ve", "t2i_adapter", "text_to_video_synthesis", "unclip",
        "unidiffuser", "versatile_diffusion", "visualcloze", "vq_diffusion", "wan", "wuerstchen", "z_image",
    }
)  # fmt: skip
"""Modules of diffusers' own pipelines, past and present, which an index names without the library."""


def asks(config: Config) -> Iterator[Ask]:
    """Judge every `[library, Class]` of an index; a modular index adds a third value with the part's origin.

    A library that is a file in the part's folder is code from this repo. Else it is a module of diffusers' own
    pipelines, or it is imported by whatever name stands there.
    """
    if not isinstance(config.value, dict):
        return
    for name, value in config.value.items():
        if name == "_class_name" and isinstance(value, list):
            yield from _part(name, value, config)
        elif isinstance(value, list) and len(value) in (2, 3) and all(isinstance(one, str) for one in value[:2]):
            yield from _part(name, value, config)
            yield from _origin(name, value[2:], config)


def _part(name: str, value: list[Any], config: Config) -> Iterator[Ask]:
    if not value or not isinstance(value[0], str):
        return
    library, shown = value[0], printable(name, 80)
    path = f"{library}.py" if name.startswith("_") else f"{name}/{library}.py"
    present = str(config.path.parent / path)
    called = f"{library}.{value[1]}" if len(value) > 1 else library
    if config.has(present):
        message = f"it loads {shown!r} with {printable(path, 120)!r}, code from this repo"
        yield Ask(slug="local-code", message=message, detail=shown, module=present)
    elif name.startswith("_"):
        message = f"it asks for {printable(path, 120)!r}, which is not in the repo"
        yield Ask(slug="missing-code", message=message, detail=shown)
    elif trust(called) is Trust.RUNS:
        message = f"a loader would import {printable(called, 120)!r} to make {shown!r}"
        yield Ask(slug="runs-code", message=message, detail=shown)
    elif library not in _LIBRARIES | _PIPELINES or trust(called) is Trust.REACHES:
        message = f"a loader would import {printable(called, 120)!r} to make {shown!r}"
        yield Ask(slug="foreign-module", message=message, detail=shown)


def _origin(name: str, rest: list[Any], config: Config) -> Iterator[Ask]:
    """Read the third value of a modular index: the repo and the class that a part is made with."""
    details = rest[0] if rest and isinstance(rest[0], dict) else {}
    hint = details.get("type_hint")
    if isinstance(hint, list) and len(hint) == 2 and all(isinstance(one, str) for one in hint):
        yield from _part(name, hint, config)
    repo = details.get("pretrained_model_name_or_path") or details.get("repo")
    if isinstance(repo, str) and "/" in repo and not details.get("revision"):
        message = f"the part {printable(name, 80)!r} is fetched from {printable(repo, 120)!r}, which nobody has pinned"
        yield Ask(slug="unpinned-part", message=message, detail=printable(name, 80))
