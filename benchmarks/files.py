"""What the file checks find and miss, beside other scanners: `python -m benchmarks.files` (`make bench-files`).

Builds the labelled corpus in a temporary folder and runs every tool over it, each case in a process of its own under
the same limits. Other tools live in environments of their own: `--tool modelscan=/path/to/python`. Honest files are
written by the libraries that are installed here or in an interpreter given by `--builder`; what could not be written
is counted with its reason. Exits with 1 when a target of ours is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.scanning import TOOLS
from benchmarks.shares import wilson
from tests.support.corpus import CASES, Case, Label

ROOT = Path(__file__).resolve().parents[1]
OURS = "gatekeeper"
NAMES = tuple(TOOLS)
SECONDS = 10.0
PEAK_BYTES = 600 * 10**6


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one tool said of one case."""

    tool: str
    id: str
    label: str
    family: str
    held_out: bool
    apart: str
    word: str
    """One of `benchmarks.scanning.WORDS`."""

    said: str
    seconds: float
    """On the clock: on a machine that is busy with other things, see `cpu_seconds`."""

    cpu_seconds: float
    """Of the tool and its children."""

    peak_bytes: int

    @property
    def detected(self) -> bool:
        """Whether the tool does not let the case pass in silence; giving up is not finding."""
        return self.word in ("block", "review", "incomplete")


def build(folder: Path, builders: Sequence[str], only: Sequence[str]) -> dict[str, str]:
    """Write the corpus, with each interpreter in turn; give the cases that none could write, and why."""
    chosen = [option for family in only for option in ("--only", family)]
    for python in (sys.executable, *builders):
        command = [python, "-m", "tests.support.corpus", str(folder), *chosen]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    left_out: dict[str, str] = json.loads((folder / "left_out.json").read_text("utf-8"))
    return left_out


def run(tool: str, python: str, cases: Sequence[Case], folder: Path) -> list[Result]:
    """Run one tool over all cases."""
    results = []
    command = [python, "-m", "benchmarks.scanning", tool]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for case in cases:
            print(folder / case.id, file=worker.stdin, flush=True)
            line = worker.stdout.readline()
            if not line:
                raise RuntimeError(f"{tool} could not be run by {python}")
            results.append(
                Result(tool=tool, id=case.id, label=case.label.value, family=case.family, held_out=case.held_out,
                       apart=case.apart, **json.loads(line))
            )  # fmt: skip
            _progress(tool, len(results), len(cases))
        worker.stdin.close()
    return results


