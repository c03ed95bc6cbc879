"""While hostile models are gated, nothing of them is imported or executed, and nobody but the Hub is connected to.

The interpreter itself tells: an audit hook (PEP 578) sees every import, execution, process and connection, whatever
library makes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.demo import builders
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from tests.e2e.commandline import ROOT

MARKER = "gatekeeper_hostile_marker"

WATCH = """
import json, os, sys
seen = []
KEPT = ("socket.connect", "socket.getaddrinfo", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
        "subprocess.Popen", "pty.spawn", "ctypes.dlopen", "marshal.loads", "code.__new__", "pickle.find_class")
def hook(event, arguments):
    if event in KEPT:
        seen.append([event, [repr(argument) for argument in arguments]])
    elif event == "import":
        seen.append([event, [str(arguments[0]), str(arguments[1])]])
    elif event in ("exec", "compile"):
        code = arguments[0] if event == "exec" else None
        name = getattr(code, "co_filename", None) or str(arguments[1] if len(arguments) > 1 else "")
        seen.append([event, [name]])
sys.addaudithook(hook)
from gatekeeper.cli import main
code = 3
try:
    main(sys.argv[1:])
except SystemExit as leaving:
    code = leaving.code
finally:
    with open(os.environ["SEEN"], "w") as stream:
        json.dump({"code": code, "seen": seen}, stream)
"""

HOSTILE_PY = f"open({MARKER!r}, 'w').write('ran')\n".encode()

HOSTILE: dict[str, bytes] = {
    **builders.pickled_model(),
    "config.json": builders.as_json({"auto_map": {"AutoModel": f"{MARKER}.Model"}, "model_type": "bert"}),
    f"{MARKER}.py": HOSTILE_PY,
    "setup.py": HOSTILE_PY,
    "__init__.py": HOSTILE_PY,
    "sitecustomize.py": HOSTILE_PY,
    "conftest.py": HOSTILE_PY,
    "tokenizer_config.json": builders.as_json(
        {"chat_template": "{{ cycler.__init__.__globals__.os.popen('true').read() }}"}
    ),
    "model.pkl": b"cbuiltins\neval\n(V1+1\ntR.",
}


Watched = tuple[dict[str, Any], tuple[str, str], Path]
"""What the interpreter told, the addresses of the Hub, the folder of the run."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    home = tmp_path_factory.mktemp("watched")
    repo = HubRepo.of("driftwood/hostile", HOSTILE)
    with LoopbackHub([repo]) as hub:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "HF_HOME": str(home / "hf"),
            "HF_ENDPOINT": hub.endpoint,
            "PYTHONPATH": str(ROOT),
            "SEEN": str(home / "seen.json"),
        }
        command = [sys.executable, "-c", WATCH, "gate", f"{repo.id}@{repo.head}", "--format", "json"]
        subprocess.run(command, cwd=home, env=environment, check=False, capture_output=True, timeout=120)
        return json.loads((home / "seen.json").read_text()), (hub.endpoint, hub.cdn), home


def test_the_model_is_refused(watched: Watched) -> None:
    assert watched[0]["code"] == 1


def test_only_the_hub_is_connected_to(watched: Watched) -> None:
    record, addresses, _ = watched
    ports = [address.rsplit(":", 1)[1] for address in addresses]
    connections = [arguments for event, arguments in record["seen"] if event == "socket.connect"]
    assert connections
    for _, address in connections:
        assert "127.0.0.1" in address
        assert any(port in address for port in ports)
    names = [arguments[0] for event, arguments in record["seen"] if event == "socket.getaddrinfo"]
    assert set(names) <= {"'127.0.0.1'", "b'127.0.0.1'"}


def test_no_process_is_started_but_our_own_child(watched: Watched) -> None:
    started = [(event, arguments) for event, arguments in watched[0]["seen"] if event == "subprocess.Popen"]
    assert all("gatekeeper" in arguments[1] or "child" in arguments[1] for _, arguments in started)
    assert not [event for event, _ in watched[0]["seen"] if event in {"os.system", "os.exec", "os.spawn", "pty.spawn"}]


def test_nothing_from_the_model_is_imported_or_executed(watched: Watched) -> None:
    record, _, home = watched
    cache = str(home / "hf")
    for event, arguments in record["seen"]:
        if event in {"import", "exec", "compile"}:
            assert MARKER not in arguments[0]
            assert not any(argument.startswith(cache) for argument in arguments), (event, arguments)
    assert "pickle.find_class" not in {event for event, _ in record["seen"]}
    assert not list(home.rglob(MARKER))
