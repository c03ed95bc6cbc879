"""The house rules: who may import whom, how long a file and a function may be, and what help may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gatekeeper"
MODULES = sorted(PACKAGE.rglob("*.py"))

NOUNS = (
    "errors", "limits", "progress", "text", "parsing", "endings", "redaction", "signers", "lazy",
    "artifact", "evidence", "proportion", "remedy", "decision", "audit", "merge", "attestation", "lock", "comparison",
    "mention", "bump", "review", "population",
)  # fmt: skip
FLOOR_ONE = (
    "codec", "hashing", "signing", "tensors", "atomic", "confined", "sealed_cache", "pins", "lockfile", "populations",
    "patterns",
)  # fmt: skip
STAGES = ("sources", "checks", "compare", "policy", "patch", "attest", "report", "ci")
LINES = (
    "gate", "calibrating", "conversion", "laying", "repairing", "audit_words", "auditing", "merging", "pinning",
    "updating", "reviewing", "admission",
)  # fmt: skip
EDGES = ("cli", "demo")
HEAVY = {
    "torch", "transformers", "huggingface_hub", "cel_expr_python", "pydantic", "jinja2", "onnx", "sklearn",
    "hayward", "picklescan", "rich", "yaml", "cryptography", "numpy",
}  # fmt: skip


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The part after `gatekeeper.`: a noun, a mechanism, a stage, a line, an edge, or empty for the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


KNOWN = frozenset(dotted(module) for module in MODULES)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, also inside functions; names are resolved to modules where they are some."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            names = {f"{base}.{alias.name}" for alias in node.names}
            found.update(name if name in KNOWN else base for name in names)
    return frozenset(found)


def ours(path: Path) -> Iterator[str]:
    return (name for name in imports(path) if name.split(".")[0] == "gatekeeper")


def allowed(importer: str) -> set[str] | None:
    """Rooms that a room may import; None when it may import everything."""
    here = room(importer)
    below = {"", *NOUNS}
    if here == "":
        # The package itself hands on `pinned`, which is for whoever loads models.
        return below | ({"cli"} if importer == "gatekeeper.__main__" else {"pins"})
    if here in NOUNS:
        return {"", here, *NOUNS[: NOUNS.index(here)]}
    if here in FLOOR_ONE:
        return below | set(FLOOR_ONE)
    if here in STAGES:
        return below | set(FLOOR_ONE) | {here}
    if here in LINES:
        earlier = LINES[: LINES.index(here)]
        return below | set(FLOOR_ONE) | set(STAGES) - {"report", "ci"} | set(earlier)
    return None


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_room_imports_only_what_lies_below_it(path: Path) -> None:
    limits = allowed(dotted(path))
    if limits is None:
        return
    wrong = sorted(name for name in ours(path) if room(name) not in limits)
    assert not wrong, f"{dotted(path)} imports {wrong}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(dotted(path)) in EDGES], ids=dotted)
def test_edges_enter_a_room_by_its_front_door(path: Path) -> None:
    inside = sorted(name for name in ours(path) if room(name) in STAGES and name.count(".") > 1)
    through_rooms_of_a_room = [name for name in inside if name != "gatekeeper.checks.files"]
    assert not through_rooms_of_a_room, f"{dotted(path)} reaches into {through_rooms_of_a_room}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(dotted(path)) == "checks"], ids=dotted)
def test_a_check_knows_no_other_room_of_checks(path: Path) -> None:
    parts = dotted(path).split(".")
    if len(parts) < 4:  # the registry and the interface
        return
    # What a file is, is told by one room, and handed on at its front door.
    wrong = [
        name
        for name in ours(path)
        if name.startswith("gatekeeper.checks.")
        and name != "gatekeeper.checks.files"
        and name.split(".")[2] not in {parts[2], "check"}
    ]
    assert not wrong


def test_every_room_is_named_in_the_rules() -> None:
    rooms = {room(dotted(path)) for path in MODULES}
    assert rooms <= {"", "__main__", *NOUNS, *FLOOR_ONE, *STAGES, *LINES, *EDGES}


def test_there_are_no_circles() -> None:
    graph = {dotted(path): set(ours(path)) - {dotted(path)} for path in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module in done:
            return
        for name in sorted(graph.get(module, ())):
            visit(name, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_torch_stays_in_its_room(path: Path) -> None:
    if room(dotted(path)) != "tensors":
        assert not {"torch", "transformers", "peft", "accelerate"} & {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_files_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 80, f"{path}:{node.lineno} {node.name}"


ROOMS = sorted({".".join(dotted(path).split(".")[:2]) for path in MODULES} - {"gatekeeper.__main__"})


@pytest.mark.parametrize("name", ROOMS)
def test_importing_a_room_loads_nothing_heavy(name: str) -> None:
    script = f"import sys, {name}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {module.split(".")[0] for module in ran.stdout.split()} & HEAVY


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules in memory after a run of the command line."""
    script = (
        "import sys\n"
        "from gatekeeper.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as leaving:\n    code = leaving.code\n"
        "print('\\n'.join({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(ran.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    assert not loaded_by("--help") & HEAVY
    assert not loaded_by("gate", "--help") & HEAVY


def test_static_work_never_loads_torch_or_the_hub_client(tmp_path: Path) -> None:
    assert not loaded_by("policy", "lint") & {"torch", "transformers", "huggingface_hub"}
    assert not loaded_by("explain") & {"torch", "transformers", "huggingface_hub"}
