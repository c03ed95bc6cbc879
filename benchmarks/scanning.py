"""One scanner over the cases of a corpus: `python -m benchmarks.scanning TOOL`, run by that tool's own interpreter.

Reads one folder a line from standard input and answers with one line of JSON each. Every case has a forked child of
its own with limits that are the same for all tools, so that imports are paid once and a crash or a bomb ends one case.
Only the standard library is imported before the tool.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

WALL_SECONDS = 40
CPU_SECONDS = 40
ADDRESS_BYTES = 8 * 2**30

Answer = tuple[str, str]
"""A word of `WORDS`, and what the tool said."""

WORDS = ("block", "review", "incomplete", "silent", "crash", "timeout")
"""High or critical; anything milder; says itself that it could not look; clean or skipped; and how a run can end."""


def gatekeeper() -> Callable[[Path], Answer]:
    """Use the public API, with a policy by which file findings alone decide."""
    from gatekeeper import checks, policy
    from gatekeeper.gate import Selection, gate

    chosen = policy.load(str(Path(__file__).with_name("files.yaml")))
    ours = Selection(only=tuple(check.id for check in checks.ALL if check.id.startswith("files/")))
    words = {"discard": "block", "escalate": "review", "audit": "review", "patch": "review", "allow": "silent"}

    def run(folder: Path) -> Answer:
        attestation = gate(str(folder), chosen, selection=ours)
        decision = attestation.verdict
        found = sorted({finding.id for finding in attestation.findings})
        gaps = sorted(
            {
                f"gap:{result.check.id}"
                for result in attestation.results
                if result.gaps and result.check.id.startswith("files/")
            }
        )
        return words[decision.action.value], " ".join((decision.action.value, decision.row, *found, *gaps))

    return run


def hayward() -> Callable[[Path], Answer]:
    """Scan every file of the folder with the scanner's own defaults."""
    library = import_module("hayward")

    def run(folder: Path) -> Answer:
        found = [finding for path in _files(folder) for finding in library.ModelFileScanner().scan_file(path)]
        grave = [finding for finding in found if finding.severity.value in ("high", "critical")]
        gaps = [finding for finding in found if library.is_coverage_gap(finding)]
        said = " ".join(sorted({finding.rule_id for finding in found}))
        if grave and any(finding not in gaps for finding in grave):
            return "block", said
        if any(finding not in gaps for finding in found):
            return "review", said
        return ("incomplete" if gaps else "silent"), said

    return run


def picklescan() -> Callable[[Path], Answer]:
    """Scan the folder as its command line does."""
    library = import_module("picklescan.scanner")

    def run(folder: Path) -> Answer:
        result = library.scan_directory_path(str(folder))
        if result.issues_count or result.infected_files:
            return "block", f"{result.issues_count} issues"
        if any(found.safety is library.SafetyLevel.Suspicious for found in result.globals):
            return "review", "suspicious globals"
        return ("incomplete" if result.scan_err else "silent"), ""

    return run


def modelscan() -> Callable[[Path], Answer]:
    """Scan the folder with the scanner's own defaults."""
    library = import_module("modelscan.modelscan")

    def run(folder: Path) -> Answer:
        result = library.ModelScan().scan(str(folder))
        counts = result["summary"]["total_issues_by_severity"]
        if counts["HIGH"] or counts["CRITICAL"]:
            return "block", str(counts)
        if result["summary"]["total_issues"]:
            return "review", str(counts)
        return ("incomplete" if result["errors"] else "silent"), str(result["errors"])[:200]

    return run


def modelaudit() -> Callable[[Path], Answer]:
    """Scan the folder as its command line does, with its reports to its makers switched off."""
    os.environ.update(PROMPTFOO_DISABLE_TELEMETRY="1", CI="1")
    library = import_module("modelaudit.core")

    def run(folder: Path) -> Answer:
        result = library.scan_model_directory_or_file(str(folder), timeout=WALL_SECONDS)
        levels = {str(getattr(issue.severity, "value", issue.severity)) for issue in result.issues}
        said = " ".join(sorted(levels))
        if levels & {"critical", "error"}:
            return "block", said
        if levels - {"debug"}:
            return "review", said
        return ("incomplete" if result.has_errors or not result.success else "silent"), said

    return run


TOOLS: dict[str, Callable[[], Callable[[Path], Answer]]] = {
    tool.__name__: tool for tool in (gatekeeper, hayward, picklescan, modelscan, modelaudit)
}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def one(run: Callable[[Path], Answer], folder: Path) -> dict[str, object]:
    """Run a tool on one case in a child of its own; give its word, its seconds (clock, CPU) and bytes of memory."""
    reading, writing = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(run, folder, writing)
    os.close(writing)
    said, late = _listen(reading, child, started + WALL_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # whatever the tool left running
    _, status, usage = os.wait4(child, 0)
    answer: dict[str, object] = {
        "seconds": round(time.perf_counter() - started, 4),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 4),
        "peak_bytes": usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
    }
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return {**answer, "word": "timeout", "said": ""}
    try:
        return {**answer, **json.loads(said)}
    except ValueError:
        return {**answer, "word": "crash", "said": f"ended with status {status}"}


def _in_child(run: Callable[[Path], Answer], folder: Path, writing: int) -> None:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    try:
        word, said = run(folder)
    except BaseException as error:  # a traceback is an answer too: "crash"
        word, said = "crash", f"{type(error).__name__}: {str(error)[:200]}"
    os.write(writing, json.dumps({"word": word, "said": said[:2_000]}).encode())
    os._exit(0)


def _listen(reading: int, child: int, deadline: float) -> tuple[bytes, bool]:
    said = b""
    with os.fdopen(reading, "rb", buffering=0) as stream:
        while True:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.perf_counter()))
            if not ready:
                return said, True
            data = stream.read(1 << 16)
            if not data:
                return said, False
            said += data
            if said.endswith(b"}"):  # the answer is one write; a tool's own children may keep the pipe open
                return said, False


def main() -> int:
    """Answer for every folder that is named."""
    run = TOOLS[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps(one(run, Path(line.rstrip("\n")))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
