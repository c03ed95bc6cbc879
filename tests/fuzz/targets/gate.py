"""All checks of files and the decision over one small repo: no check trips, and no payload is ever allowed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from gatekeeper import checks, gate, policy
from gatekeeper.decision import Action
from gatekeeper.evidence import Status
from gatekeeper.policy import Policy
from tests.fuzz import laws, seeds
from tests.fuzz.judging import chosen
from tests.support.artifacts import CONTEXT, artifact, shared_scanners
from tests.support.samples import (
    SYSTEM,
    legacy_streams,
    npy,
    tarred,
    tensor_state,
    torch_legacy,
    torch_zip,
    zipped,
)  # fmt: skip

Files = Mapping[str, bytes]

_NAMES = (
    "model.pkl", "pytorch_model.bin", "model.safetensors", "m.gguf", "m.onnx", "m.h5", "m.keras", "config.json",
    "m.npy", "m.npz",
    "tokenizer_config.json", "m.zip", "m.tar", "m.joblib", "README.md", "modeling.py", "chat_template.jinja",
    "saved_model.pb", "m",
)  # fmt: skip

_ENDS = (".pkl", ".bin", ".safetensors", ".gguf", ".onnx", ".h5", ".keras", ".npy", ".npz", ".zip", ".tar", ".joblib")
"""Formats that say where they end."""

_PAYLOADS: tuple[Callable[[bytes], Files], ...] = (
    lambda data: {"model.pkl": SYSTEM + data},
    lambda data: {"pytorch_model.bin": torch_zip(SYSTEM, {"0": data})},
    lambda data: {"pytorch_model.bin": torch_zip(SYSTEM) + data},
    lambda data: {"pytorch_model.bin": torch_zip(SYSTEM), "config.json": data},
    lambda data: {"m.pt": zipped({"a/data.pkl": tensor_state("w"), "a/version": b"3", "b.pkl": SYSTEM, "c": data}, 8)},
    lambda data: {"m.zip": zipped({"a": data, "m.pkl": SYSTEM})},
    lambda data: {"m.tar": tarred({"a": data, "m.pkl": SYSTEM})},
    lambda data: {"m.joblib": gzip.compress(SYSTEM + data, mtime=0)},
    lambda data: {"m.joblib": zlib.compress(SYSTEM) + data},
    lambda data: {"m.npy": npy(SYSTEM + data)},
    lambda data: {"m.pth": torch_legacy(legacy_streams(SYSTEM), data)},
    lambda data: {"data": data, "weights": SYSTEM},
)
"""Ways to have a payload beside bytes that don't touch its own."""

_CHOICES = len(_NAMES) + len(_PAYLOADS)


def SEEDS() -> list[bytes]:
    everything = [data for _, data in seeds.files() if len(data) < 8192]
    return [bytes([number]) + data for number in range(_CHOICES) for data in everything[number::_CHOICES]]


TOKENS = (
    b"PK\x03\x04",
    b"\x80\x02",
    b"cos\nsystem\n",
    b"GGUF",
    b"\x1f\x8b\x08",
    b"ustar",
    b"7z\xbc\xaf\x27\x1c",
    b"{",
    b"}",
    b"\x93NUMPY",
    b".",
)
PATIENCE = 5
SHORT = 6
"""Whole gates of a short run: each has a child of the scanners."""


@cache
def _policy() -> Policy:
    return policy.load(str(Path(__file__).parents[3] / "benchmarks" / "files.yaml"))


def answer(data: bytes) -> tuple[Action, tuple[tuple[str, Status, str, tuple[str, ...]], ...]]:
    number, data = chosen(data, _CHOICES)
    files = {_NAMES[number]: data} if number < len(_NAMES) else _PAYLOADS[number - len(_NAMES)](data)
    subject = artifact(files)
    chosen_checks = gate.Selection(only=tuple(check.id for check in checks.ALL if check.id.startswith("files/")))
    evidence = gate.collect(subject, replace(CONTEXT, scanner_server=shared_scanners()), chosen_checks)
    decision = policy.decide(evidence, _policy(), subject=gate.key_of(subject), now=CONTEXT.now)
    ours = [result for result in evidence.results if result.check.id.startswith("files/")]
    return decision.action, tuple(
        (
            result.check.id,
            result.status,
            "" if result.gaps else result.reason,
            tuple(found.id for found in result.findings),
        )
        for result in ours
    )


def one_input(data: bytes) -> None:
    action, results = answer(data)
    tripped = [f"{check}: {reason}" for check, status, reason, _ in results if status is Status.UNKNOWN and reason]
    if tripped:
        raise laws.LawError("a check tripped", tripped)
    number, content = chosen(data, _CHOICES)
    if number >= len(_NAMES) and action is Action.ALLOW:
        raise laws.LawError("a payload is allowed")
    if number < len(_NAMES) and _NAMES[number].endswith(_ENDS) and action is Action.ALLOW and len(content) > 1:
        kept = 1 + zlib.crc32(content) % (len(content) - 1)
        # Pickles may be cut between two of them, and zeros at the end may be left out.
        whole = content[:kept].endswith(b".") or not any(content[kept:])
        if not whole and answer(bytes([number]) + content[:kept])[0] is Action.ALLOW:
            raise laws.LawError("a cut file is allowed", f"{kept} of {len(content)} bytes")
