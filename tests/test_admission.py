"""Admission: files that a trusted verdict allows, and nothing else; every way of not being that has its own words."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.admission import admit
from gatekeeper.artifact import ExcludedFile, Kind
from gatekeeper.attest import Outcome
from gatekeeper.decision import Action
from gatekeeper.errors import ContentChangedError, InputError
from gatekeeper.lock import Lock
from gatekeeper.signing import envelope_json, statement_json, unsigned
from tests.support.admitting import ask, failed_step, flip
from tests.support.locks import pinned
from tests.support.signing import key_pair
from tests.support.verdicts import (
    COMMIT,
    EXPECTED,
    FILES,
    NAME,
    NOW,
    POLICY_DIGEST,
    URI,
    attestation,
    lay_out,
    refused,
    sealed,
    sign_off,
    statements,
    verdict,
    with_predicate,
)

BOB = key_pair("bob")


class Meddling:
    """A `Progress` by which somebody touches the folder once all files are hashed."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        self._meddle = meddle

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        yield lambda _units: None
        self._meddle()


@pytest.mark.parametrize(
    "meddle",
    [
        lambda folder: (folder / "config.json").write_bytes(b"[]"),
        lambda folder: (folder / "extra.py").write_bytes(b""),
        lambda folder: (folder / "sub" / ".hidden").mkdir(),
        lambda folder: (folder / "sub" / "vocab.txt").unlink(),
        lambda folder: (folder / "model.safetensors").rename(folder / "config.json"),
        lambda folder: (folder / "link").symlink_to("/etc/hostname"),
    ],
    ids=["exchanged", "added", "folder", "removed", "renamed", "link"],
)
def test_what_is_touched_behind_the_hashing_is_not_admitted(meddle: Callable[[Path], object], tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "model")
    with pytest.raises(ContentChangedError, match="while the files were hashed"):
        ask(folder, progress=Meddling(lambda: meddle(folder)))


def test_what_is_only_read_meanwhile_is_admitted(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "model")
    link = tmp_path / "link"
    link.symlink_to(folder)
    for place in (folder, link):
        assert ask(place, progress=Meddling(lambda: [path.read_bytes() for path in folder.rglob("*.json")])).admitted


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "model")


def test_the_files_of_an_allowed_verdict_are_admitted(model: Path) -> None:
    answer = ask(model)
    assert answer.admitted
    assert answer.reason == ""
    assert {step.outcome for step in answer.steps} == {Outcome.HELD, Outcome.NOT_ASKED}


def test_every_expectation_can_hold_at_once(model: Path) -> None:
    full = replace(
        EXPECTED,
        resources=(URI,),
        policy_digest=POLICY_DIGEST,
        levels=("GATEKEEPER_PINNED", "GATEKEEPER_ALLOW"),
        max_age=timedelta(days=30),
    )
    answer = ask(model, expected=full)
    assert {step.outcome for step in answer.steps} == {Outcome.HELD}


def _swap(folder: Path) -> None:
    first, second = folder / "config.json", folder / "sub/vocab.txt"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a flipped bit": (flip, "files", "model.safetensors has other bytes"),
    "two files swapped": (_swap, "files", "config.json, sub/vocab.txt have other bytes"),
    "an extra file": (lambda at: (at / "run.py").write_text(""), "files", "run.py is extra"),
    "an extra hidden file": (lambda at: (at / ".x").write_text(""), "files", ".x is extra"),
    "a missing file": (lambda at: (at / "config.json").unlink(), "files", "config.json is missing"),
    "a renamed file": (lambda at: (at / "config.json").rename(at / "c.json"), "files", "config.json is missing"),
    "a link out": (lambda at: (at / "out").symlink_to("/etc/hostname"), "folder", "out is a symbolic link"),
    "a link to nothing": (lambda at: (at / "out").symlink_to("gone"), "folder", "out is a symbolic link"),
    "an extra link inside": (lambda at: (at / "in").symlink_to("config.json"), "files", "in is extra"),
    "a pipe": (lambda at: os.mkfifo(at / "pipe"), "folder", "pipe is a pipe"),
    "letter case": (lambda at: (at / "Config.json").write_text("{}"), "folder", "letter case"),
    "a folder of git": (lambda at: lay_out(at, {".git/hooks/x": b""}), "folder", ".git was never looked at"),
    "records of the Hub's client": (
        lambda at: lay_out(at, {".cache/huggingface/.gitignore": b"*"}),
        "folder",
        ".cache/huggingface was never looked at",
    ),
    "a control character": (lambda at: (at / "a\nb").write_text(""), "folder", "a\\u000ab has a name"),
}


