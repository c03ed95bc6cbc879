"""Which loader a finding threatens: the table agrees with the torch that is installed, where one is."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import pytest

from gatekeeper.checks.files import pickle_loaders
from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.pickle_loaders import threat, weights_only_refusal
from gatekeeper.checks.files.pickle_walk import walk_file
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support import samples
from tests.support.artifacts import look

TABLE = tomllib.loads(Path(pickle_loaders.__file__).with_name("weights_only.toml").read_text(encoding="utf-8"))


def refusal(data: bytes) -> str:
    return weights_only_refusal(walk_file(io.BytesIO(data), len(data), DEFAULT_LIMITS))


def feed(path: str, kind: FeedKind = FeedKind.PICKLE) -> Feed:
    return Feed(path=path, copy=Path(path), kind=kind)


def test_a_state_dict_is_not_refused_and_a_call_is() -> None:
    assert refusal(samples.tensor_state("a", "b")) == ""
    assert refusal(samples.SYSTEM) == "posix.system"
    assert refusal(samples.stack_call("collections", "OrderedDict")) == "opcode STACK_GLOBAL"


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("m.bin!archive/data.pkl", FeedKind.PICKLE, "torch.load(weights_only=True) of 2.6 and later refuses it (x.y)"),
        ("m.pth", FeedKind.TORCH_LEGACY, "torch.load(weights_only=True) of 2.6 and later refuses it (x.y)"),
        ("a.npz!a.npy", FeedKind.PICKLE, "allow_pickle"),
        ("m.joblib", FeedKind.PICKLE, "joblib.load runs it"),
    ],
)
def test_the_loader_of_a_file_is_told_by_its_kind(path: str, kind: FeedKind, words: str) -> None:
    assert words in threat(feed(path, kind), "x.y")


def test_nothing_is_claimed_of_loaders_that_nobody_knows() -> None:
    assert threat(feed("m.pkl"), "x.y") == ""
    assert threat(feed("m.bin"), None) == ""
    assert threat(feed("m.h5", FeedKind.WHOLE), "") == ""


def test_findings_say_it() -> None:
    (finding,) = look(Scanners(), {"m.pt": samples.torch_zip(samples.SYSTEM)}).findings
    assert "weights_only=True) of 2.6 and later refuses it (posix.system)" in finding.message


def test_the_table_agrees_with_the_installed_torch() -> None:
    unpickler = pytest.importorskip("torch._weights_only_unpickler", reason="needs torch")
    assert set(unpickler._get_allowed_globals()) <= set(TABLE["globals"])
    import pickletools

    codes = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
    accepted = {codes[value[0]] for name, value in vars(unpickler).items() if name.isupper() and type(value) is bytes}
    assert accepted == set(TABLE["opcodes"])
