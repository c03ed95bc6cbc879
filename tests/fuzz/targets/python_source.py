"""Python files and notebooks."""

from __future__ import annotations

import json

from gatekeeper.checks.files.python_judge import judge_python
from tests.fuzz import laws, seeds
from tests.fuzz.judging import PYTHON_CODE, Answer, chosen, judged

_NAMES = ("m.py", "m.ipynb")
_CALL = b'import os\nos.system("true")\n'


def _notebooks() -> list[bytes]:
    cells = [
        {"cell_type": "code", "source": ["%pip x\n", "import os\n", "os.system('true')"]},
        {"cell_type": "markdown"},
    ]
    return [json.dumps({"cells": cells, "nbformat": 4}).encode(), _CALL]


SEEDS = seeds.chosen_by_first_byte(seeds.both(seeds.named(".py", ".ipynb"), _notebooks), len(_NAMES))
TOKENS = tuple(
    word.encode()
    for word in (
        "import os", "from os import system as s", "os.system('x')", "getattr(", "__import__('os')", "exec(", "eval(",
        "compile(", "lambda: ",
        "def f():\n ", "class A:\n ", "if __name__ == '__main__':\n ", "try:\n ", "except:\n pass", "globals()",
        "importlib", "subprocess",
        "base64.b64decode(", "open('x','w')", "@", "f'{", "}'", "async ", "await ", "yield", "match x:\n case", "*",
        "**", ":=", "\n ", "\n\t",
        "\\\n", "'''", '"""', "#", "# -*- coding: utf-7 -*-\n", "\u202e", "\u200b", "\x0c", "(", ")", "[", "]", "{",
        "}", "1j", "0x", "9" * 50,
        "del ", "with x as y:\n ", "global x", "\ufeff", "\r", "\0", "type X = int", "%%bash\n", "!ls",
    )
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_NAMES))
    return judged(judge_python, _NAMES[number], data, PYTHON_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    if not answer(b"\0" + _CALL + data[1:]):
        raise laws.LawError("a call is not seen for what follows it")
