"""Python in the repo: what it does on import and later, whoever asks for it, and how it hides; honest code does not."""

from __future__ import annotations

import json

import pytest

from gatekeeper.checks.files.python_code import PythonCode
from gatekeeper.evidence import Hazard, Status
from tests.support.artifacts import look, slugs

CONFIG = {"config.json": json.dumps({"auto_map": {"AutoModel": "modeling_own.Model"}}).encode()}

HONEST = b'''# coding: utf-8
"""A model, as publishers write them."""
import json
import math
import os.path
import re
from typing import Optional

import requests
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

try:
    from flash_attn import flash_attn_func
except ImportError:
    flash_attn_func = None

PATTERN = re.compile(r"a+")
HERE = os.path.join(os.path.dirname(__file__), "vocab.json")


class Config(PretrainedConfig):
    model_type = "own"

    def __init__(self, size: int = 3, **kwargs):
        self.size = size
        super().__init__(**kwargs)


class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.layers = nn.ModuleList([nn.Linear(config.size, config.size) for _ in range(2)])

    @torch.no_grad()
    def forward(self, x: Optional[torch.Tensor] = None):
        self.eval()
        module = getattr(nn, "Linear")
        return torch.compile(self.layers[0])(x) * math.sqrt(2)

    def save_vocabulary(self, folder):
        with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as stream:
            json.dump({}, stream)

    def load_image(self, address):
        return requests.get(address).content
'''

ON_IMPORT = {
    "plain": "import os\nos.system('true')\n",
    "alias": "import subprocess as s\ns.run(['true'])\n",
    "from": "from os import system as f\nf('true')\n",
    "star": "from os import *\nsystem('true')\n",
    "inner import": "__import__('os').system('true')\n",
    "importlib": "import importlib\nimportlib.import_module('os').popen('true')\n",
    "getattr": "import os\ngetattr(os, 'sys' + 'tem')('true')\n",
    "reversed": "import os\ngetattr(os, 'metsys'[::-1])('true')\n",
    "joined": "import os\ngetattr(os, ''.join(['sy', 'stem']))('true')\n",
    "modules": "import sys\nsys.modules['os'].system('true')\n",
    "dict": "import os\nos.__dict__['system']('true')\n",
    "builtins": "__builtins__['exec']('1')\n",
    "vars": "import os\nvars(os)['system']('true')\n",
    "class body": "import os\nclass A:\n    os.system('true')\n",
    "decorator": "import os\n@os.system\ndef f(): ...\n",
    "default": "import os\ndef f(a=os.system('true')): ...\n",
    "own function": "import os\ndef f():\n    os.system('true')\nf()\n",
    "own function of own function": "import os\ndef g():\n    os.system('true')\ndef f():\n    g()\nf()\n",
    "own class": "import os\nclass A:\n    def __init__(self):\n        os.system('true')\nA()\n",
    "subclass": "import os\nclass A:\n    def __init_subclass__(cls):\n        os.system('true')\nclass B(A): ...\n",
    "metaclass": "import os\nclass M(type):\n  def __new__(*a):\n    os.system('true')\nclass B(metaclass=M): ...\n",
    "handed over": "import os\nlist(map(os.system, ['true']))\n",
    "assigned": "import os\nf = os.system\nf('true')\n",
    "branch": "import os\nif os.name == 'posix':\n    try:\n        os.system('true')\n    finally:\n        pass\n",
    "exec": "exec('1')\n",
    "eval": "eval('1')\n",
    "marshal": "import marshal\nmarshal.loads(b'')\n",
    "pip by shell": "import os\nos.system('pip install x; true')\n",
}  # fmt: skip


@pytest.mark.parametrize("case", ON_IMPORT)
def test_code_that_is_asked_for_and_runs_something_on_import_is_a_payload(case: str) -> None:
    result = look(PythonCode(), CONFIG | {"modeling_own.py": ON_IMPORT[case].encode()})
    assert "runs-on-import" in slugs(result)
    assert Hazard.PAYLOAD in {finding.hazard for finding in result.findings}


@pytest.mark.parametrize("case", ON_IMPORT)
def test_the_same_code_that_nobody_asks_for_is_only_said(case: str) -> None:
    result = look(PythonCode(), {"train.py": ON_IMPORT[case].encode()})
    assert {finding.hazard for finding in result.findings} == {Hazard.NONE}