@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_a_folder_with_anything_else_in_it_is_refused(name: str, model: Path) -> None:
    change, step, words = BAD_FOLDERS[name]
    change(model)
    answer = ask(model)
    assert failed_step(answer) == step
    assert words in answer.reason


def test_a_link_in_place_of_a_file_counts_by_its_bytes(model: Path) -> None:
    (model / "config.json").rename(model / "sub" / "real.json")
    (model / "config.json").symlink_to("sub/real.json")
    answer = ask(model)
    assert "sub/real.json is extra" in answer.reason


def test_an_excluded_file_must_be_absent(model: Path) -> None:
    left = ExcludedFile(path="training_args.bin", size=3)
    data = verdict(attestation(subject={"exclude": ("*.bin",), "excluded": (left,)}))
    assert ask(model, data).admitted
    (model / "training_args.bin").write_bytes(b"abc")
    answer = ask(model, data)
    assert failed_step(answer) == "files"
    assert "was left out of the verdict" in answer.reason


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.ALLOW])
def test_nothing_but_allow_is_admitted(action: Action, model: Path) -> None:
    answer = ask(model, verdict(refused(action)))
    assert failed_step(answer) == "result"
    assert f"FAILED: {action.value}" in answer.reason


def _unsigned() -> bytes:
    return "\n".join(envelope_json(unsigned(statement_json(each))) for each in statements(attestation())).encode()


BAD_PAPER: dict[str, tuple[Callable[[], bytes], dict[str, Any], str, str]] = {
    "no verdict": (lambda: b"{}", {}, "verdict", "lacks"),
    "empty": (lambda: b"", {}, "verdict", "empty"),
    "not signed": (_unsigned, {}, "signature", "not signed"),
    "another key": (lambda: verdict(signer=BOB.signer), {}, "signature", "trusted here"),
    "another verifier": (verdict, {"verifier_id": "urn:example:gate"}, "verifier", "urn:example:gate was expected"),
    "another commit": (
        verdict,
        {"resources": (f"pkg:huggingface/{NAME}@{'0' * 40}",), "expected_by": "--reference"},
        "resource",
        "was expected by --reference",
    ),
    "another model": (verdict, {"resources": (f"pkg:huggingface/x/y@{COMMIT}",)}, "resource", "pkg:huggingface/x/y"),
    "another policy": (verdict, {"policy_digest": "sha256:" + "0" * 64}, "policy", POLICY_DIGEST),
    "a level": (verdict, {"levels": ("GATEKEEPER_LOCKED",)}, "levels", "GATEKEEPER_LOCKED was not verified"),
    "too old": (
        lambda: verdict(attestation(created_at=NOW - timedelta(days=31))),
        {"max_age": timedelta(days=30)},
        "age",
        "it is 31 days old, and at most 30 days is allowed",
    ),
    "from the future": (
        lambda: verdict(attestation(created_at=NOW + timedelta(minutes=6))),
        {},
        "age",
        "which is yet to come",
    ),
}


@pytest.mark.parametrize("name", BAD_PAPER)
def test_a_verdict_that_is_not_what_was_expected_is_refused(name: str, model: Path) -> None:
    make, change, step, words = BAD_PAPER[name]
    answer = ask(model, make(), replace(EXPECTED, **change))
    assert failed_step(answer) == step
    assert words in answer.reason


def test_a_clock_that_is_a_little_ahead_is_no_reason(model: Path) -> None:
    assert ask(model, verdict(attestation(created_at=NOW + timedelta(minutes=4)))).admitted


def test_the_age_is_counted_to_the_second(model: Path) -> None:
    data, month = verdict(attestation(created_at=NOW - timedelta(days=30))), timedelta(days=30)
    assert ask(model, data, replace(EXPECTED, max_age=month)).admitted
    assert not ask(model, data, replace(EXPECTED, max_age=month), now=NOW + timedelta(seconds=1)).admitted


def test_a_waiver_that_expired_since_takes_the_verdict_with_it(model: Path) -> None:
    """The verdict of the fixtures rests on a waiver until 2 December."""
    assert ask(model, now=NOW.replace(month=12, day=2)).admitted
    answer = ask(model, now=NOW.replace(month=12, day=3))
    assert failed_step(answer) == "expiries"
    assert "expired after 2026-12-02" in answer.reason


