from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.checks.provenance.bases import read_base
from tests.support.hub_artifacts import COMMIT, claim


@pytest.mark.parametrize(
    ("text", "expected", "revision"),
    [
        ("acme/tiny", "acme/tiny", ""),
        (" acme/tiny/ ", "acme/tiny", ""),
        ("gpt2", "gpt2", ""),
        ("acme/tiny@v1", "acme/tiny", "v1"),
        (f"hf://acme/tiny@{COMMIT}", "acme/tiny", COMMIT),
        ("https://huggingface.co/acme/tiny", "acme/tiny", ""),
        ("http://www.huggingface.co/acme/tiny/", "acme/tiny", ""),
        ("huggingface.co/acme/tiny?x=1#y", "acme/tiny", ""),
        ("HTTPS://HF.co/acme/tiny.git", "acme/tiny", ""),
        ("https://huggingface.co/acme/tiny/tree/main", "acme/tiny", "main"),
        (f"https://huggingface.co/acme/tiny/blob/{COMMIT}/config.json", "acme/tiny", COMMIT),
        ("https://huggingface.co/models/acme/tiny", "acme/tiny", ""),
    ],
)
def test_ways_to_write_an_id(text: str, expected: str, revision: str) -> None:
    base = read_base(claim(text))
    assert (base.id, base.revision) == (expected, revision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/mnt/models/tiny",
        "./tiny",
        "../tiny",
        "~/models/tiny",
        "C:\\models\\tiny",
        "file:///models/tiny",
        "models/llama/tiny",
        "output/checkpoint-500",
        "checkpoint-12",
        "https://example.com/acme/tiny",
        "https://huggingface.co/datasets/acme/tiny",
        "acme/ti ny",
        "acme/tiny?x",
        "acme/..",
        "g\u043e\u043egle/tiny",
        "a" * 97 + "/tiny",
    ],
)
def test_what_is_no_id(text: str) -> None:
    assert read_base(claim(text)).id == ""


def test_a_revision_beside_the_id_counts_before_one_in_it() -> None:
    assert read_base(claim("acme/tiny@v1", revision="v2")).revision == "v2"


@given(st.text() | st.from_regex(r"(hf://|https://hf\.co/)?[a-z./@:?#-]{0,30}", fullmatch=True))
def test_any_text_gives_an_id_or_none(text: str) -> None:
    base = read_base(claim(text))
    assert base.id == "" or (base.id.isascii() and base.id.isprintable() and base.id.count("/") <= 1)
    assert read_base(claim(base.id)).id == base.id
