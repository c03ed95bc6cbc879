"""spaCy: registered functions that a `config.cfg` calls by name (thinc's configuration system)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.checks.files.asks.ask import Ask
from gatekeeper.text import printable

_CALL = re.compile(rb'^[ \t]*@(?P<registry>[a-z_]+)[ \t]*=[ \t]*"(?P<name>[^"\n]{1,200})"', re.MULTILINE)
_OWN = ("spacy.", "spacy-", "thinc.", "catalogue.", "spacy_transformers.", "spacy-curated-transformers.")
_PLAIN = re.compile(r"[A-Za-z_]+\.v\d+\Z")
"""thinc's own, as `Adam.v1`."""


def asks(data: bytes) -> Iterator[Ask]:
    """Find functions that some installed package must have registered.

    Args:
        data: The configuration.
    """
    for match in _CALL.finditer(data):
        name = match["name"].decode("utf-8", "replace")
        if not name.startswith(_OWN) and not _PLAIN.match(name):
            message = f"spaCy would call {printable(name, 120)!r}, which another package must have registered"
            yield Ask(slug="target", message=message, detail=f"@{match['registry'].decode()}")
