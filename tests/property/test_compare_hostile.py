"""Whatever lies in two repos, comparing them ends in values: nothing raises, all that is told is printable and JSON."""

from __future__ import annotations

import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.codec import DOCUMENT, encode
from gatekeeper.compare import compare
from gatekeeper.text import printable
from tests.support.hub_artifacts import file, folder

NAMES = (
    "config.json", "tokenizer_config.json", "chat_template.json", "chat_template.jinja", "modules.json",
    "adapter_config.json", "model.safetensors", "sub/model.SAFETENSORS", "LICENSE", "a.py", "w.bin",
    "\x1b[0m\u202e.gguf",
)  # fmt: skip
KEYS = st.sampled_from(["chat_template", "name", "template", "auto_map", "dtype", "shape", "__metadata__"]) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = VALUES.map(lambda value: json.dumps(value).encode())
HEADERS = DOCUMENTS.map(lambda data: struct.pack("<Q", len(data)) + data)
CONTENT = st.binary(max_size=40) | DOCUMENTS | HEADERS
REPOS = st.dictionaries(st.sampled_from(NAMES), CONTENT, max_size=6)


@given(REPOS, REPOS)
def test_comparing_hostile_repos_ends_in_values(old: dict[str, bytes], new: dict[str, bytes]) -> None:
    before, after = (folder(files=tuple(file(path, data) for path, data in each.items())) for each in (old, new))
    comparison = compare(before, after)
    assert all(printable(line, 100_000) == line for line in comparison.words())
    json.dumps(encode(comparison, DOCUMENT))
    assert {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)} <= {
        change.subject for change in comparison.changes
    }
    assert (old == new) <= (comparison.changes == ())