@pytest.mark.parametrize(
    ("source", "slug"),
    [
        ("import base64\nexec(base64.b64decode('MQ=='))\n", "hidden-payload"),
        ("import zlib\ndef f():\n    eval(zlib.decompress(b''))\n", "hidden-payload"),
        ("exec(''.join(chr(x) for x in [49]))\n", "hidden-payload"),
        ("exec(bytes.fromhex('31').decode())\n", "hidden-payload"),
        ("import socket\nsocket.create_connection(('localhost', 1))\n", "reaches-on-import"),
        ("from urllib.request import urlopen\nurlopen('http://localhost')\n", "reaches-on-import"),
        ("open('x', 'w')\n", "reaches-on-import"),
        ("import ctypes\nctypes.CDLL('x')\n", "reaches-on-import"),
        ("import subprocess\nsubprocess.run(['pip', 'install', 'einops'])\n", "installs-packages"),
        ("import os\nclass Model:\n    def forward(self, x):\n        os.system('true')\n", "runs-when-used"),
        ("class Model:\n    def forward(self, x):\n        exec(x)\n", "runs-when-used"),
        ("import pickle\ndef f(x):\n    return pickle.loads(x)\n", "evaluates-when-used"),
        ("if __name__ == '__main__':\n    exec('1')\n", "runs-when-used"),
        ("import requests\ndef f(x):\n    return requests.get(x)\n", "connects-when-used"),
        ("def f(:\n", "unread-code"),
        ("x = 1\0\n", "unread-code"),
        ("x = " + "(" * 100 + ")" * 100, "unread-code"),
        ("x = " + "-" * 60_000 + "1", "unread-code"),
        ("x = " + "1," * 200_000, "unread-code"),
        ("# coding: rot13\ncevag(1)\n", "encoded-source"),
        ("# -*- coding: unicode_escape -*-\n", "encoded-source"),
        ("x = 1  # \u202e hidden\n", "hidden-characters"),
        ("\uff45\uff56\uff41\uff4c_ = 1\n", "hidden-characters"),
        ("p\u0430yload = 1\n", "hidden-characters"),
    ],
)  # fmt: skip
def test_what_code_that_is_asked_for_does_is_told(source: str, slug: str) -> None:
    assert slug in slugs(look(PythonCode(), CONFIG | {"modeling_own.py": source.encode()}))


@pytest.mark.parametrize(
    "source",
    [
        "NAME = '\uff27\uff30\uff35 \u0430\u0431\u0432'  # \uff27\uff30\uff35, \u2081, K\u1d40\n",
        "\u0394x = 1\n\u03c3_max = 2\n\u5909\u6570 = 3\n",
        "# -*- coding: latin-1 -*-\nx = 1\n",
        "import re\nre.compile('x')\nmodel = dict(eval=1, exec=2)\nmodel.compile = 3\n",
        "import os\nos.environ.get('X')\nos.makedirs\nos.path.join('a', 'b')\n",
        "import importlib\nimportlib.import_module('torch')\n__import__('torch')\n",
        "import subprocess\nPIPE = subprocess.PIPE\n",
        "open('x').read()\n",
    ],
)
def test_honest_lines_are_not(source: str) -> None:
    result = look(PythonCode(), CONFIG | {"modeling_own.py": source.encode()})
    assert (slugs(result), result.status) == (set(), Status.PASS)


def test_an_honest_model_is_only_said_to_fetch() -> None:
    assert slugs(look(PythonCode(), CONFIG | {"modeling_own.py": HONEST})) == {"connects-when-used"}


def test_code_that_asked_for_code_imports_is_asked_for_too() -> None:
    helper = ON_IMPORT["plain"].encode()
    for statement in (
        b"from .helper import x\n",
        b"import helper\n",
        b"from . import helper\n",
        b"from helper import x\n",
    ):
        result = look(PythonCode(), CONFIG | {"modeling_own.py": statement, "helper.py": helper})
        assert [finding.location.path for finding in result.findings] == ["helper.py"]
        assert slugs(result) == {"runs-on-import"}


def test_a_script_that_hides_what_it_runs_is_suspicious() -> None:
    assert slugs(look(PythonCode(), {"a.py": b"import base64\nexec(base64.b64decode('MQ=='))\n"})) == {"hidden-script"}


def test_notebooks_are_read_cell_by_cell() -> None:
    cells = [
        {"cell_type": "markdown", "source": "exec('1')"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n", "import os\n"]},
        {"cell_type": "code", "source": "import base64\nexec(base64.b64decode('MQ=='))"},
    ]
    result = look(PythonCode(), {"a.ipynb": json.dumps({"cells": cells}).encode()})
    assert slugs(result) == {"hidden-script"}
    assert look(PythonCode(), {"a.ipynb": json.dumps({"cells": cells[:2]}).encode()}).status is Status.PASS
    assert slugs(look(PythonCode(), {"a.ipynb": b"{"})) == {"unread-script"}


def test_a_source_of_many_megabytes_is_said() -> None:
    assert slugs(look(PythonCode(), CONFIG | {"modeling_own.py": b"#" * 5000}, source_bytes=4000)) == {"unread-code"}


def test_deep_chains_end() -> None:
    chains = [
        "a" + ".b" * 90_000,
        "f" + "().g" * 900,
        "'a'" + "+'a'" * 5_000,
        "if a: pass\n" + "elif a: pass\n" * 3_000,
    ]
    for chain in chains:
        assert look(PythonCode(), CONFIG | {"modeling_own.py": f"{chain}\n".encode()}).status is not Status.UNKNOWN
