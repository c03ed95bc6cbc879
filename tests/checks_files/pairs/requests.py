"""Pairs of `files/remote-code`."""

from __future__ import annotations

import json
from typing import Any

from tests.checks_files.pairs.pair import Pair


def _pair(name: str, fires: Any, near: Any) -> Pair:
    return Pair(fires=lambda: {name: json.dumps(fires).encode()}, near=lambda: {name: json.dumps(near).encode()})


def _mapped(target: str | None) -> dict[str, Any]:
    return {"model_type": "mine", "auto_map": {"AutoModel": target}} if target else {"model_type": "bert"}


PAIRS = {
    f"files/remote-code/{slug}": pair
    for slug, pair in {
        "local-code": Pair(
            fires=lambda: {"config.json": json.dumps(_mapped("mine.Model")).encode(), "mine.py": b"class Model: ...\n"},
            near=lambda: {"config.json": json.dumps(_mapped(None)).encode(), "mine.py": b"class Model: ...\n"},
        ),
        "foreign-code": _pair("config.json", _mapped("other/repo--mine.Model"), {"_name_or_path": "other/repo--mine"}),
        "foreign-module": _pair(
            "adapter_config.json",
            {"peft_type": "LORA", "auto_mapping": {"parent_library": "evil.library", "base_model_class": "M"}},
            {"peft_type": "LORA", "auto_mapping": {"parent_library": "transformers.models.bert.modeling_bert",
                                                   "base_model_class": "BertModel"}},
        ),
        "module-type": _pair(
            "modules.json",
            [{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}],
            [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}],
        ),
        "target": _pair(
            "config.json", {"model": {"_target_": "os.system"}}, {"model": {"_target_": "torch.nn.Linear"}}
        ),
        "yaml-object": Pair(
            fires=lambda: {"config.yaml": b"a: !!python/object/apply:os.system ['true']\n"},
            near=lambda: {"config.yaml": b"a: !!str python/object\nb: !!set {x, y}\n"},
        ),
        "missing-code": Pair(
            fires=lambda: {"config.json": json.dumps(_mapped("mine.Model")).encode()},
            near=lambda: {"config.json": json.dumps(_mapped(None)).encode()},
        ),
        "unreadable-config": Pair(
            fires=lambda: {"config.json": b'{"a": 1, "a": 2}'}, near=lambda: {"config.json": b'{"a": {"a": 2}}\n\n'}
        ),
        "python-file": Pair(
            fires=lambda: {"convert.py": b"pass\n"}, near=lambda: {"convert.md": b"```python\npass\n```\n"}
        ),
    }.items()
}  # fmt: skip
