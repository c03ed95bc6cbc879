"""Laws of the look at words that saves parsing: it says no only where the extractor finds nothing, in any order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.ci import EXTRACTORS, commands, extract, keys, python_code, traces
from gatekeeper.limits import DEFAULT_LIMITS

CORPUS = Path(__file__).parents[1] / "ci" / "corpus"
PATHS = [
    "gatekeeper.lock", "m.safetensors", "a.dvc", "Dockerfile", "Modelfile", ".env", "main.tf", ".gitmodules", "a.py",
    "n.ipynb", "run.sh", "Makefile", "a.yaml", "a.tpl", "a.json", "a.toml",
]  # fmt: skip


def snippets() -> list[tuple[str, str]]:
    """Path and text of every labelled snippet."""
    found = []
    for file in sorted(CORPUS.glob("*.txt")):
        for part in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            title, *lines = part.split("\n")
            body = [line.removeprefix("»") for line in lines if not re.match(r"\+ |\+& |\?$|\?&$", line)]
            found.append((title.partition(" (")[0], "\n".join(body)))
    return found


SNIPPETS = snippets()
LINES = sorted({line for _, text in SNIPPETS for line in text.split("\n")})
PIECES = st.sampled_from([
    "model", "MODEL_ID", "llm", "vae", "hf", "repo_id", ".from_pretrained(", "pipeline(", "LLM(", "partial", "gpt2",
    "vllm serve ", "curl ", "git clone ", "org/name", '"org/name"', "hf://org/name", "--model ", "RUN ", "FROM ",
    "https://hf.co/org/name/resolve/v1/m.gguf", ":", " ", "\n", "  ", "- ", "=", '"', "'", "{", "}", "[", "]", "(", ")",
    "{{", "}}", "$", "\\\n", "\\", "\\u006d", "#", "|", "é", "\ufeff", "\r\n", "\t", "as ", "import ", "`", "args: ",
    "__MODEL__", "@MODEL@", "%MODEL%", "<MODEL>",
])  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(st.sampled_from(LINES), max_size=8).map("\n".join),
)


def missed(path: str, data: bytes) -> list[object]:
    """What the extractor of a file names and the front door does not."""
    reader = next((each for each in EXTRACTORS if each.takes(path)), None)
    told = extract(path, data)
    found = reader.extract(data, path, DEFAULT_LIMITS) if reader else ()
    return [each for each in found if (each.name or each.call) and replace(each, path=path) not in told]


@pytest.mark.parametrize(("path", "text"), SNIPPETS, ids=[path for path, _ in SNIPPETS])
def test_no_snippet_is_passed_over_that_names_something(path: str, text: str) -> None:
    assert missed(path, text.encode()) == []
    assert [line for line in text.split("\n") if missed(path, line.encode())] == []


@pytest.mark.parametrize("path", PATHS)
@given(text=TEXTS)
@example(text="--model `")
@example(text="--model __MODEL__")
@example(text="model: @MODEL@")
@example(text='model = "__MODEL__"')
@settings(max_examples=60)
def test_no_text_is_passed_over_that_names_something(path: str, text: str) -> None:
    assert missed(path, text.encode()) == []


KEYS = st.one_of(
    *(
        st.from_regex(form, fullmatch=True, alphabet="abcdefghijklmnopqrstuvwxyz_")
        for form in (keys._LOADER, keys._PROMISED, keys._POSSIBLE)
    )
)


def camel(key: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), key)


WRITINGS = st.sampled_from([str, str.upper, camel, lambda key: key.replace("_", "-")])
SETTINGS = {
    "a.yaml": "{key}: {name}\n", "a.json": '{{"{key}": "{name}"}}', "a.toml": '{key} = "{name}"\n',
    ".env": "{key}={name}\n", "main.tf": '{key} = "{name}"\n', "run.sh": "{key}={name} serve\n",
    "b.sh": "serve --{key} {name}\n", "c.sh": "serve --{key}={name}\n",
    "Dockerfile": "ENV {key}={name}\n", "Makefile": "{key} := {name}\n",
    "a.py": "{key} = '{name}'\n", "b.py": "f(**{{'{key}': '{name}'}})\n", "c.py": "add('--{key}', default='{name}')\n",
}  # fmt: skip


@pytest.mark.parametrize("path", SETTINGS)
@given(key=KEYS, write=WRITINGS, name=st.sampled_from(["org/name", "gpt2", "hf://org/name", "$UNSET", "{{ it }}"]))
@settings(max_examples=60)
def test_no_setting_that_promises_a_model_is_passed_over(
    path: str, key: str, write: Callable[[str], str], name: str
) -> None:
    assert missed(path, SETTINGS[path].format(key=write(key), name=name).encode()) == []


@pytest.mark.parametrize("program", commands._PROGRAMS, ids=lambda each: " ".join(each.words))
@pytest.mark.parametrize("name", ["org/name", "hf://org/name", "https://hf.co/org/name/resolve/v1/m.gguf", "$UNSET"])
def test_no_program_that_loads_is_passed_over(program: commands._Program, name: str) -> None:
    line = f"{' '.join(program.words)} {name}"
    texts = {"a.sh": line, "Dockerfile": f"RUN {line}", "a.yaml": f"run: {line}", "a.py": f"os.system({line!r})"}
    assert [path for path, text in texts.items() if missed(path, f"{text}\n".encode())] == []


@pytest.mark.parametrize("loader", python_code._LOADERS)
@pytest.mark.parametrize("argument", ["given", "'org/name'", "'gpt2'", "*given", "**given"])
def test_no_call_that_loads_is_passed_over(loader: str, argument: str) -> None:
    keywords = python_code._LOADERS[loader].keywords
    texts = [f"x.{loader}({argument})\n", f"from x import {loader} as f\nf({argument})\n"]
    texts += [f"x.{loader}({keyword}={argument})\n" for keyword in keywords if not argument.startswith("*")]
    assert [text for text in texts if missed("a.py", text.encode())] == []


def fresh(data: bytes, without: bytes) -> int:
    """The groups that have a word in a text, told without what was seen before."""
    words = b" ".join(data.translate(traces._LETTERS, without).split())
    return sum(group for group, parts in traces._GROUPS if any(part in words for part in parts))


@given(
    st.lists(
        st.tuples(st.lists(PIECES, max_size=12).map("".join), st.integers(0, 4), st.sampled_from([b"", b"\"'\\`"])),
        max_size=12,
    ),
    st.integers(1, 80),
)
@example([("model\n", 0, b""), ("", 0, b""), ("lora\nmodel\n", 0, b"")], 1)
def test_what_was_looked_at_before_changes_no_answer(texts: list[tuple[str, int, bytes]], near: int) -> None:
    """Texts that share their lines with the one before, as the two sides of a change do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "_NEAR", near)
        before = b""
        for text, kept, without in texts:
            lines = before.split(b"\n")
            data = b"\n".join([*lines[:kept], text.encode(), *lines[kept + 1 :]])
            assert traces._traces(data, without) == fresh(data, without)
            before = data


@given(st.lists(st.lists(st.sampled_from([b"a", b"b", b"model", b""]), max_size=6).map(b"\n".join), max_size=6))
def test_lines_that_differ_are_given_whole(texts: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "_NEAR", 1)
        for like, data in pairwise(texts):
            part = traces._differing(data, like)
            assert part in data
            assert set(data.split()) <= set(part.split()) | set(like.split())


def test_many_words_at_once_are_told_as_few_are() -> None:
    words = b" ".join(b"w%s" % bytes(97 + int(digit) for digit in str(number)) for number in range(2_000))
    for text in (words, words + b" mymodelname", b"llm " + words, words + b" " + b"x" * 5_000 + b"lora"):
        assert traces._traces(text) == fresh(text, b"")
