"""What the checks of ONNX structure find and miss: `python -m benchmarks.onnx_implants` (`make bench-onnx`).

Makes its own implants (a set in which every pair of trigger family, payload, host, exporter and form occurs) and
honest graphs, adds real ones from wheels, and asks our detector, the naive rule and, of a sample, other scanners.
Every implant was run in onnxruntime: honest inputs unchanged, the trigger moves an output. Needs torch, transformers,
onnxscript, onnxruntime and skl2onnx. Families, hosts and a third of the honest architectures are held out from tuning:
their misses are counted, and named only with `--held-out`. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.onnx import figures
from benchmarks.onnx.cases import Case, Maker, everything
from benchmarks.onnx.exporting import versions
from benchmarks.onnx.figures import Result
from benchmarks.onnx.honest import collect
from benchmarks.onnx.judging import NAIVE, OTHERS, OURS, Scanner, naive, ours, scanners
from benchmarks.onnx.payloads import PAYLOADS
from benchmarks.onnx.running import UnusableError
from benchmarks.onnx.triggers import FAMILIES
from gatekeeper.atomic import atomic_write

SAMPLE = 60
"""Graphs that other scanners are asked about: they take seconds each, and none of them reads a graph's structure."""


class Implants:
    """The implants of a set, made once and kept."""

    def __init__(self, maker: Maker) -> None:
        """Keep them under a tag of all sources and versions."""
        sources = sorted((Path(__file__).parent / "onnx").glob("*.py"))
        kept = [path for path in sources if path.stem.startswith(_DECIDING)]
        meaning = "".join(ast.dump(ast.parse(path.read_text("utf-8"))) for path in kept)
        tag = hashlib.sha256((meaning + versions()).encode()).hexdigest()[:12]
        self.maker = maker
        self.folder = maker.cache / f"implants-{tag}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, case: Case) -> bytes:
        """Give a case's graph.

        Raises:
            UnusableError: When it is not what it should be.
        """
        path, refused = self.folder / f"{case.id}.onnx", self.folder / f"{case.id}.txt"
        if not (path.exists() or refused.exists()):
            self._make(case, path, refused)
        if refused.exists():
            raise UnusableError(refused.read_text("utf-8"))
        return path.read_bytes()

    def _make(self, case: Case, path: Path, refused: Path) -> None:
        """Make a case in a process of its own: onnxruntime ends the whole process over some graphs."""
        try:
            self.maker.prepare(case)
        except UnusableError as error:
            refused.write_text(str(error), "utf-8")
            return
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                try:
                    atomic_write(path, self.maker.make(case).data)
                except UnusableError as error:
                    refused.write_text(str(error), "utf-8")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (path.exists() or refused.exists()):
            refused.write_text(f"the process ended: status {status}", "utf-8")


_DECIDING = (
    "architectures_text",
    "architectures_image",
    "graft",
    "hosts",
    "payloads",
    "triggers",
    "variants",
    "verify",
)


class Judge:
    """All tools, asked about one graph after the other."""

    def __init__(self, tools: dict[str, str], folder: Path) -> None:
        """Start the other scanners."""
        self.ours = ours()
        self.folder = folder
        self.scanners = {tool: Scanner(tool, python) for tool, python in tools.items()}

    def ask(self, data: bytes, *, everybody: bool) -> tuple[dict[str, str], str]:
        """Give every tool's word, and what ours said in full."""
        words, said = {NAIVE: naive(data)}, ""
        if self.ours is not None:
            words[OURS], said = self.ours(data)
        if everybody and self.scanners:
            (self.folder / "model.onnx").write_bytes(data)
            words |= {tool: scanner.word(self.folder) for tool, scanner in self.scanners.items()}
        return words, said

    def close(self) -> None:
        """End the other scanners."""
        for scanner in self.scanners.values():
            scanner.close()


