"""Names in forms that are legal, seldom, and easily passed over: each is found, or told as one that can't be."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest

from gatekeeper.ci import extract, traces
from gatekeeper.ci.python_nodes import Program
from gatekeeper.limits import Limits

MODEL = "org/hidden"
SETTING = f"model_id: {MODEL}\n"
IMPORT = "from transformers import AutoModel, pipeline as p\n"

FILES: dict[str, tuple[str, str | bytes]] = {
    "alias under a label": ("v.yaml", f"labels: &m\n  {SETTING}spec: *m\n"),
    "alias of a list": ("v.yaml", f"x-common: &c [{MODEL}]\nmodels: *c\n"),
    "alias of a mapping": ("v.yaml", f"x-common: &c\n  name: {MODEL}\nmodel: *c\n"),
    "merge of a merge": ("v.yaml", f"a: &a\n  {SETTING}b: &b\n  <<: *a\nc:\n  <<: *b\n"),
    "second document": ("v.yaml", f"a: 1\n---\n{SETTING}"),
    "local tag": ("v.yaml", f"model_id: !own {MODEL}\n"),
    "binary tag": ("v.yaml", f"model_id: !!binary {b64encode(MODEL.encode()).decode()}\n"),
    "key over two lines": ("v.yaml", f'? "mod\\\n  el_id"\n: {MODEL}\n'),
    "UTF-16 without a mark": ("v.yaml", SETTING.encode("utf-16-le")),
    "JSON in UTF-16": ("c.json", f'{{"model_id": "{MODEL}"}}'.encode("utf-16-be")),
    "JSON in UTF-32": ("c.json", f'{{"model_id": "{MODEL}"}}'.encode("utf-32")),
    "first of two keys": ("c.json", f'{{"model_id": "{MODEL}", "model_id": "org/seen"}}'),
    "escaped key": ("c.toml", f'"mod\\u0065l_id" = "{MODEL}"\n'),
    "lines of old": (".env", f"A=1\rMODEL_ID={MODEL}\r"),
    "far to the right": (".env", f"{' ' * 5_000}MODEL_ID={' ' * 5_000}{MODEL}\n"),
    "quotes in a flag": ("a.sh", f"serve --mod''el {MODEL}\n"),
    "flag over two lines": ("a.sh", f"serve --mod\\\nel {MODEL}\n"),
    "program over two lines": ("a.sh", f"vl\\\nlm serve {MODEL}\n"),
    "eval": ("a.sh", f'eval "vllm serve {MODEL}"\n'),
    "TensorRT-LLM": ("a.sh", f"trtllm-serve serve {MODEL} --port 1\n"),
    "script without an ending": ("bin/serve", f"#!/usr/bin/env -S bash -e\nhf download {MODEL}\n"),
    "program without an ending": ("bin/load", f"#!/usr/bin/env python3.12\nAutoModel.from_pretrained('{MODEL}')\n"),
    "container file with backquotes": ("Dockerfile", f"# escape=`\nFROM x\nRUN hf `\n download {MODEL}\n"),
    "timed cell": ("n.ipynb", f"""{{"cells": [{{"cell_type": "code", "source": "%%time\\np = LLM('{MODEL}')"}}]}}"""),
    "timed line": ("n.ipynb", f"""{{"cells": [{{"cell_type": "code", "source": "%time LLM('{MODEL}')"}}]}}"""),
    "written file": (
        "n.ipynb",
        f"""{{"cells": [{{"cell_type": "code", "source": "%%writefile a.py\\nLLM('{MODEL}')"}}]}}""",
    ),
    "name of an import": ("a.py", f"{IMPORT}def run(task):\n    return p(task, '{MODEL}')\n"),
    "name of a method": ("a.py", f"load = AutoModel.from_pretrained\ndef run():\n    return load('{MODEL}')\n"),
    "method kept by an object": (
        "a.py",
        f"class A:\n    def __init__(self):\n        self.f = AutoModel.from_pretrained\n"
        f"    def g(self):\n        self.f('{MODEL}')\n",
    ),
    "getattr": ("a.py", f"getattr(AutoModel, 'from_pretrained')('{MODEL}')\n"),
    "partial": ("a.py", f"load = partial(AutoModel.from_pretrained, revision='v')\nload('{MODEL}')\n"),
    "partial with the name": ("a.py", f"load = functools.partial(AutoModel.from_pretrained, '{MODEL}')\nload()\n"),
    "__call__": ("a.py", f"AutoModel.from_pretrained.__call__('{MODEL}')\n"),
    "spread list": ("a.py", f"given = ['{MODEL}']\nAutoModel.from_pretrained(*given)\n"),
    "global": (
        "a.py",
        f"X = 'org/seen'\ndef pick():\n    global X\n    X = '{MODEL}'\nAutoModel.from_pretrained(X)\n",
    ),
    "nonlocal": (
        "a.py",
        "def outer():\n    x = 'org/seen'\n    def pick():\n        nonlocal x\n"
        f"        x = '{MODEL}'\n    pick()\n    AutoModel.from_pretrained(x)\n",
    ),
    "attribute of a class": (
        "a.py",
        f"class A:\n    x = 'org/seen'\ndef pick():\n    A.x = '{MODEL}'\nAutoModel.from_pretrained(A.x)\n",
    ),
    "entry set later": ("a.py", f"c = {{'m': 'org/seen'}}\nc['m'] = '{MODEL}'\nAutoModel.from_pretrained(c['m'])\n"),
    "shell of Python": ("a.py", f"import os\nos.system('hf download {MODEL}')\n"),
    "string over two lines": ("a.py", f"MODEL_ID = 'org\\\n{MODEL.removeprefix('org')}'\n"),
    "only a spread": ("a.py", "AutoModel.from_pretrained(**given)\n"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_name_is_found_in_whatever_form_it_is_written(case: str) -> None:
    path, text = FILES[case]
    found = extract(path, text if isinstance(text, bytes) else text.encode())
    names = {mention.name for mention in found}
    assert MODEL in names or (case == "only a spread" and found[0].unresolved)


@pytest.mark.parametrize("case", [case for case, (path, _) in FILES.items() if path == "a.py"])
def test_what_is_passed_over_in_programs_hides_nothing(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, text = FILES[case]
    assert isinstance(text, str)
    found = extract(path, text.encode())
    monkeypatch.setattr(Program, "is_plain", lambda self, node: False)
    assert extract(path, text.encode()) == found


def test_a_mapping_that_is_set_otherwise_later_is_followed_by_its_key() -> None:
    text = "c = {'m': 'org/seen'}\nc['rate'] = 0.1\nAutoModel.from_pretrained(c['m'])\n"
    assert [(each.name, each.unresolved) for each in extract("a.py", text.encode())] == [("org/seen", "")]


def test_aliases_by_many_keys_are_bounded() -> None:
    members = "".join(f"- m{number}\n" for number in range(1_000))
    keys = "".join(f"k{number}: *l\n" for number in range(3_000))
    found = extract("v.yaml", f"l: &l\n{members}{keys}{SETTING}".encode())
    assert [mention.unresolved for mention in found if not mention.name] == [
        "its aliases lead to too many values to be read (limit yaml_events)"
    ]


@pytest.mark.parametrize(
    "piece", [b"a", b"llm", b"= ", b"=llm ", b"'a", b"'/", b"\\\n", b"partial ", b"from_pretrained as "]
)
def test_the_short_cuts_take_time_in_proportion(piece: bytes) -> None:
    def cost(size: int) -> float:
        data = piece * (size // len(piece))
        begun = time.process_time()
        traces.may_name_models("a.py", data)
        traces.may_name_models("a.sh", data)
        traces.lines_with_traces(data)
        return time.process_time() - begun

    small, large = cost(20_000), cost(Limits().source_bytes // 4)
    assert large < 400 * (small + 0.005)
