"""The look at a file's words that saves its parsing never passes over a file that names something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.ci import extract
from gatekeeper.ci.python_code import _LOADERS
from gatekeeper.ci.quick import names_nothing

SETTINGS = {
    "a.yaml": ["model: org/name", "base_model: gpt2", "args: [--model, org/name]", "uri: hf://org/name", "run: hf x"],
    "a.json": ['{"model_name_or_path": "gpt2"}', '{"modelURL": "org/name"}', '{"llm": "org/name"}'],
    "a.toml": ['repo_id = "org/name"', 'embedding = "org/name"', 'draft = "org/name"'],
    "a.sh": ['v"ll"m serve gpt2', "huggingface-cli download gpt2", "ollama run hf.co/org/name", "hf\\ download x"],
    "a.env": ["MODEL_ID=gpt2", "RERANKER=org/name", "VAE=org/name"],
    "a.tf": ["# gatekeeper: hf=org/name", "x = 1"],
    "Dockerfile": ["ENV X=1"],
    "a.py": ['\uff46rom_pretrained("org/name")', "# coding: utf-7\n", 'MODEL = "org" "/name"', 'MODEL = "a\\x2fb"'],
}  # fmt: skip


@pytest.mark.parametrize("loader", _LOADERS)
def test_every_call_that_loads_is_looked_at(loader: str) -> None:
    assert not names_nothing("a.py", f"x = {loader}(given)\n".encode())


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in SETTINGS.items() for text in texts])
def test_every_setting_that_may_be_a_model_is_looked_at(path: str, text: str) -> None:
    assert not names_nothing(path, text.encode())
    assert not names_nothing(path, text.encode("utf-16"))


@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.json", "a.toml", "a.sh"])
def test_what_has_nothing_to_do_with_models_is_passed_over(path: str) -> None:
    assert names_nothing(path, b"colour = 'green/blue'\n")


WORDS = st.sampled_from(
    ["AutoModel", ".from_pretrained(", '"org/name"', ")", "model", "=", ": ", "\n", "gpt2", "hf", "llm", "{", "}", " "]
)


@given(
    st.sampled_from(["a.py", "a.yaml", "a.json", "a.toml", "a.sh", "a.env"]), st.lists(WORDS, max_size=10).map("".join)
)
def test_whatever_names_something_is_looked_at(path: str, text: str) -> None:
    named = [each for each in extract(path, text.encode()) if each.name or each.call]
    assert not (named and names_nothing(path, text.encode()))
