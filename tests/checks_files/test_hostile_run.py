"""A run over hostile files imports, runs and connects to nothing of theirs, and costs little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WATCHED = r"""
import json, sys
sys.path.insert(0, sys.argv[1])
from gatekeeper.checks.files import ALL
from tests.support import samples
from tests.support.artifacts import artifact, look, shared_scanners
made = {case: make() for case, make in {**samples.MALICIOUS, **samples.HONEST}.items()}
subject = artifact({f"{case}/{name}": data for case, (name, data) in made.items()})
look(ALL[3], artifact({"warm.pkl": samples.SYSTEM}))
[look(check, subject) for check in ALL]
subject = artifact({f"again/{case}/{name}": data for case, (name, data) in made.items()})
events = []
def hook(event, arguments):
    named = ("exec", "compile", "import", "os.system", "os.exec", "os.fork", "subprocess.Popen", "pickle.find_class",
             "marshal.loads", "ctypes.dlopen", "os.posix_spawn")
    if event in named or event.startswith(("socket.", "urllib.")):
        events.append([event, str(arguments[0])])
shared_scanners.cache_clear()  # so that the scanners are started again, and the hook hears what is started for them
sys.addaudithook(hook)
[look(check, subject) for check in ALL]
print(json.dumps(events))
"""

SCANNED = r"""
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from gatekeeper.checks.files.child import SCANNERS
from tests.support import samples
paths = []
for case, make in samples.MALICIOUS.items():
    name, data = make()
    folder = Path(sys.argv[2], case)
    folder.mkdir()
    paths.append(folder / (name if "7z" not in case else "a.bin"))
    paths[-1].write_bytes(data)
def scan():
    for scanner in SCANNERS:
        for path in paths:
            for pickle in (True, False):
                scanner.scan(path, pickle=pickle)
scan()
events = []
def hook(event, arguments):
    named = ("exec", "compile", "import", "os.system", "os.exec", "os.fork", "subprocess.Popen", "pickle.find_class",
             "marshal.loads", "ctypes.dlopen", "os.posix_spawn")
    if event in named or event.startswith(("socket.", "urllib.")):
        events.append([event, str(arguments[0])])
sys.addaudithook(hook)
scan()
print(json.dumps(events))
"""

GREEDY = r"""
import io, json, resource, sys, zipfile
sys.path.insert(0, sys.argv[1])
from gatekeeper.checks.files import ALL
from tests.support import samples
from tests.support.artifacts import artifact, look
files = {
    "laughs.pkl": samples.laughs(), "memo.pkl": samples.memo_bomb(), "marks.pkl": samples.marks(50_000),
    "deep.pkl": samples.deep(20_000),
    "flat.pt": samples.zipped({"a/data.pkl": bytes(100 * 2**20)}, zipfile.ZIP_DEFLATED),
    "nested.zip": samples.nested_zip(5, samples.zipped({"a": bytes(32 * 2**20)}, zipfile.ZIP_DEFLATED)),
}
subject = artifact(files)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
statuses = {check.id: str(look(check, subject).status) for check in ALL}
peak = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"statuses": statuses, "grew": peak[0] - before, "child": peak[1]}))
"""


def run(lines: str, *arguments: str) -> str:
    command = [sys.executable, "-c", lines, str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_nothing_of_a_hostile_file_is_imported_or_run_here() -> None:
    events = json.loads(run(WATCHED))
    started = [event for event in events if event[0] == "subprocess.Popen"]
    assert started == [["subprocess.Popen", sys.executable]] * 2  # the scanners, and 7z
    # Headers of .npy files are parsed as literals, which is announced as a compilation and runs nothing.
    others = [event for event in events if event not in started]
    assert [event for event in others if event[0] != "compile" or "fortran_order" not in event[1]] == []


def test_nothing_of_a_hostile_file_is_imported_or_run_by_the_scanners(tmp_path: Path) -> None:
    events = json.loads(run(SCANNED, str(tmp_path)))
    assert {event[0] for event in events} <= {"compile"}


def test_greedy_files_cost_little_memory() -> None:
    told = json.loads(run(GREEDY))
    units = 1024 if sys.platform == "linux" else 1
    assert told["grew"] * units < 200 * 2**20
    assert told["child"] * units < 1000 * 2**20
    assert told["statuses"]["files/scanners"] in ("fail", "unknown")
