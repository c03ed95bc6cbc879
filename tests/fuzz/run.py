"""Fuzz parsers: `python -m tests.fuzz.run TARGET… --seconds N --seed S`; without a target, all of them in turn.

Coverage guides it where atheris (3.0 or later) is installed; else the mutator works alone, guided by calls.
Inputs that break a law, the slowest one and the corpus are kept below `--out`. Ends with 1 when a law was broken.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.engines import Net, guided, load, mutated

TARGETS = tuple(sorted(path.stem for path in Path(__file__).with_name("targets").glob("[a-z]*.py")))
"""Names of all targets."""

_INSTRUMENTED = 4.0
"""How much slower code runs while its coverage is counted, at most."""

_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> int:
    """Fuzz, or replay single inputs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("atheris", "mutator"))
    parser.add_argument("--out", type=Path, default=Path("reports/fuzz"))
    parser.add_argument("--replay", type=Path, help="an input to run once, without a net")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    names = given.targets or TARGETS
    unknown = sorted(set(names) - set(TARGETS))
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    if given.replay:
        load(names[0]).one_input(given.replay.read_bytes())
        return 0
    engine = given.engine or ("atheris" if find_spec("atheris") else "mutator")
    if given.inside:
        return _inside(names[0], engine, given)
    return max([_fuzzed(name, engine, given) for name in names])


def _fuzzed(name: str, engine: str, given: argparse.Namespace) -> int:
    """Fuzz one target in a process of its own, and print what it came to."""
    folder = given.out / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("tally.json", "slowest"):
        (folder / old).unlink(missing_ok=True)
    options = [f"--seconds={given.seconds}", f"--seed={given.seed}", f"--engine={engine}", f"--out={given.out}"]
    command = [sys.executable, "-m", "tests.fuzz.run", name, "--inside", *options]
    with (folder / "log.txt").open("w+", encoding="utf-8", errors="replace") as log:
        ended = subprocess.run(command, stdout=log, stderr=log, check=False)
        log.seek(0)
        said = log.read()
    told = _COVERED.findall(said)
    try:
        tally = json.loads((folder / "tally.json").read_text())
    except (OSError, ValueError):
        print(f"{name}: no tally; see {folder / 'log.txt'}")
        return 1
    done = _DONE.search(said)
    executions = done[1] if done else tally["executions"]
    reached = "coverage {} features {} corpus {}".format(*told[-1]) if told else f"corpus +{tally['growth']}"
    print(
        f"{name}: {executions} executions, {reached}, slowest {tally['slowest_seconds']:.2f} s,"
        f" grown by {tally['peak_growth'] >> 20} MiB, {len(tally['crashes'])} kinds of crash"
        + (f", ended with {ended.returncode}" if ended.returncode else ""),
        flush=True,
    )
    for kind, file in tally["crashes"].items():
        print(f"  {kind}: {folder / file}", flush=True)
    return int(bool(tally["crashes"] or ended.returncode))


def _inside(name: str, engine: str, given: argparse.Namespace) -> int:
    folder = given.out / name
    if engine == "mutator":
        target = load(name)
        mutated(target, Net(target, folder), seed=given.seed, seconds=given.seconds)
        return 0
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    guided(
        name, lambda target: Net(target, folder, _INSTRUMENTED), seed=given.seed, seconds=given.seconds, corpus=corpus
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
