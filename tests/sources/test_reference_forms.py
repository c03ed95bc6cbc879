"""A reference means one thing, or is refused with what to write instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatekeeper.artifact import Reference, Scheme
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.sources import parse

SHA = "0123456789abcdef" * 2 + "01234567"


def hub(name, revision=""):
    return Reference(scheme=Scheme.HUB, name=name, revision=revision)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://org/name", hub("org/name")),
        ("hf://org/name@main", hub("org/name", "main")),
        ("HF://org/name", hub("org/name")),
        ("org/name", hub("org/name")),
        ("org/name@v1.0", hub("org/name", "v1.0")),
        ("org/name@feature/x", hub("org/name", "feature/x")),
        ("org/name@refs/pr/12", hub("org/name", "refs/pr/12")),
        (f"org/name@{SHA}", hub("org/name", SHA)),
        (f"org/name@{SHA.upper()}", hub("org/name", SHA)),
        (f"org/name@{SHA[:12]}", hub("org/name", SHA[:12])),
        ("gpt2", hub("gpt2")),
        ("gpt2@main", hub("gpt2", "main")),
        ("TheBloke/Llama-2.5_b-GGUF", hub("TheBloke/Llama-2.5_b-GGUF")),
        ("https://huggingface.co/org/name", hub("org/name")),
        ("https://huggingface.co/org/name/", hub("org/name")),
        ("http://www.huggingface.co/org/name?library=x#usage", hub("org/name")),
        ("https://hf.co/gpt2", hub("gpt2")),
        ("https://huggingface.co/gpt2/tree/main", hub("gpt2", "main")),
        ("https://huggingface.co/org/name/tree/v1", hub("org/name", "v1")),
        ("https://huggingface.co/org/name/tree/v1/onnx", hub("org/name", "v1")),
        ("https://huggingface.co/org/name/tree/refs%2Fpr%2F7", hub("org/name", "refs/pr/7")),
        ("https://huggingface.co/org/name/tree/refs/pr/7/onnx", hub("org/name", "refs/pr/7")),
        ("https://huggingface.co/org/name/blob/main/config.json", hub("org/name", "main")),
        ("https://huggingface.co/org/name/resolve/main/a.bin", hub("org/name", "main")),
        (f"https://huggingface.co/org/name/commit/{SHA}", hub("org/name", SHA)),
    ],
)
def test_forms_of_hub_references(text, expected):
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "a\0b", "org/na me", "/org", "org//name", "org/name/more", "org/../name", "a..b/c", "a--b/c", "-a/b",
        "org/name.git", "org/n\u0430me", "org/name@", "org/name@a..b", "org/name@a b", "org/name@/a", "org/name@a/",
        "org/name@-a", "org/name@a@{1}", "org/name@a~1", "org/name@\u202ea", "org/name@a\nb", "org/name@../../x",
        "org/name@.hidden", "org/name@x.lock", "org/name@" + "a" * 300, "x" * 97, "hf://", "hf://org", "hf:///name",
        "hf://datasets/org/name", "datasets/org/name", "spaces/org/name", "s3://bucket/key", "C:\\models\\x",
        "https://huggingface.co", "https://huggingface.co/datasets/org/name", "https://huggingface.co/spaces/org/name",
        "https://huggingface.co/docs/hub", "https://huggingface.co/org/name/discussions/4",
        "https://huggingface.co/org/name/tree", "https://huggingface.co.evil.test/org/name",
        "http://evil.test/org/name",
        "https://huggingface.co@evil.test/org/name", "https://huggingface.co:99999/org/name", "https://[/org/name",
        "https://huggingface.co/org/%2e%2e", "https://huggingface.co/org/na%00me", "file://host/x", "file://",
        "~nobody-x/y",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_a_hint(text):
    if text == "hf://org":
        assert parse(text) == hub("org")
        return
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_the_revision_is_given_once_and_for_hub_repos_only(tmp_path):
    assert parse("org/name", revision="main") == hub("org/name", "main")
    assert parse("https://huggingface.co/org/name", revision=SHA.upper()) == hub("org/name", SHA)
    for text, revision in (("org/name@main", "main"), ("org/name", ""), ("org/name", "a b"), (str(tmp_path), "main")):
        with pytest.raises(InputError):
            parse(text, revision=revision)


def test_pages_of_the_configured_hub_are_accepted(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:8080/mirror/")
    assert parse("http://127.0.0.1:8080/mirror/org/name/tree/v1") == hub("org/name", "v1")
    assert parse("https://huggingface.co/org/name") == hub("org/name")
    with pytest.raises(InputError):
        parse("http://127.0.0.1:8081/org/name")


def test_paths_are_kept_as_given(tmp_path):
    (tmp_path / "my model").mkdir()
    (tmp_path / "my model" / "w@1.bin").write_bytes(b"1")
    for text, scheme in (
        ("./my model", Scheme.FOLDER),
        ("my model", Scheme.FOLDER),
        (".", Scheme.FOLDER),
        (str(tmp_path), Scheme.FOLDER),
        ("my model/w@1.bin", Scheme.FILE),
        ("./my model/../my model/w@1.bin", Scheme.FILE),
    ):
        assert parse(text) == Reference(scheme=scheme, name=text)
    assert parse((tmp_path / "my model" / "w@1.bin").as_uri()).name == str(tmp_path / "my model" / "w@1.bin")


def test_a_name_that_is_an_id_and_a_path_is_refused(tmp_path):
    (tmp_path / "org" / "name").mkdir(parents=True)
    (tmp_path / "gpt2").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    for text in ("org/name", "gpt2", "dangling"):
        with pytest.raises(InputError) as caught:
            parse(text)
        assert f"hf://{text} or ./{text}" in caught.value.hint
        assert parse(f"hf://{text}") == hub(text)
    assert parse("./org/name").scheme is Scheme.FOLDER
    assert parse("org/name/").scheme is Scheme.FOLDER


def test_a_weights_file_in_the_working_directory_is_a_file(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert parse("model.safetensors") == Reference(scheme=Scheme.FILE, name="model.safetensors")


def test_paths_that_lead_nowhere_or_to_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for text in ("./absent", "/absent/x", "file:///absent", "./" + "x" * 5000, "./circle"):
        with pytest.raises(InputError):
            parse(text)
    with pytest.raises(NotFoundError):
        parse("./absent")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        parse("./pipe")


def test_undecodable_names_round_trip(tmp_path):
    name = os.fsdecode(b"w\xff.bin")
    Path(name).write_bytes(b"1")
    reference = parse(f"./{name}")
    assert parse(str(reference)) == reference


def test_credentials_in_an_address_are_not_repeated():
    with pytest.raises(InputError) as caught:
        parse("https://me:s3cret@huggingface.co/org/name")
    assert "s3cret" not in caught.value.message + caught.value.hint
