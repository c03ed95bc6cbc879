"""Pairs of `files/remote-code`."""

from __future__ import annotations

import json
from typing import Any

from tests.checks_files.pairs.pair import Pair


def _pair(name: str, fires: Any, near: Any) -> Pair:
    return Pair(fires=lambda: {name: json.dumps(fires).encode()}, near=lambda: {name: json.dumps(near).encode()})


def _text(name: str, fires: bytes, near: bytes, near_name: str = "") -> Pair:
    return Pair(fires=lambda: {name: fires}, near=lambda: {near_name or name: near})


def _laughs(levels: int) -> bytes:
    lines = [b"a: &a [x, x]\n"]
    lines += [b"%c: &%c [" % (at, at) + b",".join([b"*%c" % (at - 1)] * 10) + b"]\n" for at in range(98, 98 + levels)]
    return b"".join(lines)


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
            "config.json", {"model": {"_target_": "own.Model"}}, {"model": {"_target_": "torch.nn.Linear"}}
        ),
        "yaml-object": Pair(
            fires=lambda: {"config.yaml": b"a: !!python/object:own.Thing {x: 1}\n"},
            near=lambda: {"config.yaml": b"a: !!str python/object\nb: !!set {x, y}\n"},
        ),
        "runs-code": _text(
            "hyperparams.yaml", b"a: !apply:os.system [true]\n", b"a: !apply:torch.manual_seed [1]\n"
        ),
        "reads-surroundings": _text("a.yaml", b"a: ${oc.env:TOKEN}\n", b"a: ${token}\n"),
        "yaml-bomb": _text("a.yaml", _laughs(8), _laughs(2)),
        "duplicate-key": _text("a.yaml", b"{a: 1, a: 2}\n", b"- {a: 1}\n- {a: 2}\n"),
        "unreadable-data": _text("notes.yaml", b"a: [\n", b"a: '['\n"),
        "unpinned-part": _pair(
            "modular_model_index.json",
            {"vae": ["diffusers", "A", {"repo": "a/b"}]},
            {"vae": ["diffusers", "A", {"repo": "a/b", "revision": "0" * 40}]},
        ),
        "installs-elsewhere": _text(
            "requirements.txt", b"x @ git+https://host/x\n",
            b"x==1  # git+https://host/x\n--extra-index-url https://download.pytorch.org/whl/cu121\n-r other.txt\n",
        ),
        "build-file": _text("setup.py", b"pass\n", b"pass\n", near_name="setup.cfg"),
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
