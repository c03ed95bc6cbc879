"""Laws of the extractors: nothing that a file holds raises; what is written in a known shape is found."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.ci import Pattern, extract, shell_words
from gatekeeper.limits import Limits

PATHS = [
    "a.py", "n.ipynb", "run.sh", "Makefile", "a.yaml", "t/a.tpl", "a.json", "a.toml", ".env", "main.tf", ".gitmodules",
    "Dockerfile", "Modelfile", "a.dvc", "gatekeeper.lock", "m.safetensors", "a.ts", "README.md", "a.unknown",
]  # fmt: skip
PIECES = st.sampled_from([
    "model_id", "model", ":", " ", "\n", "  ", "- ", "=", '"', "'", "{", "}", "[", "]", "{{", "}}", "$", "${", "$(",
    ")", "\\\n", "\\", "#", "<<EOF\n", "EOF\n", "a/b", "hf://", "https://huggingface.co/", "/resolve/", "@", "--model",
    ",", "vllm serve ", "RUN ", "CMD ", "ENV ", "FROM ", "&a ", "*a", "<<: ", "|", ">", "!!", "\t", "\r", "\0", "é",
    "\ud7ff", "# gatekeeper: hf=", "# renovate: packageName=", "--lora-modules ", "env:", "args:", "image: ", "`",
])  # fmt: skip
HOSTILE = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode()))


@pytest.mark.parametrize("path", PATHS)
@given(data=HOSTILE)
@settings(max_examples=60, deadline=None)
def test_nothing_that_a_file_holds_raises(path: str, data: bytes) -> None:
    pattern = Pattern(path="*", regex=r"x=(?P<name>\S+)")
    for mention in extract(path, data, [pattern], Limits(source_bytes=4_000)):
        assert mention.path == path
        assert mention.name or mention.unresolved
        assert 0 <= mention.line <= data.count(b"\n") + data.count(b"\r") + 2


WORD = st.text(string.ascii_letters + string.digits, min_size=2, max_size=12).map(
    lambda text: f"q{text}"
)  # no service or word of ours begins with it
NAMES = st.tuples(WORD, WORD).map("/".join)
REVISIONS = st.one_of(st.text("0123456789abcdef", min_size=40, max_size=40), WORD)

SHAPES = {
    "a.py": 'M = "{name}"\nAutoModel.from_pretrained(M, revision="{revision}")\n',
    "b.py": 'LLM(model="{name}", revision="{revision}")\n',
    "run.sh": "# start\nvllm serve {name} --revision {revision}\n",
    "var.sh": 'MODEL={name}\nREV="{revision}"\nhf download "$MODEL" --revision ${{REV}}\n',
    "Makefile": "M := {name}\nrun:\n\t@vllm serve $(M) --revision={revision}\n",
    "curl.sh": "curl -LO https://huggingface.co/{name}/resolve/{revision}/m.gguf\n",
    "a.yaml": "model:\n  name: {name}\n  revision: {revision}\n",
    "argv.yaml": "args: [--model-id, {name}, --revision, {revision}]\n",
    "kserve.yaml": "spec:\n  storageUri: hf://{name}:{revision}\n",
    "ci.yml": "jobs:\n  a:\n    steps:\n    - run: |\n        hf download {name} --revision {revision}\n",
    "chart.yaml": "{{{{- if .Values.x }}}}\nmodel_id: {name}\nrevision: {revision}\n{{{{- end }}}}\n",
    "a.json": '{{"model_id": "{name}", "revision": "{revision}"}}',
    "a.toml": '[llm]\nmodel_id = "{name}"\nrevision = "{revision}"\n',
    ".env": "MODEL_ID={name}\nREVISION={revision}\n",
    "main.tf": 'env = {{\n  HF_MODEL_ID = "{name}"\n  HF_MODEL_REVISION = "{revision}"\n}}\n',
    "Dockerfile": 'FROM x\nARG M={name}\nENV R={revision}\nCMD ["vllm", "serve", "${{M}}", "--revision", "$R"]\n',
    "run.dockerfile": "FROM x\nRUN pip install y && \\\n    hf download {name} \\\n    --revision {revision}\n",
    "a.dvc": "deps:\n- url: https://huggingface.co/{name}/resolve/{revision}/m.bin\n",
    ".gitmodules": '[submodule "m"]\n\turl = https://huggingface.co/{name}\n\tbranch = {revision}\n',
    "a.go": '// gatekeeper: hf={name}\nconst c = "{revision}"\n',
}


@pytest.mark.parametrize("path", SHAPES)
@given(name=NAMES, revision=REVISIONS)
@settings(max_examples=25, deadline=None)
@example(name="xa/b0", revision="1" * 40)
def test_what_is_written_in_a_known_shape_is_found(path: str, name: str, revision: str) -> None:
    found = extract(path, SHAPES[path].format(name=name, revision=revision).encode())
    assert [(each.name, each.revision) for each in found] == [(name, revision)]


@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True), noise=st.lists(PIECES, max_size=10))
@settings(max_examples=60, deadline=None)
def test_comments_and_other_keys_hide_no_setting(names: list[str], noise: list[str]) -> None:
    comment = "".join(noise).replace("\n", " ").replace("\r", " ").replace("gatekeeper:", "").replace("renovate:", "")
    lines = [f"a{n}:\n  # {json.dumps(comment)}\n  other: 1\n  model_id: {name}\n" for n, name in enumerate(names)]
    found = extract("a.yaml", "".join(lines).encode())
    assert [each.name for each in found] == names


@pytest.mark.parametrize("unit", ["{{", "${", "$(", "'", '"', "\\", "<<A\n", "a \\\n", "`", "#", "\"'", "{{ a", "&"])
def test_reading_commands_takes_steps_in_proportion_to_the_text(unit: str) -> None:
    """Each token of a script is looked at once: tokens, and the characters in them, add up to the text."""
    text = unit * (3_000 // len(unit))
    tokens = [found[0] for found in shell_words._TOKEN.finditer(text)]
    assert "".join(tokens) == text
    assert sum(len(words) for words in shell_words.commands(text)) <= len(text)
