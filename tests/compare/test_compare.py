"""Whatever differs between two artifacts is told, nothing else is, and what deserves attention comes first."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.artifact import Artifact
from gatekeeper.codec import DOCUMENT, encode
from gatekeeper.compare import Attention, Change, ChangeKind, Comparison, Topic, compare
from gatekeeper.demo.builders import card, safetensors, tiny_model
from gatekeeper.hashing import MemoryContent
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.sources import open_artifact, parse
from gatekeeper.text import printable
from tests.support.hub_artifacts import file, folder

Files = Mapping[str, bytes]
BASE = dict(tiny_model("acme"))


def artifact(files: Files, **fields: Any) -> Artifact:
    return folder(files=tuple(file(path, data) for path, data in sorted(files.items())), **fields)


def told(old: Files, new: Files) -> Comparison:
    return compare(artifact(old), artifact(new))


def one(comparison: Comparison, topic: Topic) -> Change:
    (change,) = comparison.about(topic)
    return change


def with_config(**keys: object) -> dict[str, bytes]:
    return {**BASE, "config.json": json.dumps({**json.loads(BASE["config.json"]), **keys}).encode()}


def header(tensors: object, *, tail: bytes = b"") -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + tail


def test_an_artifact_does_not_differ_from_itself() -> None:
    comparison = told(BASE, BASE)
    assert comparison.changes == ()
    assert comparison.words() == ("no difference was found",)


@given(st.sets(st.sampled_from(sorted(BASE))), st.sets(st.sampled_from(sorted(BASE))), st.binary(max_size=4))
def test_every_file_that_differs_is_told_and_no_other(removed: set[str], altered: set[str], tail: bytes) -> None:
    new = {path: data + tail if path in altered else data for path, data in BASE.items() if path not in removed}
    kinds = {change.subject: change.kind for change in told(BASE, new).changes if change.subject in BASE}
    files = {path for path in BASE if new.get(path) != BASE[path]}
    assert kinds.keys() == files
    back = told(new, BASE)
    assert {change.subject for change in back.changes if change.subject in BASE} == files


@pytest.mark.parametrize(
    ("path", "attention"),
    [
        ("modeling_tiny.py", Attention.FIRST),
        ("sub/kernel.SO", Attention.FIRST),
        ("pytorch_model.bin", Attention.FIRST),
        ("model.onnx", Attention.FIRST),
        ("model-2.gguf", Attention.LOOK),
        ("strange", Attention.LOOK),
        ("requirements.txt", Attention.FIRST),
        ("sub/Requirements-dev.txt", Attention.FIRST),
        ("conda.yaml", Attention.FIRST),
        ("vocab.txt", Attention.LOOK),
        ("merges.txt", Attention.LOOK),
        ("NOTES.md", Attention.NOTE),
    ],
)
def test_new_files_ask_for_attention_by_what_a_loader_would_do_with_them(path: str, attention: Attention) -> None:
    comparison = told(BASE, {**BASE, path: b"data"})
    (change,) = [change for change in comparison.changes if change.subject == path]
    assert (change.kind, change.attention) == (ChangeKind.ADDED, attention)


def test_tensors_are_told_by_name_type_and_shape() -> None:
    tensors = {"model.norm.weight": (8,), "lm_head.weight": (16, 9), "extra.weight": (2,)}
    comparison = told(BASE, {**BASE, "model.safetensors": safetensors(tensors, seed="other")})
    kinds = {change.subject: (change.kind, change.attention) for change in comparison.about(Topic.TENSORS)}
    assert kinds["extra.weight"] == (ChangeKind.ADDED, Attention.FIRST)
    assert kinds["lm_head.weight"] == (ChangeKind.CHANGED, Attention.FIRST)
    assert kinds["model.embed_tokens.weight"] == (ChangeKind.REMOVED, Attention.FIRST)
    assert "model.norm.weight" not in kinds
    words = "\n".join(comparison.words())
    assert "lm_head.weight: F32 [16, 8] → F32 [16, 9]" in words


def test_other_values_in_the_same_tensors_are_no_change_of_tensors_and_not_passed_over() -> None:
    tensors = {"model.norm.weight": (8,)}
    old, new = ({"model.safetensors": safetensors(tensors, seed=seed)} for seed in ("a", "b"))
    comparison = told(old, new)
    assert comparison.about(Topic.TENSORS) == ()
    assert one(comparison, Topic.FILES).kind is ChangeKind.CHANGED
    assert any(line.startswith("not compared: values of tensors") for line in comparison.words())


def test_the_same_tensors_in_other_shards_are_the_same_tensors() -> None:
    whole = {"model.safetensors": safetensors({"a": (2,), "b": (3,)}, seed="x")}
    shards = {
        "model-1-of-2.safetensors": safetensors({"a": (2,)}, seed="x"),
        "model-2-of-2.safetensors": safetensors({"b": (3,)}, seed="x"),
    }
    assert told(whole, shards).about(Topic.TENSORS) == ()
    # The same name in another folder is another model's.
    assert len(told(whole, {**whole, "unet/m.safetensors": safetensors({"a": (2,)}, seed="x")}).about(Topic.TENSORS))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"\xff" * 64,
        struct.pack("<Q", 40) + b"{}",
        header([1]),
        header({"w": {"dtype": 1, "shape": [1]}}),
        header({"w": {"dtype": "F32", "shape": [True]}}),
        header({"w": 1}),
        struct.pack("<Q", 40) + b'{"w":1,"w":2}'.ljust(40),
    ],
)
def test_a_header_that_can_not_be_read_is_said_and_never_taken_for_no_tensors(data: bytes) -> None:
    change = one(told(BASE, {**BASE, "model.safetensors": data}), Topic.TENSORS)
    assert (change.kind, change.attention) == (ChangeKind.UNREAD, Attention.FIRST)
    assert "newer" in change.words


def test_tensors_of_other_formats_are_said_to_be_not_compared() -> None:
    assert "tensors of GGUF files are not compared" in told(BASE, {**BASE, "m.gguf": b"GGUF"}).not_compared
    assert "tensors of .bin, .onnx files are not compared" in told({"a.bin": b"1", "b.onnx": b"1"}, {}).not_compared


@pytest.mark.parametrize(
    ("keys", "kind", "attention", "words"),
    [
        ({"auto_map": {"AutoModel": "m.M"}}, ChangeKind.ADDED, Attention.FIRST, 'auto_map.AutoModel = "m.M" is new'),
        ({"vocab_size": 17}, ChangeKind.CHANGED, Attention.LOOK, "vocab_size: 16 → 17"),
        ({"vocab_size": 16.0}, ChangeKind.CHANGED, Attention.LOOK, "vocab_size: 16 → 16.0"),
        ({"transformers_version": "9"}, ChangeKind.ADDED, Attention.NOTE, "transformers_version"),
        ({"a": {"b": {}}}, ChangeKind.ADDED, Attention.LOOK, "a.b = {} is new"),
        ({"nested": {"trust_remote_code": True}}, ChangeKind.ADDED, Attention.FIRST, "trust_remote_code = true"),
    ],
)
def test_keys_of_configurations_are_told_with_their_values(
    keys: dict[str, object], kind: ChangeKind, attention: Attention, words: str
) -> None:
    change = one(told(BASE, with_config(**keys)), Topic.CONFIGURATION)
    assert (change.kind, change.attention) == (kind, attention)
    assert words in change.words


def test_one_and_true_are_different_values() -> None:
    assert told(with_config(x=1), with_config(x=True)).about(Topic.CONFIGURATION)
    assert not told(with_config(x={"a": 1, "b": 2}), with_config(x={"b": 2, "a": 1})).about(Topic.CONFIGURATION)


def test_a_new_configuration_shows_what_it_asks_of_a_loader() -> None:
    new = {**BASE, "unet/config.json": b'{"auto_map": {"AutoModel": "m.M"}}'}
    assert one(told(BASE, new), Topic.CONFIGURATION).attention is Attention.FIRST


@pytest.mark.parametrize("data", [b"{", b'{"a": 1, "a": 2}', b"[" * 100 + b"]" * 100, b"\xff"])
def test_a_configuration_that_can_not_be_read_comes_first(data: bytes) -> None:
    comparison = told(BASE, {**BASE, "config.json": data})
    change = one(comparison, Topic.CONFIGURATION)
    assert (change.kind, change.attention) == (ChangeKind.UNREAD, Attention.FIRST)


def with_template(template: object) -> dict[str, bytes]:
    return {**BASE, "tokenizer_config.json": json.dumps({"chat_template": template}).encode()}


def test_a_template_is_shown_as_the_difference_of_its_text() -> None:
    before = "{% for m in messages %}{{ m.content }}{% endfor %}"
    after = "{% for m in messages %}{% if 'x' in m.content %}evil{% endif %}{{ m.content }}{% endfor %}"
    change = told(with_template(before), with_template(after)).changes[0]
    assert (change.topic, change.attention) == (Topic.TEMPLATE, Attention.FIRST)
    assert "+{% if 'x' in m.content %}" in change.detail
    assert "+evil{% endif %}" in change.detail
    assert all(line[0] in "+-@ …" for line in change.detail)


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (with_template("a"), with_template(None), [ChangeKind.REMOVED]),
        (BASE | {"chat_template.jinja": b"a"}, BASE | {"chat_template.jinja": b"b"}, [ChangeKind.CHANGED]),
        (BASE, BASE | {"additional_chat_templates/rag.jinja": b"b"}, [ChangeKind.ADDED]),
        (BASE, BASE | {"chat_template.json": b'{"chat_template": "x"}'}, [ChangeKind.ADDED]),
        (
            with_template([{"name": "default", "template": "a"}]),
            with_template([{"name": "default", "template": "a"}, {"name": "rag", "template": "b"}]),
            [ChangeKind.ADDED],
        ),
        (with_template("a"), with_template({"default": "a"}), [ChangeKind.ADDED, ChangeKind.REMOVED]),
        (with_template("a"), with_template(1), [ChangeKind.UNREAD]),
        (with_template("a"), with_template([1]), [ChangeKind.UNREAD]),
        (with_template("a"), with_template({"default": 1}), [ChangeKind.UNREAD]),
        (BASE, BASE | {"chat_template.jinja": b"\xff"}, [ChangeKind.UNREAD]),
    ],
)
def test_templates_are_found_wherever_loaders_find_them(old: Files, new: Files, kinds: list[ChangeKind]) -> None:
    found = told(old, new).about(Topic.TEMPLATE)
    assert sorted(change.kind for change in found) == kinds


def test_a_long_template_is_not_held_against_another_line_by_line() -> None:
    long = with_template("a\n" * 1_500)
    (change,) = told(with_template("a"), long).about(Topic.TEMPLATE)
    assert change.detail == ()
    assert "too many lines" in change.words
    huge = with_template("{{x}}" * 100_000)
    assert "too many to show" in told(with_template("a"), huge).about(Topic.TEMPLATE)[0].words


def test_nothing_of_a_long_difference_is_hidden_without_saying_so() -> None:
    change = told(with_template("a"), with_template("".join(f"{n}\n" for n in range(500)))).about(Topic.TEMPLATE)[0]
    assert change.detail[-1].endswith("more lines")
    tail = "x" * 5_000 + "{{ evil }}"
    change = told(with_template("x" * 5_000), with_template(tail)).about(Topic.TEMPLATE)[0]
    assert any("evil" in line for line in change.detail)


def test_another_licence_comes_first() -> None:
    files = {**BASE, "README.md": card("# x", license="other", license_name="own")}
    old, new = (artifact(each, card={"license": licence}) for each, licence in ((BASE, "mit"), (files, "other")))
    change = one(compare(old, new), Topic.LICENCE)
    assert change.attention is Attention.FIRST
    assert change.words == "the card's license: mit → other"
    assert one(told({**BASE, "LICENSE": b"a"}, {**BASE, "LICENSE": b"b"}), Topic.LICENCE).kind is ChangeKind.CHANGED


def test_a_flood_in_one_topic_hides_no_other() -> None:
    flood = with_config(**{f"key{number:05}": number for number in range(2_000)}, auto_map={"A": "m.M"})
    comparison = told(BASE, {**flood, "a.py": b"", **{f"{n}.txt": b"" for n in range(300)}})
    assert len(comparison.changes) < 300
    first = [change.subject for change in comparison.changes if change.attention is Attention.FIRST]
    assert first == ["a.py", "config.json: auto_map.A"]
    assert "configuration: and 1,950 more changes" in "\n".join(comparison.words())


def test_reading_is_bounded_and_what_was_not_read_is_said() -> None:
    limits = replace(DEFAULT_LIMITS, compare_bytes=10)
    comparison = compare(artifact(BASE), artifact(with_config(x=1)), limits)
    change = one(comparison, Topic.CONFIGURATION)
    assert change.kind is ChangeKind.UNREAD
    assert "compare_bytes" in change.words


HOSTILE = "\x1b[31m\u202eevil\n\u200b"


def test_whatever_is_told_is_printable() -> None:
    new = {
        **with_config(**{HOSTILE: HOSTILE}),
        f"{HOSTILE}.py": b"",
        f"{HOSTILE}/chat_template.jinja": HOSTILE.encode(),
        "m.safetensors": header({HOSTILE: {"dtype": HOSTILE, "shape": [1]}}),
        "tokenizer_config.json": json.dumps({"chat_template": {HOSTILE: HOSTILE}}).encode(),
    }
    for pair in ((BASE, new), (new, BASE)):
        comparison = told(*pair)
        assert comparison.changes
        assert all(printable(line, 100_000) == line for line in comparison.words())
        json.dumps(encode(comparison, DOCUMENT))


def test_where_no_digest_is_shared_nobody_says_that_the_bytes_are_the_same() -> None:
    old = artifact({"a.json": b"1"})
    unknown = replace(file("a.json", b"2"), sha256=None, content=MemoryContent(b"2"))
    new = folder(files=(unknown,))
    assert one(compare(old, new), Topic.FILES).kind is ChangeKind.UNREAD


def test_folders_are_compared_like_repos(tmp_path: Path) -> None:
    for name, files in (("old", BASE), ("new", with_config(vocab_size=17))):
        (tmp_path / name).mkdir()
        for path, data in files.items():
            (tmp_path / name / path).write_bytes(data)
    with open_artifact(parse(str(tmp_path / "old"))) as old, open_artifact(parse(str(tmp_path / "new"))) as new:
        comparison = compare(old, new)
    assert {change.topic for change in comparison.changes} == {Topic.CONFIGURATION, Topic.FILES}
