"""What `gatekeeper bumps` costs beside `git diff` of the same: 2,000 changed files, with models in some and in none.

    python -m benchmarks.bumps

Whole processes are told beside the same work inside a running one, and beside what Python takes to start at all.
Exits with 1 when a process takes more than five times what git takes for the patch, or when a change without a model
takes longer than one with models.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gatekeeper.ci import bumps

FILES, RUNS = 2_000, 7
MOST = 5.0
"""A process of ours, in processes of `git diff`."""

SAME = 1.25
"""A change without models, in changes with them: no more, but for the noise of a machine."""

ROOT = Path(__file__).parents[1]
_FIRST = ("user", "order", "price", "color", "queue", "cache", "table", "event")
_SECOND = ("name", "count", "total", "state", "limit", "index")
_WORDS = (*(f"{first}_{second}" for first in _FIRST for second in _SECOND), "model")
_VOCABULARY = 12
"""Words that one file is made of: about one in four speaks of models."""

_ENDINGS = (".py",) * 9 + (".md", ".md", ".txt", ".ts", ".go", ".yaml", ".yaml", ".json", ".sh", ".toml", ".css")
_LINES = {
    ".py": "def {0}_{3}({1}, {2}):\n    return {1} + {2} * {3}\n",
    ".yaml": "{0}_{3}:\n  {1}: {2}\n  {2}: {3}\n",
    ".json": '"{0}_{3}": {{"{1}": {3}}},\n',
    ".toml": '{0}_{3} = "{1}"\n',
    ".sh": 'echo "{0}" "${1}" {3}\n',
}


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, models = (_repository(folder / each, models=each == "models") for each in ("plain", "models"))
        print(f"{FILES} changed files, medians of {RUNS} runs, turn by turn")
        ratios = {each.name: _measure(each, folder) for each in (plain, models)}
    too_slow = max(ratios["plain"][0], ratios["models"][0]) > MOST
    dearer = ratios["plain"][1] > SAME * ratios["models"][1]
    print(f"at most {MOST}: {'no' if too_slow else 'yes'}; without models no dearer: {'no' if dearer else 'yes'}")
    return int(too_slow or dearer)


def _measure(repository: Path, folder: Path) -> tuple[float, float]:
    """Time each way; give processes of ours in those of git, and the seconds of ours."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GATEKEEPER_", "PYTHON"))},
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    git = ["git", "diff", "base", "HEAD"]
    ours = [sys.executable, "-m", "gatekeeper", "bumps", "--base", "base"]
    start = [sys.executable, "-m", "gatekeeper", "--version"]
    python = [sys.executable, "-c", "pass"]
    inside: Callable[[], object] = lambda: bumps(repository, "base")  # noqa: E731 - a value among others
    ways: dict[str, Callable[[], object]] = {
        "git diff": lambda: subprocess.run(git, cwd=repository, stdout=subprocess.PIPE, check=True),
        "gatekeeper bumps": lambda: subprocess.run(ours, cwd=repository, env=environment, stdout=subprocess.PIPE),
        "  of that, start": lambda: subprocess.run(start, cwd=repository, env=environment, stdout=subprocess.PIPE),
        "    of that, Python": lambda: subprocess.run(python, cwd=repository, env=environment, stdout=subprocess.PIPE),
        "the same in a process": inside,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(RUNS + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn:  # the first compiles bytecode and warms the disk's cache
                times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(found) for name, found in times.items()}
    found = bumps(repository, "base")
    print(f"{repository.name}: {len(found.bumps)} bumps in {found.files} files read")
    for name, seconds in medians.items():
        ratio, least = seconds / medians["git diff"], min(times[name]) / min(times["git diff"])
        print(f"  {name:<24}{seconds * 1e3:9.1f} ms  {ratio:5.2f} times git diff  (the least of each: {least:.2f})")
    return medians["gatekeeper bumps"] / medians["git diff"], medians["gatekeeper bumps"]


def _repository(folder: Path, *, models: bool) -> Path:
    chance = random.Random(8)
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    paths = [folder / f"part{number % 40}" / f"file{number}{_ENDINGS[number % 20]}" for number in range(FILES)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(_text(path, chance), "utf-8")
    _commit(folder)
    _git(folder, "branch", "base")
    for number, path in enumerate(paths):
        text = path.read_text("utf-8")
        more = _LINES.get(path.suffix, "{0} {1} {2} {3}\n").format(*chance.choices(_WORDS[:-1], k=3), 10_000 + number)
        if models and path.suffix == ".py" and number % 40 == 0:
            more += f'MODEL_{number} = AutoModel.from_pretrained("acme/model-{number}", revision="v{number}")\n'
        if path.suffix == ".json":
            inner = more.rstrip(",\n")
            text, more = text.removesuffix("\n}\n"), f",\n{inner}\n}}\n"
        path.write_text(text + more, "utf-8")
    _commit(folder)
    _git(folder, "gc", "-q")  # as a clone has it
    return folder


def _text(path: Path, chance: random.Random) -> str:
    form = _LINES.get(path.suffix, "{0} {1} {2} {3}\n")
    words = chance.sample(_WORDS, _VOCABULARY)
    lines = [form.format(*chance.choices(words, k=3), number) for number in range(chance.randint(20, 160))]
    if path.suffix == ".json":
        return "{\n" + "".join(lines).rstrip(",\n") + "\n}\n"
    return "".join(lines)


def _commit(folder: Path) -> None:
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-q", "-m", "files")


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
