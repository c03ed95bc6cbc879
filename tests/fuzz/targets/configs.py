"""Configurations that ask for code: JSON, YAML, lists of requirements, spaCy's."""

from __future__ import annotations

import json

from gatekeeper.checks.files.asks.judge import judge_config
from tests.fuzz import laws, seeds
from tests.fuzz.judging import REMOTE_CODE, Answer, chosen, judged

_NAMES = (
    "config.json", "adapter_config.json", "model_index.json", "modules.json", "tokenizer_config.json", "x.json",
    "model_config.yaml", "hyperparams.yaml", "MLmodel", "requirements.txt", "config.cfg", "environment.yml",
)  # fmt: skip
_YAML = _NAMES.index("hyperparams.yaml")

SEEDS = seeds.chosen_by_first_byte(
    seeds.both(
        seeds.named("config.json", "index.json", "modules.json"),
        seeds.named(".yaml", ".yml", "MLmodel", ".txt", ".cfg"),
        lambda: [
            b"a: !!python/object/apply:os.system [x]\n",
            b"a: &a [b]\nc: *a\n<<: {d: e}\n",
            b"_target_: os.system\n",
        ],
    ),
    len(_NAMES),
)
TOKENS = tuple(
    word.encode()
    for word in (
        '"auto_map"', '"AutoModel"', '"o/r--m.M"', '"custom_pipelines"', '"impl"', '"auto_mapping"',
        '"parent_library"', '"base_model_class"',
        '"_target_"', "_target_: ", "_partial_: true", "_args_", '"_class_name"', '["lib", "Class"]',
        '"custom_generate"', '"kernels"', '"type"',
        '"idx"', "!!python/name:", "!new:", "!apply:", "!ref <a>", "&a ", "*a", "<<: ", "- ", "---\n", "|\n", "? ",
        "${oc.env:A}", "${eval:1}",
        "flavors:", "python_function:", "loader_module: x", "git+https://a", "--index-url", "-r x", "-e .", "http://",
        "{", "}", "[", "]", ": ",
        '"model_type"', "@architectures", "factory", "%YAML 1.2\n", "!!binary", "null", "1e999", "\t",
    )
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_NAMES))
    return judged(judge_config, _NAMES[number], data, REMOTE_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    text = data[1:].decode("utf-8", "replace")
    asking = json.dumps({"a": text, "auto_map": {"AutoModel": "o/r--m.M"}, "z": [text]}).encode()
    if not answer(b"\0" + asking):
        raise laws.LawError("a request for code is not seen for the text around it")
    if not answer(bytes([_YAML]) + b"a: !!python/object/apply:os.system [x]\n" + data[1:]):
        raise laws.LawError("a tag that calls is not seen for what follows it")
