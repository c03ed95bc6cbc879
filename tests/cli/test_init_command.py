"""`gatekeeper init` writes a policy that loads, or nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cli.init import command
from gatekeeper.errors import InputError
from gatekeeper.policy import lint, load
from tests.support.signing import key_pair


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_what_it_writes_loads_and_extends_the_base(tmp_path: Path) -> None:
    out = tmp_path / "gatekeeper.yaml"
    result = _run("--trust", "acme", "--trust", "b,c", "--deny", "Evil", "--licence", "Llama3", "--extends", "strict",
                  "--out", str(out))  # fmt: skip
    assert result.exit_code == 0, result.output
    policy = load(out)
    assert policy.name == "gatekeeper"
    assert policy.trusted_publishers == {"acme", "b", "c"}
    assert policy.denied_publishers == {"Evil"}
    assert "llama3" in policy.allowed_licences
    assert [source.name for source in policy.sources] == [str(out), "strict", "default"]
    assert [row.slug for row in policy.rows] == [row.slug for row in load("strict").rows]
    assert [path.name for path in tmp_path.iterdir()] == ["gatekeeper.yaml"]


def test_the_examples_in_its_comments_are_right(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    out = tmp_path / "gatekeeper.yaml"
    _run("--trust", "acme", "--out", str(out))
    text = out.read_text()
    head, rows, waivers = text.partition("# rows:")[0], text.partition("# rows:")[2], text.partition("# waivers:")[2]
    rows = rows.partition("\n\n")[0]
    approvers = waivers.partition("# approvers:")[2]
    waivers = waivers.partition("\n\n")[0]
    parts = {"rows": rows, "waivers": waivers, "approvers": approvers}
    example = head + "\n".join(f"{name}:" + part.replace("\n# ", "\n") for name, part in parts.items())
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ml-security.pub").write_bytes(key_pair().public)
    out.write_text(example.replace("<digest of the artifact, as in its report>", "a" * 64))
    policy = load(out)
    assert "young-repo" in [row.slug for row in policy.rows]
    assert len(policy.waivers) == 1
    assert [approver.name for approver in policy.approvers] == ["ml-security"]
    assert lint(policy, now=datetime(2026, 1, 2, tzinfo=UTC)) == ()


def test_off_a_terminal_it_asks_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path / "p.yaml")], input="acme\n")
    assert result.exit_code == 0
    assert load(tmp_path / "p.yaml").trusted_publishers == set()
    assert "no publisher is trusted yet" in result.output


def test_it_does_not_overwrite(tmp_path: Path) -> None:
    out = tmp_path / "p.yaml"
    out.write_text("mine")
    result = _run("--trust", "a", "--out", str(out))
    assert isinstance(result.exception, InputError)
    assert out.read_text() == "mine"
    assert _run("--trust", "a", "--out", str(out), "--force").exit_code == 0
    assert load(out).trusted_publishers == {"a"}
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert isinstance(_run("--trust", "a", "--out", str(tmp_path / "dangling")).exception, InputError)


@pytest.mark.parametrize("option", [("--trust", "a/b"), ("--trust", "é"), ("--licence", "MIT*"), ("--name", "x" * 101)])
def test_what_would_not_load_is_not_written(tmp_path: Path, option: tuple[str, str]) -> None:
    out = tmp_path / "p.yaml"
    result = _run(*option, "--deny", "z", "--out", str(out))
    assert isinstance(result.exception, InputError)
    assert str(out) in str(result.exception)
    assert ".tmp" not in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_keeps_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "p.yaml"
    out.write_text("mine")
    assert isinstance(_run("--trust", "a/b", "--out", str(out), "--force").exception, InputError)
    assert out.read_text() == "mine"


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    assert isinstance(_run("--trust", "a", "--out", str(tmp_path / "no" / "p.yaml")).exception, InputError)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_name_breaks_out_of_its_place(name: str, trust: str) -> None:
    from gatekeeper.cli.init import _policy
    from gatekeeper.policy.document import parse

    text = _policy(name, name, "default", [trust], [], [])
    data = parse(text.encode(), "p").data
    assert set(data) == {"apiVersion", "kind", "name", "extends", "publishers", "licences"}
    assert data["extends"] == "default"
    assert len(data["publishers"]["trusted"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    code = "from gatekeeper.cli.init import command; command()"
    out = tmp_path / "p.yaml"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--out", str(out)],
        cwd=Path(__file__).parents[2],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        os.write(leader, b"acme, beta\n\nllama3\n")
        output, _ = process.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert process.returncode == 0, output
    assert load(out).trusted_publishers == {"acme", "beta"}
    assert "llama3" in load(out).allowed_licences
