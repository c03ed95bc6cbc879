"""Which loader reads what: hostile indexes, configurations and names."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.check import Outcome
from gatekeeper.checks.files.load_path import LoadPath
from tests.fuzz import laws, seeds
from tests.fuzz.judging import chosen
from tests.support.artifacts import CONTEXT, artifact
from tests.support.samples import honest_safetensors

_CONFIGS = (
    "config.json", "model_index.json", "modules.json", "adapter_config.json", "model.safetensors.index.json",
    "pytorch_model.bin.index.json", "unet/config.json", "open_clip_config.json", "meta.json",
    "0_Transformer/config.json",
)  # fmt: skip
_BESIDE = ("model.safetensors", "pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors", "adapter_model.bin")

SEEDS = seeds.chosen_by_first_byte(
    seeds.both(
        seeds.named("config.json", "index.json", "modules.json"),
        lambda: ["\n".join([*_CONFIGS, *_BESIDE, "checkpoint-5/optimizer.pt", "m-00001-of-00002.gguf"]).encode()],
    ),
    len(_CONFIGS) + 1,
)
TOKENS = tuple(
    word.encode()
    for word in (
        '"weight_map"', '"_class_name"', '"unet": ["diffusers", "UNet2DModel"]', '"model_type"', '"architectures"',
        '"path"', '"type"', '"idx"',
        '"peft_type"', '"base_model_name_or_path"', '"auto_map"', '"model.safetensors"', '"../x"', '"/"', '""', "[",
        "]", "{", "}", "null",
        "\\u0000", '"\\ud800"', '"."', '"a/b/c"', "\n", "/", "..", "config.json", "model-00001-of-99999.safetensors",
        ".index.json", "checkpoint-1/",
    )
)  # fmt: skip


def answer(data: bytes) -> Outcome:
    number, data = chosen(data, len(_CONFIGS) + 1)
    small = honest_safetensors(weight=1)
    files = dict.fromkeys(_BESIDE, small)
    if number < len(_CONFIGS):
        files[_CONFIGS[number]] = data
    else:
        lines = data.decode("utf-8", "replace").split("\n")[:300]
        files |= dict.fromkeys((str(PurePosixPath(line)) for line in lines if _is_path(line)), b"{}")
    outcome = LoadPath().run(artifact(files), CONTEXT)
    for finding in outcome.findings:
        laws.showable(finding.message)
    for gap in outcome.gaps:
        laws.showable(gap.reason)
    if not outcome.gaps and set(outcome.readers) != set(files):
        raise laws.LawError("a file has no answer, or an answer has no file")
    return outcome


def _is_path(line: str) -> bool:
    path = PurePosixPath(line)
    return (
        bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in line and len(line) < 1000
    )


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