def _progress(tool: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{tool:<12}{done:>5} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


Wanted = Callable[[Result], bool]


def share(results: Iterable[Result], among: Wanted, hit: Wanted) -> str:
    """Count hits among the results that are meant, as a share with its interval."""
    meant = [result for result in results if among(result)]
    return wilson(sum(map(hit, meant)), len(meant))


def _malicious(result: Result) -> bool:
    return result.label == Label.MALICIOUS


def _broken(result: Result) -> bool:
    return result.label == Label.BROKEN


def _honest(result: Result) -> bool:
    return result.label == Label.BENIGN and not result.apart


def _apart(result: Result) -> bool:
    return result.label == Label.BENIGN and bool(result.apart)


def _ended_badly(result: Result) -> bool:
    return result.word in ("crash", "timeout")


FIGURES: tuple[tuple[str, Wanted, Wanted], ...] = (
    ("malicious blocked", _malicious, lambda result: result.word == "block"),
    ("malicious found", _malicious, lambda result: result.detected),
    ("malicious missed", _malicious, lambda result: not result.detected),
    ("honest blocked", _honest, lambda result: result.word == "block"),
    ("honest reviewed", _honest, lambda result: result.word in ("review", "incomplete")),
    ("honest apart, let pass", _apart, lambda result: result.word == "silent"),
    ("broken, silent", _broken, lambda result: result.word == "silent"),
    ("crash or timeout", lambda _: True, _ended_badly),
)


def table(results: Sequence[Result]) -> list[str]:
    """Give all figures of every tool, side by side."""
    tools = [tool for tool in NAMES if any(result.tool == tool for result in results)]
    lines = [f"{'':<24}" + "".join(f"{tool:<32}" for tool in tools)]
    for title, among, hit in FIGURES:
        row = [share((result for result in results if result.tool == tool), among, hit) for tool in tools]
        lines.append(f"{title:<24}" + "".join(f"{cell:<32}" for cell in row))
    costs = [_cost([result for result in results if result.tool == tool]) for tool in tools]
    lines += [f"{title:<24}" + "".join(f"{cost[at]:<32}" for cost in costs) for at, title in enumerate(_COSTS)]
    return [line.rstrip() for line in lines]


_COSTS = ("median seconds", "worst seconds", "worst CPU seconds", "worst memory, MB")


def _cost(results: Sequence[Result]) -> tuple[str, str, str, str]:
    slow = max(results, key=lambda result: result.seconds)
    large = max(results, key=lambda result: result.peak_bytes)
    return (
        f"{statistics.median(result.seconds for result in results):.3f}",
        f"{slow.seconds:.1f}",
        f"{max(result.cpu_seconds for result in results):.1f}",
        f"{large.peak_bytes / 1e6:.0f}",
    )


def by_family(results: Sequence[Result]) -> list[str]:
    """Give, for each family, how many cases each tool found (malicious, broken) or stopped (benign)."""
    tools = [tool for tool in NAMES if any(result.tool == tool for result in results)]
    lines = [f"{'family':<38}{'cases':>6}  " + "".join(f"{tool:<18}" for tool in tools)]
    families = dict.fromkeys((result.label, result.family) for result in results)
    for label, family in families:
        cells = []
        for tool in tools:
            meant = [
                result for result in results if (result.tool, result.label, result.family) == (tool, label, family)
            ]
            words = Counter(result.word for result in meant)
            stopped = words["block"] + words["review"] + words["incomplete"]
            bad = words["crash"] + words["timeout"]
            cells.append(f"{words['block']}+{stopped - words['block']}" + (f" ({bad} bad)" if bad else ""))
        lines.append(f"{label + '/' + family:<38}{len(meant):>6}  " + "".join(f"{cell:<18}" for cell in cells))
    return [line.rstrip() for line in lines]


def missed_targets(results: Sequence[Result]) -> list[str]:
    """Say which targets of ours are missed; empty when none is."""
    ours = [result for result in results if result.tool == OURS]
    malicious = [result for result in ours if _malicious(result)]
    honest = [result for result in ours if _honest(result)]
    reviewed = sum(result.word in ("review", "incomplete") for result in honest)
    held: tuple[tuple[bool, str], ...] = (
        (
            sum(result.detected for result in malicious) >= 0.99 * len(malicious),
            "99 % of the malicious are not allowed",
        ),
        (not any(result.word == "block" for result in honest), "no honest file is discarded"),
        (reviewed <= 0.05 * len(honest), "at most 5 % of the honest are audited or escalated"),
        (all(result.word != "silent" for result in ours if _broken(result)), "no broken file is allowed"),
        (not any(_ended_badly(result) for result in ours), "no crash and no timeout"),
        (all(result.seconds <= SECONDS for result in ours), f"no case takes more than {SECONDS:g} s"),
        (all(result.peak_bytes <= PEAK_BYTES for result in ours), f"no case takes more than {PEAK_BYTES // 10**6} MB"),
    )
    return [words for holds, words in held if not holds]


def failures(results: Iterable[Result]) -> list[str]:
    """Name our own misses, one a line."""
    lines = []
    for result in results:
        if result.tool != OURS:
            continue
        wrong = _ended_badly(result) or result.seconds > SECONDS or result.peak_bytes > PEAK_BYTES
        wrong = wrong or (result.label != Label.BENIGN and result.word == "silent")
        wrong = wrong or (_honest(result) and result.word != "silent")
        if wrong:
            cost = f"{result.seconds:.1f} s ({result.cpu_seconds:.1f} CPU) {result.peak_bytes / 1e6:.0f} MB"
            lines.append(f"{result.word:<10} {cost:<26} {result.id:<56} {result.said[:160]}")
    return lines


def show(results: Sequence[Result], left_out: dict[str, str]) -> None:
    """Print everything about the tuned families, and of the held-out ones only the figures."""
    tuned = [result for result in results if not result.held_out]
    for title, part in (("tuned", tuned), ("held out", [result for result in results if result.held_out])):
        if part:
            print(f"\n{title}: {len({result.id for result in part})} cases", *table(part), sep="\n")
    print("\nblocked + reviewed, tuned families", *by_family(tuned), sep="\n")
    print("\nour misses, tuned families", *failures(tuned), sep="\n")
    reasons = Counter(left_out.values())
    for reason, count in reasons.most_common():
        print(f"\n{count} cases left out: {reason}", end="")
    print()


def interpreters(given: Sequence[str]) -> dict[str, str]:
    """Find an interpreter for each tool: the one given, or this one where the tool is installed."""
    named = dict(pair.split("=", 1) for pair in given)
    found = {tool: sys.executable for tool in NAMES if tool not in named and find_spec(tool) is not None}
    return {tool: {**found, **named}[tool] for tool in NAMES if tool in {**found, **named}}


def main() -> int:
    """Build, run, print; exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=PYTHON", help="interpreter of a tool")
    parser.add_argument("--builder", action="append", default=[], metavar="PYTHON", help="another one to build with")
    parser.add_argument("--only", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--run", action="append", choices=NAMES, metavar="NAME", help="run these tools alone")
    parser.add_argument("--corpus", type=Path, help="folder to build in and keep; a temporary one without")
    parser.add_argument("--json", type=Path, help="write every result there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatekeeper-corpus-") as temporary:
        folder = given.corpus or Path(temporary)
        left_out = build(folder, given.builder, given.only)
        cases = [case for case in CASES if (not given.only or case.family in given.only) and case.id not in left_out]
        installed = interpreters(given.tool)
        tools = {tool: installed[tool] for tool in given.run or NAMES if tool in installed}
        results = [result for tool, python in tools.items() for result in run(tool, python, cases, folder)]
    show(results, left_out)
    print(*(f"{tool}: not installed" for tool in given.run or NAMES if tool not in tools), sep="\n")
    if given.json:
        record = {"results": [asdict(result) for result in results], "left_out": left_out}
        given.json.write_text(json.dumps(record, indent=1), "utf-8")
    missed = missed_targets(results) if OURS in tools else []
    print(*(f"MISSED: {words}" for words in missed), sep="\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
