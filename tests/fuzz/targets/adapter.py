"""Adapters: hostile configurations beside honest weights, hostile headers with and without a configuration."""

from __future__ import annotations

from gatekeeper.artifact import Artifact, ArtifactFile, Kind, Reference, Scheme
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.checks.files.problem import Problem
from tests.fuzz import laws, seeds
from tests.fuzz.judging import Answer, chosen, slugs_of
from tests.support import adapters as make
from tests.support.artifacts import CONTEXT, MemoryContent, artifact

_CONFIG, _WITH, _ALONE = range(3)
_SLUGS = slugs_of(AdapterClaims) | slugs_of(AdapterScope, "gap")
_HONEST = make.adapter()
_KOHYA = make.saved({
    "lora_unet_a_0_to_q.lora_down.weight": make.numbers(2, 4),
    "lora_unet_a_0_to_q.lora_up.weight": make.numbers(4, 2),
    "lora_unet_a_0_to_q.alpha": make.numbers(),
})  # fmt: skip
_PATTERNS = make.config(
    target_modules=r"(?!x).*\.(?:q|v)_proj", rank_pattern={r"layers\.\d+\..*": 4}, modules_to_save=["lm_head"]
)


def _seeds() -> list[bytes]:
    weights = [_HONEST["adapter_model.safetensors"], _KOHYA, make.saved({"a.hada_w1_a": make.numbers(4, 2)})]
    configs = [_HONEST["adapter_config.json"], make.as_json(_PATTERNS)]
    return [
        *(bytes([_CONFIG]) + data for data in configs),
        *(bytes([kind]) + data for data in weights for kind in (_WITH, _ALONE)),
    ]


SEEDS: seeds.Seeds = _seeds
TOKENS = tuple(
    word.encode()
    for word in (
        '"peft_type"', '"LORA"', '"ADALORA"', '"r"', '"lora_alpha"', '"target_modules"', '"rank_pattern"',
        '"alpha_pattern"', '"modules_to_save"', '"layers_to_transform"', '"use_dora"', '"all-linear"', '"auto_map"',
        ".lora_A.weight", ".lora_B.weight", ".lora_E", ".lora_magnitude_vector", ".hada_w1_a", ".lokr_w1", ".ia3_l",
        ".base_layer.weight", ".bias", "base_model.model.", "lora_unet_", ".alpha", "(a+)+", ".*", "{1,9}", "[^a]",
        "(?!", "(?=", r"\\b", r"\\d", "..", "/", r"\ud800", r"\u0000", "null", "true", "[]", "{}", "-1", "0", "1e400",
        '"dtype"', '"shape"', '"data_offsets"', '"BF16"', '"F8_E4M3"', "[0,0]",
    )
)  # fmt: skip


class _Counted(MemoryContent):
    """Bytes of which it is counted how often they are read."""

    def open(self) -> laws.Counted:
        return laws.Counted(self.data)


def _subject(data: bytes) -> Artifact:
    kind, data = chosen(data, 3)
    files = dict(_HONEST)
    if kind == _ALONE:
        files = {"x.safetensors": data}
    else:
        files["adapter_config.json" if kind == _CONFIG else "adapter_model.safetensors"] = data
    entries = tuple(
        ArtifactFile(path=file.path, size=file.size, sha256=file.sha256, content=_Counted(files[str(file.path)]))
        for file in artifact(files).files
    )
    return Artifact(reference=Reference(scheme=Scheme.FOLDER, name="x"), kind=Kind.ADAPTER, files=entries)


def answer(data: bytes) -> Answer:
    subject = _subject(data)
    found = []
    for check in (AdapterClaims(), AdapterScope()):
        outcome = check.run(subject, CONTEXT)
        found += [Problem(slug=one.id.rpartition("/")[2], message=one.message) for one in outcome.findings]
        found += [Problem(slug="gap", message=gap.reason) for gap in outcome.gaps]
    return laws.well_said(found, _SLUGS)


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    if data[:1] and data[0] % 3 == _WITH:
        laws.cut_is_told(answer, data, found)
