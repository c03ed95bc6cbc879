"""What scanners that were taken over could answer; stand-ins for `gatekeeper.checks.files.child:scan`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.checks.files.child import SCANNERS

Answer = Callable[[bytes], None]


def line(number: int, scanner: str, **more: Any) -> bytes:
    report = {"scanner": scanner, "signals": [], "gaps": [], "truncated": False}
    answer = {"id": number, "cpu": 0.0, "opcodes": 1, "report": report}
    answer |= {key: value for key, value in more.items() if key in answer}
    report |= {key: value for key, value in more.items() if key in report}
    return json.dumps(answer).encode() + b"\n"


def bad(request: bytes, answer: Answer) -> None:
    """Answer well for copies, but for one called `bad`: it holds what to do there."""
    for number, item in enumerate(json.loads(request)["copies"]):
        copy = Path(item["copy"])
        if copy.name.startswith("bad"):
            misbehave(copy.read_text(), number, answer)
        for scanner in SCANNERS:
            answer(line(number, scanner.name))


def misbehave(how: str, number: int, answer: Answer) -> None:
    first = SCANNERS[0].name
    lies: dict[str, Callable[[], None]] = {
        "leave": lambda: os._exit(3),
        "abort": os.abort,
        "sleep": lambda: time.sleep(60),
        "loop": loop,
        "part": lambda: (answer(line(number, first)), os._exit(3)),  # type: ignore[arg-type, return-value]
        "talk": lambda: answer(b"x" * 5_000_000),
        "object": lambda: answer(b"{}\n"),
        "list": lambda: answer(b"[1]\n"),
        "deep": lambda: answer(b"[" * 100_000 + b"\n"),
        "bytes": lambda: answer(b"\xff\n"),
        "nan": lambda: answer(line(number, first, cpu=float("nan"))),
        "other copy": lambda: answer(line(99, first)),
        "true": lambda: answer(line(True, first)),
        "other scanner": lambda: answer(line(number, "scanner-of-mine")),
        "twice": lambda: (answer(line(number, first)), answer(line(number, first))),  # type: ignore[return-value]
        "long gap": lambda: answer(line(number, first, gaps=["x" * 100_000])),
        "refund": lambda: answer(line(number, first, opcodes=-1000)),
    }
    lies[how]()


def loop() -> None:
    while True:
        pass


def silent(request: bytes, answer: Answer) -> None:
    """Say nothing and end well."""


def third(request: bytes, answer: Answer) -> None:
    """Die on the third copy of whatever batch."""
    for number, _ in enumerate(json.loads(request)["copies"]):
        if number == 2:
            os._exit(1)
        for scanner in SCANNERS:
            answer(line(number, scanner.name))


def asleep(request: bytes, answer: Answer) -> None:
    """Answer nothing for a minute."""
    time.sleep(60)
