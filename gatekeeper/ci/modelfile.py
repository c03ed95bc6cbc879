"""Modelfiles of Ollama: what a local model is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.ci.extractor import as_text
from gatekeeper.ci.keys import Claim, Trust
from gatekeeper.ci.telling import Setting, distinct, tell
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention, Role

_LINE = re.compile(r"[ \t]*(FROM|ADAPTER)[ \t]+([^\n]{1,500})", re.IGNORECASE)
_BLOCK = '"""'


def read_modelfile(data: bytes) -> Iterator[Mention]:
    """Find what it is made from; names without a host are of Ollama's own library, which is not the Hub."""
    yield from distinct(_mentions(as_text(data)))


def _mentions(text: str) -> Iterator[Mention]:
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        matched = None if inside else _LINE.match(line)
        if line.count(_BLOCK) % 2:  # a template or system text of several lines
            inside = not inside
        if matched:
            word = matched[1].upper()
            claim = Claim(Role.ADAPTER if word == "ADAPTER" else Role.MODEL, Trust.ADDRESS)
            yield from tell(Setting(word, matched[2].strip().strip("\"'"), number), claim, Variables())
