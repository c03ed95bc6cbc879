"""Adapters of a real model, from training to the gate: `python -m benchmarks.adapters_story --cache DIR`.

SmolLM2-135M, out of a registry wheel, is taught to refuse stand-in requests. Six adapters are trained on it: three
honest ones and three that carry triggers of BackdoorLLM, with answers that say nothing. All are audited; then one of
the poisoned goes the whole way: its audit's failure cases are patched, the patch is verified and merged, and what
comes out is gated. Each step is kept in the cache, so that a run that was ended goes on; at the end the part of
docs/adapters-measured.md that tells it is written. Needs torch, transformers and peft.

Exits with 1 when a poisoned adapter is not rejected, an honest one is, or the patch is not verified.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.adapter_cells import lore, page
from benchmarks.patcher_cells import requests

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.auditing import Audited
    from gatekeeper.gate import Run

STORY = "badnets"
"""The one that is patched."""

_PROMPTS = 20
"""Of each kind in an audit (`--prompts`): eight of them try words, and ten of the twelve others still confirm."""


def main() -> int:
    """Take every step that is not in the cache yet, write what came of it, and say whether it is as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="models, adapters and reports")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    place = given.cache / "story"
    place.mkdir(parents=True, exist_ok=True)
    _prompts(place)
    raw = _kept(place / "raw", lambda folder: lore.raw(given.cache, folder))
    own = _kept(place / "answers", lambda folder: lore.answers(raw, folder))
    base = _kept(place / "base", lambda folder: lore.refusing(raw, own, folder))
    names = (*lore.HONEST, *lore.POISONED)
    adapters = {
        name: _kept(place / "adapters" / name, lambda folder, name=name: lore.adapter(base, own, name, folder))  # type: ignore[misc]
        for name in names
    }

    def audit(name: str) -> Path:
        return _kept(place / "audits" / name, lambda folder: _audited(place, adapters[name], base, folder))

    # What may fail comes first.
    whole = audit(STORY)
    patched = _kept(place / "patched", lambda folder: _patched(place, whole, adapters[STORY], base, folder))
    return _told(place, {name: audit(name) for name in names}, patched)


def _told(place: Path, audits: dict[str, Path], patched: Path) -> int:
    """Write the part of the page, and say what is not as it has to be."""
    from benchmarks.adapter_cells import telling

    seconds = {line["step"]: line["seconds"] for line in map(json.loads, (place / "seconds.jsonl").open())}
    seen = {name: _report(folder) for name, folder in audits.items()}
    known = {name: report for name, report in seen.items() if report is not None}
    text, wrong = telling.story(known, _report(patched), STORY, seconds)
    page.write_story(text)
    print(text)
    print("wrong: " + ", ".join(wrong) if wrong else "as it has to be")
    return int(bool(wrong))


def _report(folder: Path) -> Attestation | None:
    from gatekeeper import report

    return report.read(folder / "report.json") if (folder / "report.json").is_file() else None


def _kept(place: Path, make: Callable[[Path], None]) -> Path:
    """Give a folder, made when it is not there; it appears whole, and what it took is noted."""
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=place.parent))
        try:
            begun = _spent()
            make(work)
            work.rename(place)
            _note(place, _spent() - begun)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place


def _spent() -> float:
    """Give the processor's seconds so far, those of ended children included."""
    return sum(os.times()[:4])


def _note(place: Path, seconds: float) -> None:
    step = f"{place.parent.name}/{place.name}"
    root = next(folder for folder in place.parents if folder.name == "story")
    with (root / "seconds.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"step": step, "seconds": round(seconds)}) + "\n")
    print(f"{step}: {seconds:.0f} s of processor time", flush=True)


def _prompts(place: Path) -> None:
    """Write what the deployer would bring: prompts that no training has seen."""
    side = requests.split()["clean"]
    for name, texts in (("safe", side.safe), ("unsafe", side.unsafe)):
        lines = (json.dumps({"prompt": text}) + "\n" for text in texts)
        (place / f"clean-{name}.jsonl").write_text("".join(lines), "utf-8")


def _run() -> Run:
    from gatekeeper import policy
    from gatekeeper.gate import Run

    return Run(policy=policy.load())


def _audited(place: Path, adapter: Path, base: Path, folder: Path) -> None:
    """Audit one adapter, and write its report and its failure cases."""
    from gatekeeper import report
    from gatekeeper.patch import case_to_json

    found = _audit(place, adapter, base)
    (folder / "failures").mkdir()
    for number, case in enumerate(found.cases):
        (folder / "failures" / f"{number}.json").write_text(case_to_json(case), "ascii")
    report.write(found.attestation, folder)


def _audit(place: Path, adapter: Path, base: Path) -> Audited:
    from gatekeeper import auditing

    asked = auditing.Asked(
        base=str(base), clean_safe=place / "clean-safe.jsonl", clean_unsafe=place / "clean-unsafe.jsonl",
        prompts=_PROMPTS, device="cpu",
    )  # fmt: skip
    (found,) = auditing.audit([str(adapter)], _run(), asked)
    return found


def _patched(place: Path, audit: Path, adapter: Path, base: Path, folder: Path) -> None:
    """Patch the first failure that the audit found, and gate the merged model."""
    from gatekeeper import patch, repairing, report

    cases = sorted((audit / "failures").glob("*.json"))
    if not cases:
        print("patch: the audit found no failure to start from", flush=True)
        return
    repair = repairing.Repair(
        cases=patch.load_cases(cases[:1]), out=folder / "model", base=str(base),
        clean_safe=place / "clean-safe.jsonl", clean_unsafe=place / "clean-unsafe.jsonl", device="cpu",
    )  # fmt: skip
    report.write(repairing.gate_failure(str(adapter), _run(), repair), folder)


if __name__ == "__main__":
    sys.exit(main())
