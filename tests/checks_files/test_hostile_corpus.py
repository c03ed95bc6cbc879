"""While the whole corpus is looked at, nothing of it is imported, run, connected to or written elsewhere.

The interpreter itself tells, by an audit hook (PEP 578). The jobs of confined children run in the hooked process, so
that what the children do is seen as well; what keeps them confined is tested elsewhere. Greedy files are left out for
that reason: only a child's bounds end them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WATCHED = r"""
import importlib, json, os, pkgutil, sys, tempfile, types
from contextlib import suppress
from pathlib import Path

root, wanted = sys.argv[1], sys.argv[2].split(",")
sys.path.insert(0, root)
work = Path(os.environ["TMPDIR"])
corpus = work / "corpus"

jobs = children = 0
with suppress(ImportError):
    import gatekeeper.confined as confined

    class Here:
        "A server whose jobs run here, where the hook sees them."

        def __init__(self, entry, warm=(), **_):
            module, name = entry.split(":")
            self.entry = getattr(importlib.import_module(module), name)
            for name in warm:
                importlib.import_module(name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def start(self):
            return None

        def run(self, request, bounds, writable=None, *_, **__):
            global jobs
            jobs += 1
            answers, error, place = [], "", os.getcwd()
            try:
                self.entry(request, answers.append)
            except Exception as problem:
                error = f"{type(problem).__name__}: {problem}"
            finally:
                os.chdir(place)
            return confined.Ending(output=b"".join(answers), error=error)

    confined.Server = Here
    for part in ("gatekeeper.confined.server",):
        importlib.import_module(part).Server = Here

from gatekeeper.checks.files import ALL
from tests.support import samples
from tests.support.artifacts import artifact, folder_artifact, look
from tests.support.corpus import CASES
from tests.support.corpus.malicious import gadgets

families = {}
for case in CASES:
    if not case.missing() and not case.needs and not case.family.startswith("greedy") and case.label in wanted:
        folder = corpus / case.family / case.name
        folder.mkdir(parents=True)
        case.write(folder)
        families.setdefault(case.family, corpus / case.family)

# Parsers and scanners are imported when they are first needed: here they all are before the hook listens, by name and,
# where a library brings in more of itself at work, by samples.
for package in ("gatekeeper.checks.files", "hayward", "picklescan", "py7zr", "detect_secrets", "jinja2", "yaml"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(found.name)
for group in (samples.HONEST, samples.BROKEN, samples.MALICIOUS):
    made = {case: make() for case, make in group.items() if "bomb" not in case}
    broken = {"broken/chat_template.jinja": b"{% if %}", "broken/config.yaml": b"a: [", "broken/a.py": b"def"}
    subject = artifact({**broken, **{f"{case}/{name}": data for case, (name, data) in made.items()}})
    [look(check, subject) for check in ALL]

tables = [table for name, table in vars(gadgets).items() if name.isupper() and isinstance(table, tuple)]
named = {row[0].split(".")[0] for table in tables for row in table if isinstance(row[0], str)} - set(sys.modules)
named |= {"evil_module", "evil", "modeling", "this", "antigravity"}
events = []

def inside(path):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return True  # a descriptor, or nothing
    text = os.fsdecode(path)
    return text == os.devnull or not os.path.isabs(text) or text.startswith(str(work))

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
           "os.chown", "shutil.move", "shutil.rmtree", "shutil.copyfile", "os.utime", "os.setxattr")
RUNS = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn", "marshal.loads",
        "pickle.find_class", "ctypes.dlopen", "webbrowser.open", "sqlite3.connect", "os.putenv")

def hook(event, arguments):
    global children
    if event == "import":
        if arguments[0].split(".")[0] in named or not inside_packages(arguments[1]):
            events.append([event, str(arguments[0])])
    elif event == "exec":
        code = arguments[0]
        ours = getattr(code, "co_filename", "").startswith((sys.base_prefix, sys.prefix, root, "<frozen"))
        if not ours:
            events.append([event, getattr(code, "co_filename", "?") + ":" + getattr(code, "co_name", "?")])
    elif event == "compile":
        if arguments[1] not in ("<unknown>", None) and str(corpus) in str(arguments[1]):
            events.append([event, str(arguments[1])])
    elif event == "open":
        path, mode, flags = arguments
        if (flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)) and not inside(path):
            events.append([event, str(path)])
    elif event == "subprocess.Popen":
        children += 1
        if arguments[0] != sys.executable or "-I" not in arguments[1]:
            events.append([event, str(arguments[1])])
    elif event in CHANGES:
        if not all(inside(argument) for argument in arguments if not isinstance(argument, int)):
            events.append([event, str(arguments)])
    elif event == "marshal.loads" and sys._getframe(1).f_code.co_filename == "<frozen importlib._bootstrap_external>":
        return  # the code of a module that is imported: the import itself was judged above
    elif event in RUNS or event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        events.append([event, str(arguments)[:200]])

def inside_packages(path):
    return path is None or not str(path).startswith(str(work))

looked = jobs = 0
sys.addaudithook(hook)
for family, folder in families.items():
    os.chdir(work)
    subject = folder_artifact(folder)
    for check in ALL:
        look(check, subject)
    looked += len(subject.files)
print(json.dumps({"looked": looked, "jobs": jobs + children, "families": len(families), "events": events[:50]}))
"""


@pytest.mark.parametrize(("labels", "least"), [("malicious", 400), ("benign,broken", 120)])
def test_nothing_of_the_corpus_is_imported_run_or_written_elsewhere(tmp_path: Path, labels: str, least: int) -> None:
    command = [sys.executable, "-B", "-W", "ignore", "-c", WATCHED, str(ROOT), labels]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    told = json.loads(ran.stdout)
    assert told["looked"] >= least
    assert told["jobs"] >= 5  # something was handed to scanners, here or in children of ours
    assert told["events"] == []
