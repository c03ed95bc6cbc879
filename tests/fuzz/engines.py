"""What drives a target: atheris, guided by coverage, where it is installed; else the mutator, guided by calls."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from types import CodeType, FrameType, ModuleType
from typing import Any

from tests.fuzz.laws import LawError
from tests.fuzz.mutate import MOST, Mutator

CPU_SECONDS = 2.0
"""CPU seconds that one input may take; the fuzzer's own net, on top of laws that count work."""

MEMORY_BYTES = 200 << 20
"""Bytes by which the peak memory of the process may grow over all inputs."""

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
_MOST_KEPT = 5_000
_SAVE_EVERY = 500


@dataclass
class Tally:
    """What a run came to."""

    executions: int = 0
    growth: int = 0
    """Inputs that reached something new; coverage-guided engines count them by themselves."""

    slowest_seconds: float = 0.0
    slowest: str = ""
    """Name of the saved input that took longest."""

    peak_growth: int = 0
    """Bytes by which the process grew."""

    crashes: dict[str, str] = field(default_factory=dict)
    """Kind → name of the saved input, the shortest one met."""


class Net:
    """Runs a target on inputs, tallies, and saves what breaks a law.

    Args:
        target: Module with `one_input`.
        folder: Where inputs and the tally are saved.
        patience: How often `CPU_SECONDS` may pass: instrumented code is slower than the code itself.
    """

    def __init__(self, target: ModuleType, folder: Path, patience: float = 1.0) -> None:
        self._one_input: Callable[[bytes], None] = target.one_input
        self._most_seconds = CPU_SECONDS * patience * getattr(target, "PATIENCE", 1)
        self._folder = folder
        self._base = _peak()
        self._told = MEMORY_BYTES
        self._lengths: dict[str, int] = {}
        self.tally = Tally()

    def run(self, data: bytes) -> None:
        """Run one input; no exception comes out."""
        begun = time.process_time()
        try:
            self._one_input(data)
        except Exception as error:  # all that a target raises is a broken law
            self._crashed(_kind(error), data, traceback.format_exc())
        spent = time.process_time() - begun
        tally = self.tally
        tally.executions += 1
        if spent > tally.slowest_seconds * 1.2:
            tally.slowest_seconds, tally.slowest = spent, self._save("slowest", data)
        if spent > self._most_seconds:
            self._crashed("slow", data, f"{spent:.1f} CPU seconds")
        tally.peak_growth = _peak() - self._base
        if tally.peak_growth > self._told:
            self._told = tally.peak_growth + MEMORY_BYTES // 4
            self._crashed("memory", data, f"grown by {tally.peak_growth >> 20} MiB")
        if tally.executions % _SAVE_EVERY == 0:  # atheris ends the process without a word
            self.save()

    def save(self) -> None:
        """Write the tally down."""
        (self._folder / "tally.json").write_text(json.dumps(asdict(self.tally)))

    def _crashed(self, kind: str, data: bytes, story: str) -> None:
        if len(data) < self._lengths.get(kind, MOST * 2):
            self._lengths[kind] = len(data)
            name = self._save("crash-" + hashlib.sha256(kind.encode()).hexdigest()[:8], data)
            (self._folder / f"{name}.txt").write_text(f"{kind}\n{story}")
            self.tally.crashes[kind] = name
            self.save()

    def _save(self, name: str, data: bytes) -> str:
        (self._folder / name).write_bytes(data)
        return name


def mutated(target: ModuleType, net: Net, *, seed: int, seconds: float) -> None:
    """Drive a target with the mutator alone; inputs that lead to new calls are mutated further."""
    mutator, random = Mutator(seed, target.TOKENS), Random(seed)
    corpus = _seeds(target)
    seen = _Calls()
    for data in corpus:
        seen.follow(net.run, data)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mended(target, mutator.mutate(random.choice(corpus), corpus), random)
        if seen.follow(net.run, data):
            net.tally.growth += 1
            corpus.append(data)
            if len(corpus) > _MOST_KEPT:
                del corpus[random.randrange(len(corpus))]
    net.save()


def guided(target_name: str, net_for: Callable[[ModuleType], Net], *, seed: int, seconds: int, corpus: Path) -> None:
    """Drive a target with atheris, whose mutations take turns with ours; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["gatekeeper"]):
        target = load(target_name)
    net = net_for(target)
    kept = _seeds(target)
    for number, data in enumerate(kept):
        (corpus / f"seed-{number:04d}").write_bytes(data)

    def mutate(data: bytes, most: int, chance: int) -> bytes:
        random = Random(chance)
        if random.random() < 0.5:
            data = bytes(atheris.Mutate(data, most))
        else:
            data = Mutator(chance, target.TOKENS).mutate(data, kept, most)
        return mended(target, data, random)[:most]

    options = [
        f"-seed={seed}", f"-max_total_time={seconds}", f"-max_len={MOST}", "-timeout=60", "-rss_limit_mb=2048",
        f"-artifact_prefix={corpus.parent}/", "-print_final_stats=1", "-len_control=20",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], net.run, custom_mutator=mutate)
    atheris.Fuzz()


def mended(target: ModuleType, data: bytes, random: Random) -> bytes:
    """Give an input whose outermost lengths and checksums are right in half of the cases, if the target can mend."""
    mend: Callable[[bytes], bytes] | None = getattr(target, "MEND", None)
    return mend(data) if mend is not None and random.random() < 0.5 else data


def load(name: str) -> Any:
    """Import a target."""
    from importlib import import_module

    return import_module(f"tests.fuzz.targets.{name}")


def _seeds(target: ModuleType) -> list[bytes]:
    from tests.fuzz.seeds import seeds_of  # the package is in memory then, with its coverage counted

    return seeds_of(target)


class _Calls:
    """Which function of ours has called which: coarse, and quick enough to be asked of every input."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, CodeType, int]] = set()
        self._is_new = False

    def follow(self, run: Callable[[bytes], None], data: bytes) -> bool:
        """Run, and say whether a call was met that no input before it met."""
        self._is_new = False
        sys.setprofile(self._note)
        try:
            run(data)
        finally:
            sys.setprofile(None)
        return self._is_new

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        caller = frame.f_back
        if event not in ("call", "return") or caller is None or "gatekeeper" not in frame.f_code.co_filename:
            return
        # A function is left from the line of one of its returns, which tells the ways through it apart.
        step = (caller.f_code, frame.f_code, frame.f_lineno if event == "return" else 0)
        if step not in self._seen:
            self._seen.add(step)
            self._is_new = True


def _kind(error: Exception) -> str:
    """Name an error by its class and place, a broken law by its words."""
    if isinstance(error, LawError):
        return f"law: {error.law}"
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "gatekeeper" in frame.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].name}:{ours[-1].lineno}" if ours else "the target"
    return f"{type(error).__name__} in {where}"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