def implants(cases: Sequence[Case], source: Implants, judge: Judge, left_out: dict[str, str]) -> Iterator[Result]:
    """Make and judge implants; those that are unusable go to `left_out`."""
    step = max(1, len(cases) * 3 // (2 * SAMPLE))
    for at, case in enumerate(cases):
        _progress("implants", at, len(cases))
        try:
            data = source.get(case)
        except UnusableError as error:
            left_out[case.id] = str(error)
            continue
        words, said = judge.ask(data, everybody=at % step == 0)
        yield Result(name=case.id, implanted=True, held_out=case.held_out, part=case.side.value, family=case.family,
                     payload=case.payload, host=case.host, exporter=case.exporter, form=case.form, words=words,
                     said=said)  # fmt: skip


def honest(maker: Maker, groups: Iterable[str], judge: Judge, left_out: dict[str, str]) -> Iterator[Result]:
    """Make and judge honest graphs."""
    graphs, missing = collect(maker, only=groups)
    left_out |= missing
    step = max(1, len(graphs) * 3 // SAMPLE)
    for at, graph in enumerate(graphs):
        _progress("honest", at, len(graphs))
        words, said = judge.ask(graph.data, everybody=at % step == 0)
        yield Result(
            name=graph.name, implanted=False, held_out=graph.held_out, part=graph.group, words=words, said=said
        )


def _progress(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{what:<10}{done + 1:>5} of {total}", end="\n" if done + 1 == total else "", file=sys.stderr)


_TABLES: tuple[tuple[str, bool, Callable[[Result], str]], ...] = (
    ("trigger family", True, lambda result: f"{result.part}: {result.family}"),
    ("payload", True, lambda result: result.payload),
    ("host", True, lambda result: f"{result.host} {result.exporter}"),
    ("form", True, lambda result: result.form),
    ("honest group", False, lambda result: result.part),
)


def show(results: Sequence[Result], left_out: dict[str, str], absent: Iterable[str], *, name_all: bool) -> None:
    """Print tables of the tuned and of the held out, the totals, and what is wrong by name."""
    for held, word in ((False, "tuned"), (True, "held out")):
        part = [result for result in results if result.held_out is held]
        for title, implanted, key in _TABLES:
            some = [result for result in part if result.implanted is implanted]
            if some:
                print("", *figures.table(some, f"{title}, {word}", key), sep="\n")
    print("", *figures.totals(results), sep="\n")
    print(f"\nother scanners were asked about a sample of at most {SAMPLE} graphs", *absent, sep="\n")
    named = [result for result in results if name_all or not result.held_out]
    print("\nours, wrong" + ("" if name_all else ", tuned"), *figures.wrong(named), sep="\n")
    print(f"\n{len(left_out)} left out")
    for reason, count in Counter(reason.split(":")[0] for reason in left_out.values()).most_common():
        print(f"{count:>6}  {reason}")


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", action="append", default=[], metavar="FAMILY", help="implants of these families alone"
    )
    parser.add_argument(
        "--group", action="append", default=[], metavar="GROUP", help="honest graphs of these groups alone"
    )
    parser.add_argument("--part", choices=("implants", "honest"), help="one half alone")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="each Nth implant alone")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=PYTHON", help="interpreter of a scanner")
    parser.add_argument("--held-out", action="store_true", help="name what is wrong among the held out too")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "gatekeeper-onnx"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result there")
    parser.add_argument("--list", action="store_true", help="list families and payloads, and end")
    return parser.parse_args()


def run(given: argparse.Namespace, tools: dict[str, str], left_out: dict[str, str]) -> list[Result]:
    """Make and judge what was asked for."""
    maker = Maker(given.cache / "cache")
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="gatekeeper-onnx-") as folder:
        judge = Judge(tools, Path(folder))
        if given.part != "honest":
            cases = [case for case in everything() if not given.only or case.family in given.only]
            results += implants(cases[:: given.share], Implants(maker), judge, left_out)
        if given.part != "implants" and not given.only:
            results += honest(maker, given.group, judge, left_out)
        judge.close()
    return results


def main() -> int:
    """Make, judge, print; exit with 1 when a target is missed."""
    given = arguments()
    if given.list:
        for family in FAMILIES.values():
            print(
                f"{family.side:<8} {family.name:<20} {'held out' if family.held_out else '':<9} {family.build.__doc__}"
            )
        for name, payload in PAYLOADS.items():
            print(f"payload  {name:<20} {'':<9} {payload.apply.__doc__}")
        return 0
    import_module("onnxruntime").set_default_logger_severity(4)  # its warnings are about shapes of toys
    left_out: dict[str, str] = {}
    tools = scanners(dict(pair.split("=", 1) for pair in given.tool))
    results = run(given, tools, left_out)
    absent = [f"{tool}: not installed" for tool in OTHERS if tool not in tools]
    absent += [] if any(OURS in result.words for result in results) else [f"{OURS}: not there"]
    show(results, left_out, absent, name_all=given.held_out)
    if given.json:
        record = {"results": [asdict(result) for result in results], "left_out": left_out}
        given.json.write_text(json.dumps(record, indent=1), "utf-8")
    missed = figures.missed_targets(results)
    print("", *(f"MISSED: {words}" for words in missed), sep="\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
