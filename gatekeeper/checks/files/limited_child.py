"""Has copies scanned in confined children, and believes only what has the shape of an answer.

One child reads a batch of copies, one after the other, and answers for each scanner and copy. When it dies, what it
had answered counts. The copy that it died on gets a child to itself once, unless it had used up the time of one, and
the rest goes to a new child: a bomb blinds nobody. Each file of the artifact has one account of CPU time, whatever
lies in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from time import monotonic
from types import TracebackType
from typing import Any, Self

from gatekeeper.checks.files.child import SCANNERS
from gatekeeper.checks.files.feed import Feed
from gatekeeper.checks.files.scanner import Report, from_json
from gatekeeper.confined import Bounds, Server
from gatekeeper.limits import Limits

_ENTRY = "gatekeeper.checks.files.child:scan"
_WARM = ("hayward", "picklescan.scanner", "defusedxml.ElementTree", "tomllib")
_NAMES = tuple(scanner.name for scanner in SCANNERS)
_BATCH = 64
_BATCH_BYTES = 8 << 20
"""Copies for one child, and their bytes: few enough that honest ones are far from its limits."""

_LEAST_LEFT = 0.5
"""Seconds of CPU time with which it is worth while to try a file again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came back for one copy."""

    feed: Feed
    reports: tuple[Report, ...] = ()
    error: str = ""
    """Why there are not as many reports as there are scanners. Time and memory can have run out for other reasons than
    the copy, so this is never taken for a lasting answer."""


@dataclass(kw_only=True, slots=True)
class _Account:
    """What one file of the artifact has cost, all that was unpacked from it together."""

    cpu: float = 0.0
    opcodes: int = 0


@dataclass(kw_only=True, slots=True)
class _Answers:
    """What one child said, as far as it can be read."""

    reports: dict[int, list[Report]] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)
    opcodes: dict[int, int] = field(default_factory=dict)
    error: str = ""

    def complete(self, number: int) -> bool:
        """Whether every scanner answered for this copy."""
        return len(self.reports.get(number, ())) == len(_NAMES)


def scanner_server(entry: str = _ENTRY) -> Server:
    """Make the server that the scanners run in; who starts it early lets it import while files are hashed.

    Args:
        entry: What runs in the children.
    """
    return Server(entry, _WARM)


class Scanning:
    """Scans copies under the limits of one artifact; a context manager.

    Args:
        limits: `child_*` and `scan_*` bound it.
        copies: The folder that the copies lie in; children may read it.
        scratch: An empty folder that children may write to.
        server: One that may have begun to start, and that its owner ends; None for one of its own.
    """

    def __init__(self, limits: Limits, copies: Path, scratch: Path, server: Server | None = None) -> None:
        self._limits = limits
        self._copies = copies
        self._scratch = scratch
        self._accounts: dict[str, _Account] = {}
        self._deadline = 0.0
        self._resources = ExitStack()
        self._server = server or self._resources.enter_context(scanner_server())

    def __enter__(self) -> Self:
        """Make ready; no process is started before `start` or the first copy."""
        self._deadline = monotonic() + self._limits.scan_seconds
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        self._resources.close()

    def start(self) -> None:
        """Let the server import the scanners while this process goes on."""
        self._server.start()

    def scan(self, feeds: Sequence[Feed]) -> Iterator[Verdict]:
        """Scan copies.

        Args:
            feeds: Copies, each read by every scanner.

        Yields:
            One verdict for each copy, in no promised order.
        """
        for batch in _batches(feeds):
            yield from self._scan_batch(batch)

    def _scan_batch(self, batch: list[Feed]) -> Iterator[Verdict]:
        pending, alone = batch, False
        while pending:
            refused = [(feed, reason) for feed in pending if (reason := self._refusal(feed))]
            yield from (Verdict(feed=feed, error=reason) for feed, reason in refused)
            pending = [feed for feed in pending if not self._refusal(feed)]
            if not pending:
                return
            feeds, rest = (pending[:1], pending[1:]) if alone else (pending, [])
            answers = self._run(feeds)
            yield from (Verdict(feed=feed, reports=tuple(answers.reports[number]))
                        for number, feed in enumerate(feeds) if answers.complete(number))  # fmt: skip
            left = [number for number in range(len(feeds)) if not answers.complete(number)]
            # The copy that a child ended with goes alone, unless it was the first and had the whole child.
            alone = bool(left) and left[0] > 0
            if left and not alone:
                said = tuple(answers.reports.get(0, ()))
                yield Verdict(feed=feeds[0], reports=said, error=answers.error)
                left = left[1:]
            pending = [*(feeds[number] for number in left), *rest]

    def _run(self, feeds: list[Feed]) -> _Answers:
        """Have one child read these copies, and settle the accounts."""
        bounds = Bounds(
            cpu_seconds=math.ceil(min(self._left(feed) for feed in feeds)),
            wall_seconds=min(self._limits.child_wall_seconds, max(0.0, self._deadline - monotonic())),
            memory_bytes=self._limits.child_memory_bytes,
            file_bytes=self._limits.scan_file_bytes,
            output_bytes=self._limits.child_output_bytes,
        )
        ending = self._server.run(self._request(feeds), bounds, self._scratch, (self._copies,))
        for path in self._scratch.iterdir():
            rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        answers = _read_answers(ending.output, len(feeds))
        if not answers.error:
            answers.error = f"the scanners' child: {ending.error}" if ending.error else "the scanners did not answer"
        self._settle(feeds, answers, ending.cpu_seconds)
        return answers

    def _refusal(self, feed: Feed) -> str:
        if monotonic() >= self._deadline:
            return f"scan_seconds ({self._limits.scan_seconds}) were used up before it was scanned"
        if self._left(feed) < _LEAST_LEFT:
            return f"scanning the file used up child_cpu_seconds ({self._limits.child_cpu_seconds})"
        return ""

    def _left(self, feed: Feed) -> float:
        return self._limits.child_cpu_seconds - self._account(feed).cpu

    def _account(self, feed: Feed) -> _Account:
        return self._accounts.setdefault(feed.path.split("!", 1)[0], _Account())

    def _settle(self, feeds: list[Feed], answers: _Answers, cpu: float) -> None:
        """Charge each file what its copies cost; what nobody answered for is charged to the copy it ended with."""
        for number, feed in enumerate(feeds):
            account = self._account(feed)
            account.opcodes += answers.opcodes.get(number, 0)
            account.cpu += min(answers.cpu.get(number, 0.0), cpu)
        unanswered = [feed for number, feed in enumerate(feeds) if not answers.complete(number)]
        if unanswered:
            self._account(unanswered[0]).cpu += max(0.0, cpu - sum(answers.cpu.values()))

    def _request(self, feeds: list[Feed]) -> bytes:
        files = [feed.path.split("!", 1)[0] for feed in feeds]
        left = {file: self._limits.scan_opcodes - self._account(feed).opcodes
                for file, feed in zip(files, feeds, strict=True)}  # fmt: skip
        copies = [{"copy": str(feed.copy), "kind": feed.kind.value, "file": file}
                  for file, feed in zip(files, feeds, strict=True)]  # fmt: skip
        return json.dumps({"copies": copies, "opcodes": left, "most": self._limits.scan_opcodes}).encode()


def _batches(feeds: Sequence[Feed]) -> Iterator[list[Feed]]:
    batch: list[Feed] = []
    weight = 0
    for feed in feeds:
        size = feed.copy.stat().st_size
        if batch and (len(batch) >= _BATCH or weight + size > _BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(feed)
        weight += size
    if batch:
        yield batch


def _read_answers(output: bytes, count: int) -> _Answers:
    """Read answers up to the first that is not as it should be."""
    answers = _Answers()
    for line in output.split(b"\n")[:-1]:
        try:
            _take(answers, json.loads(line), count)
        except (ValueError, TypeError, KeyError, RecursionError):
            answers.error = "the scanners answered nonsense"
            break
    return answers


def _take(answers: _Answers, answer: Any, count: int) -> None:
    number, cpu, opcodes = answer["id"], answer["cpu"], answer["opcodes"]
    if type(number) is not int or not 0 <= number < count:
        raise ValueError("no such copy")
    if type(cpu) is not float or not 0 <= cpu < math.inf or type(opcodes) is not int or opcodes < 0:
        raise ValueError("no such cost")
    report = from_json(answer["report"])
    reports = answers.reports.setdefault(number, [])
    if len(reports) >= len(_NAMES) or report.scanner != _NAMES[len(reports)]:
        raise ValueError("not the scanner whose turn it is")
    reports.append(report)
    answers.cpu[number] = answers.cpu.get(number, 0.0) + cpu
    answers.opcodes[number] = answers.opcodes.get(number, 0) + opcodes
