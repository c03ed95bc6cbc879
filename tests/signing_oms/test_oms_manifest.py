"""A manifest is read in one way or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import SignatureError
from gatekeeper.signing import parse_statement
from gatekeeper.signing.oms import FORMAT_IGNORES, Ignored, Manifest, manifest_of, parse_manifest, statement_of
from gatekeeper.signing.oms_files import DifferenceKind, differences, is_for_loaders
from tests.support.hub_artifacts import file
from tests.support.oms import plain, statement

DIGEST = "ab" * 32
PATHS = st.lists(st.text("aZé_.-0", min_size=1, max_size=8), min_size=1, max_size=4).map("/".join).filter(
    lambda path: not {".", ".."} & set(path.split("/"))
)  # fmt: skip


def manifest(*paths: str) -> Manifest:
    return manifest_of("tiny", [(path, DIGEST) for path in paths], follows_links=False)


def read(document: Any) -> Manifest:
    return parse_manifest(parse_statement(json.dumps(document).encode()))


@given(paths=st.sets(PATHS, max_size=8))
def test_what_is_written_is_read_again(paths: set[str]) -> None:
    written = manifest(*paths)
    assert parse_manifest(statement_of(written)) == written
    assert not {"model.sig", *FORMAT_IGNORES} & {path.split("/")[0] for path in written.files}


def bent(change: Any) -> Any:
    document = statement(manifest("a", "b/c"))
    change(document)
    return document


def _resource(field: str, value: object) -> Any:
    return lambda document: document["predicate"]["resources"][0].update({field: value})


def _how(**fields: object) -> Any:
    return lambda document: document["predicate"]["serialization"].update(fields)


MALFORMED = {
    "root": (lambda document: document["subject"][0]["digest"].update(sha256="00" * 32), "contradicts itself"),
    "order": (lambda document: document["predicate"]["resources"][0].update(digest="cd" * 32), "contradicts itself"),
    "subjects": (
        lambda document: document["subject"].append({"name": "b", "digest": {"sha256": DIGEST}}),
        "2 subjects",
    ),
    "no resources": (lambda document: document["predicate"].pop("resources"), "lacks 'resources'"),
    "resource field": (_resource("size", 4), "unknown field 'size'"),
    "absolute": (_resource("name", "/etc/passwd"), "no path inside"),
    "upwards": (_resource("name", "x/../../y"), "no path inside"),
    "not normal": (_resource("name", "x//y"), "no path inside"),
    "twice": (_resource("name", "b/c"), "lists b/c twice"),
    "single file": (_resource("name", "."), "single file"),
    "algorithm": (_resource("algorithm", "sha1"), "unknown algorithm"),
    "digest": (_resource("digest", DIGEST.upper()), "lower case"),
    "short digest": (_resource("digest", DIGEST[:-2]), "lower case"),
    "method": (_how(method="tensors"), "way to serialise 'tensors'"),
    "hash": (_how(hash_type="md5"), "unknown hash 'md5'"),
    "hash kind": (_how(hash_type=["sha256"]), "unknown hash"),
    "links": (_how(allow_symlinks="false"), "neither true nor false"),
    "field": (_how(ignore_globs=["*"]), "unknown field 'ignore_globs'"),
    "shards": (_how(shard_size=4), "where there are no shards"),
    "no shard size": (_how(method="shards"), "none where there are"),
    "no shards": (_how(method="shards", shard_size=0), "no positive whole number"),
    "half a byte": (_how(method="shards", shard_size=0.5), "no positive whole number"),
    "type": (lambda document: document.update(predicateType="https://slsa.dev/x"), "'https://slsa.dev/x'"),
}


@pytest.mark.parametrize(("change", "words"), MALFORMED.values(), ids=MALFORMED)
def test_each_malformed_manifest_has_its_own_words(change: Any, words: str) -> None:
    with pytest.raises(SignatureError, match=words):
        read(bent(change))


@pytest.mark.parametrize(
    "names",
    [["a:0:4", "a:8:9"], ["a:0:4", "a:0:4"], ["a:0:5"], ["a:0:3", "a:4:8"], ["a:4:8"], ["a:0:0"], ["a:0:-1"],
     ["a:00:4"], ["a"], ["a:0"], [":0:4"], ["a:0:4:"]],
)  # fmt: skip
def test_slices_have_no_holes_and_no_overlaps(names: list[str]) -> None:
    with pytest.raises(SignatureError):
        read(sliced(*names))


def sliced(*names: str) -> dict[str, Any]:
    document = statement(manifest(*(f"n{number}" for number in range(len(names)))))
    document["predicate"]["serialization"].update(method="shards", shard_size=4.0)
    for name, each in zip(names, document["predicate"]["resources"], strict=True):
        each.update(name=name, algorithm="sha256-sharded-4")
    return document


def test_slices_in_any_order_make_a_file() -> None:
    found = read(sliced("a:b:4:6", "a:b:0:4", "c:0:1")).files
    assert {path: [(each.start, each.end) for each in slices] for path, slices in found.items()} == {
        "a:b": [(0, 4), (4, 6)],
        "c": [(0, 1)],
    }


@pytest.mark.parametrize(
    ("entries", "covered", "free"),
    [
        (["onnx"], ["onnx", "onnx/a", "onnx/b/c"], ["onnx.bin", "a/onnx", "ONNX/a"]),
        (["a/b/"], ["a/b", "a/b/c"], ["a", "a/bc"]),
        ([""], ["a", "b/c"], []),
        (["."], ["a", "b/c"], []),
        (["./a"], ["a/b"], ["b"]),
        (["/a", "../a", "*"], [], ["a", "b"]),
    ],
)
def test_an_ignored_path_covers_itself_and_what_lies_below(
    entries: list[str], covered: list[str], free: list[str]
) -> None:
    ignored = Ignored(entries)
    assert [path for path in covered + free if ignored.covering(path) is not None] == covered


def test_a_signed_file_is_compared_though_it_is_ignored_too() -> None:
    signed = manifest("config.json")
    ignoring = Manifest(
        name="", hash="sha256", shard_bytes=0, files=signed.files, ignored=("config.json",), follows_links=False
    )
    (found,) = differences(ignoring, plain(file("config.json", b"other")).files)
    assert found.kind is DifferenceKind.CHANGED


@pytest.mark.parametrize(
    "path",
    [
        "a.bin",
        "vocab.txt",
        "tokenizer",
        "a/B.PY",
        ".gitattributes/x.pt",
        "x/.gitignore",
        ".github/x.so",
        ".github/workflows/run.sh",
        ".github/a.json",
    ],
)
def test_what_may_be_read_is_for_loaders(path: str) -> None:
    assert is_for_loaders(path)


@pytest.mark.parametrize(
    "path", ["README.md", "a/LICENSE", "plot.PNG", ".gitignore", ".github/workflows/ci.yml", ".github/CODEOWNERS"]
)
def test_prose_and_pictures_are_for_people(path: str) -> None:
    assert not is_for_loaders(path)
