"""The front door: who reads which file, what is left out, and that bad files are said and never raise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gatekeeper.ci import EXTRACTORS, collect, extract, takes, wanted
from gatekeeper.ci.windows_scripts import as_shell
from gatekeeper.limits import Limits

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12\n".encode()


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("gatekeeper.lock", "LockFiles"), ("w/model.safetensors", "ModelFiles"), ("net.onnx", "ModelFiles"),
        ("m.dvc", "DvcFiles"), ("dvc.yaml", "DvcFiles"), ("Dockerfile", "Dockerfiles"),
        ("a/Dockerfile.gpu", "Dockerfiles"),
        ("serve.dockerfile", "Dockerfiles"), ("Containerfile", "Dockerfiles"), ("Modelfile", "Modelfiles"),
        ("chat.Modelfile", "Modelfiles"), (".env", "EnvironmentFiles"), (".env.local", "EnvironmentFiles"),
        ("prod.env", "EnvironmentFiles"), (".gitmodules", "EnvironmentFiles"), ("x.tfvars", "EnvironmentFiles"),
        ("a.PY", "PythonCode"), ("n.ipynb", "Notebooks"), ("run.sh", "ShellScripts"),
        ("run.PS1", "ShellScripts"), ("a.cmd", "ShellScripts"), ("Makefile", "ShellScripts"),
        ("values.yaml", "YamlFiles"), ("compose.yml", "YamlFiles"), ("_helpers.tpl", "YamlFiles"),
        ("c.json", "JsonFiles"),
        ("p.toml", "TomlFiles"), ("env.yaml", "YamlFiles"), ("README.md", ""), ("a.png", ""), ("package-lock.json", ""),
    ],
)  # fmt: skip
def test_a_file_is_read_by_the_one_for_it(path: str, reader: str) -> None:
    chosen = next((type(each).__name__ for each in EXTRACTORS if each.takes(path)), "")
    assert chosen == reader
    assert takes(path) == bool(reader)


def test_a_pointer_and_the_content_that_it_stands_for_are_the_same_revision() -> None:
    data = b"weights"
    digest = hashlib.sha256(data).hexdigest()
    (real,) = extract("w/m.safetensors", data)
    (pointer,) = extract("w/m.safetensors", POINTER.replace(OID.encode(), digest.encode()))
    assert real == pointer
    assert (real.name, real.revision, real.local) == ("w/m.safetensors", f"sha256:{digest}", True)


@pytest.mark.parametrize("change", [b"x", b"version 2\n", POINTER + b"more\n", POINTER.replace(b"oid", b"OID")])
def test_what_only_resembles_a_pointer_is_content(change: bytes) -> None:
    (mention,) = extract("m.bin", change)
    assert mention.revision == f"sha256:{hashlib.sha256(change).hexdigest()}"


def test_weights_that_are_too_large_to_be_read_have_no_digest() -> None:
    (mention,) = extract("m.bin", b"x" * 2000, limits=Limits(source_bytes=1000))
    assert (mention.name, mention.revision, mention.unresolved) == ("m.bin", "", "")


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("a.yaml", b"model_id_id: [\n", "not YAML"),
        ("a.yaml", b"model_id: &a [" + b"[" * 80 + b"]" * 80 + b"]", "nested deeper"),
        ("a.yaml", b"- model_id\n" * 300, "yaml_events"),
        ("a.json", b'{"model_id": ', "not JSON"),
        ("a.json", b"model_id" + b"[" * 100, "nested deeper"),
        ("a.json", b'["model_id",' + b"1," * 300 + b"1]", "json_values"),
        ("a.toml", b"model_id = = 1", "not TOML"),
        ("a.dvc", b"a: [\n", "not YAML"),
        ("gatekeeper.lock", b"version = 9", "lock can't be read"),
        ("run.sh", b"x" * 10_001, "source_bytes"),
        ("a.py", b"pipeline(\0", "null bytes"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(path: str, data: bytes, said: str) -> None:
    limits = Limits(source_bytes=10_000, yaml_events=200, json_values=200)
    found = extract(path, data, limits=limits)
    assert any(said in each.unresolved for each in found)
    assert not any(each.name for each in found)


def test_a_broken_file_still_gives_its_lines() -> None:
    named = [each.name for each in extract("a.yaml", b"model_id: harbour/tiny\nb: [\n") if each.name]
    assert named == ["harbour/tiny"]


def test_what_has_no_trace_of_a_model_is_not_parsed_and_none_can_be_hidden() -> None:
    assert extract("a.py", b"import (") == ()
    (wide,) = extract("a.py", "AutoThing.\uff46rom_pr\uff45train\uff45d('harbour/tiny')\n".encode())
    (escaped,) = extract("a.json", b'{"\\u006dodel_id": "harbour/tiny"}')
    (coded,) = extract("a.yaml", b'"\\x6dodel_id": harbour/tiny\n')
    assert {wide.name, escaped.name, coded.name} == {"harbour/tiny"}


def test_aliases_cost_what_they_take_in_the_file() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    found = extract("bomb.yaml", f"a0: &a0 {{model_id: harbour/tiny}}\n{levels}".encode())
    assert [each.name for each in found] == ["harbour/tiny"]
    assert extract("circle.yaml", b"a: &a\n  b: *a\n  <<: *a\n  model_id: harbour/tiny\n")[0].name == "harbour/tiny"


def test_variables_that_double_are_given_up() -> None:
    lines = "".join(f"A{n}=$A{n + 1}$A{n + 1}\n" for n in range(100))
    (mention,) = extract("run.sh", f"{lines}A100=x\nvllm serve $A0\n".encode())
    assert not mention.name


def test_bytes_that_are_no_text_hide_nothing() -> None:
    line = b"vllm serve harbour/tiny\n"
    assert [each.name for each in extract("run.sh", b"echo \xff\xfe\n" + line)] == ["harbour/tiny"]
    assert [each.name for each in extract("run.sh", b"echo \0\n" + line)] == ["harbour/tiny"]
    assert [each.name for each in extract("run.sh", line.decode().encode("utf-16"))] == ["harbour/tiny"]
    assert [each.name for each in extract("a.yaml", b"\xef\xbb\xbfmodel_id: harbour/tiny # \x07\n")] == ["harbour/tiny"]


def test_the_lock_is_no_wish_and_weights_are_no_model_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "gatekeeper.lock").write_text("version = 9")
    (tmp_path / "model.safetensors").write_bytes(POINTER)
    (tmp_path / "in.dvc").write_text("outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  path: m.bin\n")
    (tmp_path / "run.sh").write_text("vllm serve harbour/tiny\n")
    found = list(collect([tmp_path]))
    assert [each.name for each in wanted(found)] == ["harbour/tiny"]
    assert not any(each.unresolved for each in found)


def test_markers_in_any_code_are_collected(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text('const c = "v1" // gatekeeper: hf=harbour/tiny\n')
    (mention,) = collect([tmp_path])
    assert (mention.name, mention.revision, mention.line) == ("harbour/tiny", "v1", 1)


def _notebook(*codes: str, version: int) -> bytes:
    """Write a notebook: before version 4 of the format, cells stand in worksheets and their code is their input."""
    key = "source" if version == 4 else "input"
    cells = [{"cell_type": "code", key: [code]} for code in codes]
    below = {"cells": cells} if version == 4 else {"worksheets": [{"cells": cells[:1]}, {"cells": cells[1:]}]}
    return json.dumps({"nbformat": version, "metadata": {}, **below}).encode()


def test_notebooks_of_both_formats_name_the_same() -> None:
    codes = ("NAME = 'acme/tiny'\n", "!hf download acme/other\n", "\nm = AutoModel.from_pretrained(NAME)\n")
    old, new = (extract("a.ipynb", _notebook(*codes, version=version)) for version in (3, 4))
    assert old == new
    assert {(each.name, each.cell) for each in old} == {("acme/other", 2), ("acme/tiny", 3)}


@pytest.mark.parametrize("sheets", ["null", "{}", "[null]", '[{"cells": null}]', '[{"cells": [null, 1, {}]}]', "1"])
def test_odd_worksheets_hide_no_cells(sheets: str) -> None:
    code = "AutoModel.from_pretrained('acme/tiny')"
    text = f'{{"worksheets": {sheets}, "cells": [{{"cell_type": "code", "source": "{code}"}}]}}'
    assert [each.name for each in extract("a.ipynb", text.encode())] == ["acme/tiny"]


@pytest.mark.parametrize("path", ["a.ps1", "a.psm1", "a.bat", "a.cmd"])
def test_lines_of_scripts_for_windows_are_their_own(path: str) -> None:
    """Whatever is carried over to the words of a shell, no line moves."""
    odd = ("<# a\nb #>", "rem a ^\n b", "`", "^", "%%", "$env:X = `\n'a'", '"', "C:\\a\\\nb", "set x=\n", "<#")
    for text in odd:
        shown = as_shell(f"{text}\n", path)
        assert shown.count("\n") == text.count("\n") + 1
    found = extract(path, b"echo a\r\n\r\nvllm serve acme/tiny\r\n")
    assert [(each.name, each.line) for each in found] == [("acme/tiny", 3)]
