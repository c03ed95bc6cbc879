"""What the tools say of one graph: ours and the naive rule in this process, other scanners in workers of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnx

ROOT = Path(__file__).resolve().parents[2]
OURS, NAIVE = "gatekeeper", "naive"
OTHERS = ("hayward", "modelscan", "modelaudit")
IMPLANT, REVIEW, NONE, UNREAD, CRASH = "implant", "review", "none", "unread", "crash"
_SUSPECT = frozenset({"If", "Where", "Equal", "Loop"})


def naive(data: bytes) -> str:
    """Call a graph implanted that has an operator of control flow or comparison anywhere: the rule to beat."""
    model = onnx.load_model_from_string(data)
    stack = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while stack:
        node = stack.pop()
        if node.op_type in _SUSPECT:
            return IMPLANT
        stack += [inner for attribute in node.attribute if attribute.HasField("g") for inner in attribute.g.node]
    return NONE


def ours() -> Any:
    """Give a function from a graph's bytes to (word, what was said); None where the detector is not there."""
    try:
        room = import_module("gatekeeper.checks.onnx")
        read, judge = room.read_graph, room.suspicions
    except (ImportError, AttributeError):
        return None
    errors = import_module("gatekeeper.errors")
    limits = import_module("gatekeeper.limits").Limits()

    def word(data: bytes) -> tuple[str, str]:
        try:
            found = judge(read(data, limits), limits)
        except errors.GatekeeperError as error:
            return UNREAD, f"{type(error).__name__}: {str(error)[:120]}"
        except Exception as error:  # a traceback is an answer too, and a bad one
            return CRASH, f"{type(error).__name__}: {str(error)[:120]}"
        said = " ".join(sorted({f"{one.kind}:{one.verdict}" for one in found}))
        verdicts = {str(one.verdict) for one in found}
        return (IMPLANT if IMPLANT in verdicts else REVIEW if verdicts else NONE), said

    return word


_WORDS: Mapping[str, str] = {"block": IMPLANT, "review": REVIEW}


class Scanner:
    """Another tool, in a process of its own under limits (see `benchmarks.scanning`)."""

    def __init__(self, tool: str, python: str) -> None:
        """Start it."""
        self.worker = subprocess.Popen(
            [python, "-m", "benchmarks.scanning", tool],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def word(self, folder: Path) -> str:
        """Give what it says of the files of a folder."""
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        print(folder, file=self.worker.stdin, flush=True)
        answer = json.loads(self.worker.stdout.readline() or '{"word": "crash"}')
        return _WORDS.get(answer["word"], NONE if answer["word"] in ("silent", "incomplete") else CRASH)

    def close(self) -> None:
        """End it."""
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        self.worker.stdin.close()
        self.worker.wait()
        self.worker.stdout.close()


def scanners(given: Mapping[str, str]) -> dict[str, str]:
    """Find an interpreter for each other tool: the one given, or this one where the tool is installed."""
    here = {tool: sys.executable for tool in OTHERS if find_spec(tool) is not None}
    return {tool: {**here, **given}[tool] for tool in OTHERS if tool in {**here, **given}}
