"""Pairs of `files/python-code`."""

from __future__ import annotations

import json

from tests.checks_files.pairs.pair import Pair

_CONFIG = {"config.json": json.dumps({"auto_map": {"AutoModel": "mine.Model"}}).encode()}


def _asked(fires: str, near: str) -> Pair:
    return Pair(fires=lambda: _CONFIG | {"mine.py": fires.encode()}, near=lambda: _CONFIG | {"mine.py": near.encode()})


def _script(fires: str, near: str) -> Pair:
    return Pair(fires=lambda: {"train.py": fires.encode()}, near=lambda: {"train.py": near.encode()})


PAIRS = {
    f"files/python-code/{slug}": pair
    for slug, pair in {
        "hidden-payload": _asked(
            "import base64\nexec(base64.b64decode('MQ=='))\n", "import base64\nbase64.b64decode('MQ==')\n"
        ),
        "runs-on-import": _asked("import os\nos.system('true')\n", "import os\nos.path.join('a', 'b')\n"),
        "reaches-on-import": _asked("open('x', 'w')\n", "open('x').read()\n"),
        "installs-packages": _asked(
            "import subprocess\nsubprocess.run(['pip', 'install', 'einops'])\n", "HINT = 'pip install einops'\n"
        ),
        "runs-when-used": _asked("def f(x):\n    exec(x)\n", "def f(x):\n    x.exec()\n"),
        "evaluates-when-used": _asked("def f(x):\n    return eval(x)\n", "def f(x):\n    return x.eval()\n"),
        "connects-when-used": _asked(
            "import requests\ndef f(x):\n    return requests.get(x)\n", "def f(x):\n    return x.get('requests')\n"
        ),
        "unread-code": _asked("def f(:\n", "def f(): ...\n"),
        "encoded-source": _asked("# coding: rot13\n", "# coding: latin-1\n"),
        "hidden-characters": _asked("p\u0430th = 1\n", "path = 1  # \u0430\n"),
        "hidden-script": _script("exec(bytes.fromhex('31'))\n", "bytes.fromhex('31')\n"),
        "script": _script("import subprocess\nsubprocess.run(['true'])\n", "import subprocess\nsubprocess.PIPE\n"),
        "unread-script": _script("print 'a'\n", "print('a')\n"),
    }.items()
}