def test_any_of_several_keys_will_do(model: Path) -> None:
    both = replace(EXPECTED, keys=(BOB.public_key, *EXPECTED.keys))
    assert ask(model, expected=both).admitted
    assert ask(model, verdict(signer=BOB.signer), both).admitted


def test_any_of_several_verdicts_will_do_and_the_nearest_miss_is_told(model: Path) -> None:
    good, bad = verdict(), verdict(signer=BOB.signer)
    answer = admit(model, {"bad": [bad], "good": [good]}, EXPECTED, now=NOW)
    assert (answer.admitted, answer.attestation) == (True, "good")
    flip(model)
    answer = admit(model, {"bad": [bad], "good": [good]}, EXPECTED, now=NOW)
    assert (failed_step(answer), answer.attestation) == ("files", "good")


def test_a_signed_lie_about_the_result_is_refused(model: Path) -> None:
    summary, decision = statements(refused(Action.DISCARD))
    lie = with_predicate(
        summary, lambda said: said.update(verificationResult="PASSED", verifiedLevels=["GATEKEEPER_ALLOW"])
    )
    assert "disagree about the result" in ask(model, sealed(lie, decision)).reason


def test_no_file_is_read_for_paper_that_does_not_hold(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    assert failed_step(ask(folder, verdict(signer=BOB.signer))) == "signature"


def test_a_single_file_can_be_admitted(tmp_path: Path) -> None:
    lay_out(tmp_path, {"model.onnx": b"graph"})
    data = verdict(attestation({"model.onnx": b"graph"}, subject={"kind": Kind.GRAPH}))
    assert ask(tmp_path / "model.onnx", data).admitted


def test_what_is_not_there_is_an_error_of_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file or folder"):
        ask(tmp_path / "none")
    with pytest.raises(InputError, match="no attestation"):
        admit(tmp_path, {}, EXPECTED)


def locked(**told: Any) -> Lock:
    return Lock(models=(replace(pinned(attestation()), **told),))


def test_a_lock_says_which_model_is_expected(model: Path) -> None:
    answer = ask(model, lock=locked())
    assert answer.admitted
    assert "as the lock pins it" in next(step.words for step in answer.steps if step.name == "resource")


@pytest.mark.parametrize(
    ("lock", "name", "words"),
    [
        (Lock(), "", f"the lock pins no {NAME}"),
        (locked(), "other/model", "the lock pins no other/model"),
        (locked(commit="0" * 40), "", "and the lock pins"),
        (locked(files=()), "", "its files are not those that the lock pins"),
        (locked(id="x/y"), "x/y", "and the lock pins"),
    ],
)
def test_what_the_lock_does_not_pin_is_refused(lock: Lock, name: str, words: str, model: Path) -> None:
    answer = ask(model, lock=lock, name=name)
    assert failed_step(answer) == "resource"
    assert words in answer.reason


def test_a_lock_whose_sizes_are_not_those_of_the_files_is_refused(model: Path) -> None:
    (entry,) = locked().models
    wrong = replace(entry, files=(*entry.files[:-1], replace(entry.files[-1], size=entry.files[-1].size + 1)))
    answer = ask(model, lock=Lock(models=(wrong,)))
    assert failed_step(answer) == "files"
    assert f"{entry.files[-1].path} has {entry.files[-1].size} bytes, and the lock says" in answer.reason


def test_a_lock_does_not_mend_what_was_refused_before(model: Path) -> None:
    other = replace(EXPECTED, resources=("pkg:huggingface/x/y@" + COMMIT,))
    assert failed_step(ask(model, expected=other, lock=locked())) == "resource"
    assert failed_step(ask(model, verdict(signer=BOB.signer), lock=locked())) == "signature"


_audited: list[str] = []
_listening = False


def _listen(event: str, _arguments: tuple[Any, ...]) -> None:
    if _listening and event.startswith("socket."):
        _audited.append(event)


def test_no_socket_is_opened(model: Path) -> None:
    global _listening
    sys.addaudithook(_listen)
    _listening = True
    try:
        assert ask(model, lock=locked()).admitted
        about = refused()
        assert ask(model, verdict(about), approvals=(sign_off(about),)).admitted
    finally:
        _listening = False
    assert _audited == []


def test_every_file_of_the_fixtures_is_needed(model: Path) -> None:
    for path in FILES:
        kept = (model / path).read_bytes()
        (model / path).unlink()
        assert failed_step(ask(model)) == "files"
        (model / path).write_bytes(kept)
    assert ask(model).admitted
