"""The look at a file's words that saves its parsing never passes over a file that names something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.ci import EXTRACTORS, commands, python_code
from gatekeeper.ci.traces import may_name_models
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.mention import Mention

SETTINGS = {
    "a.yaml": ["model: org/name", "base_model: gpt2", "args: [--model, org/name]", "uri: hf://org/name", "run: hf x"],
    "a.json": ['{"model_name_or_path": "gpt2"}', '{"modelURL": "org/name"}', '{"llm": "org/name"}'],
    "a.toml": ['repo_id = "org/name"', 'embedding = "org/name"', 'draft = "org/name"'],
    "a.sh": ['v"ll"m serve gpt2', "huggingface-cli download gpt2", "ollama run hf.co/org/name", "hf\\ download x"],
    "b.sh": ["LLM=org/name run", "run --tokenizer org/name", "docker run -e VAE=org/name x"],
    "a.env": ["MODEL_ID=gpt2", "RERANKER=org/name", "VAE=org/name"],
    "Dockerfile": ["ENV MODEL_ID=gpt2", "RUN hf download gpt2"],
    "Makefile": ["MODEL := org/name"],
    "a.ipynb": ['{"cells": [{"source": ["AutoModel.from_pretrained(given)"]}]}'],
    "a.py": ['\uff46rom_pretrained("org/name")', "# coding: utf-7\n", 'MODEL = "org" "/name"', 'MODEL = "a\\x2fb"'],
}  # fmt: skip


@pytest.mark.parametrize("loader", python_code._LOADERS)
def test_every_call_that_loads_is_looked_at(loader: str) -> None:
    assert may_name_models("a.py", f"x = {loader}(given)\n".encode())


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in SETTINGS.items() for text in texts])
def test_every_setting_that_may_be_a_model_is_looked_at(path: str, text: str) -> None:
    assert may_name_models(path, text.encode())
    assert may_name_models(path, text.encode("utf-16"))


@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.json", "a.toml", "a.sh"])
def test_what_has_nothing_to_do_with_models_is_passed_over(path: str) -> None:
    assert not may_name_models(path, b"colour = 'green/blue'\n")


WORDS = st.sampled_from(
    ["AutoModel", ".from_pretrained(", '"org/name"', ")", "model", "=", ": ", "\n", "gpt2", "hf", "llm", "{", "}", " "]
)


@given(
    st.sampled_from(["a.py", "a.yaml", "a.json", "a.toml", "a.sh", "a.env"]), st.lists(WORDS, max_size=10).map("".join)
)
def test_whatever_names_something_is_looked_at(path: str, text: str) -> None:
    assert may_name_models(path, text.encode()) or not named(path, text.encode())


def named(path: str, data: bytes) -> list[Mention]:
    """Extract whether there is a trace or not."""
    extractor = next(each for each in EXTRACTORS if each.takes(path))
    return [each for each in extractor.extract(data, path, DEFAULT_LIMITS) if each.name or each.call]


def test_every_program_has_a_trace() -> None:
    names = [" ".join(each.words) for each in commands._PROGRAMS if each.takes and each.claim.trust]
    assert [name for name in names if not may_name_models("run.sh", f"{name} org/name".encode())] == []


CODE = st.lists(
    st.sampled_from(
        ["M = 'org/name'\n", "def f(a):\n    return a\n", "def g(m='org/name'):\n    AutoModel.from_pretrained(m)\n",
         "class C:\n    def a(self):\n        self.x = 'org/name'\n    def b(self):\n        LLM(self.x)\n",
         "@cache\ndef h():\n    MODEL_NAME = 'org/other'\n", "AutoModel.from_pretrained(M)\n", "\n\n",
         "def outer():\n    def inner():\n        x = 1\n    hf_hub_download(M)\n"]
    ), max_size=8,
).map("".join)  # fmt: skip


@given(CODE)
def test_functions_that_are_passed_over_hold_nothing(code: str) -> None:
    hidden = f"# \u00e9\n{code}"  # a letter that is not ASCII has every line read
    shown = [replace(each, line=each.line + 1) for each in named("a.py", code.encode())]
    assert shown == named("a.py", hidden.encode())
