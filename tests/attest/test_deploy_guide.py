"""The guide to deploying keeps to what there is: options, levels, steps and files by their right names."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from gatekeeper import attest
from gatekeeper.admission import STEPS
from gatekeeper.attest.writing import FILES
from tests.support.signing import key_pair
from tests.support.verdicts import attestation, lay_out, verdict

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
COMMANDS = re.findall(r"gatekeeper (gate|admit|keygen)((?: [^\n`]+(?:\\\n)?)+)", GUIDE)


@pytest.mark.parametrize(("name", "words"), COMMANDS)
def test_every_option_exists(name: str, words: str) -> None:
    command = import_module(f"gatekeeper.cli.{name}").command
    known = {spelling for option in command.params for spelling in option.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", words)) <= known


def test_every_level_step_and_file_is_told() -> None:
    assert all(f"| `{level}` | {meaning} |" in GUIDE for level, meaning in attest.LEVELS.items())
    assert all(f"\n| {step} |" in GUIDE for step in STEPS)
    assert all(f"`{name}`" in GUIDE for name in FILES)


def test_manifests_are_yaml_and_their_variables_are_ours() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 2
    assert all(yaml.safe_load(block) for block in blocks)
    known = {option.envvar for option in import_module("gatekeeper.cli.admit").command.params if option.envvar}
    assert set(re.findall(r"GATEKEEPER_[A-Z_]+", GUIDE)) - set(attest.LEVELS) <= known


def test_admission_needs_few_packages(tmp_path: Path) -> None:
    """The image of the guide holds click, cryptography (with cffi) and PyYAML."""
    model = lay_out(tmp_path / "model", {"README.md": b"---\nlicense: mit\n---\n", "model.safetensors": b"x"})
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    (tmp_path / "v.jsonl").write_bytes(verdict(attestation(files)))
    _, public = key_pair("alice").write(tmp_path)
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from gatekeeper.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as leaving:\n    code = leaving.code\n"
        "files = {n.split('.')[0]: getattr(m, '__file__', '') for n, m in sys.modules.items() if n not in before}\n"
        "print(code, *(n for n, path in files.items() if 'site-packages' in (path or '')), file=sys.stderr)\n"
    )
    arguments = ["admit", str(model), "-a", str(tmp_path / "v.jsonl"), "--key", str(public)]
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    code, *modules = ran.stderr.split()
    assert code == "0", ran.stdout
    assert set(modules) <= {"click", "cryptography", "_cffi_backend", "cffi", "yaml", "_yaml"}
